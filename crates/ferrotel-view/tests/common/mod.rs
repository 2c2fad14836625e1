//! Requests made with the official generated messages, so that the tests do not decode with what they encode with.

#![allow(dead_code, reason = "each test program uses a part")]

pub mod logs;
pub mod metrics;

use std::path::Path;
use std::time::Duration;

use ferrotel_view::{News, Pace, ReceivedSpan, Store, Trace, decode_protobuf, proto};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span};
use prost::Message;

/// 2026-11-24 12:00:00 UTC.
pub const NOON: u64 = 1_795_521_600_000_000_000;
pub const MILLI: u64 = 1_000_000;

pub fn string(key: &str, text: &str) -> KeyValue {
    pair(key, any_value::Value::StringValue(text.to_owned()))
}

pub fn pair(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

pub fn trace_id(number: u8) -> Vec<u8> {
    let mut id = vec![0; 16];
    id[15] = number;
    id
}

pub fn span_id(number: u32) -> Vec<u8> {
    u64::from(number).to_be_bytes().to_vec()
}

/// A span of trace 1; `parent` 0 makes a root. Times are in milliseconds after noon.
pub fn span(id: u32, parent: u32, name: &str, from: u64, to: u64) -> Span {
    Span {
        trace_id: trace_id(1),
        span_id: span_id(id),
        parent_span_id: if parent == 0 { Vec::new() } else { span_id(parent) },
        name: name.to_owned(),
        kind: 1,
        start_time_unix_nano: NOON + from * MILLI,
        end_time_unix_nano: NOON + to * MILLI,
        ..Span::default()
    }
}

pub fn exception(at: u64, kind: &str, message: &str) -> span::Event {
    span::Event {
        time_unix_nano: NOON + at * MILLI,
        name: "exception".to_owned(),
        attributes: vec![
            string("exception.type", kind),
            string("exception.message", message),
            string("exception.stacktrace", &format!("Traceback:\n  File \"app.py\", line 3\n{kind}: {message}\n")),
        ],
        dropped_attributes_count: 0,
    }
}

pub fn error(message: &str) -> Option<Status> {
    Some(Status { message: message.to_owned(), code: 2 })
}

pub fn service(name: &str, spans: Vec<Span>) -> ResourceSpans {
    ResourceSpans {
        resource: Some(Resource { attributes: vec![string("service.name", name)], ..Resource::default() }),
        scope_spans: vec![ScopeSpans {
            scope: Some(InstrumentationScope {
                name: "tests".to_owned(),
                version: "1.2".to_owned(),
                ..InstrumentationScope::default()
            }),
            spans,
            schema_url: String::new(),
        }],
        schema_url: String::new(),
    }
}

pub fn request(of_services: Vec<ResourceSpans>) -> Vec<u8> {
    ExportTraceServiceRequest { resource_spans: of_services }.encode_to_vec()
}

pub fn received(of_services: Vec<ResourceSpans>) -> Vec<ReceivedSpan> {
    let received = decode_protobuf::<proto::ExportTraceServiceRequest>(&request(of_services)).expect("a valid request");
    assert_eq!(received.rejected, 0, "{:?}", received.reason);
    received.items
}

pub fn trace(of_services: Vec<ResourceSpans>) -> Trace {
    Trace::from_parts(received(of_services), Vec::new()).expect("a span")
}

pub fn take(store: &Store, quiet: Duration, timeout: Duration) -> News {
    store.take(Pace { quiet, log_wait: quiet }, timeout)
}

/// Compares text with a file in `snapshots/`. `UPDATE_SNAPSHOTS=1` writes them anew.
pub fn compare(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, text).expect("the snapshot can be written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "\n--- now:\n{text}\n--- {}:\n{expected}", path.display());
}
