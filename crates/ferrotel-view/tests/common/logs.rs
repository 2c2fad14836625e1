//! Log records as the official generated messages have them.

use ferrotel_view::{ReceivedLog, decode_protobuf, proto};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::{MILLI, NOON, span_id, string, trace_id};

/// A record outside any trace, `milli` milliseconds after noon.
pub fn log_record(milli: u64, severity: i32, body: &str) -> LogRecord {
    LogRecord {
        time_unix_nano: NOON + milli * MILLI,
        severity_number: severity,
        body: Some(AnyValue { value: Some(any_value::Value::StringValue(body.to_owned())) }),
        ..LogRecord::default()
    }
}

/// The same within a span of a sampled trace; span 0 is none.
pub fn log_in(trace: u8, span: u32, milli: u64, severity: i32, body: &str) -> LogRecord {
    LogRecord {
        trace_id: trace_id(trace),
        span_id: if span == 0 { Vec::new() } else { span_id(span) },
        flags: 1,
        ..log_record(milli, severity, body)
    }
}

pub fn logs_of(service: &str, log_records: Vec<LogRecord>) -> ResourceLogs {
    ResourceLogs {
        resource: Some(Resource { attributes: vec![string("service.name", service)], ..Resource::default() }),
        scope_logs: vec![ScopeLogs {
            scope: Some(InstrumentationScope { name: "tests".to_owned(), ..InstrumentationScope::default() }),
            log_records,
            schema_url: String::new(),
        }],
        schema_url: String::new(),
    }
}

pub fn logs_request(of_services: Vec<ResourceLogs>) -> Vec<u8> {
    ExportLogsServiceRequest { resource_logs: of_services }.encode_to_vec()
}

pub fn logs(of_services: Vec<ResourceLogs>) -> Vec<ReceivedLog> {
    let request = logs_request(of_services);
    let received = decode_protobuf::<proto::ExportLogsServiceRequest>(&request).expect("a valid request");
    assert_eq!(received.rejected, 0, "{:?}", received.reason);
    received.items
}
