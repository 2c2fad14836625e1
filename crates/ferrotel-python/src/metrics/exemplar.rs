//! Whether a measurement may become an exemplar, and in which span it was made.

use ferrotel::api::trace::{SpanId, TraceId};
use ferrotel::common::clock::now_unix_nanos;
use ferrotel::sdk::metrics::ExemplarFilter;
use pyo3::prelude::*;

use crate::raw::{Raw, given};

/// What is offered to a reservoir beside value and attributes.
#[derive(Clone, Copy)]
pub struct Offered {
    /// Nanoseconds since the Unix epoch.
    pub time: u64,
    /// Where there is a span.
    pub span: Option<(TraceId, SpanId)>,
}

/// What is offered of a measurement made now in `context`, which may be null or `None` for the current one. May run
/// Python code, where a context or a span is somebody else's; what that raises counts as no span.
#[inline]
pub fn offered(py: Python<'_>, filter: ExemplarFilter, context: Raw) -> Option<Offered> {
    if filter == ExemplarFilter::AlwaysOff {
        return None;
    }
    let span = span_of(py, context);
    match (filter, span) {
        (ExemplarFilter::TraceBased, Some((trace, span, true))) => {
            Some(Offered { time: now_unix_nanos(), span: Some((trace, span)) })
        }
        (ExemplarFilter::AlwaysOn, span) => {
            Some(Offered { time: now_unix_nanos(), span: span.map(|(trace, span, _)| (trace, span)) })
        }
        _ => None,
    }
}

/// Trace, span and whether it is sampled, of the span in `context`, which may be null or `None` for the current one.
/// What a foreign context or span raises counts as no span.
#[inline]
pub fn span_of(py: Python<'_>, context: Raw) -> Option<(TraceId, SpanId, bool)> {
    // SAFETY: the caller's argument is null or alive.
    let context = unsafe { given(py, context) };
    // As in the reference, an empty context counts as none.
    let context = context.filter(|context| context.is_truthy().unwrap_or(true));
    let span = crate::trace::exemplar_span(py, context.as_ref()).ok().flatten();
    span.filter(|(trace, ..)| trace.is_valid())
}
