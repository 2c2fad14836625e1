//! Attributes and what else of a span becomes Zipkin's tags, all of which are text.

use ferrotel::api::trace::Status;
use ferrotel::common::Value as Attribute;
use ferrotel::sdk::trace::{Event, SpanData};
use serde_json::{Map, Value};

/// The attributes of the span and of its resource, its scope, its status, and the numbers of what was dropped.
pub(crate) fn tags_of(span: &SpanData, limit: Option<usize>) -> Map<String, Value> {
    let mut tags = Map::new();
    for (key, value) in span.attributes.iter().chain(span.resource.attributes.iter()) {
        if let Some(text) = tag(value, limit) {
            tags.insert(key.as_str().to_owned(), text.into());
        }
    }
    for (name, value) in [("otel.scope.name", &span.scope.name), ("otel.scope.version", &span.scope.version)] {
        if !value.is_empty() {
            tags.insert(name.into(), value.as_str().into());
            // The old names, which the specification keeps.
            tags.insert(name.replace("scope", "library"), value.as_str().into());
        }
    }
    match &span.status {
        Status::Unset => {}
        Status::Ok => {
            tags.insert("otel.status_code".into(), "OK".into());
        }
        Status::Error(description) => {
            tags.insert("otel.status_code".into(), "ERROR".into());
            tags.insert("error".into(), description.as_deref().unwrap_or_default().into());
        }
    }
    if !matches!(span.status, Status::Error(_)) && tags.get("error").is_some_and(|error| error == "false") {
        // To Zipkin every span with such a tag has failed.
        tags.remove("error");
    }
    for (name, count) in [
        ("otel.dropped_attributes_count", span.attributes.dropped()),
        ("otel.dropped_events_count", span.events.dropped),
        ("otel.dropped_links_count", span.links.dropped),
    ] {
        if count > 0 {
            tags.insert(name.into(), count.to_string().into());
        }
    }
    tags
}

fn tag(value: &Attribute, limit: Option<usize>) -> Option<String> {
    match value {
        Attribute::Array(items) => list(items, limit),
        value => text_of(value).map(|text| cut(text, limit)),
    }
}

/// The text of a single value; none for what Zipkin can't show.
pub(crate) fn text_of(value: &Attribute) -> Option<String> {
    Some(match value {
        Attribute::Bool(value) => value.to_string(),
        Attribute::Int(value) => value.to_string(),
        Attribute::Double(value) => format!("{value:?}"),
        Attribute::String(text) => text.as_str().to_owned(),
        Attribute::BigInt(digits) => digits.to_string(),
        Attribute::Empty | Attribute::Bytes(_) | Attribute::Array(_) | Attribute::Map(_) => return None,
    })
}

/// A JSON list of texts, of as many items as fit.
fn list(items: &[Attribute], limit: Option<usize>) -> Option<String> {
    let mut kept: Vec<Value> = Vec::new();
    let mut length = 2;
    for item in items {
        let text = text_of(item);
        if text.is_none() && !matches!(item, Attribute::Empty) {
            continue;
        }
        length += text.as_ref().map_or(4, |text| text.chars().count() + 2) + usize::from(!kept.is_empty());
        if limit.is_some_and(|limit| length > limit) {
            break;
        }
        kept.push(text.into());
    }
    limit.is_none_or(|limit| limit >= 2).then(|| Value::Array(kept).to_string())
}

/// `{"name":{"key":value}}`, the keys in their order.
pub(crate) fn event_text(event: &Event, limit: Option<usize>) -> String {
    let attributes = event.attributes.iter().map(|(key, value)| {
        let value = match value {
            Attribute::String(text) => cut(text.as_str().to_owned(), limit).into(),
            value => json_of(value),
        };
        (key.as_str().to_owned(), value)
    });
    Value::Object(Map::from_iter([(event.name.as_str().to_owned(), Value::Object(attributes.collect()))])).to_string()
}

fn json_of(value: &Attribute) -> Value {
    match value {
        Attribute::Empty => Value::Null,
        Attribute::Bool(value) => (*value).into(),
        Attribute::Int(value) => (*value).into(),
        Attribute::Double(value) => (*value).into(),
        Attribute::String(text) => text.as_str().into(),
        Attribute::BigInt(digits) => digits.as_ref().into(),
        Attribute::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned().into(),
        Attribute::Array(items) => items.iter().map(json_of).collect(),
        Attribute::Map(items) => {
            Value::Object(items.iter().map(|(key, value)| (key.as_str().to_owned(), json_of(value))).collect())
        }
    }
}

fn cut(text: String, limit: Option<usize>) -> String {
    match limit {
        Some(limit) if text.len() > limit => text.chars().take(limit).collect(),
        _ => text,
    }
}
