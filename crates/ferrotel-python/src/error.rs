//! The one place where a Python exception raised under telemetry is turned into a log line.
//!
//! Lines of the engine's do not become log records themselves: each is logged in silence.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;

use crate::logs::Silence;
use crate::types::GET_LOGGER;

/// Logs `error` with its traceback on the Python logger `target`; whatever the logging itself raises is dropped.
///
/// KeyboardInterrupt and SystemExit are not the telemetry's to swallow: they come back.
///
/// # Errors
/// Those two.
pub fn log_exception(py: Python<'_>, error: PyErr, target: &str, message: &str) -> PyResult<()> {
    crate::raw::settle();
    if !error.is_instance_of::<pyo3::exceptions::PyException>(py) {
        return Err(error);
    }
    let _silence = Silence::new(py, "engine");
    let value: Bound<'_, PyBaseException> = error.into_value(py).into_bound(py);
    let kwargs = pyo3::types::PyDict::new(py);
    let _ = kwargs
        .set_item("exc_info", value)
        .and_then(|()| GET_LOGGER.get(py)?.call1((target,))?.call_method("error", (message,), Some(&kwargs)));
    Ok(())
}

/// As [`log_exception`] the first time; at the level of debugging from then on: a component that is broken is broken for
/// every span, and its traceback with each of them would be worse than the defect.
///
/// # Errors
/// As [`log_exception`].
#[cold]
pub fn log_exception_once(
    py: Python<'_>,
    error: PyErr,
    target: &str,
    message: &str,
    reported: &AtomicBool,
) -> PyResult<()> {
    crate::raw::settle();
    if !reported.swap(true, Ordering::Relaxed) || !error.is_instance_of::<pyo3::exceptions::PyException>(py) {
        return log_exception(py, error, target, message);
    }
    let _silence = Silence::new(py, "engine");
    let _ = GET_LOGGER
        .get(py)
        .and_then(|get| get.call1((target,))?.call_method1("debug", ("%s: %r", message, error.value(py))));
    Ok(())
}

/// The text that tells an object apart in a message: a simple value's repr, and the type of anything else, whose repr
/// may raise or have no end.
pub fn shown(object: &Bound<'_, PyAny>) -> String {
    let simple = object.is_none()
        || object.is_exact_instance_of::<pyo3::types::PyInt>()
        || object.is_exact_instance_of::<pyo3::types::PyFloat>()
        || object.is_exact_instance_of::<pyo3::types::PyBool>()
        || object.is_exact_instance_of::<pyo3::types::PyString>();
    let text = if simple { object.repr() } else { object.get_type().repr() }.or_else(|_| object.get_type().repr());
    let mut text = text.map(|text| text.to_string_lossy().into_owned()).unwrap_or_default();
    if let Some((at, _)) = text.char_indices().nth(200) {
        text.truncate(at);
    }
    text
}

/// Logs a warning on the Python logger `target`.
pub fn warn(py: Python<'_>, target: &str, message: &str) {
    crate::raw::settle();
    let _silence = Silence::new(py, "engine");
    let logged =
        GET_LOGGER.get(py).and_then(|get| get.call1((target,))).and_then(|l| l.call_method1("warning", (message,)));
    drop(logged);
}

/// Logs a warning whose arguments Python formats, so that filters on the message's text go on working.
pub fn warn_with<'py, A>(py: Python<'py>, target: &str, message: &str, argument: A)
where
    A: IntoPyObject<'py>,
{
    crate::raw::settle();
    let _silence = Silence::new(py, "engine");
    let logged = GET_LOGGER
        .get(py)
        .and_then(|get| get.call1((target,)))
        .and_then(|l| l.call_method1("warning", (message, argument)));
    drop(logged);
}
