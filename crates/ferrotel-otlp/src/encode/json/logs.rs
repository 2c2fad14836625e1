//! `ExportLogsServiceRequest`, as OTLP/JSON.

use ferrotel::common::Value;
use ferrotel::sdk::logs::{FinishedLogRecord, LogRecordData};

use super::{Json, Names, any_value, attributes, grouped};

/// Encodes a batch as OTLP/JSON; the same data as [`encode::logs`](crate::encode::logs::encode).
///
/// ```
/// use ferrotel::sdk::logs::{FinishedLogRecord, LogRecordData};
///
/// let record = FinishedLogRecord::new(LogRecordData { body: "sold out".into(), ..LogRecordData::default() });
/// let json = ferrotel_otlp::encode::json::logs::encode(&[record]);
/// assert!(std::str::from_utf8(&json)?.contains(r#""body":{"stringValue":"sold out"}"#));
/// # Ok::<(), std::str::Utf8Error>(())
/// ```
pub fn encode(batch: &[FinishedLogRecord]) -> Vec<u8> {
    let names = Names { resources: "resourceLogs", scopes: "scopeLogs", items: "logRecords" };
    grouped(&names, batch, |out, finished| record(out, finished))
}

fn record(out: &mut Json, record: &LogRecordData) {
    out.object(|out| {
        out.long("timeUnixNano", record.timestamp);
        out.long("observedTimeUnixNano", record.observed_timestamp);
        out.signed("severityNumber", record.severity_number);
        out.text_field("severityText", &record.severity_text);
        if record.body != Value::Empty {
            out.key("body");
            any_value(out, &record.body, 0);
        }
        attributes(out, &record.attributes);
        out.count("droppedAttributesCount", record.attributes.dropped());
        out.count("flags", record.trace_flags.0.into());
        if record.trace_id.is_valid() {
            out.hex("traceId", &record.trace_id.to_hex());
        }
        if record.span_id.is_valid() {
            out.hex("spanId", &record.span_id.to_hex());
        }
        out.text_field("eventName", &record.event_name);
    });
}
