//! `opentelemetry.trace.NonRecordingSpan`: carries a span context and records nothing.

use std::ffi::c_void;

use ferrotel::api::trace::SpanContext;
use pyo3::ffi;
use pyo3::prelude::*;

use super::PySpanContext;
use crate::free_list::{self, FreeList};
use crate::raw::{self, Raw, Spec, guard};
use crate::types::NON_RECORDING_SPAN;

static FREE: FreeList = FreeList::new();

#[repr(C)]
struct NonRecording {
    object: ffi::PyObject,
    dict: Raw,
    weaklist: Raw,
    /// The `SpanContext`; null until somebody asks, where the native code made the span.
    context: Raw,
    /// What the native code made the span for.
    inner: Option<SpanContext>,
}

/// A `NonRecordingSpan` for `context`.
///
/// # Errors
/// Out of memory.
#[inline]
pub fn non_recording(py: Python<'_>, context: SpanContext) -> PyResult<Py<PyAny>> {
    let kind: *mut ffi::PyTypeObject = NON_RECORDING_SPAN.get(py)?.as_ptr().cast();
    // SAFETY: the class derives from the base made here, so instances have its layout; the new instance is ours.
    unsafe {
        let mut made = FREE.take(kind);
        if made.is_null() {
            made = allocate(kind);
        } else if non_recording_of(made).dict.is_null() {
            non_recording_of(made).dict = free_list::empty_dict();
        }
        let span = Bound::from_owned_ptr_or_err(py, made)?;
        non_recording_of(made).inner = Some(context);
        Ok(span.unbind())
    }
}

/// Whether `span` is exactly of the overlay's class.
#[inline]
pub fn is_own(span: &Bound<'_, PyAny>) -> bool {
    // SAFETY: reads the type.
    unsafe { ffi::Py_TYPE(span.as_ptr()) }.cast() == NON_RECORDING_SPAN.as_ptr()
}

/// The span context of a span for which [`is_own`] holds; `None` where it was made for something else.
#[inline]
pub fn context_of(span: &Bound<'_, PyAny>) -> Option<SpanContext> {
    // SAFETY: an instance, as the caller says.
    let this = unsafe { non_recording_of(span.as_ptr()) };
    if this.context.is_null() {
        return this.inner.clone();
    }
    Some(context_object_of(span)?.get().inner.clone())
}

/// As [`context_of`], as an object.
pub fn context_object_of<'py>(span: &Bound<'py, PyAny>) -> Option<Bound<'py, PySpanContext>> {
    // SAFETY: an instance, as the caller says; a new reference, or null with an exception that is dropped.
    unsafe {
        let context = get_context(span.as_ptr(), std::ptr::null_mut());
        Bound::from_owned_ptr_or_err(span.py(), context).ok()?.cast_into::<PySpanContext>().ok()
    }
}

unsafe fn non_recording_of<'a>(this: Raw) -> &'a mut NonRecording {
    // SAFETY: the callers pass an instance.
    unsafe { &mut *this.cast::<NonRecording>() }
}

unsafe fn allocate(kind: *mut ffi::PyTypeObject) -> Raw {
    // SAFETY: the ordinary allocation is zeroed; the field that zero does not stand for is written at once.
    unsafe {
        let made = (*kind).tp_alloc.map_or(std::ptr::null_mut(), |alloc| alloc(kind, 0));
        if !made.is_null() {
            (&raw mut non_recording_of(made).inner).write(None);
            if kind.cast() == NON_RECORDING_SPAN.as_ptr() {
                non_recording_of(made).dict = free_list::empty_dict();
            }
        }
        made
    }
}

unsafe extern "C" fn new(kind: *mut ffi::PyTypeObject, _: Raw, _: Raw) -> Raw {
    // SAFETY: called by the interpreter with a type that derives from the base.
    unsafe { allocate(kind) }
}

unsafe extern "C" fn dealloc(this: Raw) {
    // SAFETY: the type's own deallocation.
    unsafe {
        let kind = ffi::Py_TYPE(this);
        let hot = kind.cast() == NON_RECORDING_SPAN.as_ptr();
        if hot && raw::finalize(this) {
            return;
        }
        ffi::PyObject_GC_UnTrack(this.cast());
        if !non_recording_of(this).weaklist.is_null() {
            ffi::PyObject_ClearWeakRefs(this);
        }
        let dict = if hot { free_list::keep_dict(&mut non_recording_of(this).dict) } else { std::ptr::null_mut() };
        clear(this);
        drop(non_recording_of(this).inner.take());
        // One that was finalized already would not be again.
        if hot && (*kind).tp_finalize.is_none() && FREE.keep(this) {
            non_recording_of(this).dict = dict;
            return;
        }
        ffi::Py_XDECREF(dict);
        if let Some(free) = (*kind).tp_free {
            free(this.cast());
        }
        ffi::Py_DECREF(kind.cast());
    }
}

unsafe extern "C" fn traverse(this: Raw, visit: ffi::visitproc, arg: *mut c_void) -> std::ffi::c_int {
    // SAFETY: called by the collector on a live instance.
    unsafe {
        let span = non_recording_of(this);
        for object in [span.dict, span.context] {
            if !object.is_null() {
                let result = visit(object, arg);
                if result != 0 {
                    return result;
                }
            }
        }
        raw::visit_type(this, visit, arg)
    }
}

