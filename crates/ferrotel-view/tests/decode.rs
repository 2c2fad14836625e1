//! Bytes to spans: both formats, and what is wrong with them.

mod common;

use common::{NOON, exception, pair, request, service, span, span_id, string, trace_id};
use ferrotel_view::proto::{ExportTraceServiceRequest, Value};
use ferrotel_view::{DecodeError, Protocol, Received, ReceivedSpan, Signal};
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValueList, any_value};
use opentelemetry_proto::tonic::trace::v1::{Status, span::Link};
use proptest::prelude::*;

fn decode_protobuf(bytes: &[u8]) -> Result<Received<ReceivedSpan>, DecodeError> {
    ferrotel_view::decode_protobuf::<ExportTraceServiceRequest>(bytes)
}

fn decode_json(bytes: &[u8]) -> Result<Received<ReceivedSpan>, DecodeError> {
    ferrotel_view::decode_json::<ExportTraceServiceRequest>(bytes)
}

#[test]
fn every_field_of_a_span_is_read() {
    let mut sent = span(7, 3, "GET /users/{id}", 0, 5);
    sent.kind = 2;
    sent.trace_state = "vendor=1".to_owned();
    sent.flags = 0x301;
    sent.attributes = vec![
        pair("int", any_value::Value::IntValue(-5)),
        pair("double", any_value::Value::DoubleValue(1.5)),
        pair("bool", any_value::Value::BoolValue(true)),
        pair("bytes", any_value::Value::BytesValue(vec![0, 255])),
        pair(
            "list",
            any_value::Value::ArrayValue(ArrayValue {
                values: vec![AnyValue { value: Some(any_value::Value::StringValue("x".to_owned())) }],
            }),
        ),
        pair("map", any_value::Value::KvlistValue(KeyValueList { values: vec![string("k", "v")] })),
    ];
    sent.dropped_attributes_count = 4;
    sent.events = vec![exception(2, "ValueError", "no")];
    sent.dropped_events_count = 5;
    sent.links = vec![Link {
        trace_id: trace_id(9),
        span_id: span_id(8),
        trace_state: "a=b".to_owned(),
        attributes: vec![string("why", "batch")],
        dropped_attributes_count: 1,
        flags: 1,
    }];
    sent.dropped_links_count = 6;
    sent.status = Some(Status { message: "bad".to_owned(), code: 2 });
    let mut of_service = service("shop", vec![sent]);
    of_service.schema_url = "https://example.test/resource".to_owned();
    of_service.scope_spans[0].schema_url = "https://example.test/scope".to_owned();

    let received = decode_protobuf(&request(vec![of_service])).expect("valid");
    let [one] = received.items.as_slice() else { panic!("one span") };
    assert_eq!(one.trace_id.as_slice(), trace_id(1));
    assert_eq!(one.span_id.as_slice(), span_id(7));
    assert_eq!(one.parent_span_id.expect("a parent").as_slice(), span_id(3));
    let got = &one.span;
    assert_eq!(
        (got.name.as_str(), got.kind, got.trace_state.as_str(), got.flags),
        ("GET /users/{id}", 2, "vendor=1", 0x301)
    );
    assert_eq!((got.start_time_unix_nano, got.end_time_unix_nano), (NOON, NOON + 5_000_000));
    let value = |at: usize| got.attributes[at].value.clone().and_then(|any| any.value).expect("a value");
    assert_eq!(value(0), Value::Int(-5));
    assert_eq!(value(1), Value::Double(1.5));
    assert_eq!(value(2), Value::Bool(true));
    assert_eq!(value(3), Value::Bytes(vec![0, 255]));
    let Value::Array(list) = value(4) else { panic!("a list") };
    assert_eq!(list.values[0].value, Some(Value::String("x".to_owned())));
    let Value::Kvlist(map) = value(5) else { panic!("a map") };
    assert_eq!(map.values[0].key, "k");
    assert_eq!((got.dropped_attributes_count, got.dropped_events_count, got.dropped_links_count), (4, 5, 6));
    assert_eq!((got.events[0].name.as_str(), got.events[0].time_unix_nano), ("exception", NOON + 2_000_000));
    assert_eq!(got.events[0].attributes.len(), 3);
    assert_eq!((got.links[0].trace_id.clone(), got.links[0].span_id.clone()), (trace_id(9), span_id(8)));
    assert_eq!((got.links[0].trace_state.as_str(), got.links[0].flags), ("a=b", 1));
    assert_eq!(got.status.as_ref().map(|status| (status.code, status.message.as_str())), Some((2, "bad")));
    let origin = &one.origin;
    assert_eq!(
        (origin.service_name(), origin.scope.name.as_str(), origin.scope.version.as_str()),
        ("shop", "tests", "1.2")
    );
    assert_eq!(origin.producer.schema_url, "https://example.test/resource");
    assert_eq!(origin.schema_url, "https://example.test/scope");
    assert_eq!(origin.protocol, Protocol::HttpProtobuf);
}

