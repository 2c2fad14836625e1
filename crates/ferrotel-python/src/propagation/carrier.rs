//! Carriers: headers are read and written directly where getter, setter and carrier are the plain ones, and through
//! them otherwise.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use pyo3::{Borrowed, ffi, intern};

use super::known::{is_default_getter, is_default_setter};
use super::log::warn;
use crate::error::log_exception;
use crate::http::Spelling;
use crate::raw::Raw;
use crate::types::{DEFAULT_GETTER, DEFAULT_SETTER, GET_LOGGER};

const LOGGER: &str = "opentelemetry.propagators.textmap";

/// The values of one header.
pub enum Values<'py> {
    /// The carrier does not have it.
    None,
    /// It has one.
    One(Bound<'py, PyString>),
    /// It has any number.
    Many(Vec<Bound<'py, PyString>>),
}

impl<'py> Values<'py> {
    /// The values, in order.
    #[inline]
    pub fn as_slice(&self) -> &[Bound<'py, PyString>] {
        match self {
            Values::None => &[],
            Values::One(value) => std::slice::from_ref(value),
            Values::Many(values) => values,
        }
    }

    /// The first value.
    #[inline]
    pub fn first(&self) -> Option<&Bound<'py, PyString>> {
        self.as_slice().first()
    }
}

/// How headers are read: a getter, or the default one.
#[derive(Clone, Copy)]
pub struct Getter<'a, 'py>(Option<&'a Bound<'py, PyAny>>);

impl<'a, 'py> Getter<'a, 'py> {
    /// For a Python getter; none, and the default one, need not be called.
    #[inline]
    pub fn new(getter: Option<&'a Bound<'py, PyAny>>) -> Self {
        Getter(getter.filter(|getter| !is_default_getter(getter)))
    }

    /// Whether it is the default one.
    #[inline]
    pub const fn is_default(self) -> bool {
        self.0.is_none()
    }

    /// How the carriers of an instrumentation's getter spell headers, where they are plain dicts.
    #[inline]
    pub fn spelling(self) -> Option<Spelling> {
        self.0.and_then(Spelling::of)
    }

    /// The Python object.
    ///
    /// # Errors
    /// `opentelemetry.propagators.textmap` cannot be imported.
    pub fn object(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.map_or_else(|| Ok(DEFAULT_GETTER.get(py)?.to_owned()), |getter| Ok(getter.clone()))
    }
}

/// How headers are written: a setter, or the default one.
#[derive(Clone, Copy)]
pub struct Setter<'a, 'py>(Option<&'a Bound<'py, PyAny>>);

impl<'a, 'py> Setter<'a, 'py> {
    /// For a Python setter; none, and the default one, need not be called.
    #[inline]
    pub fn new(setter: Option<&'a Bound<'py, PyAny>>) -> Self {
        Setter(setter.filter(|setter| !is_default_setter(setter)))
    }

    /// The Python object.
    ///
    /// # Errors
    /// `opentelemetry.propagators.textmap` cannot be imported.
    pub fn object(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.map_or_else(|| Ok(DEFAULT_SETTER.get(py)?.to_owned()), |setter| Ok(setter.clone()))
    }
}

/// Reads several headers of a plain dict; `None` where one of them is no plain string, or cannot be looked up: [`read`]
/// knows what to do.
#[inline]
pub fn read_plain<'py, const N: usize>(
    carrier: &Bound<'py, PyDict>,
    names: [&Bound<'py, PyString>; N],
) -> Option<[Option<Bound<'py, PyString>>; N]> {
    /// Looking this many entries over takes less than three look-ups.
    const FEW: isize = 8;
    let py = carrier.py();
    let mut found = [const { None }; N];
    let take = |slot: &mut Option<Bound<'py, PyString>>, value: Raw| {
        // SAFETY: borrowed from the dict, and shared before anything else happens.
        let value = unsafe { Bound::from_borrowed_ptr(py, value) };
        match value.cast_into_exact::<PyString>() {
            Ok(text) => *slot = Some(text),
            Err(_) => return false,
        }
        true
    };
    // SAFETY: a dict, which nothing changes meanwhile; the keys and values are borrowed from it.
    unsafe {
        if ffi::PyDict_Size(carrier.as_ptr()) > FEW {
            for (slot, name) in found.iter_mut().zip(names) {
                let value = ffi::PyDict_GetItemWithError(carrier.as_ptr(), name.as_ptr());
                if value.is_null() {
                    if !ffi::PyErr_Occurred().is_null() {
                        ffi::PyErr_Clear();
                        return None;
                    }
                } else if !take(slot, value) {
                    return None;
                }
            }
            return Some(found);
        }
        let mut at = 0;
        let (mut key, mut value) = (std::ptr::null_mut(), std::ptr::null_mut());
        while ffi::PyDict_Next(carrier.as_ptr(), &raw mut at, &raw mut key, &raw mut value) != 0 {
            if ffi::PyUnicode_CheckExact(key) == 0 {
                return None;
            }
            let is = |name: &&Bound<'py, PyString>| {
                let known = hash_of(name.as_ptr());
                key == name.as_ptr()
                    || (known == hash_of(key) || known == -1) && ffi::PyUnicode_Compare(key, name.as_ptr()) == 0
            };
            if let Some(place) = names.iter().position(is)
                && !take(&mut found[place], value)
            {
                return None;
            }
        }
    }
    Some(found)
}

