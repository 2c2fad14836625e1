//! Samplers written in Python, and Python's descriptions of the ones that are not.

use std::sync::atomic::AtomicBool;

use ferrotel::api::trace::{SpanContext, SpanKind, TraceId, TraceState};
use ferrotel::sdk::trace::{BuiltinSampler, Decision, ParentBased, TraceIdRatioBased};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;

use crate::raw::{Raw, given};
use crate::trace::{Start, kind_to_py, trace_state_from_py};
use crate::types::DESCRIBE_SAMPLER;

/// A sampler's answer: the decision, the attributes that the span begins with, and its trace state.
pub type Sampled<'py> = (Decision, Option<Bound<'py, PyAny>>, TraceState);

/// The engine's sampler for a Python one that is exactly a built-in one; `None` for any other, which has to be asked.
///
/// # Errors
/// A description that makes no sense.
pub fn builtin(sampler: &Bound<'_, PyAny>) -> PyResult<Option<BuiltinSampler>> {
    let description = DESCRIBE_SAMPLER.get(sampler.py())?.call1((sampler,))?;
    if description.is_none() { Ok(None) } else { described(&description).map(Some) }
}

/// A built-in sampler from the overlay's description: ("on",), ("off",), ("ratio", rate),
/// ("parent", root, remote sampled, remote not sampled, local sampled, local not sampled).
fn described(description: &Bound<'_, PyAny>) -> PyResult<BuiltinSampler> {
    let item = |index: usize| description.get_item(index);
    let nested = |index: usize| described(&item(index)?);
    Ok(match item(0)?.extract::<String>()?.as_str() {
        "on" => BuiltinSampler::AlwaysOn,
        "off" => BuiltinSampler::AlwaysOff,
        "ratio" => BuiltinSampler::TraceIdRatioBased(
            TraceIdRatioBased::new(item(1)?.extract()?).map_err(|error| PyValueError::new_err(error.to_string()))?,
        ),
        "parent" => BuiltinSampler::ParentBased(Box::new(ParentBased {
            root: nested(1)?,
            remote_parent_sampled: nested(2)?,
            remote_parent_not_sampled: nested(3)?,
            local_parent_sampled: nested(4)?,
            local_parent_not_sampled: nested(5)?,
        })),
        other => return Err(PyValueError::new_err(format!("no sampler {other}"))),
    })
}

/// What a Python sampler says; where it raises or answers with something else than a decision, what the default one
/// would.
///
/// # Errors
/// Only what is not to be caught.
pub fn decide<'py>(
    sampler: &Bound<'py, PyAny>,
    start: &Start,
    trace_id: TraceId,
    parent: Option<&SpanContext>,
) -> PyResult<Sampled<'py>> {
    ask(sampler, start, trace_id).or_else(|error| default(sampler.py(), error, start, parent))
}

fn ask<'py>(sampler: &Bound<'py, PyAny>, start: &Start, trace_id: TraceId) -> PyResult<Sampled<'py>> {
    let py = sampler.py();
    // SAFETY: null or live objects, for as long as the call.
    let object = |object: Raw| unsafe {
        Bound::from_borrowed_ptr_or_opt(py, object).unwrap_or_else(|| py.None().into_bound(py))
    };
    let kind =
        if start.kind.is_null() { kind_to_py(py, SpanKind::Internal)?.into_bound(py) } else { object(start.kind) };
    // SAFETY: as above.
    let links = match unsafe { given(py, start.links) } {
        Some(links) => links,
        None => pyo3::types::PyTuple::empty(py).into_any(),
    };
    let arguments = (object(start.context), trace_id.0, object(start.name), kind, object(start.attributes), links);
    let result = sampler.call_method1(intern!(py, "should_sample"), arguments)?;
    let decision = result.getattr(intern!(py, "decision"))?;
    let decision = match decision.getattr(intern!(py, "value"))?.extract::<u8>()? {
        0 => Decision::Drop,
        1 => Decision::RecordOnly,
        2 => Decision::RecordAndSample,
        other => return Err(PyTypeError::new_err(format!("a sampler decided {other}"))),
    };
    let attributes = result.getattr(intern!(py, "attributes"))?;
    let state = result.getattr(intern!(py, "trace_state"))?;
    let state = trace_state_from_py(Some(&state).filter(|state| !state.is_none()))?;
    Ok((decision, Some(attributes).filter(|attributes| !attributes.is_none()), state))
}

#[cold]
fn default<'py>(py: Python<'py>, error: PyErr, start: &Start, parent: Option<&SpanContext>) -> PyResult<Sampled<'py>> {
    static REPORTED: AtomicBool = AtomicBool::new(false);
    let message = "The sampler failed: its spans are sampled as their parents are, and root spans always";
    crate::error::log_exception_once(py, error, "opentelemetry.sdk.trace", message, &REPORTED)?;
    let sampled = parent.is_none_or(|parent| parent.trace_flags.is_sampled());
    let decision = if sampled { Decision::RecordAndSample } else { Decision::Drop };
    // SAFETY: null or a live object, for as long as the call.
    let attributes = unsafe { given(py, start.attributes) };
    Ok((decision, attributes, parent.map(|parent| parent.trace_state.clone()).unwrap_or_default()))
}
