//! Getters of instrumentations whose carriers are plain dicts: propagators read those without calling them.

use std::ffi::c_uint;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyType};
use pyo3::{ffi, intern};

use crate::propagation::{has_attributes, read_plain, version_of};
use crate::raw;

/// How the keys of a carrier spell a header's name.
#[derive(Clone, Copy)]
pub enum Spelling {
    /// As CGI does: `HTTP_TRACEPARENT`, with text for a value.
    Environ,
    /// In lower case, as bytes, with bytes for a value.
    Bytes,
}

/// A getter class with its `get` as it was when it was told of. The addresses are only ever compared; each owns a
/// reference that is never given back.
struct KnownGetter {
    class: AtomicPtr<ffi::PyObject>,
    get: AtomicPtr<ffi::PyObject>,
    /// The class's version when `get` was last seen to be the one above; 0: none.
    version: AtomicU32,
}

static ENVIRON: KnownGetter = KnownGetter::new();
static BYTES: KnownGetter = KnownGetter::new();

impl KnownGetter {
    const fn new() -> Self {
        KnownGetter {
            class: AtomicPtr::new(std::ptr::null_mut()),
            get: AtomicPtr::new(std::ptr::null_mut()),
            version: AtomicU32::new(0),
        }
    }

    #[inline]
    fn is_behind(&self, getter: &Bound<'_, PyAny>) -> bool {
        // SAFETY: `getter` is alive, and its type with it.
        let (class, version): (_, c_uint) = unsafe {
            let class = ffi::Py_TYPE(getter.as_ptr());
            (class, version_of(class))
        };
        class.cast() == self.class.load(Ordering::Relaxed)
            && (version != 0 && version == self.version.load(Ordering::Relaxed) || self.is_whole(getter))
            && has_attributes(getter, 0)
    }

    #[cold]
    fn is_whole(&self, getter: &Bound<'_, PyAny>) -> bool {
        let class = getter.get_type();
        let get = class.getattr(intern!(getter.py(), "get"));
        let whole = get.is_ok_and(|get| get.as_ptr() == self.get.load(Ordering::Relaxed));
        if whole {
            // SAFETY: the class is alive.
            self.version.store(unsafe { version_of(class.as_type_ptr()) }, Ordering::Relaxed);
        }
        whole
    }
}

impl Spelling {
    /// How the carriers of a getter spell names; `None` for a getter that has to be called.
    #[inline]
    pub fn of(getter: &Bound<'_, PyAny>) -> Option<Self> {
        if ENVIRON.is_behind(getter) {
            Some(Spelling::Environ)
        } else if BYTES.is_behind(getter) {
            Some(Spelling::Bytes)
        } else {
            None
        }
    }

    /// The headers of W3C: `traceparent`, `tracestate` and `baggage`. `None` where one of them is not of the plain kind:
    /// then the getter has to say.
    #[inline]
    pub fn read_w3c<'py>(self, carrier: &Bound<'py, PyDict>) -> Option<[Option<Bound<'py, PyString>>; 3]> {
        let py = carrier.py();
        match self {
            Spelling::Environ => {
                let names =
                    [intern!(py, "HTTP_TRACEPARENT"), intern!(py, "HTTP_TRACESTATE"), intern!(py, "HTTP_BAGGAGE")];
                read_plain(carrier, names)
            }
            Spelling::Bytes => read_bytes(carrier, [b"traceparent", b"tracestate", b"baggage"]),
        }
    }
}

fn read_bytes<'py>(carrier: &Bound<'py, PyDict>, names: [&[u8]; 3]) -> Option<[Option<Bound<'py, PyString>>; 3]> {
    let py = carrier.py();
    let mut found = [const { None }; 3];
    let (mut at, mut key, mut value) = (0, std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: a dict, which nothing changes meanwhile: making a string runs no Python code. Keys and values are borrowed
    // from it.
    unsafe {
        while ffi::PyDict_Next(carrier.as_ptr(), &raw mut at, &raw mut key, &raw mut value) != 0 {
            if ffi::PyBytes_CheckExact(key) == 0 {
                return None;
            }
            let key = Bound::from_borrowed_ptr(py, key).cast_into_unchecked::<PyBytes>();
            let Some(place) = names.iter().position(|name| *name == key.as_bytes()) else { continue };
            let value = Bound::from_borrowed_ptr(py, value).cast_into_exact::<PyBytes>().ok()?;
            // Whether others are UTF-8 or Latin-1, the getter knows.
            if !value.as_bytes().is_ascii() {
                return None;
            }
            found[place] = Some(raw::text(py, value.as_bytes()).ok()?);
        }
    }
    Some(found)
}

/// Tells of a getter class: `environ` for one whose carriers are WSGI environs, `bytes` for one whose carriers are dicts
/// of bytes with lower-case names.
#[pyfunction]
fn register_getter(spelling: &str, class_: &Bound<'_, PyType>) -> PyResult<()> {
    let known = match spelling {
        "environ" => &ENVIRON,
        "bytes" => &BYTES,
        _ => return Err(PyValueError::new_err(format!("no carrier spells names as {spelling}"))),
    };
    let get = class_.getattr(intern!(class_.py(), "get"))?;
    known.get.store(get.into_ptr(), Ordering::Relaxed);
    known.class.store(class_.clone().into_ptr(), Ordering::Relaxed);
    known.version.store(0, Ordering::Relaxed);
    Ok(())
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(register_getter, module)?)
}