/// The hash of a string; -1 where nobody asked for it yet, as the dict did whose key it is.
///
/// # Safety
/// `text` is a string.
#[inline]
unsafe fn hash_of(text: Raw) -> ffi::Py_hash_t {
    // SAFETY: the caller's promise; every string begins like this.
    unsafe { (*text.cast::<ffi::PyASCIIObject>()).hash }
}

/// Reads a header. What the carrier or the getter raises is reported, and reads as absence; so does a value that is
/// no string.
///
/// # Errors
/// Only what is not to be caught: KeyboardInterrupt and its like.
#[inline]
pub fn read<'py>(
    carrier: &Bound<'py, PyAny>,
    getter: Getter<'_, 'py>,
    key: &Bound<'py, PyString>,
) -> PyResult<Values<'py>> {
    if getter.0.is_none() && carrier.is_exact_instance_of::<PyDict>() {
        // SAFETY: a dict and a string; what is found is borrowed from the dict.
        let found = unsafe {
            Borrowed::from_ptr_or_opt(carrier.py(), ffi::PyDict_GetItemWithError(carrier.as_ptr(), key.as_ptr()))
        };
        return match found {
            Some(value) => match value.cast_exact::<PyString>() {
                Ok(text) => Ok(Values::One(text.to_owned())),
                Err(_) => normalise(value.to_owned(), key),
            },
            // SAFETY: attached; reads the thread's state.
            None if unsafe { ffi::PyErr_Occurred() }.is_null() => Ok(Values::None),
            // A key of the dict raised when it was compared.
            None => unreadable(carrier.py(), PyErr::fetch(carrier.py())).map(|()| Values::None),
        };
    }
    read_any(carrier, getter, key)
}

#[inline(never)]
fn read_any<'py>(
    carrier: &Bound<'py, PyAny>,
    getter: Getter<'_, 'py>,
    key: &Bound<'py, PyString>,
) -> PyResult<Values<'py>> {
    let py = carrier.py();
    let found = match getter.0 {
        None => carrier.call_method1(intern!(py, "get"), (key, py.None())),
        Some(getter) => getter.call_method1(intern!(py, "get"), (carrier, key)),
    };
    match found {
        Ok(value) => normalise(value, key),
        Err(error) => {
            unreadable(py, error)?;
            Ok(Values::None)
        }
    }
}

fn normalise<'py>(value: Bound<'py, PyAny>, key: &Bound<'py, PyString>) -> PyResult<Values<'py>> {
    let py = value.py();
    if value.is_none() {
        return Ok(Values::None);
    }
    let value = match value.cast_into::<PyString>() {
        Ok(text) => return Ok(Values::One(text)),
        Err(other) => other.into_inner(),
    };
    let mut texts = Vec::new();
    if !value.is_instance_of::<pyo3::types::PyBytes>()
        && let Ok(members) = value.try_iter()
    {
        for member in members {
            match member {
                Ok(member) => match member.cast_into::<PyString>() {
                    Ok(text) => texts.push(text),
                    Err(other) => not_text(key, &other.into_inner()),
                },
                Err(error) => {
                    unreadable(py, error)?;
                    break;
                }
            }
        }
    } else {
        not_text(key, &value);
    }
    Ok(if texts.is_empty() { Values::None } else { Values::Many(texts) })
}