#[test]
fn both_formats_give_the_same_spans() {
    let json = br#"{"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
        "scopeSpans": [{"scope": {"name": "tests", "version": "1.2"}, "spans": [{
            "traceId": "00000000000000000000000000000001", "spanId": "0000000000000007", "parentSpanId": "",
            "name": "work", "kind": 1, "unknownKey": {"deep": [1, 2]},
            "startTimeUnixNano": "1795521600000000000", "endTimeUnixNano": 1795521600005000000,
            "attributes": [
                {"key": "int", "value": {"intValue": "-5"}},
                {"key": "nan", "value": {"doubleValue": "Infinity"}},
                {"key": "bytes", "value": {"bytesValue": "AP8="}},
                {"key": "empty", "value": {}},
                {"key": "list", "value": {"arrayValue": {"values": [{"boolValue": false}]}}}
            ],
            "status": {}, "events": null
        }]}]
    }]}"#;
    let from_json = decode_json(json).expect("valid");
    let mut sent = span(7, 0, "work", 0, 5);
    sent.attributes = vec![
        pair("int", any_value::Value::IntValue(-5)),
        pair("nan", any_value::Value::DoubleValue(f64::INFINITY)),
        pair("bytes", any_value::Value::BytesValue(vec![0, 255])),
        string("empty", ""),
        pair(
            "list",
            any_value::Value::ArrayValue(ArrayValue {
                values: vec![AnyValue { value: Some(any_value::Value::BoolValue(false)) }],
            }),
        ),
    ];
    sent.attributes[3].value = Some(AnyValue { value: None });
    sent.status = Some(Status::default());
    let from_protobuf = decode_protobuf(&request(vec![service("shop", vec![sent])])).expect("valid");
    assert_eq!(from_json.items[0].span, from_protobuf.items[0].span);
    assert_eq!(from_json.items[0].origin.producer, from_protobuf.items[0].origin.producer);
    assert_eq!(from_json.items[0].origin.scope, from_protobuf.items[0].origin.scope);
    assert_eq!(from_json.items[0].origin.protocol, Protocol::HttpJson);
}

#[test]
fn a_span_with_a_bad_identifier_is_refused_and_the_others_kept() {
    let mut short = span(1, 0, "short", 0, 1);
    short.trace_id = vec![1; 15];
    let mut zero = span(2, 0, "zero", 0, 1);
    zero.span_id = vec![0; 8];
    let mut odd_parent = span(3, 0, "odd parent", 0, 1);
    odd_parent.parent_span_id = vec![1, 2, 3];
    let mut zero_parent = span(4, 0, "zero parent", 0, 1);
    zero_parent.parent_span_id = vec![0; 8];
    let spans = vec![short, zero, odd_parent, zero_parent];
    let received = decode_protobuf(&request(vec![service("shop", spans)])).expect("valid");
    assert_eq!(received.items.iter().map(|one| one.span.name.as_str()).collect::<Vec<_>>(), ["zero parent"]);
    assert_eq!(received.items[0].parent_span_id, None);
    let partial = received.response(Signal::Traces).partial_success.expect("a partial success");
    assert_eq!(partial.rejected, 3);
    assert_eq!(
        partial.error_message,
        "spans were refused, the first because its trace_id has 15 bytes where 16 are required"
    );
}

