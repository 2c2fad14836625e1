//! The overlay's own classes: what stands behind an object of exactly one of them need not be asked in Python.

use std::ffi::c_uint;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};

/// A propagator class of the overlay with its methods as they were defined.
///
/// The addresses are only ever compared; each owns a reference that is never given back, so that no other object can
/// get the same address.
pub struct KnownPropagator {
    class: AtomicPtr<ffi::PyObject>,
    extract: AtomicPtr<ffi::PyObject>,
    inject: AtomicPtr<ffi::PyObject>,
    /// The class's version when its methods were last seen to be the ones above; 0: none. Versions are never used
    /// twice, and a class gets another one with every change.
    version: AtomicU32,
}

impl KnownPropagator {
    const fn new() -> Self {
        KnownPropagator {
            class: AtomicPtr::new(std::ptr::null_mut()),
            extract: AtomicPtr::new(std::ptr::null_mut()),
            inject: AtomicPtr::new(std::ptr::null_mut()),
            version: AtomicU32::new(0),
        }
    }

    /// Whether the object is of exactly this class and both methods are those that the class was defined with: nobody
    /// replaced them, neither in the class nor in the object, which has no more attributes than it was made with.
    #[inline]
    pub fn is_behind(&self, propagator: &Bound<'_, PyAny>, attributes: usize) -> bool {
        // SAFETY: `propagator` is alive; reads its type.
        let class = unsafe { ffi::Py_TYPE(propagator.as_ptr()) };
        if class.cast() != self.class.load(Ordering::Relaxed) {
            return false;
        }
        // SAFETY: the type of a live object is alive.
        let version = unsafe { version_of(class) };
        (version != 0 && version == self.version.load(Ordering::Relaxed) || self.is_whole(propagator))
            && has_attributes(propagator, attributes)
    }

    /// Looks at the class itself, and remembers its version where it is as it was.
    #[cold]
    fn is_whole(&self, propagator: &Bound<'_, PyAny>) -> bool {
        let py = propagator.py();
        let class = propagator.get_type();
        let is = |name: &Bound<'_, PyString>, known: &AtomicPtr<ffi::PyObject>| {
            class.getattr(name).is_ok_and(|method| method.as_ptr() == known.load(Ordering::Relaxed))
        };
        let whole = is(intern!(py, "extract"), &self.extract) && is(intern!(py, "inject"), &self.inject);
        if whole {
            // SAFETY: the class is alive.
            self.version.store(unsafe { version_of(class.as_type_ptr()) }, Ordering::Relaxed);
        }
        whole
    }
}

/// The version of a class; 0 where it has none just now.
///
/// # Safety
/// `class` is alive.
#[inline]
unsafe fn version_of(class: *mut ffi::PyTypeObject) -> c_uint {
    // SAFETY: the caller's promise; both fields are only written while attached.
    unsafe {
        // Before 3.11 a class that changed keeps its old version until it gets a new one, and loses this flag.
        if cfg!(not(Py_3_11)) && (*class).tp_flags & ffi::Py_TPFLAGS_VALID_VERSION_TAG == 0 {
            return 0;
        }
        (*class).tp_version_tag
    }
}

#[inline]
fn has_attributes(object: &Bound<'_, PyAny>, count: usize) -> bool {
    // SAFETY: `object` is alive; the function returns a new reference to its dict, or null with an exception.
    unsafe {
        let dict = ffi::PyObject_GenericGetDict(object.as_ptr(), std::ptr::null_mut());
        if dict.is_null() {
            ffi::PyErr_Clear();
            return false;
        }
        let size = ffi::PyDict_Size(dict);
        ffi::Py_DECREF(dict);
        usize::try_from(size) == Ok(count)
    }
}

/// `TraceContextTextMapPropagator`.
pub static TRACE_CONTEXT: KnownPropagator = KnownPropagator::new();
/// `CompositePropagator`.
pub static COMPOSITE: KnownPropagator = KnownPropagator::new();
/// `W3CBaggagePropagator`.
pub static BAGGAGE: KnownPropagator = KnownPropagator::new();

/// `DefaultGetter` and `DefaultSetter`, only to compare with.
static DEFAULT_GETTER: AtomicPtr<ffi::PyObject> = AtomicPtr::new(std::ptr::null_mut());
static DEFAULT_SETTER: AtomicPtr<ffi::PyObject> = AtomicPtr::new(std::ptr::null_mut());
/// The namespace of `opentelemetry.baggage`, which holds the key of the baggage in a context.
static BAGGAGE_NAMESPACE: AtomicPtr<ffi::PyObject> = AtomicPtr::new(std::ptr::null_mut());

/// Whether the getter is exactly the default one.
#[inline]
pub fn is_default_getter(getter: &Bound<'_, PyAny>) -> bool {
    is_exactly(getter, &DEFAULT_GETTER)
}

/// Whether the setter is exactly the default one.
#[inline]
pub fn is_default_setter(setter: &Bound<'_, PyAny>) -> bool {
    is_exactly(setter, &DEFAULT_SETTER)
}

#[inline]
fn is_exactly(object: &Bound<'_, PyAny>, class: &AtomicPtr<ffi::PyObject>) -> bool {
    // SAFETY: `object` is alive; reads its type.
    unsafe { ffi::Py_TYPE(object.as_ptr()).cast() == class.load(Ordering::Relaxed) }
}

/// The key under which contexts hold baggage.
///
/// # Errors
/// `opentelemetry.baggage` cannot be imported, or has no such key.
#[inline]
pub fn baggage_key(py: Python<'_>) -> PyResult<Bound<'_, PyString>> {
    let namespace = BAGGAGE_NAMESPACE.load(Ordering::Relaxed);
    let namespace = if namespace.is_null() {
        let namespace = py.import(intern!(py, "opentelemetry.baggage"))?.dict();
        keep(&BAGGAGE_NAMESPACE, namespace.as_any());
        namespace
    } else {
        // SAFETY: a dict, whose reference is never given back.
        unsafe { Bound::from_borrowed_ptr(py, namespace).cast_into_unchecked::<PyDict>() }
    };
    let key = namespace.get_item(intern!(py, "_BAGGAGE_KEY"))?;
    let key = key.and_then(|key| key.cast_into::<PyString>().ok());
    key.ok_or_else(|| PyValueError::new_err("opentelemetry.baggage has no _BAGGAGE_KEY"))
}

fn keep(slot: &AtomicPtr<ffi::PyObject>, object: &Bound<'_, PyAny>) {
    slot.store(object.clone().into_ptr(), Ordering::Relaxed);
}

/// Tells the native code which classes are the overlay's own.
///
/// Each module of the overlay calls it after its classes are made, again if it is loaded again.
#[pyfunction]
fn register_propagation(name: &str, class_: &Bound<'_, PyType>) -> PyResult<()> {
    let py = class_.py();
    let propagator = match name {
        "composite" => &COMPOSITE,
        "tracecontext" => &TRACE_CONTEXT,
        "baggage" => &BAGGAGE,
        "getter" | "setter" => {
            keep(if name == "getter" { &DEFAULT_GETTER } else { &DEFAULT_SETTER }, class_);
            return Ok(());
        }
        _ => return Err(PyValueError::new_err(format!("nothing native stands behind {name}"))),
    };
    keep(&propagator.extract, &class_.getattr(intern!(py, "extract"))?);
    keep(&propagator.inject, &class_.getattr(intern!(py, "inject"))?);
    keep(&propagator.class, class_);
    propagator.version.store(0, Ordering::Relaxed);
    Ok(())
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(register_propagation, module)?)
}
