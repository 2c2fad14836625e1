//! Which context is current: in a `ContextVar`, or wherever another runtime context keeps it.

use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::{Borrowed, ffi, intern};

use super::{path, tree, variable};
use crate::error::log_exception;
use crate::raw::Raw;

/// The context without entries.
pub(super) static EMPTY: AtomicPtr<ffi::PyObject> = AtomicPtr::new(std::ptr::null_mut());
/// The `ContextVar` of the standard runtime context; null while another runtime is in force.
pub(super) static VARIABLE: AtomicPtr<ffi::PyObject> = AtomicPtr::new(std::ptr::null_mut());
/// The runtime context in force.
static RUNTIME: AtomicPtr<ffi::PyObject> = AtomicPtr::new(std::ptr::null_mut());

/// The current context.
///
/// # Errors
/// What a foreign runtime context raises.
#[inline]
pub fn current(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let variable = VARIABLE.load(Ordering::Relaxed);
    // SAFETY: both pointers are null or live as long as the process.
    unsafe {
        if !variable.is_null() {
            return current_of(py, variable);
        }
        match Bound::from_borrowed_ptr_or_opt(py, RUNTIME.load(Ordering::Relaxed)) {
            Some(runtime) => runtime.call_method0(intern!(py, "get_current")),
            None => {
                // Nobody imported opentelemetry.context yet; doing so sets the runtime.
                py.import("opentelemetry.context")?;
                if VARIABLE.load(Ordering::Relaxed).is_null() && RUNTIME.load(Ordering::Relaxed).is_null() {
                    return Err(PyRuntimeError::new_err("opentelemetry.context is not ferrotel's"));
                }
                current(py)
            }
        }
    }
}

