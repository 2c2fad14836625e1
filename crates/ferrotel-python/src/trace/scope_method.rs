//! A scope's `__enter__` and `__exit__`.
//!
//! A `with` statement asks the type for both and takes what their descriptors return. The descriptors of ordinary
//! methods make a function object each time, which is allocated and freed again: a fifth of the cost of a span. What
//! these descriptors return comes from a free list.

use std::ffi::{CStr, c_int, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::free_list::FreeList;
use crate::raw::{self, Fast, Raw, Spec, guard};

static DESCRIPTOR: AtomicPtr<ffi::PyTypeObject> = AtomicPtr::new(std::ptr::null_mut());
static BOUND: AtomicPtr<ffi::PyTypeObject> = AtomicPtr::new(std::ptr::null_mut());
static FREE: FreeList = FreeList::new();

/// One of the methods.
pub struct Method {
    pub name: &'static CStr,
    pub doc: &'static CStr,
    /// Called with an instance of the type that the method was added to.
    pub function: Fast,
}

/// The method as it stands in its type, and the method of one instance.
#[repr(C)]
struct MethodObject {
    object: ffi::PyObject,
    call: Option<ffi::vectorcallfunc>,
    method: *const Method,
    /// The instance, owned; in a descriptor the type, not owned: types live as long as the process.
    of: Raw,
}

unsafe fn method_of<'a>(this: Raw) -> &'a mut MethodObject {
    // SAFETY: the callers pass an instance of either type.
    unsafe { &mut *this.cast::<MethodObject>() }
}

/// Gives a raw type the method.
///
/// # Errors
/// Out of memory.
pub fn add(class: &Bound<'_, PyAny>, method: &'static Method) -> PyResult<()> {
    let py = class.py();
    let kind = DESCRIPTOR.load(Ordering::Relaxed);
    // SAFETY: the ordinary allocation; the fields that zero does not stand for are written at once.
    let descriptor = unsafe {
        let made = (*kind).tp_alloc.map_or(std::ptr::null_mut(), |alloc| alloc(kind, 0));
        let descriptor = Bound::from_owned_ptr_or_err(py, made)?;
        let fields = method_of(made);
        fields.call = Some(call_unbound);
        fields.method = method;
        fields.of = class.as_ptr();
        descriptor
    };
    class.setattr(method.name.to_str().unwrap_or_default(), descriptor)
}

unsafe extern "C" fn bind(this: Raw, instance: Raw, _: Raw) -> Raw {
    // SAFETY: called by the interpreter on a descriptor; `instance` is null or alive.
    unsafe {
        if instance.is_null() || instance == ffi::Py_None() {
            return raw::share(this);
        }
        let descriptor = method_of(this);
        if ffi::Py_TYPE(instance).cast() != descriptor.of {
            return guard(|_| Err(PyTypeError::new_err("the method belongs to another type")));
        }
        let kind = BOUND.load(Ordering::Relaxed);
        let mut made = FREE.take(kind);
        if made.is_null() {
            made = (*kind).tp_alloc.map_or(std::ptr::null_mut(), |alloc| alloc(kind, 0));
            if made.is_null() {
                return made;
            }
        }
        let bound = method_of(made);
        bound.call = Some(call_bound);
        bound.method = descriptor.method;
        bound.of = raw::share(instance);
        made
    }
}

unsafe extern "C" fn call_bound(this: Raw, args: *const Raw, count: usize, names: Raw) -> Raw {
    // SAFETY: called by the interpreter on a bound method, which it keeps alive meanwhile.
    unsafe {
        let bound = method_of(this);
        ((*bound.method).function)(bound.of, args, positional(count), names)
    }
}

/// `Type.method(instance, ...)`.
unsafe extern "C" fn call_unbound(this: Raw, args: *const Raw, count: usize, names: Raw) -> Raw {
    // SAFETY: called by the interpreter on a descriptor, with `count` arguments.
    unsafe {
        let descriptor = method_of(this);
        let count = positional(count);
        if count < 1 || ffi::Py_TYPE(*args).cast() != descriptor.of {
            return guard(|_| Err(PyTypeError::new_err("the first argument must be an instance of the method's type")));
        }
        ((*descriptor.method).function)(*args, args.add(1), count - 1, names)
    }
}

/// The number of positional arguments of a vectorcall, without the flag in its highest bit.
#[inline]
const fn positional(count: usize) -> ffi::Py_ssize_t {
    (count & (usize::MAX >> 1)).cast_signed()
}

unsafe extern "C" fn dealloc(this: Raw) {
    // SAFETY: the type's own deallocation.
    unsafe {
        let kind = ffi::Py_TYPE(this);
        ffi::PyObject_GC_UnTrack(this.cast());
        if kind == BOUND.load(Ordering::Relaxed) {
            raw::replace(&mut method_of(this).of, std::ptr::null_mut());
            if FREE.keep(this) {
                return;
            }
        }
        if let Some(free) = (*kind).tp_free {
            free(this.cast());
        }
        ffi::Py_DECREF(kind.cast());
    }
}

unsafe extern "C" fn traverse(this: Raw, visit: ffi::visitproc, arg: *mut c_void) -> c_int {
    // SAFETY: called by the collector on a live instance.
    unsafe {
        let of = method_of(this).of;
        if ffi::Py_TYPE(this) == BOUND.load(Ordering::Relaxed) && !of.is_null() {
            let result = visit(of, arg);
            if result != 0 {
                return result;
            }
        }
        raw::visit_type(this, visit, arg)
    }
}

unsafe extern "C" fn get_self(this: Raw, _: *mut c_void) -> Raw {
    // SAFETY: called by the interpreter on a bound method.
    unsafe { raw::share(method_of(this).of) }
}

unsafe extern "C" fn get_name(this: Raw, _: *mut c_void) -> Raw {
    // SAFETY: called by the interpreter on an instance, whose method is never null.
    unsafe { guard(|py| text(py, (*method_of(this).method).name)) }
}

unsafe extern "C" fn get_doc(this: Raw, _: *mut c_void) -> Raw {
    // SAFETY: as the name.
    unsafe { guard(|py| text(py, (*method_of(this).method).doc)) }
}

fn text(py: Python<'_>, text: &CStr) -> PyResult<Raw> {
    Ok(PyString::new(py, text.to_str().unwrap_or_default()).into_ptr())
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let make = |name, own: Option<ffi::PyGetSetDef>, bind: Option<(c_int, *mut c_void)>| {
        let mut attributes = vec![
            raw::attribute(c"__name__", get_name, None, c"The method's name.", 0),
            raw::attribute(c"__doc__", get_doc, None, c"What the method does.", 0),
        ];
        attributes.extend(own);
        let mut slots = vec![
            (ffi::Py_tp_dealloc, dealloc as *mut c_void),
            (ffi::Py_tp_traverse, traverse as *mut c_void),
            (ffi::Py_tp_call, ffi::PyVectorcall_Call as *mut c_void),
        ];
        slots.extend(bind);
        let kind = Spec {
            name,
            size: size_of::<MethodObject>(),
            flags: ffi::Py_TPFLAGS_HAVE_GC,
            methods: vec![],
            attributes,
            dict_and_weaklist: None,
            slots,
            doc: c"",
        }
        .make(module.py(), None)?;
        // SAFETY: a type that has no instances yet; each gets its function when it is made. A spec cannot say this before
        // 3.9.
        unsafe {
            let kind = kind.as_ptr().cast::<ffi::PyTypeObject>();
            (*kind).tp_vectorcall_offset = std::mem::offset_of!(MethodObject, call).cast_signed();
            (*kind).tp_flags |= VECTORCALL;
            // Nobody else makes any: without their fields they would be good for nothing.
            (*kind).tp_new = None;
        }
        Ok::<_, PyErr>(kind)
    };
    let this = raw::attribute(c"__self__", get_self, None, c"The scope.", 0);
    let bind = (ffi::Py_tp_descr_get, bind as *mut c_void);
    BOUND.store(make(c"ferrotel._native.BoundScopeMethod", Some(this), None)?.into_ptr().cast(), Ordering::Relaxed);
    DESCRIPTOR.store(make(c"ferrotel._native.ScopeMethod", None, Some(bind))?.into_ptr().cast(), Ordering::Relaxed);
    Ok(())
}

/// `Py_TPFLAGS_HAVE_VECTORCALL`, which had another name before 3.9.
const VECTORCALL: std::ffi::c_ulong = 1 << 11;
