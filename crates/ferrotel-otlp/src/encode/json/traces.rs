//! `ExportTraceServiceRequest`, as OTLP/JSON.

use ferrotel::api::trace::{SpanContext, Status};
use ferrotel::sdk::trace::{Event, FinishedSpan, Link, SpanData};

use super::super::flags;
use super::{Json, Names, attributes, grouped};

/// Encodes a batch as OTLP/JSON; the same data as [`encode::traces`](crate::encode::traces::encode).
///
/// ```
/// use ferrotel::sdk::trace::{FinishedSpan, SpanData};
///
/// let span = FinishedSpan::new(SpanData { name: "checkout".into(), ..SpanData::default() });
/// let json = ferrotel_otlp::encode::json::traces::encode(&[span]);
/// assert!(std::str::from_utf8(&json)?.contains(r#""name":"checkout","kind":1"#));
/// # Ok::<(), std::str::Utf8Error>(())
/// ```
pub fn encode(batch: &[FinishedSpan]) -> Vec<u8> {
    let names = Names { resources: "resourceSpans", scopes: "scopeSpans", items: "spans" };
    grouped(&names, batch, |out, finished| span(out, &finished.read()))
}

fn span(out: &mut Json, span: &SpanData) {
    out.object(|out| {
        context(out, &span.context);
        if let Some(parent) = &span.parent {
            out.hex("parentSpanId", &parent.span_id.to_hex());
        }
        out.text_field("name", &span.name);
        out.count("kind", span.kind as u32 + 1);
        out.long("startTimeUnixNano", span.start_time.unwrap_or(0));
        out.long("endTimeUnixNano", span.end_time.unwrap_or(0));
        attributes(out, &span.attributes);
        out.count("droppedAttributesCount", span.attributes.dropped());
        out.list("events", &span.events.items, event);
        out.count("droppedEventsCount", span.events.dropped);
        out.list("links", &span.links.items, link);
        out.count("droppedLinksCount", span.links.dropped);
        out.key("status");
        status(out, &span.status);
        out.count("flags", flags(span.parent.as_ref()));
    });
}

fn context(out: &mut Json, context: &SpanContext) {
    out.hex("traceId", &context.trace_id.to_hex());
    out.hex("spanId", &context.span_id.to_hex());
    if !context.trace_state.is_empty() {
        out.text_field("traceState", &context.trace_state.to_header());
    }
}

fn status(out: &mut Json, status: &Status) {
    out.object(|out| {
        if let Status::Error(Some(description)) = status {
            out.text_field("message", description);
        }
        out.count("code", status.code().into());
    });
}

fn event(out: &mut Json, event: &Event) {
    out.object(|out| {
        out.long("timeUnixNano", event.timestamp);
        out.text_field("name", &event.name);
        attributes(out, &event.attributes);
        out.count("droppedAttributesCount", event.attributes.dropped());
    });
}

fn link(out: &mut Json, link: &Link) {
    out.object(|out| {
        context(out, &link.context);
        attributes(out, &link.attributes);
        out.count("droppedAttributesCount", link.attributes.dropped());
        out.count("flags", flags(Some(&link.context)));
    });
}
