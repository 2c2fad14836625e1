//! A request of traces.

use serde_json::Value as Json;

use super::{Object, hexadecimal, key_value, list, message, number, request, resource, scope, text};
use crate::proto::{Event, ExportTraceServiceRequest, Link, ResourceSpans, ScopeSpans, Span, Status};

pub(crate) fn export_trace(document: &Json) -> Result<ExportTraceServiceRequest, String> {
    Ok(ExportTraceServiceRequest { resource_spans: request(document, "resourceSpans", resource_spans)? })
}

fn resource_spans(object: &Object) -> Result<ResourceSpans, String> {
    Ok(ResourceSpans {
        resource: resource(object)?,
        scope_spans: list(object, "scopeSpans", scope_spans)?,
        schema_url: text(object, "schemaUrl")?,
    })
}

fn scope_spans(object: &Object) -> Result<ScopeSpans, String> {
    Ok(ScopeSpans {
        scope: scope(object)?,
        spans: list(object, "spans", span)?,
        schema_url: text(object, "schemaUrl")?,
    })
}

fn span(object: &Object) -> Result<Span, String> {
    Ok(Span {
        trace_id: hexadecimal(object, "traceId")?,
        span_id: hexadecimal(object, "spanId")?,
        trace_state: text(object, "traceState")?,
        parent_span_id: hexadecimal(object, "parentSpanId")?,
        name: text(object, "name")?,
        kind: number(object, "kind")?,
        start_time_unix_nano: number(object, "startTimeUnixNano")?,
        end_time_unix_nano: number(object, "endTimeUnixNano")?,
        attributes: list(object, "attributes", key_value)?,
        dropped_attributes_count: number(object, "droppedAttributesCount")?,
        events: list(object, "events", event)?,
        dropped_events_count: number(object, "droppedEventsCount")?,
        links: list(object, "links", link)?,
        dropped_links_count: number(object, "droppedLinksCount")?,
        status: message(object, "status", |status| {
            Ok(Status { message: text(status, "message")?, code: number(status, "code")? })
        })?,
        flags: number(object, "flags")?,
    })
}

fn event(object: &Object) -> Result<Event, String> {
    Ok(Event {
        time_unix_nano: number(object, "timeUnixNano")?,
        name: text(object, "name")?,
        attributes: list(object, "attributes", key_value)?,
        dropped_attributes_count: number(object, "droppedAttributesCount")?,
    })
}

fn link(object: &Object) -> Result<Link, String> {
    Ok(Link {
        trace_id: hexadecimal(object, "traceId")?,
        span_id: hexadecimal(object, "spanId")?,
        trace_state: text(object, "traceState")?,
        attributes: list(object, "attributes", key_value)?,
        dropped_attributes_count: number(object, "droppedAttributesCount")?,
        flags: number(object, "flags")?,
    })
}