/// Writes a header. What the carrier or the setter raises is reported.
///
/// # Errors
/// Only what is not to be caught: KeyboardInterrupt and its like.
#[inline]
pub fn write<'py>(
    carrier: &Bound<'py, PyAny>,
    setter: Setter<'_, 'py>,
    key: &Bound<'py, PyString>,
    value: &Bound<'py, PyAny>,
) -> PyResult<()> {
    let written = match setter.0 {
        Some(setter) => setter.call_method1(intern!(carrier.py(), "set"), (carrier, key, value)).map(drop),
        None => match carrier.cast_exact::<PyDict>() {
            Ok(dict) => dict.set_item(key, value),
            Err(_) => carrier.set_item(key, value),
        },
    };
    written.or_else(|error| {
        static REPORTED: AtomicBool = AtomicBool::new(false);
        report(carrier.py(), error, &REPORTED, "Failed to write a header; the request goes out without it")
    })
}

fn unreadable(py: Python<'_>, error: PyErr) -> PyResult<()> {
    static REPORTED: AtomicBool = AtomicBool::new(false);
    report(py, error, &REPORTED, "Failed to read a header; it counts as absent")
}

/// The same mistake comes with every request: the first report is loud and has the traceback, the rest are quiet.
#[cold]
fn report(py: Python<'_>, error: PyErr, reported: &AtomicBool, message: &str) -> PyResult<()> {
    if error.is_instance_of::<pyo3::exceptions::PyException>(py) && reported.swap(true, Ordering::Relaxed) {
        let logger = GET_LOGGER.get(py).and_then(|get| get.call1((LOGGER,)));
        let _ = logger.and_then(|logger| logger.call_method1("debug", ("%s: %r", message, error.value(py))));
        return Ok(());
    }
    log_exception(py, error, LOGGER, message)
}

#[cold]
fn not_text(key: &Bound<'_, PyString>, value: &Bound<'_, PyAny>) {
    static REPORTED: AtomicBool = AtomicBool::new(false);
    if !REPORTED.swap(true, Ordering::Relaxed) {
        let message = "The value of header %s is no str but %s: it is ignored. Decode the carrier's values first.";
        warn(key.py(), LOGGER, (message, key, value.get_type()));
    }
}

/// Reports what a propagator raised.
///
/// # Errors
/// Only what is not to be caught: KeyboardInterrupt and its like.
#[cold]
pub fn propagator_failed(propagator: &Bound<'_, PyAny>, error: PyErr) -> PyResult<()> {
    let message = match propagator.get_type().name() {
        Ok(name) => format!("Propagator {name} raised; the others go on without it"),
        Err(_) => "A propagator raised; the others go on without it".to_owned(),
    };
    log_exception(propagator.py(), error, "opentelemetry.propagators.composite", &message)
}

/// The first value of a header, or None.
#[pyfunction]
fn header_value<'py>(
    carrier: &Bound<'py, PyAny>,
    getter: &Bound<'py, PyAny>,
    key: &Bound<'py, PyString>,
) -> PyResult<Option<Bound<'py, PyString>>> {
    Ok(read(carrier, Getter::new(Some(getter)), key)?.first().cloned())
}

/// The names of all headers.
#[pyfunction]
fn header_names<'py>(carrier: &Bound<'py, PyAny>, getter: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyString>>> {
    let py = carrier.py();
    let names = getter.call_method1(intern!(py, "keys"), (carrier,)).and_then(|names| {
        // What is no string names no header.
        let names = names.try_iter()?.filter_map(|name| name.map(|name| name.cast_into::<PyString>().ok()).transpose());
        names.collect()
    });
    names.or_else(|error| {
        unreadable(py, error)?;
        Ok(Vec::new())
    })
}

/// Writes a header.
#[pyfunction]
fn set_header<'py>(
    carrier: &Bound<'py, PyAny>,
    setter: &Bound<'py, PyAny>,
    key: &Bound<'py, PyString>,
    value: &Bound<'py, PyAny>,
) -> PyResult<()> {
    write(carrier, Setter::new(Some(setter)), key, value)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(header_value, module)?)?;
    module.add_function(wrap_pyfunction!(header_names, module)?)?;
    module.add_function(wrap_pyfunction!(set_header, module)?)
}
