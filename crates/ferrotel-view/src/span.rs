//! One received span with where it came from, and the step from a request's messages to such spans.

use std::sync::Arc;

use crate::decode::Received;
use crate::origin::{Origin, Producer, Protocol, SpanId, TraceId, pairs_weight};
use crate::proto;

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

impl ReceivedSpan {
    /// The spans of a request. One without usable identifiers is refused.
    pub(crate) fn all_of(request: proto::ExportTraceServiceRequest, protocol: Protocol) -> Received<Self> {
        let mut received = Received::default();
        for of_resource in request.resource_spans {
            let items = of_resource.scope_spans.iter().map(|of_scope| of_scope.spans.len()).sum();
            let producer = Producer::new(of_resource.resource, of_resource.schema_url, items);
            for of_scope in of_resource.scope_spans {
                let items = of_scope.spans.len();
                let origin = Origin::new(&producer, of_scope.scope, of_scope.schema_url, protocol, items);
                for span in of_scope.spans {
                    received.push(Self::new(span, &origin));
                }
            }
        }
        received
    }

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
            + self.origin.share()
    }
}

fn identifier<const N: usize>(field: &str, bytes: &[u8]) -> Result<[u8; N], String> {
    let id: [u8; N] =
        bytes.try_into().map_err(|_| format!("its {field} has {} bytes where {N} are required", bytes.len()))?;
    if id == [0; N] { Err(format!("its {field} is all zero")) } else { Ok(id) }
}
