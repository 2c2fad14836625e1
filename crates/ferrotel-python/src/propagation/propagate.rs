//! `opentelemetry.propagate.extract` and `inject`: through the process's propagator, without a frame of Python where it
//! is the usual one.

use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use pyo3::{ffi, intern};

use super::carrier::{Getter, Setter};
use super::composite::{extract_all, inject_all};
use super::known::COMPOSITE;
use crate::raw::{self, Raw, given, guard};

/// The module's `get_global_textmap` as it was defined; only compared. Who replaces it is asked.
static GET_GLOBAL: AtomicPtr<ffi::PyObject> = AtomicPtr::new(std::ptr::null_mut());

/// The process's propagator as it was in the module's namespace when that had version [`SEEN_AT`]; not owned.
static SEEN: AtomicPtr<ffi::PyObject> = AtomicPtr::new(std::ptr::null_mut());
/// 0: not seen.
static SEEN_AT: AtomicU64 = AtomicU64::new(0);

/// The process's propagator.
#[inline]
fn propagator<'py>(namespace: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: a dict; as long as it is what it was, it owns the propagator.
    unsafe {
        let version = raw::dict_version(namespace.as_ptr());
        if version != 0 && version == SEEN_AT.load(Ordering::Relaxed) {
            return Ok(Bound::from_borrowed_ptr(namespace.py(), SEEN.load(Ordering::Relaxed)));
        }
    }
    look_up(namespace)
}

#[cold]
fn look_up<'py>(namespace: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
    let py = namespace.py();
    let lost = || PyRuntimeError::new_err("opentelemetry.propagate has lost its propagator");
    // SAFETY: a dict.
    let version = unsafe { raw::dict_version(namespace.as_ptr()) };
    let get = namespace.get_item(intern!(py, "get_global_textmap"))?.ok_or_else(lost)?;
    if get.as_ptr() != GET_GLOBAL.load(Ordering::Relaxed) {
        return get.call0();
    }
    let propagator = namespace.get_item(intern!(py, "_HTTP_TEXT_FORMAT"))?.ok_or_else(lost)?;
    // SAFETY: as above. Odd keys of somebody's may have run Python code meanwhile.
    if version == unsafe { raw::dict_version(namespace.as_ptr()) } {
        SEEN.store(propagator.as_ptr(), Ordering::Relaxed);
        SEEN_AT.store(version, Ordering::Relaxed);
    }
    Ok(propagator)
}

unsafe extern "C" fn extract(this: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    // SAFETY: called by the interpreter on a function that was made with a dict; `arguments` returns what the caller
    // holds.
    unsafe {
        guard(|py| {
            let [carrier, context, getter] =
                raw::arguments(py, "extract", &["carrier", "context", "getter"], 1, args, count, names)?;
            let propagator = propagator(&Bound::from_borrowed_ptr(py, this).cast_into_unchecked())?;
            let carrier = Bound::from_borrowed_ptr(py, carrier);
            let (context, getter) = (given(py, context), given(py, getter));
            let getter = Getter::new(getter.as_ref());
            if COMPOSITE.is_behind(&propagator, 1) {
                return extract_all(&propagator, &carrier, context, getter).map(Bound::into_ptr);
            }
            let keywords = PyDict::new(py);
            keywords.set_item(intern!(py, "getter"), getter.object(py)?)?;
            propagator.call_method(intern!(py, "extract"), (carrier, context), Some(&keywords)).map(Bound::into_ptr)
        })
    }
}

unsafe extern "C" fn inject(this: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    // SAFETY: as `extract`.
    unsafe {
        guard(|py| {
            let [carrier, context, setter] =
                raw::arguments(py, "inject", &["carrier", "context", "setter"], 1, args, count, names)?;
            let propagator = propagator(&Bound::from_borrowed_ptr(py, this).cast_into_unchecked())?;
            let carrier = Bound::from_borrowed_ptr(py, carrier);
            let (context, setter) = (given(py, context), given(py, setter));
            let setter = Setter::new(setter.as_ref());
            if COMPOSITE.is_behind(&propagator, 1) {
                inject_all(&propagator, &carrier, context.as_ref(), setter)?;
                return Ok(raw::none(py));
            }
            let keywords = PyDict::new(py);
            keywords.set_item(intern!(py, "context"), context)?;
            keywords.set_item(intern!(py, "setter"), setter.object(py)?)?;
            propagator.call_method(intern!(py, "inject"), (carrier,), Some(&keywords))?;
            Ok(raw::none(py))
        })
    }
}

/// The functions `extract` and `inject` of the module with this namespace.
#[pyfunction]
fn propagate_functions<'py>(namespace: &Bound<'py, PyDict>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let py = namespace.py();
    if let Some(get) = namespace.get_item("get_global_textmap")? {
        // Never given back, so that no other object can get the same address.
        GET_GLOBAL.store(get.into_ptr(), Ordering::Relaxed);
    }
    let function = |definition: ffi::PyMethodDef| -> PyResult<Bound<'py, PyAny>> {
        let module = PyString::new(py, "opentelemetry.propagate");
        // SAFETY: the definition lives for ever; the function takes its own references to the other two.
        unsafe {
            let made = ffi::PyCFunction_NewEx(Box::leak(Box::new(definition)), namespace.as_ptr(), module.as_ptr());
            Bound::from_owned_ptr_or_err(py, made)
        }
    };
    Ok((
        function(raw::method(
            c"extract",
            extract,
            c"extract(carrier, context=None, getter=None)\n--\n\n\
              Reads the values that came with a request.\n\n\
              Args:\n    \
              carrier: The headers, or whatever the getter can read from.\n    \
              context: What the values are added to; default: an empty context.\n    \
              getter: How headers are read from the carrier; default: as from a mapping.\n\n\
              Returns:\n    \
              A context with what the carrier holds.",
        ))?,
        function(raw::method(
            c"inject",
            inject,
            c"inject(carrier, context=None, setter=None)\n--\n\n\
              Writes the values that go with a request.\n\n\
              Args:\n    \
              carrier: The headers, or whatever the setter can write to.\n    \
              context: Where the values are; default: the current context.\n    \
              setter: How headers are written to the carrier; default: as to a mapping.",
        ))?,
    ))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(propagate_functions, module)?)
}
