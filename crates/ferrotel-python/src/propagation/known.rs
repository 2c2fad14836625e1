//! The overlay's own classes: what stands behind an object of exactly one of them need not be asked in Python.

use std::ffi::c_uint;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyType};
use pyo3::{Borrowed, ffi, intern};

use crate::raw::{Raw, dict_version};

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
        let whole = is(intern!(py, "extract"), &self.extract)
            && is(intern!(py, "inject"), &self.inject)
            // Somebody's property would go before the object's own attribute.
            && !class.hasattr(intern!(py, "_propagators")).unwrap_or(true);
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
pub unsafe fn version_of(class: *mut ffi::PyTypeObject) -> c_uint {
    // SAFETY: the caller's promise; both fields are only written while attached.
    unsafe {
        // Before 3.11 a class that changed keeps its old version until it gets a new one, and loses this flag.
        if cfg!(not(Py_3_11)) && (*class).tp_flags & ffi::Py_TPFLAGS_VALID_VERSION_TAG == 0 {
            return 0;
        }
        (*class).tp_version_tag
    }
}

/// Whether the object's `__dict__` has so many entries.
#[inline]
pub fn has_attributes(object: &Bound<'_, PyAny>, count: usize) -> bool {
    // SAFETY: `object` is alive.
    match unsafe { attributes_of(object.as_ptr()) } {
        Attributes::Unknown => false,
        Attributes::None => count == 0,
        // SAFETY: a dict that lives as long as the object.
        Attributes::Dict(dict) => usize::try_from(unsafe { ffi::PyDict_Size(dict) }) == Ok(count),
    }
}

/// An object's `__dict__`.
enum Attributes {
    /// It has none, or none could be made.
    Unknown,
    /// It has none yet.
    None,
    /// Borrowed from the object.
    Dict(Raw),
}

unsafe extern "C" {
    /// Where an object's `__dict__` stands; makes it first where its values are not in a dict yet. Null where the object
    /// has no room for one.
    fn _PyObject_GetDictPtr(object: Raw) -> *mut Raw;
}

/// # Safety
/// `object` is alive.
#[inline]
unsafe fn attributes_of(object: Raw) -> Attributes {
    // SAFETY: the caller's promise; what is returned is null or points into the object.
    unsafe {
        let slot = _PyObject_GetDictPtr(object);
        if slot.is_null() {
            return Attributes::Unknown;
        }
        if (*slot).is_null() { Attributes::None } else { Attributes::Dict(*slot) }
    }
}

/// Whether these are the two propagators of W3C, in the order of the default configuration.
#[inline]
pub fn are_w3c(propagators: &Bound<'_, PyList>) -> bool {
    let py = propagators.py();
    // SAFETY: a list with as many members as were checked; they live at least as long as nothing changes it.
    unsafe {
        if ffi::PyList_GET_SIZE(propagators.as_ptr()) != 2 {
            return false;
        }
        let member = |at| Borrowed::from_ptr(py, ffi::PyList_GET_ITEM(propagators.as_ptr(), at));
        TRACE_CONTEXT.is_behind(&member(0), 0) && BAGGAGE.is_behind(&member(1), 0)
    }
}

/// What the one attribute of an object is that [`COMPOSITE`] is behind: its propagators, where they are in a list.
#[inline]
pub fn propagators_of<'py>(composite: &Bound<'py, PyAny>) -> Option<Bound<'py, PyList>> {
    let py = composite.py();
    // SAFETY: the composite is alive, and its dict with it; what is found is shared at once.
    unsafe {
        let Attributes::Dict(dict) = attributes_of(composite.as_ptr()) else { return None };
        // There is one entry: looking at it takes less than looking it up.
        let (mut at, mut key, mut value) = (0, std::ptr::null_mut(), std::ptr::null_mut());
        let found = ffi::PyDict_Next(dict, &raw mut at, &raw mut key, &raw mut value) != 0
            && key == intern!(py, "_propagators").as_ptr()
            && ffi::PyList_CheckExact(value) != 0;
        found.then(|| Bound::from_borrowed_ptr(py, value).cast_into_unchecked())
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
    /// The key as it was in the namespace when that had the version; not owned: as long as it has that, it owns the key.
    static SEEN: AtomicPtr<ffi::PyObject> = AtomicPtr::new(std::ptr::null_mut());
    static SEEN_AT: AtomicU64 = AtomicU64::new(0);
    // SAFETY: null, or a dict whose reference is never given back.
    let version = || unsafe {
        let namespace = BAGGAGE_NAMESPACE.load(Ordering::Relaxed);
        if namespace.is_null() { 0 } else { dict_version(namespace) }
    };
    let now = version();
    if now != 0 && now == SEEN_AT.load(Ordering::Relaxed) {
        // SAFETY: the namespace has it.
        return Ok(unsafe { Bound::from_borrowed_ptr(py, SEEN.load(Ordering::Relaxed)).cast_into_unchecked() });
    }
    let key = look_up_baggage_key(py)?;
    // Odd keys of somebody's may have run Python code meanwhile.
    if now == version() {
        SEEN.store(key.as_ptr(), Ordering::Relaxed);
        SEEN_AT.store(now, Ordering::Relaxed);
    }
    Ok(key)
}

#[cold]
fn look_up_baggage_key(py: Python<'_>) -> PyResult<Bound<'_, PyString>> {
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
