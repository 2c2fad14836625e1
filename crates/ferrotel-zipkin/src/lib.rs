//! Spans as Zipkin's JSON, version 2 (specification: "OpenTelemetry to Zipkin Transformation").
//!
//! ```
//! use ferrotel::sdk::trace::{FinishedSpan, SpanData};
//! use ferrotel_zipkin::{LocalEndpoint, encode};
//!
//! let span = FinishedSpan::new(SpanData { name: "checkout".into(), ..SpanData::default() });
//! let json = encode(&[span], &LocalEndpoint::default(), None);
//! assert!(std::str::from_utf8(&json)?.contains(r#""name":"checkout""#));
//! # Ok::<(), std::str::Utf8Error>(())
//! ```

mod tags;

use ferrotel::api::trace::SpanKind;
use ferrotel::common::{Attributes, Value as Attribute};
use ferrotel::sdk::trace::{FinishedSpan, SpanData};
use serde_json::{Map, Value, json};

use crate::tags::{event_text, tags_of, text_of};

/// The network context of the process; its service is the one in the resource of each span.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalEndpoint {
    /// The name where a span's resource has no `service.name`.
    pub service_name: String,
    /// The primary IPv4 address.
    pub ipv4: Option<String>,
    /// The primary IPv6 address.
    pub ipv6: Option<String>,
    /// The port that the process listens on.
    pub port: Option<u16>,
}

/// A JSON list of the spans. Values of tags are cut to `max_tag_value_length` characters, lists of them between two items.
#[must_use]
pub fn encode(batch: &[FinishedSpan], local: &LocalEndpoint, max_tag_value_length: Option<usize>) -> Vec<u8> {
    let spans = batch.iter().map(|finished| span(&finished.read(), local, max_tag_value_length)).collect();
    Value::Array(spans).to_string().into_bytes()
}

fn span(span: &SpanData, local: &LocalEndpoint, limit: Option<usize>) -> Value {
    let start = span.start_time.unwrap_or(0);
    let mut encoded = Map::new();
    encoded.insert("traceId".into(), span.context.trace_id.to_string().into());
    encoded.insert("id".into(), span.context.span_id.to_string().into());
    if let Some(parent) = &span.parent {
        encoded.insert("parentId".into(), parent.span_id.to_string().into());
    }
    encoded.insert("name".into(), span.name.as_str().into());
    encoded.insert("timestamp".into(), micros(start).into());
    encoded.insert("duration".into(), micros(span.end_time.unwrap_or(start).saturating_sub(start)).into());
    encoded.insert("localEndpoint".into(), local_endpoint(span, local));
    let kind = match span.kind {
        SpanKind::Internal => None,
        SpanKind::Server => Some("SERVER"),
        SpanKind::Client => Some("CLIENT"),
        SpanKind::Producer => Some("PRODUCER"),
        SpanKind::Consumer => Some("CONSUMER"),
    };
    if let Some(kind) = kind {
        encoded.insert("kind".into(), kind.into());
    }
    if matches!(span.kind, SpanKind::Client | SpanKind::Producer)
        && let Some(remote) = remote_endpoint(&span.attributes)
    {
        encoded.insert("remoteEndpoint".into(), remote);
    }
    let tags = tags_of(span, limit);
    if !tags.is_empty() {
        encoded.insert("tags".into(), Value::Object(tags));
    }
    if !span.events.items.is_empty() {
        let annotations = span
            .events
            .items
            .iter()
            .map(|event| json!({ "timestamp": micros(event.timestamp), "value": event_text(event, limit) }));
        encoded.insert("annotations".into(), annotations.collect());
    }
    if span.context.trace_flags.is_sampled() {
        encoded.insert("debug".into(), true.into());
    }
    Value::Object(encoded)
}

/// Whole microseconds, rounded as the reference does.
fn micros(nanos: u64) -> u64 {
    nanos.saturating_add(500) / 1000
}

fn local_endpoint(span: &SpanData, local: &LocalEndpoint) -> Value {
    let mut endpoint = Map::new();
    let service = span.resource.attributes.get("service.name").and_then(text_of);
    endpoint.insert("serviceName".into(), service.unwrap_or_else(|| local.service_name.clone()).into());
    for (name, address) in [("ipv4", &local.ipv4), ("ipv6", &local.ipv6)] {
        if let Some(address) = address {
            endpoint.insert(name.into(), address.as_str().into());
        }
    }
    if let Some(port) = local.port {
        endpoint.insert("port".into(), port.into());
    }
    Value::Object(endpoint)
}

/// What says whom a client calls, the best first, and where its port stands.
const REMOTES: [(&str, &str); 11] = [
    ("peer.service", ""),
    ("server.address", ""),
    ("net.peer.name", ""),
    ("network.peer.address", "network.peer.port"),
    ("server.socket.domain", ""),
    ("server.socket.address", "server.socket.port"),
    ("net.sock.peer.name", ""),
    ("net.sock.peer.addr", "net.sock.peer.port"),
    ("peer.hostname", ""),
    ("peer.address", ""),
    ("db.name", ""),
];

fn remote_endpoint(attributes: &Attributes) -> Option<Value> {
    let (port, found) =
        REMOTES.iter().find_map(|(name, port)| Some((*port, attributes.get(name).and_then(text_of)?)))?;
    if port.is_empty() {
        return Some(json!({ "serviceName": found }));
    }
    let family = match found.parse() {
        Ok(std::net::IpAddr::V4(_)) => "ipv4",
        Ok(std::net::IpAddr::V6(_)) => "ipv6",
        Err(_) => return Some(json!({ "serviceName": found })),
    };
    let mut endpoint = Map::from_iter([(family.to_owned(), Value::from(found))]);
    if let Some(Attribute::Int(port)) = attributes.get(port) {
        endpoint.insert("port".into(), (*port).into());
    }
    Some(Value::Object(endpoint))
}
