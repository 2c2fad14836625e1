//! W3C Trace Context between a context and a carrier.

use ferrotel::api::trace::{SpanContext, TraceState};
use ferrotel::propagation::tracecontext::{TraceStateProblem, format_traceparent, parse_traceparent, read_tracestate};
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::carrier::{Getter, Setter, read, write};
use super::log::warn;

const LOGGER: &str = "opentelemetry.trace.propagation.tracecontext";

/// The names of the two headers.
pub struct Names<'a, 'py> {
    /// Ids and flags.
    pub traceparent: &'a Bound<'py, PyString>,
    /// Vendors' entries.
    pub tracestate: &'a Bound<'py, PyString>,
}

/// The context with the span of the carrier's headers in it; the context itself where they hold none.
///
/// # Errors
/// Only what is not to be caught.
#[inline]
pub fn extract<'py>(
    carrier: &Bound<'py, PyAny>,
    context: Option<&Bound<'py, PyAny>>,
    getter: Getter<'_, 'py>,
    names: &Names<'_, 'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = carrier.py();
    let base = match context {
        Some(context) => context.clone(),
        None => crate::context::empty(py),
    };
    match extract_span(carrier, getter, names)? {
        Some(span) => Ok(crate::context::with_span(py, Some(&base), &span)?.into_bound(py)),
        None => Ok(base),
    }
}

/// The span of the carrier's headers.
///
/// # Errors
/// Only what is not to be caught.
#[inline]
pub fn extract_span<'py>(
    carrier: &Bound<'py, PyAny>,
    getter: Getter<'_, 'py>,
    names: &Names<'_, 'py>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = carrier.py();
    let Some(span_context) = read_span_context(carrier, getter, names)? else { return Ok(None) };
    Ok(Some(crate::trace::non_recording(py, span_context)?.into_bound(py)))
}

#[inline]
fn read_span_context<'py>(
    carrier: &Bound<'py, PyAny>,
    getter: Getter<'_, 'py>,
    names: &Names<'_, 'py>,
) -> PyResult<Option<SpanContext>> {
    let headers = read(carrier, getter, names.traceparent)?;
    let Some(header) = headers.first() else { return Ok(None) };
    // A lone surrogate is in no valid header.
    let Ok(text) = header.to_str() else { return Ok(None) };
    let Some((trace_id, span_id, trace_flags)) = parse_traceparent(text) else { return Ok(None) };
    // Two different parents: neither can be trusted.
    if headers.as_slice().len() > 1 && headers.as_slice().iter().any(|other| other.to_str().ok() != Some(text)) {
        return Ok(None);
    }
    let trace_state = read_trace_state(carrier, getter, names)?;
    Ok(Some(SpanContext { trace_id, span_id, trace_flags, is_remote: true, trace_state }))
}

#[inline]
fn read_trace_state<'py>(
    carrier: &Bound<'py, PyAny>,
    getter: Getter<'_, 'py>,
    names: &Names<'_, 'py>,
) -> PyResult<TraceState> {
    Ok(trace_state_of(carrier.py(), read(carrier, getter, names.tracestate)?.as_slice()))
}

#[inline]
fn trace_state_of(py: Python<'_>, headers: &[Bound<'_, PyString>]) -> TraceState {
    if headers.is_empty() {
        return TraceState::EMPTY;
    }
    let texts = || headers.iter().map(|header| header.to_str().unwrap_or("\u{fffd}"));
    read_tracestate(texts).unwrap_or_else(|problem| {
        match problem {
            TraceStateProblem::TooLong => warn(
                py,
                LOGGER,
                ("tracestate header exceeded the maximum length of %d characters", TraceState::MAX_HEADER_LENGTH),
            ),
            TraceStateProblem::Malformed(why) => crate::trace_state::discarded(py, &why),
        }
        TraceState::EMPTY
    })
}

/// The span context of headers that came once each.
#[inline]
pub fn read_plain(traceparent: &Bound<'_, PyString>, tracestate: Option<&Bound<'_, PyString>>) -> Option<SpanContext> {
    // A lone surrogate is in no valid header.
    let (trace_id, span_id, trace_flags) = parse_traceparent(traceparent.to_str().ok()?)?;
    let trace_state = match tracestate {
        Some(header) => trace_state_of(traceparent.py(), std::slice::from_ref(header)),
        None => TraceState::EMPTY,
    };
    Some(SpanContext { trace_id, span_id, trace_flags, is_remote: true, trace_state })
}

/// Writes the headers of a valid span context; of an invalid one nothing.
///
/// # Errors
/// Only what is not to be caught.
#[inline]
pub fn inject<'py>(
    span_context: &SpanContext,
    carrier: &Bound<'py, PyAny>,
    setter: Setter<'_, 'py>,
    names: &Names<'_, 'py>,
) -> PyResult<()> {
    if !span_context.is_valid() {
        return Ok(());
    }
    let py = carrier.py();
    let traceparent = crate::raw::text(py, format_traceparent(span_context).as_bytes())?;
    write(carrier, setter, names.traceparent, traceparent.as_any())?;
    if !span_context.trace_state.is_empty() {
        let tracestate = crate::raw::text(py, span_context.trace_state.to_header().as_bytes())?;
        write(carrier, setter, names.tracestate, tracestate.as_any())?;
    }
    Ok(())
}

/// The context (default: one without entries) with the span that the two headers tell of.
#[pyfunction]
#[pyo3(signature = (carrier, context, getter, traceparent, tracestate))]
fn trace_context_extract<'py>(
    carrier: &Bound<'py, PyAny>,
    context: Option<&Bound<'py, PyAny>>,
    getter: &Bound<'py, PyAny>,
    traceparent: &Bound<'py, PyString>,
    tracestate: &Bound<'py, PyString>,
) -> PyResult<Bound<'py, PyAny>> {
    extract(carrier, context, Getter::new(Some(getter)), &Names { traceparent, tracestate })
}

/// Writes the two headers of a span context.
#[pyfunction]
fn trace_context_inject<'py>(
    span_context: &Bound<'py, PyAny>,
    carrier: &Bound<'py, PyAny>,
    setter: &Bound<'py, PyAny>,
    traceparent: &Bound<'py, PyString>,
    tracestate: &Bound<'py, PyString>,
) -> PyResult<()> {
    let Ok(span_context) = crate::trace::from_py(span_context) else { return Ok(()) };
    inject(&span_context, carrier, Setter::new(Some(setter)), &Names { traceparent, tracestate })
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(trace_context_extract, module)?)?;
    module.add_function(wrap_pyfunction!(trace_context_inject, module)?)
}
