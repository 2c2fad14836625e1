//! `ExportTraceServiceRequest`, as OTLP/JSON.
//!
//! Protobuf's JSON mapping with OTLP's differences: ids in hexadecimal, enumerations as numbers; 64-bit integers are
//! strings, fields with default values are left out.

use std::fmt::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ferrotel::api::trace::{SpanContext, Status};
use ferrotel::common::{Attributes, Scope, Value};
use ferrotel::resource::Resource;
use ferrotel::sdk::trace::{Event, FinishedSpan, Link, SpanData};

use super::group::Groups;
use super::{MAX_DEPTH, flags};

/// Encodes a batch as OTLP/JSON; the same data as [`super::traces::encode`].
///
/// ```
/// use ferrotel::sdk::trace::{FinishedSpan, SpanData};
///
/// let span = FinishedSpan::new(SpanData { name: "checkout".into(), ..SpanData::default() });
/// let json = ferrotel_otlp::encode::json::encode(&[span]);
/// assert!(std::str::from_utf8(&json)?.contains(r#""name":"checkout","kind":1"#));
/// # Ok::<(), std::str::Utf8Error>(())
/// ```
pub fn encode(batch: &[FinishedSpan]) -> Vec<u8> {
    let mut groups = Groups::default();
    groups.fill(batch);
    let mut out = Json::default();
    out.object(|out| {
        out.list("resourceSpans", &groups.resources, |out, group| {
            out.object(|out| {
                out.key("resource");
                resource(out, &group.resource);
                out.list("scopeSpans", &group.scopes, |out, group| {
                    let mut spans: Vec<_> = groups.last_to_first(group, batch).collect();
                    spans.reverse();
                    out.object(|out| {
                        out.key("scope");
                        scope(out, &group.scope);
                        out.list("spans", &spans, |out, finished| span(out, &finished.read()));
                        out.text_field("schemaUrl", &group.scope.schema_url);
                    });
                });
                out.text_field("schemaUrl", &group.resource.schema_url);
            });
        });
    });
    out.0.into_bytes()
}

fn resource(out: &mut Json, resource: &Resource) {
    out.object(|out| {
        attributes(out, &resource.attributes);
        out.count("droppedAttributesCount", resource.attributes.dropped());
    });
}

fn scope(out: &mut Json, scope: &Scope) {
    out.object(|out| {
        out.text_field("name", &scope.name);
        out.text_field("version", &scope.version);
        attributes(out, &scope.attributes);
        out.count("droppedAttributesCount", scope.attributes.dropped());
    });
}

fn span(out: &mut Json, span: &SpanData) {
    out.object(|out| {
        context(out, &span.context);
        if let Some(parent) = &span.parent {
            out.hex("parentSpanId", &parent.span_id.to_hex());
        }
        out.text_field("name", &span.name);
        out.count("kind", span.kind as u32 + 1);
        out.time("startTimeUnixNano", span.start_time.unwrap_or(0));
        out.time("endTimeUnixNano", span.end_time.unwrap_or(0));
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
        out.time("timeUnixNano", event.timestamp);
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

fn attributes(out: &mut Json, attributes: &Attributes) {
    if attributes.is_empty() {
        return;
    }
    out.key("attributes");
    out.items(attributes.iter(), |out, (key, value)| key_value(out, key, value, 0));
}

fn key_value(out: &mut Json, key: &str, value: &Value, depth: usize) {
    out.object(|out| {
        out.key("key");
        out.text(key);
        out.key("value");
        any_value(out, value, depth);
    });
}

fn any_value(out: &mut Json, value: &Value, depth: usize) {
    out.object(|out| match value {
        Value::Empty => {}
        Value::Bool(value) => {
            out.key("boolValue");
            out.0.push_str(if *value { "true" } else { "false" });
        }
        Value::Int(value) => {
            out.key("intValue");
            out.write(format_args!("\"{value}\""));
        }
        Value::Double(value) => {
            out.key("doubleValue");
            out.double(*value);
        }
        Value::String(text) => {
            out.key("stringValue");
            out.text(text);
        }
        Value::BigInt(digits) => {
            out.key("stringValue");
            out.text(digits);
        }
        Value::Bytes(bytes) => {
            out.key("bytesValue");
            out.text(&STANDARD.encode(bytes));
        }
        Value::Array(_) | Value::Map(_) if depth == MAX_DEPTH => {}
        Value::Array(items) => {
            out.key("arrayValue");
            out.object(|out| {
                out.key("values");
                out.items(items.iter(), |out, item| any_value(out, item, depth + 1));
            });
        }
        Value::Map(items) => {
            out.key("kvlistValue");
            out.object(|out| {
                out.key("values");
                out.items(items.iter(), |out, (key, item)| key_value(out, key, item, depth + 1));
            });
        }
    });
}

/// JSON text under construction. A comma is due before every member but the first of its object or list.
#[derive(Default)]
struct Json(String);

impl Json {
    fn write(&mut self, text: fmt::Arguments<'_>) {
        // A `String` takes everything.
        let _ = self.0.write_fmt(text);
    }

    fn hex(&mut self, name: &str, digits: &[u8]) {
        self.key(name);
        self.0.push('"');
        self.0.extend(digits.iter().copied().map(char::from));
        self.0.push('"');
    }

    fn object(&mut self, members: impl FnOnce(&mut Self)) {
        self.0.push('{');
        members(self);
        self.0.push('}');
    }

    fn key(&mut self, name: &str) {
        self.comma();
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    fn comma(&mut self) {
        if !self.0.ends_with(['{', '[']) {
            self.0.push(',');
        }
    }

    fn list<T>(&mut self, name: &str, items: &[T], write: impl FnMut(&mut Self, &T)) {
        if !items.is_empty() {
            self.key(name);
            self.items(items.iter(), write);
        }
    }

    fn items<T>(&mut self, items: impl Iterator<Item = T>, mut write: impl FnMut(&mut Self, T)) {
        self.0.push('[');
        for item in items {
            self.comma();
            write(self, item);
        }
        self.0.push(']');
    }

    fn text_field(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.key(name);
            self.text(text);
        }
    }

    fn count(&mut self, name: &str, value: u32) {
        if value != 0 {
            self.key(name);
            self.write(format_args!("{value}"));
        }
    }

    fn time(&mut self, name: &str, nanos: u64) {
        if nanos != 0 {
            self.key(name);
            self.write(format_args!("\"{nanos}\""));
        }
    }

    fn double(&mut self, value: f64) {
        if value.is_finite() {
            // `Debug` keeps every digit that tells two doubles apart and changes to exponents for extreme values.
            self.write(format_args!("{value:?}"));
        } else if value.is_nan() {
            self.text("NaN");
        } else {
            self.text(if value > 0.0 { "Infinity" } else { "-Infinity" });
        }
    }

    fn text(&mut self, text: &str) {
        self.0.push('"');
        let mut rest = text;
        while let Some(at) = rest.find(|c: char| c < ' ' || c == '"' || c == '\\') {
            self.0.push_str(&rest[..at]);
            match rest.as_bytes()[at] {
                b'"' => self.0.push_str("\\\""),
                b'\\' => self.0.push_str("\\\\"),
                b'\n' => self.0.push_str("\\n"),
                b'\r' => self.0.push_str("\\r"),
                b'\t' => self.0.push_str("\\t"),
                control => self.write(format_args!("\\u{control:04x}")),
            }
            rest = &rest[at + 1..];
        }
        self.0.push_str(rest);
        self.0.push('"');
    }
}
