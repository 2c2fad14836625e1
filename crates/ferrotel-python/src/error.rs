//! The one place where a Python exception raised under telemetry is turned into a log line.
//!
//! Lines of the engine's do not become log records themselves: each is logged in silence.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;

use crate::logs::Silence;
use crate::types::GET_LOGGER;

/// How many threads have something that was [put off](put_off).
static PUT_OFF: AtomicU32 = AtomicU32::new(0);

thread_local! {
    static INTERRUPTION: Cell<Option<PyErr>> = const { Cell::new(None) };
}

/// For an error where none can be returned. What derives from `Exception` was the telemetry's to swallow. Ctrl-C, a signal
/// handler's `sys.exit()`, and what ends a greenlet are not: they are raised when the call that is under way returns.
pub fn put_off(py: Python<'_>, error: PyErr) {
    if error.is_instance_of::<pyo3::exceptions::PyException>(py) {
        return;
    }
    let _ = INTERRUPTION.try_with(|interruption| {
        let before = interruption.take();
        if before.is_none() {
            PUT_OFF.fetch_add(1, Ordering::Relaxed);
        }
        interruption.set(before.or(Some(error)));
    });
}

/// The value, or nothing where there is an error, which is [put off](put_off) where that is needed.
pub fn or_put_off<T>(py: Python<'_>, result: PyResult<T>) -> Option<T> {
    result.map_err(|error| put_off(py, error)).ok()
}

/// What was put off on this thread, to be raised now.
#[inline]
pub fn interruption() -> Option<PyErr> {
    if PUT_OFF.load(Ordering::Relaxed) == 0 { None } else { take_interruption() }
}

#[cold]
fn take_interruption() -> Option<PyErr> {
    let error = INTERRUPTION.try_with(Cell::take).ok().flatten();
    if error.is_some() {
        PUT_OFF.fetch_sub(1, Ordering::Relaxed);
    }
    error
}

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
    let logged = kwargs
        .set_item("exc_info", value)
        .and_then(|()| GET_LOGGER.get(py)?.call1((target,))?.call_method("error", (message,), Some(&kwargs)));
    or_put_off(py, logged);
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
    let logged = GET_LOGGER
        .get(py)
        .and_then(|get| get.call1((target,))?.call_method1("debug", ("%s: %r", message, error.value(py))));
    or_put_off(py, logged);
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
    or_put_off(py, logged);
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
    or_put_off(py, logged);
}
