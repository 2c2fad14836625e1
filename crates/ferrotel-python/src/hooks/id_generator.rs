//! Id generators written in Python.

use std::sync::atomic::AtomicBool;

use ferrotel::api::trace::{SpanId, TraceId};
use ferrotel::sdk::trace::{IdGenerator, RandomIdGenerator};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Whether a tracer has to ask this object: it is not exactly the SDK's own, or carries methods of its own.
///
/// # Errors
/// The SDK's own cannot be imported.
pub fn is_foreign(generator: &Bound<'_, PyAny>) -> PyResult<bool> {
    let standard = generator.py().import("opentelemetry.sdk.trace.id_generator")?.getattr("RandomIdGenerator")?;
    let replaced = generator.getattr("__dict__").and_then(|own| own.is_truthy()).unwrap_or(false);
    Ok((replaced || !generator.get_type().is(&standard)) && !generator.is_none())
}

/// A trace id, and whether its rightmost 56 bits are random.
///
/// # Errors
/// Only what is not to be caught.
pub fn trace_id(generator: &Bound<'_, PyAny>) -> PyResult<(TraceId, bool)> {
    let asked = || {
        let id = generator.call_method0("generate_trace_id")?.extract::<u128>()?;
        if id == 0 {
            return Err(PyValueError::new_err("a trace id must not be 0"));
        }
        let random =
            generator.call_method0("is_trace_id_random").and_then(|random| random.is_truthy()).unwrap_or(false);
        Ok((TraceId(id), random))
    };
    asked().or_else(|error| {
        failed(generator.py(), error)?;
        Ok((RandomIdGenerator.generate_trace_id(), true))
    })
}

/// A span id.
///
/// # Errors
/// Only what is not to be caught.
pub fn span_id(generator: &Bound<'_, PyAny>) -> PyResult<SpanId> {
    let asked = || {
        let id = generator.call_method0("generate_span_id")?.extract::<u64>()?;
        if id == 0 {
            return Err(PyValueError::new_err("a span id must not be 0"));
        }
        Ok(SpanId(id))
    };
    asked().or_else(|error| {
        failed(generator.py(), error)?;
        Ok(RandomIdGenerator.generate_span_id())
    })
}

#[cold]
fn failed(py: Python<'_>, error: PyErr) -> PyResult<()> {
    static REPORTED: AtomicBool = AtomicBool::new(false);
    let message = "The id generator failed: ids are random instead";
    crate::error::log_exception_once(py, error, "opentelemetry.sdk.trace", message, &REPORTED)
}
