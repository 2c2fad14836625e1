//! W3C Trace Context level 2.

use super::carrier::{Extractor, Injector};
use super::hex;
use super::propagator::{Propagated, TextMapPropagator};
use crate::api::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use crate::common::diagnostics::{self, Level};

/// The header that carries ids and flags.
pub const TRACEPARENT: &str = "traceparent";
/// The header that carries vendors' entries.
pub const TRACESTATE: &str = "tracestate";

const TARGET: &str = "opentelemetry.trace.propagation.tracecontext";

/// The `traceparent` and `tracestate` headers (W3C Trace Context level 2).
#[derive(Clone, Copy, Debug, Default)]
pub struct TraceContextPropagator;

impl TextMapPropagator for TraceContextPropagator {
    fn extract(&self, carrier: &dyn Extractor, base: Propagated) -> Propagated {
        let mut headers = carrier.values(TRACEPARENT);
        let Some(first) = headers.next() else { return base };
        // Two different parents: neither can be trusted.
        if headers.any(|other| other != first) {
            return base;
        }
        let Some((trace_id, span_id, trace_flags)) = parse_traceparent(first) else { return base };
        let trace_state = read_tracestate(|| carrier.values(TRACESTATE)).unwrap_or_else(|problem| {
            diagnostics::log(Level::Warning, TARGET, &problem.to_string());
            TraceState::EMPTY
        });
        let span_context = SpanContext { trace_id, span_id, trace_flags, is_remote: true, trace_state };
        Propagated { span_context: Some(span_context), ..base }
    }

    fn inject(&self, from: &Propagated, carrier: &mut dyn Injector) {
        let Some(span_context) = from.span_context.as_ref().filter(|context| context.is_valid()) else { return };
        carrier.set(TRACEPARENT, format_traceparent(span_context).as_str().to_owned());
        if !span_context.trace_state.is_empty() {
            carrier.set(TRACESTATE, span_context.trace_state.to_header());
        }
    }

    fn fields(&self) -> Vec<&'static str> {
        vec![TRACEPARENT, TRACESTATE]
    }
}

/// Reads a `traceparent` header; `None` where the specification has it ignored.
///
/// Versions after `00` may have more fields; `ff` is forbidden. Optional white space around it is accepted, and one
/// line feed at its end, which is what a shell's redirection leaves.
#[inline]
pub fn parse_traceparent(header: &str) -> Option<(TraceId, SpanId, TraceFlags)> {
    let bytes = header.as_bytes();
    if bytes.len() != LENGTH || bytes[0] == b' ' || bytes[0] == b'\t' {
        return parse_padded(header);
    }
    parse_fields(bytes)
}

#[cold]
fn parse_padded(header: &str) -> Option<(TraceId, SpanId, TraceFlags)> {
    let header = header.strip_suffix('\n').unwrap_or(header).trim_matches([' ', '\t']);
    let bytes = header.as_bytes();
    if bytes.len() > LENGTH && (bytes[LENGTH] != b'-' || bytes.starts_with(b"00") || header.contains('\n')) {
        return None;
    }
    parse_fields(bytes.get(..LENGTH)?)
}

const LENGTH: usize = 55;

#[inline]
fn parse_fields(bytes: &[u8]) -> Option<(TraceId, SpanId, TraceFlags)> {
    let bytes: &[u8; LENGTH] = bytes.try_into().ok()?;
    if bytes[2] != b'-' || bytes[35] != b'-' || bytes[52] != b'-' {
        return None;
    }
    let version = hex::two([bytes[0], bytes[1]])?;
    let (high, wrong_high) = hex::sixteen(bytes[3..19].try_into().ok()?);
    let (low, wrong_low) = hex::sixteen(bytes[19..35].try_into().ok()?);
    let (span_id, wrong) = hex::sixteen(bytes[36..52].try_into().ok()?);
    if wrong_high | wrong_low | wrong != 0 {
        return None;
    }
    let trace_id = TraceId(u128::from(high) << 64 | u128::from(low));
    let span_id = SpanId(span_id);
    let trace_flags = TraceFlags(hex::two([bytes[53], bytes[54]])?);
    (version != 0xff && trace_id.is_valid() && span_id.is_valid()).then_some((trace_id, span_id, trace_flags))
}

/// Reads the values of the `tracestate` headers. `values` is called once or twice, so that nothing is collected.
///
/// # Errors
/// Why the trace state has to be discarded.
pub fn read_tracestate<'a, I: IntoIterator<Item = &'a str>>(
    values: impl Fn() -> I,
) -> Result<TraceState, TraceStateProblem> {
    let mut values_seen = 0usize;
    let mut length = 0;
    for value in values() {
        values_seen += 1;
        length += value.len();
    }
    if values_seen == 0 {
        return Ok(TraceState::EMPTY);
    }
    if length + values_seen - 1 > TraceState::MAX_HEADER_LENGTH {
        return Err(TraceStateProblem::TooLong);
    }
    TraceState::from_headers(values()).map_err(TraceStateProblem::Malformed)
}

/// Why a `tracestate` header was discarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceStateProblem {
    /// Longer than [`TraceState::MAX_HEADER_LENGTH`].
    TooLong,
    /// Outside the grammar or with too many members.
    Malformed(crate::api::trace::TraceStateError),
}

impl std::fmt::Display for TraceStateProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TraceStateProblem::TooLong => write!(
                f,
                "tracestate header exceeded the maximum length of {} characters",
                TraceState::MAX_HEADER_LENGTH
            ),
            TraceStateProblem::Malformed(why) => write!(f, "tracestate header discarded: {why}"),
        }
    }
}

impl std::error::Error for TraceStateProblem {}

/// A `traceparent` header of version `00`, on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traceparent([u8; LENGTH]);

impl Traceparent {
    /// The header's text, which is ASCII.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The header's text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Writes a `traceparent` header. Flags that are not known are passed on.
#[inline]
pub fn format_traceparent(context: &SpanContext) -> Traceparent {
    let mut header = *b"00-                                -                -  ";
    header[3..35].copy_from_slice(&context.trace_id.to_hex());
    header[36..52].copy_from_slice(&context.span_id.to_hex());
    header[53] = b"0123456789abcdef"[usize::from(context.trace_flags.0 >> 4)];
    header[54] = b"0123456789abcdef"[usize::from(context.trace_flags.0 & 15)];
    Traceparent(header)
}