/// # Safety
/// `variable` is a `ContextVar`.
#[inline]
unsafe fn current_of(py: Python<'_>, variable: Raw) -> PyResult<Bound<'_, PyAny>> {
    let mut value = std::ptr::null_mut();
    // SAFETY: the caller's promise; a success leaves null or a new reference in `value`. What is known is in the tree.
    unsafe {
        if let Some(here) = tree::Here::now()
            && let Some(known) = here.known(variable)
        {
            let known = if known.is_null() { EMPTY.load(Ordering::Relaxed) } else { known };
            return Ok(Bound::from_borrowed_ptr(py, known));
        }
        if ffi::PyContextVar_Get(variable, std::ptr::null_mut(), &raw mut value) != 0 {
            return Err(PyErr::fetch(py));
        }
        Ok(if value.is_null() {
            Bound::from_borrowed_ptr(py, EMPTY.load(Ordering::Relaxed))
        } else {
            Bound::from_owned_ptr(py, value)
        })
    }
}

/// Makes `context` current, and returns the token that takes it back.
///
/// # Errors
/// What a foreign runtime context raises.
#[inline]
pub fn enter(py: Python<'_>, context: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    let variable = VARIABLE.load(Ordering::Relaxed);
    // SAFETY: the variable lives as long as the process.
    unsafe {
        if !variable.is_null() {
            return Bound::from_owned_ptr_or_err(py, variable::set(variable, context.as_ptr())).map(Bound::unbind);
        }
    }
    current(py)?;
    runtime(py)?.call_method1(intern!(py, "attach"), (context,)).map(Bound::unbind)
}

/// Takes back what [`enter`] did. A token of another execution context is reported once, and changes nothing.
///
/// # Errors
/// Only KeyboardInterrupt and SystemExit out of a foreign runtime context.
#[inline]
pub fn leave(py: Python<'_>, token: &Bound<'_, PyAny>) -> PyResult<()> {
    let variable = VARIABLE.load(Ordering::Relaxed);
    // SAFETY: the variable lives as long as the process; a wrong token raises.
    let left = unsafe {
        if variable.is_null() {
            runtime(py).and_then(|r| r.call_method1(intern!(py, "detach"), (token,))).map(drop)
        } else if variable::reset(variable, token.as_ptr()) == 0 {
            return Ok(());
        } else {
            Err(PyErr::fetch(py))
        }
    };
    left.or_else(|error| detach_failed(py, error))
}

#[cold]
pub(super) fn detach_failed(py: Python<'_>, error: PyErr) -> PyResult<()> {
    // The same program mistake comes back with every request: the first report has the traceback, the rest are quiet.
    static REPORTED: AtomicBool = AtomicBool::new(false);
    if REPORTED.swap(true, Ordering::Relaxed) {
        let logger = crate::types::GET_LOGGER.get(py).and_then(|get| get.call1(("opentelemetry.context",)));
        let _ =
            logger.and_then(|logger| logger.call_method1("debug", ("Failed to detach context: %s", error.value(py))));
        return Ok(());
    }
    log_exception(py, error, "opentelemetry.context", "Failed to detach context")
}

fn runtime(py: Python<'_>) -> PyResult<Borrowed<'static, '_, PyAny>> {
    let runtime = RUNTIME.load(Ordering::Relaxed);
    if runtime.is_null() {
        return Err(PyRuntimeError::new_err("opentelemetry.context is not imported"));
    }
    // SAFETY: not null, and lives as long as the process.
    Ok(unsafe { Borrowed::from_ptr(py, runtime) })
}

/// The base of `ContextVarsRuntimeContext`: keeps the current context in a `contextvars.ContextVar`.
#[pyclass(subclass, frozen, module = "ferrotel._native")]
pub(super) struct RuntimeContextBase {
    /// The variable.
    #[pyo3(get, name = "_current_context")]
    variable: Py<PyAny>,
}

#[pymethods]
impl RuntimeContextBase {
    #[new]
    fn new(py: Python<'_>) -> PyResult<Self> {
        // SAFETY: the name is a C string; no default is given.
        let variable = unsafe {
            Bound::from_owned_ptr_or_err(py, ffi::PyContextVar_New(c"current_context".as_ptr(), std::ptr::null_mut()))?
        };
        Ok(RuntimeContextBase { variable: variable.unbind() })
    }

    /// Makes `context` current; returns the token for `detach`.
    fn attach(&self, py: Python<'_>, context: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        // SAFETY: the field is a ContextVar.
        unsafe {
            Bound::from_owned_ptr_or_err(py, variable::set(self.variable.as_ptr(), context.as_ptr())).map(Bound::unbind)
        }
    }

    /// The current context.
    fn get_current<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        // SAFETY: the field is a ContextVar.
        unsafe { current_of(py, self.variable.as_ptr()) }
    }

    /// Makes the context current again that was so before `attach` returned `token`; raises for a foreign token.
    fn detach(&self, py: Python<'_>, token: &Bound<'_, PyAny>) -> PyResult<()> {
        // SAFETY: the field is a ContextVar; a wrong token raises.
        if unsafe { variable::reset(self.variable.as_ptr(), token.as_ptr()) } == 0 {
            Ok(())
        } else {
            Err(PyErr::fetch(py))
        }
    }
}

/// Puts a runtime context in force. The standard one is recognised by its exact type, and then bypassed.
#[pyfunction]
pub(super) fn set_runtime_context(py: Python<'_>, runtime: &Bound<'_, PyAny>) -> PyResult<()> {
    let standard: Bound<'_, PyAny> =
        py.import("opentelemetry.context.contextvars_context")?.getattr("ContextVarsRuntimeContext")?;
    let variable = if runtime.get_type().is(&standard) {
        runtime.getattr("_current_context")?.into_ptr()
    } else {
        std::ptr::null_mut()
    };
    RUNTIME.store(runtime.clone().into_ptr(), Ordering::Relaxed);
    if VARIABLE.load(Ordering::Relaxed) != variable {
        VARIABLE.store(variable, Ordering::Relaxed);
        // SAFETY: attached; null or a ContextVar.
        unsafe {
            path::forget();
            if !variable.is_null() {
                tree::learn(variable, EMPTY.load(Ordering::Relaxed));
            }
        }
    }
    Ok(())
}
