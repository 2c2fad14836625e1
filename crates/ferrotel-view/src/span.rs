//! One received span with where it came from, and the step from a request's messages to such spans.

use std::fmt;
use std::sync::Arc;

use crate::proto;

/// The 16 bytes that name a trace.
pub type TraceId = [u8; 16];
/// The 8 bytes that name a span inside its trace.
pub type SpanId = [u8; 8];

/// How a span reached the receiver.
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

/// The entity that produced spans; all scopes of a request's resource share it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Producer {
    /// The attributes that describe it.
    pub resource: proto::Resource,
    /// The schema of these attributes, or empty.
    pub schema_url: String,
    /// Looked up once: each showing of each span asks for it.
    service_name: String,
}

impl Producer {
    fn new(resource: proto::Resource, schema_url: String) -> Self {
        let named = resource.attributes.iter().find(|pair| pair.key == "service.name");
        let service_name = match named.and_then(|pair| pair.value.as_ref()).and_then(|any| any.value.as_ref()) {
            Some(proto::Value::String(name)) if !name.is_empty() => name.clone(),
            _ => "unknown_service".to_owned(),
        };
        Self { resource, schema_url, service_name }
    }
}

/// What all spans of one scope in one request share.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    /// The entity that produced the spans.
    pub producer: Arc<Producer>,
    /// The library that produced the spans.
    pub scope: proto::InstrumentationScope,
    /// The schema of the spans' attributes, or empty.
    pub schema_url: String,
    /// How the spans were sent.
    pub protocol: Protocol,
    /// The part of the shared memory that each span answers for.
    share: usize,
}

impl Origin {
    /// The resource's `service.name`, or `unknown_service`.
    pub fn service_name(&self) -> &str {
        &self.producer.service_name
    }
}

/// A span as it was received; its identifiers have been checked.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceivedSpan {
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// Its own identifier.
    pub span_id: SpanId,
    /// Its parent, `None` for a root.
    pub parent_span_id: Option<SpanId>,
    /// All else, as sent. Shared, so that a copy of a large trace is cheap.
    pub span: Arc<proto::Span>,
    /// Resource, scope and protocol.
    pub origin: Arc<Origin>,
}

/// The spans of one request, and those that could not be used.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// Spans with usable identifiers.
    pub spans: Vec<ReceivedSpan>,
    /// How many spans were refused.
    pub rejected: usize,
    /// What was wrong with the first refused span.
    pub reason: Option<String>,
}

impl Received {
    /// Takes a decoded request apart. A span without usable identifiers is counted, the others are kept.
    pub fn from_request(request: proto::ExportTraceServiceRequest, protocol: Protocol) -> Self {
        let mut received = Self::default();
        for of_resource in request.resource_spans {
            let resource = of_resource.resource.unwrap_or_default();
            let spans = of_resource.scope_spans.iter().map(|of_scope| of_scope.spans.len()).sum::<usize>().max(1);
            let resource_weight = pairs_weight(&resource.attributes) + of_resource.schema_url.len();
            let producer = Arc::new(Producer::new(resource, of_resource.schema_url));
            for of_scope in of_resource.scope_spans {
                let scope = of_scope.scope.unwrap_or_default();
                let scope_weight = scope.name.len() + scope.version.len() + pairs_weight(&scope.attributes);
                let origin = Arc::new(Origin {
                    producer: Arc::clone(&producer),
                    scope,
                    schema_url: of_scope.schema_url,
                    protocol,
                    share: resource_weight / spans + scope_weight / of_scope.spans.len().max(1),
                });
                for span in of_scope.spans {
                    match ReceivedSpan::new(span, &origin) {
                        Ok(span) => received.spans.push(span),
                        Err(reason) => received.reject(reason),
                    }
                }
            }
        }
        received
    }

    /// The answer to the sender: empty when all was taken.
    pub fn response(&self) -> proto::ExportTraceServiceResponse {
        let partial_success = self.reason.as_ref().map(|reason| proto::ExportTracePartialSuccess {
            rejected_spans: i64::try_from(self.rejected).unwrap_or(i64::MAX),
            error_message: format!("spans were refused, the first because {reason}"),
        });
        proto::ExportTraceServiceResponse { partial_success }
    }

    fn reject(&mut self, reason: String) {
        self.rejected += 1;
        self.reason.get_or_insert(reason);
    }
}

impl ReceivedSpan {
    fn new(span: proto::Span, origin: &Arc<Origin>) -> Result<Self, String> {
        let parent_span_id = match span.parent_span_id.as_slice() {
            [] => None,
            // Some senders write a root's parent as eight zero bytes.
            bytes if bytes.iter().all(|byte| *byte == 0) => None,
            bytes => Some(identifier("parent_span_id", bytes)?),
        };
        Ok(Self {
            trace_id: identifier("trace_id", &span.trace_id)?,
            span_id: identifier("span_id", &span.span_id)?,
            parent_span_id,
            span: Arc::new(span),
            origin: Arc::clone(origin),
        })
    }

    /// About how many bytes it holds in memory, for the store's bound.
    pub(crate) fn weight(&self) -> usize {
        let span = &self.span;
        let events = span.events.iter().map(|event| 64 + event.name.len() + pairs_weight(&event.attributes));
        let links = span.links.iter().map(|link| 128 + link.trace_state.len() + pairs_weight(&link.attributes));
        400 + span.name.len()
            + span.trace_state.len()
            + pairs_weight(&span.attributes)
            + events.sum::<usize>()
            + links.sum::<usize>()
            + span.status.as_ref().map_or(0, |status| status.message.len())
            + self.origin.share
    }
}

fn identifier<const N: usize>(field: &str, bytes: &[u8]) -> Result<[u8; N], String> {
    let id: [u8; N] =
        bytes.try_into().map_err(|_| format!("its {field} has {} bytes where {N} are required", bytes.len()))?;
    if id == [0; N] { Err(format!("its {field} is all zero")) } else { Ok(id) }
}

fn pairs_weight(pairs: &[proto::KeyValue]) -> usize {
    pairs.iter().map(|pair| 56 + pair.key.len() + pair.value.as_ref().map_or(0, any_weight)).sum()
}

/// Recursion is bounded: the decoders refuse messages nested deeper than about a hundred levels.
fn any_weight(any: &proto::AnyValue) -> usize {
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
