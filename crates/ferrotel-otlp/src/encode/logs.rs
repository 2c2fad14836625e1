//! `ExportLogsServiceRequest`, as protobuf.

use ferrotel::sdk::logs::{FinishedLogRecord, LogRecordData};

use super::group::Groups;
use super::origin::grouped;
use super::value::{any_value, attributes};
use super::wire::Writer;

/// Encodes a batch as the bytes of an `ExportLogsServiceRequest` (OTLP 1.x, `opentelemetry.proto.collector.logs.v1`).
///
/// Records are grouped by resource, then by scope. For one batch after another, an [`Encoder`] keeps its memory.
///
/// ```
/// use ferrotel::sdk::logs::{FinishedLogRecord, LogRecordData};
///
/// let record = FinishedLogRecord::new(LogRecordData { body: "sold out".into(), ..LogRecordData::default() });
/// let bytes = ferrotel_otlp::encode::logs::encode(&[record]);
/// assert!(bytes.windows(8).any(|window| window == b"sold out"));
/// ```
pub fn encode(batch: &[FinishedLogRecord]) -> Vec<u8> {
    Encoder::default().encode(batch).to_vec()
}

/// Encodes one batch after another in the same memory.
#[derive(Default)]
pub struct Encoder {
    out: Writer,
    groups: Groups,
}

impl Encoder {
    /// See [`encode`]. The bytes are valid until the next batch.
    pub fn encode(&mut self, batch: &[FinishedLogRecord]) -> &[u8] {
        let Encoder { out, groups } = self;
        out.begin();
        grouped(out, groups, batch, |out, finished| record(out, finished));
        out.written()
    }
}

fn record(out: &mut Writer, record: &LogRecordData) {
    out.text(0x62, &record.event_name);
    out.fixed64(0x59, record.observed_timestamp);
    if record.span_id.is_valid() {
        out.array(record.span_id.to_bytes());
        out.array([0x52, 8]);
    }
    if record.trace_id.is_valid() {
        out.array(record.trace_id.to_bytes());
        out.array([0x4a, 16]);
    }
    if record.trace_flags.0 != 0 {
        out.array(u32::from(record.trace_flags.0).to_le_bytes());
        out.array([0x45]);
    }
    out.count(0x38, record.attributes.dropped());
    attributes(out, 0x32, &record.attributes);
    any_value(out, 0x2a, &record.body, 0);
    out.text(0x1a, &record.severity_text);
    if record.severity_number != 0 {
        out.varint(i64::from(record.severity_number) as u64);
        out.array([0x10]);
    }
    out.fixed64(0x09, record.timestamp);
}
