//! `opentelemetry.trace` and `opentelemetry.sdk.trace`: spans, tracers and what they are current in.

mod attribute_store;
mod fields;
mod non_recording;
mod processor_list;
mod proxy;
mod scope;
mod scope_method;
mod span;
mod span_context;
mod stack_trace;
mod tracer;

use ferrotel::api::trace::{SpanContext, SpanId, TraceFlags, TraceId};
use pyo3::prelude::*;
use pyo3::{IntoPyObjectExt, intern};

pub use fields::{kind_to_py, resource_from_py, scope_from_py};
pub use non_recording::non_recording;
pub use processor_list::NativeProcessor;
pub use span::finished_span;
pub use span_context::{PySpanContext, flags_to_py, from_py, to_py, trace_state_from_py};
pub use tracer::Start;

/// The span context of the span in `context` (default: the current one).
///
/// # Errors
/// What a foreign span's `get_span_context` raises.
pub fn current_span_context<'py>(
    py: Python<'py>,
    context: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<SpanContext>> {
    match crate::context::span_in(py, context)? {
        Some(span) => context_of(&span),
        None => Ok(None),
    }
}

/// Trace, span and flags of the span in `context` (default: the current one).
///
/// # Errors
/// What a foreign context or span raises.
#[inline]
pub fn current_span<'py>(
    py: Python<'py>,
    context: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<(TraceId, SpanId, TraceFlags)>> {
    let Some(span) = crate::context::span_in(py, context)? else { return Ok(None) };
    let parts = |context: &SpanContext| (context.trace_id, context.span_id, context.trace_flags);
    if let Some(span) = span::own(span.as_ptr()) {
        return Ok(Some(parts(&span.cell().lock().context)));
    }
    Ok(context_of(&span)?.as_ref().map(parts))
}

/// Trace id, span id and flags of the span in `context`, as the objects that the span has them as.
///
/// # Errors
/// What a foreign context or span raises.
pub fn span_fields<'py>(py: Python<'py>, context: &Bound<'py, PyAny>) -> PyResult<Option<[Bound<'py, PyAny>; 3]>> {
    let Some(span) = crate::context::span_in(py, Some(context))? else { return Ok(None) };
    if let Some(own) = span::own(span.as_ptr()) {
        let (trace, span, flags) = {
            let data = own.cell().lock();
            (data.context.trace_id, data.context.span_id, data.context.trace_flags)
        };
        return Ok(Some([trace.0.into_bound_py_any(py)?, span.0.into_bound_py_any(py)?, flags_to_py(py, flags.0)?]));
    }
    // Anything may be put into a context; what is no span counts as none.
    if !span.is_instance(&*crate::types::SPAN.get(py)?)? {
        return Ok(None);
    }
    let context = span.call_method0(intern!(py, "get_span_context"))?;
    let field = |name| context.getattr(name);
    Ok(Some([field(intern!(py, "trace_id"))?, field(intern!(py, "span_id"))?, field(intern!(py, "trace_flags"))?]))
}

/// Trace, span and whether it is sampled, of the span in `context` (default: the current one), for an exemplar.
///
/// # Errors
/// What a foreign context or span raises.
#[inline]
pub fn exemplar_span<'py>(
    py: Python<'py>,
    context: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<(TraceId, SpanId, bool)>> {
    Ok(current_span(py, context)?.map(|(trace, span, flags)| (trace, span, flags.is_sampled())))
}

/// The span context of any span: ours, or one that somebody else's class stands for.
#[inline]
fn context_of(span: &Bound<'_, PyAny>) -> PyResult<Option<SpanContext>> {
    if let Some(span) = span::own(span.as_ptr()) {
        return Ok(Some(span.cell().lock().context.clone()));
    }
    if non_recording::is_own(span) {
        return Ok(non_recording::context_of(span));
    }
    Ok(context_object_of(span)?.map(|context| context.get().inner.clone()))
}

/// The `SpanContext` object of any span.
#[inline]
fn context_object_of<'py>(span: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PySpanContext>>> {
    if let Some(own) = span::own(span.as_ptr()) {
        // SAFETY: a new reference.
        let context = unsafe { Bound::from_owned_ptr(span.py(), fields::context(span.py(), own)?) };
        return Ok(context.cast_into().ok());
    }
    if non_recording::is_own(span) {
        return Ok(non_recording::context_object_of(span));
    }
    // Anything may be put into a context; what is no span counts as none.
    if !span.is_instance(&*crate::types::SPAN.get(span.py())?)? {
        return Ok(None);
    }
    let context = span.call_method0(intern!(span.py(), "get_span_context"))?;
    if context.is_none() {
        return Ok(None);
    }
    match context.cast_into::<PySpanContext>() {
        Ok(context) => Ok(Some(context)),
        Err(_) => Err(pyo3::exceptions::PyTypeError::new_err("parent_span_context must be a SpanContext or None.")),
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    span_context::register(module)?;
    stack_trace::register(module)?;
    non_recording::register(module)?;
    attribute_store::register(module)?;
    processor_list::register(module)?;
    span::register(module)?;
    scope::register(module)?;
    proxy::register(module)?;
    tracer::register(module)
}
