//! `ExportTraceServiceRequest`, as protobuf.

use ferrotel::api::trace::{Status, TraceState};
use ferrotel::sdk::trace::{Event, FinishedSpan, Link, SpanData};

use super::flags;
use super::group::Groups;
use super::origin::grouped;
use super::value::attributes;
use super::wire::Writer;

/// Encodes a batch as the bytes of an `ExportTraceServiceRequest` (OTLP 1.x, `opentelemetry.proto.collector.trace.v1`).
///
/// Spans are grouped by resource, then by scope. For one batch after another, an [`Encoder`] keeps its memory.
///
/// ```
/// use ferrotel::sdk::trace::{FinishedSpan, SpanData};
///
/// let span = FinishedSpan::new(SpanData { name: "checkout".into(), ..SpanData::default() });
/// let bytes = ferrotel_otlp::encode::traces::encode(&[span]);
/// assert!(bytes.windows(8).any(|window| window == b"checkout"));
/// ```
pub fn encode(batch: &[FinishedSpan]) -> Vec<u8> {
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
    pub fn encode(&mut self, batch: &[FinishedSpan]) -> &[u8] {
        let Encoder { out, groups } = self;
        out.begin();
        grouped(out, groups, batch, |out, finished| span(out, &finished.read()));
        out.written()
    }
}

fn span(out: &mut Writer, span: &SpanData) {
    out.array(flags(span.parent.as_ref()).to_le_bytes());
    out.array([0x85, 0x01]);
    status(out, &span.status);
    out.count(0x70, span.links.dropped);
    for item in span.links.items.iter().rev() {
        link(out, item);
    }
    out.count(0x60, span.events.dropped);
    for item in span.events.items.iter().rev() {
        event(out, item);
    }
    out.count(0x50, span.attributes.dropped());
    attributes(out, 0x4a, &span.attributes);
    out.fixed64(0x41, span.end_time.unwrap_or(0));
    out.fixed64(0x39, span.start_time.unwrap_or(0));
    out.array([0x30, span.kind as u8 + 1]);
    out.text(0x2a, &span.name);
    if let Some(parent) = &span.parent {
        out.array(parent.span_id.to_bytes());
        out.array([0x22, 8]);
    }
    trace_state(out, &span.context.trace_state);
    let ids = out.room(28);
    ids[..2].copy_from_slice(&[0x0a, 16]);
    ids[2..18].copy_from_slice(&span.context.trace_id.to_bytes());
    ids[18..20].copy_from_slice(&[0x12, 8]);
    ids[20..].copy_from_slice(&span.context.span_id.to_bytes());
}

#[inline]
fn status(out: &mut Writer, status: &Status) {
    if *status == Status::Unset {
        return out.array([0x7a, 0]);
    }
    let before = out.len();
    out.array([0x18, status.code()]);
    if let Status::Error(Some(description)) = status {
        out.text(0x12, description);
    }
    out.close(0x7a, before);
}

fn event(out: &mut Writer, event: &Event) {
    let before = out.len();
    out.count(0x20, event.attributes.dropped());
    attributes(out, 0x1a, &event.attributes);
    out.text(0x12, &event.name);
    out.fixed64(0x09, event.timestamp);
    out.close(0x5a, before);
}

fn link(out: &mut Writer, link: &Link) {
    let before = out.len();
    out.array(flags(Some(&link.context)).to_le_bytes());
    out.array([0x35]);
    out.count(0x28, link.attributes.dropped());
    attributes(out, 0x22, &link.attributes);
    trace_state(out, &link.context.trace_state);
    out.array(link.context.span_id.to_bytes());
    out.array([0x12, 8]);
    out.array(link.context.trace_id.to_bytes());
    out.array([0x0a, 16]);
    out.close(0x6a, before);
}

#[inline]
fn trace_state(out: &mut Writer, state: &TraceState) {
    if state.is_empty() {
        return;
    }
    let before = out.len();
    for (at, (key, value)) in state.entries().iter().enumerate().rev() {
        out.bytes(value.as_bytes());
        out.array([b'=']);
        out.bytes(key.as_bytes());
        if at > 0 {
            out.array([b',']);
        }
    }
    out.close(0x1a, before);
}