unsafe extern "C" fn clear(this: Raw) -> std::ffi::c_int {
    // SAFETY: called by the collector on a live instance.
    unsafe {
        raw::replace(&mut non_recording_of(this).dict, std::ptr::null_mut());
        raw::replace(&mut non_recording_of(this).context, std::ptr::null_mut());
    }
    0
}

unsafe extern "C" fn get_context(this: Raw, _: *mut c_void) -> Raw {
    // SAFETY: called on an instance; a missing context reads as None.
    unsafe {
        guard(|py| {
            let span = non_recording_of(this);
            if span.context.is_null()
                && let Some(context) = span.inner.clone()
            {
                let made = super::to_py(py, context)?.into_ptr();
                // Making it may have run Python code that asked, too.
                raw::replace(&mut span.context, made);
            }
            Ok(raw::share(if span.context.is_null() { ffi::Py_None() } else { span.context }))
        })
    }
}

unsafe extern "C" fn set_context(this: Raw, value: Raw, _: *mut c_void) -> std::ffi::c_int {
    // SAFETY: called on an instance; the old context is dropped.
    unsafe { raw::replace(&mut (*this.cast::<NonRecording>()).context, raw::share(value)) };
    0
}

unsafe extern "C" fn get_span_context(this: Raw, _: Raw) -> Raw {
    // SAFETY: as the attribute.
    unsafe { get_context(this, std::ptr::null_mut()) }
}

unsafe extern "C" fn reduce(this: Raw, _: Raw) -> Raw {
    // SAFETY: called on an instance; the context is a new reference.
    unsafe {
        guard(|py| {
            let context = Bound::from_owned_ptr_or_err(py, get_context(this, std::ptr::null_mut()))?;
            Ok((Bound::from_borrowed_ptr(py, this).get_type(), (context,)).into_pyobject(py)?.into_ptr())
        })
    }
}

unsafe extern "C" fn is_recording(_: Raw, _: Raw) -> Raw {
    // SAFETY: attached.
    unsafe { raw::share(ffi::Py_False()) }
}

macro_rules! nothing {
    ($($function:ident $name:literal [$($parameter:literal),*] $required:literal;)+) => {$(
        unsafe extern "C" fn $function(_: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
            // SAFETY: called by the interpreter.
            unsafe {
                guard(|py| {
                    raw::arguments(py, $name, &[$($parameter),*], $required, args, count, names)?;
                    Ok(raw::none(py))
                })
            }
        }
    )+};
}

nothing! {
    end "end" ["end_time"] 0;
    set_attributes "set_attributes" ["attributes"] 1;
    set_attribute "set_attribute" ["key", "value"] 2;
    add_event "add_event" ["name", "attributes", "timestamp"] 1;
    add_link "add_link" ["context", "attributes"] 1;
    update_name "update_name" ["name"] 1;
    set_status "set_status" ["status", "description"] 1;
    record_exception "record_exception" ["exception", "attributes", "timestamp", "escaped"] 1;
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let kind = Spec {
        name: c"ferrotel._native.NonRecordingSpanBase",
        size: size_of::<NonRecording>(),
        flags: ffi::Py_TPFLAGS_HAVE_GC | ffi::Py_TPFLAGS_BASETYPE,
        methods: vec![
            raw::method_noargs(c"get_span_context", get_span_context, c"get_span_context($self)\n--\n\nThe span context."),
            raw::method_noargs(c"__reduce__", reduce, c"__reduce__($self, /)\n--\n\nFor pickle and copy."),
            raw::method_noargs(c"is_recording", is_recording, c"is_recording($self)\n--\n\nAlways False."),
            raw::method(c"end", end, c"end($self, end_time=None)\n--\n\nDoes nothing."),
            raw::method(c"set_attributes", set_attributes, c"set_attributes($self, attributes)\n--\n\nDoes nothing."),
            raw::method(c"set_attribute", set_attribute, c"set_attribute($self, key, value)\n--\n\nDoes nothing."),
            raw::method(c"add_event", add_event, c"add_event($self, name, attributes=None, timestamp=None)\n--\n\nDoes nothing."),
            raw::method(c"add_link", add_link, c"add_link($self, context, attributes=None)\n--\n\nDoes nothing."),
            raw::method(c"update_name", update_name, c"update_name($self, name)\n--\n\nDoes nothing."),
            raw::method(c"set_status", set_status, c"set_status($self, status, description=None)\n--\n\nDoes nothing."),
            raw::method(
                c"record_exception",
                record_exception,
                c"record_exception($self, exception, attributes=None, timestamp=None, escaped=False)\n--\n\nDoes nothing.",
            ),
        ],
        attributes: vec![raw::attribute(c"_context", get_context, Some(set_context), c"The span context.", 0)],
        dict_and_weaklist: Some((
            std::mem::offset_of!(NonRecording, dict),
            std::mem::offset_of!(NonRecording, weaklist),
        )),
        slots: vec![
            (ffi::Py_tp_new, new as *mut c_void),
            (ffi::Py_tp_dealloc, dealloc as *mut c_void),
            (ffi::Py_tp_traverse, traverse as *mut c_void),
            (ffi::Py_tp_clear, clear as *mut c_void),
        ],
        doc: c"The base of NonRecordingSpan.",
    }
    .make(module.py(), None)?;
    module.add("NonRecordingSpanBase", kind)
}