#[test]
fn nothing_refused_means_an_empty_answer() {
    let received = decode_protobuf(&request(vec![service("shop", vec![span(1, 0, "a", 0, 1)])])).expect("valid");
    assert_eq!(received.response(Signal::Traces).partial_success, None);
    assert!(decode_protobuf(b"").expect("an empty request is valid").items.is_empty());
    assert!(decode_json(b"{}").expect("an empty request is valid").items.is_empty());
}

#[test]
fn broken_protobuf_is_an_error() {
    let whole = request(vec![service("shop", vec![span(1, 0, "a", 0, 1)])]);
    let error = decode_protobuf(&whole[..whole.len() - 3]).expect_err("cut short");
    assert!(error.to_string().starts_with("the body is not an OTLP request of traces in protobuf: "), "{error}");
    let mut not_text = span(1, 0, "name", 0, 1);
    not_text.name = "????".to_owned();
    let mut bytes = request(vec![service("shop", vec![not_text])]);
    let at = bytes.windows(4).position(|four| four == b"????").expect("the name");
    bytes[at] = 0xff;
    assert!(decode_protobuf(&bytes).is_err());
}

#[test]
fn errors_in_json_name_the_field() {
    let cases: &[(&str, &str)] = &[
        ("[]", "an object is required"),
        (r#"{"resourceSpans": {}}"#, "resourceSpans: a list is required"),
        (r#"{"resourceSpans": [{"scopeSpans": [1]}]}"#, "resourceSpans[0].scopeSpans[0]: an object is required"),
        (
            r#"{"resourceSpans": [{"scopeSpans": [{"spans": [{}, {"traceId": "xy"}]}]}]}"#,
            "resourceSpans[0].scopeSpans[0].spans[1].traceId: hexadecimal digits are required",
        ),
        (
            r#"{"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": "-1"}]}]}]}"#,
            "resourceSpans[0].scopeSpans[0].spans[0].startTimeUnixNano: a whole number in range is required",
        ),
        (
            r#"{"resourceSpans": [{"resource": {"attributes": [{"value": {"bytesValue": "*"}}]}}]}"#,
            "resourceSpans[0].resource.attributes[0].value.bytesValue: not base64",
        ),
    ];
    for (body, expected) in cases {
        let error = decode_json(body.as_bytes()).expect_err(body);
        assert_eq!(error.to_string(), format!("the body is not an OTLP request of traces in JSON: {expected}"));
    }
    assert!(decode_json(b"{").expect_err("cut short").to_string().starts_with("the body is not JSON: "));
}

#[test]
fn values_nested_without_end_are_refused() {
    let mut value = AnyValue { value: Some(any_value::Value::IntValue(1)) };
    for _ in 0..1_000 {
        value = AnyValue { value: Some(any_value::Value::ArrayValue(ArrayValue { values: vec![value] })) };
    }
    let mut deep = span(1, 0, "deep", 0, 1);
    deep.attributes = vec![string("deep", "")];
    deep.attributes[0].value = Some(value);
    assert!(decode_protobuf(&request(vec![service("shop", vec![deep])])).is_err());
    assert!(decode_json("[".repeat(100_000).as_bytes()).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode_protobuf(&bytes);
        let _ = decode_json(&bytes);
    }

    #[test]
    fn a_damaged_request_is_answered(at in 0_usize..200, byte in any::<u8>()) {
        let mut sent = span(1, 2, "work", 0, 5);
        sent.events = vec![exception(2, "ValueError", "no")];
        let mut bytes = request(vec![service("shop", vec![sent])]);
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = decode_protobuf(&bytes);
    }
}
