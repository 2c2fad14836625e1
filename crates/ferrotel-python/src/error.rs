//! The one place where a Python exception raised under telemetry is turned into a log line.

use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;

use crate::types::GET_LOGGER;

/// Logs `error` with its traceback on the Python logger `target`; whatever the logging itself raises is dropped.
///
/// KeyboardInterrupt and SystemExit are not the telemetry's to swallow: they come back.
///
/// # Errors
/// Those two.
pub fn log_exception(py: Python<'_>, error: PyErr, target: &str, message: &str) -> PyResult<()> {
    if !error.is_instance_of::<pyo3::exceptions::PyException>(py) {
        return Err(error);
    }
    let value: Bound<'_, PyBaseException> = error.into_value(py).into_bound(py);
    let kwargs = pyo3::types::PyDict::new(py);
    let _ = kwargs
        .set_item("exc_info", value)
        .and_then(|()| GET_LOGGER.get(py)?.call1((target,))?.call_method("error", (message,), Some(&kwargs)));
    Ok(())
}

/// Logs a warning on the Python logger `target`.
pub fn warn(py: Python<'_>, target: &str, message: &str) {
    let logged =
        GET_LOGGER.get(py).and_then(|get| get.call1((target,))).and_then(|l| l.call_method1("warning", (message,)));
    drop(logged);
}

/// Logs a warning whose arguments Python formats, so that filters on the message's text go on working.
pub fn warn_with<'py, A>(py: Python<'py>, target: &str, message: &str, argument: A)
where
    A: IntoPyObject<'py>,
{
    let logged = GET_LOGGER
        .get(py)
        .and_then(|get| get.call1((target,)))
        .and_then(|l| l.call_method1("warning", (message, argument)));
    drop(logged);
}
