//! The part of a span that travels.

use super::{SpanId, TraceFlags, TraceId, TraceState};

/// Identifies a span across processes (specification: trace API, `SpanContext`). Immutable.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SpanContext {
    /// The trace.
    pub trace_id: TraceId,
    /// The span.
    pub span_id: SpanId,
    /// Sampled, random.
    pub trace_flags: TraceFlags,
    /// Whether it came from another process.
    pub is_remote: bool,
    /// Vendors' entries.
    pub trace_state: TraceState,
}

impl SpanContext {
    /// Whether both ids are valid.
    #[inline]
    pub const fn is_valid(&self) -> bool {
        self.trace_id.is_valid() && self.span_id.is_valid()
    }
}
