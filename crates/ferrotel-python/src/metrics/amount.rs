//! Measured amounts.

use ferrotel::sdk::metrics::Number;
use pyo3::exceptions::PyException;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyInt;

use crate::raw::Raw;

/// The number that `object` stands for, where it is finite: whole for what has `__index__`, a double for what has
/// `__float__`. `None` for everything else. Whole numbers beyond 128 bits become doubles.
///
/// # Errors
/// What is no `Exception`, for example KeyboardInterrupt, out of the object's methods.
#[inline]
pub fn number(py: Python<'_>, object: Raw) -> PyResult<Option<Number>> {
    // SAFETY: `object` is alive; neither exact type runs any code here.
    unsafe {
        if ffi::PyLong_CheckExact(object) != 0 {
            return Ok(whole(py, object));
        }
        if ffi::PyFloat_CheckExact(object) != 0 {
            return Ok(finite(ffi::PyFloat_AS_DOUBLE(object)));
        }
    }
    other(py, object)
}

#[inline]
fn finite(value: f64) -> Option<Number> {
    value.is_finite().then_some(Number::Double(value))
}

#[inline]
fn whole(py: Python<'_>, int: Raw) -> Option<Number> {
    let mut overflow = 0;
    // SAFETY: an int, so no foreign code runs.
    let small = unsafe { ffi::PyLong_AsLongLongAndOverflow(int, &raw mut overflow) };
    if overflow == 0 { Some(Number::Int(small)) } else { large(py, int) }
}

#[cold]
fn large(py: Python<'_>, int: Raw) -> Option<Number> {
    // SAFETY: an int that is alive.
    let int = unsafe { Bound::from_borrowed_ptr(py, int).cast_into_unchecked::<PyInt>() };
    match int.extract::<i128>() {
        Ok(value) => Some(Number::whole(value)),
        Err(_) => int.extract::<f64>().ok().and_then(finite),
    }
}

#[cold]
fn other(py: Python<'_>, object: Raw) -> PyResult<Option<Number>> {
    // SAFETY: `object` is alive; what may fail is looked at at once.
    unsafe {
        if ffi::PyLong_Check(object) != 0 {
            return Ok(whole(py, object));
        }
        if ffi::PyFloat_Check(object) != 0 {
            return Ok(finite(ffi::PyFloat_AS_DOUBLE(object)));
        }
        if ffi::PyIndex_Check(object) != 0 {
            match Bound::from_owned_ptr_or_err(py, ffi::PyNumber_Index(object)) {
                Ok(int) => return Ok(whole(py, int.as_ptr())),
                Err(error) => ours_to_drop(py, error)?,
            }
        }
        let value = ffi::PyFloat_AsDouble(object);
        match PyErr::take(py) {
            None => Ok(finite(value)),
            Some(error) => ours_to_drop(py, error).map(|()| None),
        }
    }
}

fn ours_to_drop(py: Python<'_>, error: PyErr) -> PyResult<()> {
    if error.is_instance_of::<PyException>(py) { Ok(()) } else { Err(error) }
}
