//! Where received items came from: protocol, resource and scope, shared by all items of a request that have them.

use std::fmt;
use std::sync::Arc;

use crate::proto;

/// The 16 bytes that name a trace.
pub type TraceId = [u8; 16];
/// The 8 bytes that name a span inside its trace.
pub type SpanId = [u8; 8];

/// How an item reached the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// OTLP over gRPC.
    Grpc,
    /// OTLP over HTTP, protobuf body.
    HttpProtobuf,
    /// OTLP over HTTP, JSON body.
    HttpJson,
}

impl Protocol {
    /// The name that `OTEL_EXPORTER_OTLP_PROTOCOL` has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::HttpProtobuf => "http/protobuf",
            Self::HttpJson => "http/json",
        }
    }
}

/// The entity that produced items; all scopes of a request's resource share it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Producer {
    /// The attributes that describe it.
    pub resource: proto::Resource,
    /// The schema of these attributes, or empty.
    pub schema_url: String,
    /// Looked up once: each showing of each item asks for it.
    service_name: String,
    /// The part of its memory that each item answers for.
    share: usize,
}

impl Producer {
    /// The producer of `items` items.
    pub(crate) fn new(resource: Option<proto::Resource>, schema_url: String, items: usize) -> Arc<Self> {
        let resource = resource.unwrap_or_default();
        let named = resource.attributes.iter().find(|pair| pair.key == "service.name");
        let service_name = match named.and_then(|pair| pair.value.as_ref()).and_then(|any| any.value.as_ref()) {
            Some(proto::Value::String(name)) if !name.is_empty() => name.clone(),
            _ => "unknown_service".to_owned(),
        };
        let share = (pairs_weight(&resource.attributes) + schema_url.len()) / items.max(1);
        Arc::new(Self { resource, schema_url, service_name, share })
    }
}

/// What all items of one scope in one request share.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    /// The entity that produced the items.
    pub producer: Arc<Producer>,
    /// The library that produced the items.
    pub scope: proto::InstrumentationScope,
    /// The schema of the items' attributes, or empty.
    pub schema_url: String,
    /// How the items were sent.
    pub protocol: Protocol,
    /// The part of the shared memory that each item answers for.
    share: usize,
}

impl Origin {
    /// The origin of `items` items.
    pub(crate) fn new(
        producer: &Arc<Producer>,
        scope: Option<proto::InstrumentationScope>,
        schema_url: String,
        protocol: Protocol,
        items: usize,
    ) -> Arc<Self> {
        let scope = scope.unwrap_or_default();
        let weight = scope.name.len() + scope.version.len() + pairs_weight(&scope.attributes);
        let share = producer.share + weight / items.max(1);
        Arc::new(Self { producer: Arc::clone(producer), scope, schema_url, protocol, share })
    }

    /// The resource's `service.name`, or `unknown_service`.
    pub fn service_name(&self) -> &str {
        &self.producer.service_name
    }

    /// About how many bytes one item of this origin answers for.
    pub(crate) fn share(&self) -> usize {
        self.share
    }
}

/// About how many bytes attributes hold in memory.
pub(crate) fn pairs_weight(pairs: &[proto::KeyValue]) -> usize {
    pairs.iter().map(|pair| 56 + pair.key.len() + pair.value.as_ref().map_or(0, any_weight)).sum()
}

/// Recursion is bounded: the decoders refuse messages nested deeper than about a hundred levels.
pub(crate) fn any_weight(any: &proto::AnyValue) -> usize {
    match &any.value {
        Some(proto::Value::String(text)) => text.len(),
        Some(proto::Value::Bytes(bytes)) => bytes.len(),
        Some(proto::Value::Array(array)) => array.values.iter().map(|item| 32 + any_weight(item)).sum(),
        Some(proto::Value::Kvlist(list)) => pairs_weight(&list.values),
        _ => 0,
    }
}

/// Writes bytes as lower-case hexadecimal digits.
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}
