//! Zipkin's B3.

use super::carrier::{Extractor, Injector};
use super::hex;
use super::propagator::{Propagated, TextMapPropagator};
use crate::api::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// The header of the single form: trace id, span id and sampling state joined by `-`.
pub const SINGLE: &str = "b3";
/// The trace id's header of the multiple form.
pub const TRACE_ID: &str = "x-b3-traceid";
/// The span id's header of the multiple form.
pub const SPAN_ID: &str = "x-b3-spanid";
/// The sampling state's header of the multiple form.
pub const SAMPLED: &str = "x-b3-sampled";
/// The debug flag's header of the multiple form.
pub const FLAGS: &str = "x-b3-flags";

/// What [`B3Propagator`] writes; it always reads both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum B3Encoding {
    /// One `b3` header.
    #[default]
    Single,
    /// Several `x-b3-*` headers.
    Multiple,
}

/// B3 headers (specification: Propagators API, `B3 Requirements`). A `b3` header takes precedence over the others.
#[derive(Clone, Copy, Debug, Default)]
pub struct B3Propagator {
    /// What is written.
    pub encoding: B3Encoding,
}

impl TextMapPropagator for B3Propagator {
    fn extract(&self, carrier: &dyn Extractor, base: Propagated) -> Propagated {
        let span_context = match carrier.first(SINGLE).filter(|header| !header.is_empty()) {
            Some(header) => parse_single(header),
            None => parse_multiple(
                carrier.first(TRACE_ID).unwrap_or_default(),
                carrier.first(SPAN_ID).unwrap_or_default(),
                carrier.first(SAMPLED).unwrap_or_default(),
                carrier.first(FLAGS).unwrap_or_default(),
            ),
        };
        Propagated { span_context: span_context.or(base.span_context), ..base }
    }

    fn inject(&self, from: &Propagated, carrier: &mut dyn Injector) {
        let Some(span_context) = from.span_context.as_ref().filter(|context| context.is_valid()) else { return };
        match self.encoding {
            B3Encoding::Single => carrier.set(SINGLE, format_single(span_context)),
            B3Encoding::Multiple => {
                carrier.set(TRACE_ID, span_context.trace_id.to_string());
                carrier.set(SPAN_ID, span_context.span_id.to_string());
                carrier.set(SAMPLED, sampled_digit(span_context).to_owned());
            }
        }
    }

    fn fields(&self) -> Vec<&'static str> {
        match self.encoding {
            B3Encoding::Single => vec![SINGLE],
            B3Encoding::Multiple => vec![TRACE_ID, SPAN_ID, SAMPLED],
        }
    }
}

/// Reads a `b3` header. One without a sampling state defers the decision, which a span context cannot say: it counts
/// as sampled. One with a sampling state alone holds no span.
pub fn parse_single(header: &str) -> Option<SpanContext> {
    let mut fields = header.split('-');
    let trace_id = fields.next()?;
    let span_id = fields.next()?;
    let sampled = fields.next().unwrap_or("1");
    let _parent_span_id = fields.next();
    if fields.next().is_some() {
        return None;
    }
    parse_multiple(trace_id, span_id, sampled, "")
}

/// Reads the values of the `x-b3-*` headers; one that is absent is the empty text.
pub fn parse_multiple(trace_id: &str, span_id: &str, sampled: &str, flags: &str) -> Option<SpanContext> {
    if !matches!(trace_id.len(), 16 | 32) || span_id.len() != 16 {
        return None;
    }
    let is_sampled = matches!(sampled, "1" | "true" | "True" | "d") || flags == "1";
    let span_context = SpanContext {
        trace_id: TraceId(hex::any(trace_id.as_bytes())?),
        span_id: SpanId(hex::any(span_id.as_bytes())? as u64),
        trace_flags: if is_sampled { TraceFlags::SAMPLED } else { TraceFlags::default() },
        is_remote: true,
        trace_state: TraceState::EMPTY,
    };
    span_context.is_valid().then_some(span_context)
}

/// Writes a `b3` header.
pub fn format_single(context: &SpanContext) -> String {
    format!("{}-{}-{}", context.trace_id, context.span_id, sampled_digit(context))
}

fn sampled_digit(context: &SpanContext) -> &'static str {
    if context.trace_flags.is_sampled() { "1" } else { "0" }
}
