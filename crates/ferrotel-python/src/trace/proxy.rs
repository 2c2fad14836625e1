//! What `opentelemetry.trace.ProxyTracer` stands on: a call forwarded to the real tracer without a Python frame.
//!
//! Most programs ask for their tracers before they set a provider, and then keep the proxies for ever.

use std::ffi::{c_int, c_void};

use pyo3::prelude::*;
use pyo3::types::PyString;
use pyo3::{ffi, intern};

use super::scope;
use crate::raw::{self, Raw, Spec, guard};

#[repr(C)]
struct Proxy {
    object: ffi::PyObject,
    /// The tracer of the provider that was set; null or `None` before.
    real: Raw,
}

unsafe fn proxy_of<'a>(this: Raw) -> &'a mut Proxy {
    // SAFETY: the callers pass an instance.
    unsafe { &mut *this.cast::<Proxy>() }
}

/// `object.name(*args)` with the interpreter's own argument layout.
///
/// # Safety
/// `args`, `count` and `names` are what the interpreter passed.
#[inline]
unsafe fn forward<'py>(
    object: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
    args: *const Raw,
    count: ffi::Py_ssize_t,
    names: Raw,
) -> PyResult<Bound<'py, PyAny>> {
    let method = object.getattr(name)?;
    // SAFETY: the caller's promise; a negative count does not exist.
    unsafe { Bound::from_owned_ptr_or_err(object.py(), call(method.as_ptr(), args, count, names)) }
}

#[cfg(Py_3_9)]
#[inline]
unsafe fn call(method: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    // SAFETY: the caller's promise.
    unsafe { ffi::PyObject_Vectorcall(method, args, count.cast_unsigned(), names) }
}

/// Not `PyObject_Vectorcall`: pyo3-ffi's passes arguments in it that CPython 3.8's functions do not have.
#[cfg(not(Py_3_9))]
unsafe fn call(method: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    // SAFETY: the caller's promise; `args` has `count` values, and one more for each name. What is made here is given
    // back here, and a null stands for an error that is set.
    unsafe {
        let positional = ffi::PyTuple_New(count);
        let keywords = if names.is_null() { std::ptr::null_mut() } else { ffi::PyDict_New() };
        if positional.is_null() || (keywords.is_null() && !names.is_null()) {
            ffi::Py_XDECREF(positional);
            ffi::Py_XDECREF(keywords);
            return std::ptr::null_mut();
        }
        for at in 0..count {
            ffi::PyTuple_SET_ITEM(positional, at, raw::share(*args.offset(at)));
        }
        let named = if names.is_null() { 0 } else { ffi::PyTuple_GET_SIZE(names) };
        let complete = (0..named)
            .all(|at| ffi::PyDict_SetItem(keywords, ffi::PyTuple_GET_ITEM(names, at), *args.offset(count + at)) == 0);
        let result = if complete { ffi::PyObject_Call(method, positional, keywords) } else { std::ptr::null_mut() };
        ffi::Py_DECREF(positional);
        ffi::Py_XDECREF(keywords);
        result
    }
}

unsafe extern "C" fn start_span(this: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    // SAFETY: called by the interpreter on an instance.
    unsafe {
        guard(|py| {
            let name = intern!(py, "start_span");
            let tracer = match raw::given(py, proxy_of(this).real) {
                Some(real) => real,
                None => Bound::from_borrowed_ptr(py, this).getattr(intern!(py, "_tracer"))?,
            };
            Ok(forward(&tracer, name, args, count, names)?.into_ptr())
        })
    }
}

unsafe extern "C" fn start_as_current_span(this: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    // SAFETY: called by the interpreter on an instance.
    unsafe {
        guard(|py| {
            if let Some(real) = raw::given(py, proxy_of(this).real) {
                let made = forward(&real, intern!(py, "start_as_current_span"), args, count, names)?;
                if scope::is_scope(&made) {
                    return Ok(made.into_ptr());
                }
            }
            // No tracer yet, or one whose context managers may not know coroutine functions.
            let proxy = Bound::from_borrowed_ptr(py, this);
            Ok(forward(&proxy, intern!(py, "_deferred_scope"), args, count, names)?.into_ptr())
        })
    }
}

unsafe extern "C" fn new(kind: *mut ffi::PyTypeObject, _: Raw, _: Raw) -> Raw {
    // SAFETY: the ordinary allocation, zeroed.
    unsafe { (*kind).tp_alloc.map_or(std::ptr::null_mut(), |alloc| alloc(kind, 0)) }
}

unsafe extern "C" fn clear(this: Raw) -> c_int {
    // SAFETY: called by the collector, or before the deallocation.
    unsafe { raw::replace(&mut proxy_of(this).real, std::ptr::null_mut()) };
    0
}

unsafe extern "C" fn dealloc(this: Raw) {
    // SAFETY: the type's own deallocation.
    unsafe {
        let kind = ffi::Py_TYPE(this);
        ffi::PyObject_GC_UnTrack(this.cast());
        clear(this);
        if let Some(free) = (*kind).tp_free {
            free(this.cast());
        }
        ffi::Py_DECREF(kind.cast());
    }
}

unsafe extern "C" fn traverse(this: Raw, visit: ffi::visitproc, arg: *mut c_void) -> c_int {
    // SAFETY: called by the collector on a live instance.
    unsafe {
        let real = proxy_of(this).real;
        let result = if real.is_null() { 0 } else { visit(real, arg) };
        if result != 0 { result } else { raw::visit_type(this, visit, arg) }
    }
}

unsafe extern "C" fn get_real(this: Raw, _: *mut c_void) -> Raw {
    // SAFETY: called on an instance; no tracer reads as None.
    unsafe {
        let real = proxy_of(this).real;
        raw::share(if real.is_null() { ffi::Py_None() } else { real })
    }
}

unsafe extern "C" fn set_real(this: Raw, value: Raw, _: *mut c_void) -> c_int {
    // SAFETY: called on an instance; null deletes.
    unsafe { raw::replace(&mut proxy_of(this).real, raw::share(value)) };
    0
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let kind = Spec {
        name: c"ferrotel._native.ProxyTracerBase",
        size: size_of::<Proxy>(),
        flags: ffi::Py_TPFLAGS_HAVE_GC | ffi::Py_TPFLAGS_BASETYPE,
        methods: vec![
            raw::method(
                c"start_span",
                start_span,
                c"start_span($self, *args, **kwargs)\n--\n\nAs the real tracer's, or the no-op one's.",
            ),
            raw::method(
                c"start_as_current_span",
                start_as_current_span,
                c"start_as_current_span($self, *args, **kwargs)\n--\n\nAs the real tracer's, or the no-op one's: that is decided when the block or function is entered.",
            ),
        ],
        attributes: vec![raw::attribute(c"_real_tracer", get_real, Some(set_real), c"The tracer that this one stands for.", 0)],
        dict_and_weaklist: None,
        slots: vec![
            (ffi::Py_tp_new, new as *mut c_void),
            (ffi::Py_tp_dealloc, dealloc as *mut c_void),
            (ffi::Py_tp_traverse, traverse as *mut c_void),
            (ffi::Py_tp_clear, clear as *mut c_void),
        ],
        doc: c"What ProxyTracer stands on.",
    }
    .make(module.py(), None)?;
    module.add("ProxyTracerBase", kind)
}
