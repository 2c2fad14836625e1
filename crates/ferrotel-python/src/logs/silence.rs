//! What telemetry logs about itself must not become telemetry: the mark that says whose a line is.
//!
//! Kept in a `ContextVar`, not in the thread: where greenlets share a thread, one may wait for its exporter's answer
//! while another one logs what is worth a record.

use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::prelude::*;
use pyo3::{IntoPyObjectExt, ffi};

use crate::context;
use crate::raw::Raw;

/// Holds what silences, a string; unset for nothing.
static SILENCED_BY: AtomicPtr<ffi::PyObject> = AtomicPtr::new(std::ptr::null_mut());
/// How many records of `logging` are being read at this moment, one inside the other.
static DEPTH: AtomicPtr<ffi::PyObject> = AtomicPtr::new(std::ptr::null_mut());

/// While it lives, what is logged in this context does not become a log record.
pub struct Silence<'py>(Option<Bound<'py, PyAny>>);

impl<'py> Silence<'py> {
    /// Begins. Never fails: without memory for the mark, lines go on as before.
    pub fn new(py: Python<'py>, by: &str) -> Self {
        Silence(set(py, &SILENCED_BY, by))
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        if let Some(token) = self.0.take() {
            reset(&SILENCED_BY, &token);
        }
    }
}

/// What silences the current context.
#[inline]
pub fn silenced_by(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    get(py, &SILENCED_BY)
}

/// While it lives, a record of `logging` is being read, which may run the program's code.
pub struct Reading<'py>(Option<Bound<'py, PyAny>>);

/// So deep may the reading of records nest: an object's `__str__` may log, but not without an end.
const DEEPEST: usize = 3;

impl<'py> Reading<'py> {
    /// Begins; `None` where it is too deep.
    pub fn new(py: Python<'py>) -> Option<Self> {
        let depth = get(py, &DEPTH).and_then(|depth| depth.extract::<usize>().ok()).unwrap_or(0);
        (depth < DEEPEST).then(|| Reading(set(py, &DEPTH, depth + 1)))
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        if let Some(token) = self.0.take() {
            reset(&DEPTH, &token);
        }
    }
}

#[inline]
fn get<'py>(py: Python<'py>, variable: &AtomicPtr<ffi::PyObject>) -> Option<Bound<'py, PyAny>> {
    let mut value: Raw = std::ptr::null_mut();
    // SAFETY: a ContextVar that lives as long as the process; a success leaves null or a new reference.
    unsafe {
        if ffi::PyContextVar_Get(variable.load(Ordering::Relaxed), std::ptr::null_mut(), &raw mut value) != 0 {
            ffi::PyErr_Clear();
            return None;
        }
        Bound::from_owned_ptr_or_opt(py, value)
    }
}

fn set<'py>(
    py: Python<'py>,
    variable: &AtomicPtr<ffi::PyObject>,
    value: impl IntoPyObject<'py>,
) -> Option<Bound<'py, PyAny>> {
    let value = value.into_bound_py_any(py).ok()?;
    // SAFETY: a ContextVar that lives as long as the process; returns null or a new token.
    unsafe {
        let token = context::variable::set(variable.load(Ordering::Relaxed), value.as_ptr());
        if token.is_null() {
            ffi::PyErr_Clear();
        }
        Bound::from_owned_ptr_or_opt(py, token)
    }
}

fn reset(variable: &AtomicPtr<ffi::PyObject>, token: &Bound<'_, PyAny>) {
    // An exception that is on its way stays so.
    let pending = PyErr::take(token.py());
    // SAFETY: a ContextVar and one of its tokens; one of another context raises, and there is nothing to undo then.
    unsafe {
        if context::variable::reset(variable.load(Ordering::Relaxed), token.as_ptr()) != 0 {
            ffi::PyErr_Clear();
        }
    }
    if let Some(pending) = pending {
        pending.restore(token.py());
    }
}

/// Begins a silence; returns what ends it.
#[pyfunction]
fn silence<'py>(py: Python<'py>, by: &str) -> Option<Bound<'py, PyAny>> {
    set(py, &SILENCED_BY, by)
}

/// Ends a silence.
#[pyfunction]
fn end_silence(token: Option<&Bound<'_, PyAny>>) {
    if let Some(token) = token {
        reset(&SILENCED_BY, token);
    }
}

/// Prepares the marks.
///
/// # Errors
/// Out of memory.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    for (variable, name) in [(&SILENCED_BY, c"ferrotel_silenced_by"), (&DEPTH, c"ferrotel_logging_depth")] {
        // SAFETY: the name is a C string; no default is given.
        let made = unsafe {
            Bound::from_owned_ptr_or_err(module.py(), ffi::PyContextVar_New(name.as_ptr(), std::ptr::null_mut()))?
        };
        variable.store(made.into_ptr(), Ordering::Relaxed);
    }
    module.add_function(wrap_pyfunction!(silence, module)?)?;
    module.add_function(wrap_pyfunction!(end_silence, module)?)
}
