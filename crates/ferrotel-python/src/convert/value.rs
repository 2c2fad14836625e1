//! Attribute values.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use ferrotel::common::{Text, Value};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyString, PyTuple, PyType};
use pyo3::{IntoPyObjectExt, ffi};

use crate::error::{or_put_off, put_off, warn_with};
use crate::types::{MAPPING, SEQUENCE};

const LOGGER: &str = "opentelemetry.attributes";
/// Deeper nesting is cut.
const MAX_DEPTH: usize = 64;
/// So is what comes after so many members, all containers together.
const MAX_MEMBERS: u32 = 1 << 20;

/// The way into a container: against cycles, and against structures that are exponentially larger than they look.
#[derive(Default)]
struct Path {
    containers: Vec<*mut ffi::PyObject>,
    members: u32,
}

/// The engine's value for a Python object; `limit` cuts strings (in characters).
///
/// As in the reference, what is no attribute value becomes its `str()`, with a warning, and sequences become arrays.
/// Never raises: an object whose `__str__` raises becomes the empty value.
#[inline]
pub fn value_from_py(object: &Bound<'_, PyAny>, limit: Option<usize>) -> Value {
    let ptr = object.as_ptr();
    // SAFETY: `object` is alive and the interpreter is attached; these only read its type.
    unsafe {
        if ffi::PyUnicode_CheckExact(ptr) != 0 {
            return string(object, limit);
        }
        if ffi::PyLong_CheckExact(ptr) != 0 {
            return int(object);
        }
        if ffi::PyBool_Check(ptr) != 0 {
            return Value::Bool(ptr == ffi::Py_True());
        }
        if ffi::PyFloat_CheckExact(ptr) != 0 {
            return Value::Double(ffi::PyFloat_AsDouble(ptr));
        }
    }
    other(object, limit, &mut Path::default())
}

fn nested(object: &Bound<'_, PyAny>, limit: Option<usize>, path: &mut Path) -> Value {
    path.members += 1;
    if path.members <= MAX_MEMBERS
        && (object.is_exact_instance_of::<PyString>() || object.is_exact_instance_of::<PyInt>())
    {
        return value_from_py(object, limit);
    }
    let endless = path.containers.contains(&object.as_ptr());
    if endless || path.containers.len() > MAX_DEPTH || path.members > MAX_MEMBERS {
        if path.members <= MAX_MEMBERS + 1 {
            warn_with(
                object.py(),
                LOGGER,
                "Attribute value with a cycle, or too deep or too large, of type %s: None stands for the rest.",
                object.get_type(),
            );
        }
        return Value::Empty;
    }
    other(object, limit, path)
}

#[cold]
fn other(object: &Bound<'_, PyAny>, limit: Option<usize>, path: &mut Path) -> Value {
    if object.is_none() {
        Value::Empty
    } else if object.is_instance_of::<PyString>() {
        string(object, limit)
    } else if object.is_instance_of::<PyBool>() {
        Value::Bool(object.is_truthy().unwrap_or_default())
    } else if object.is_instance_of::<PyInt>() {
        int(object)
    } else if object.is_instance_of::<PyFloat>() {
        // SAFETY: a float, so this reads its field.
        Value::Double(unsafe { ffi::PyFloat_AsDouble(object.as_ptr()) })
    } else if let Ok(bytes) = object.cast::<PyBytes>() {
        Value::Bytes(bytes.as_bytes().into())
    } else {
        path.containers.push(object.as_ptr());
        let value = container(object, limit, path);
        path.containers.pop();
        value.unwrap_or_else(|error| {
            put_off(object.py(), error);
            text_of(object, limit)
        })
    }
}

fn container(object: &Bound<'_, PyAny>, limit: Option<usize>, path: &mut Path) -> PyResult<Value> {
    let py = object.py();
    if object.is_instance(&*SEQUENCE.get(py)?)? {
        let mut items = Vec::new();
        for item in object.try_iter()? {
            items.push(nested(&item?, limit, path));
            if path.members > MAX_MEMBERS {
                break;
            }
        }
        return Ok(Value::Array(items.into()));
    }
    if object.is_instance(&*MAPPING.get(py)?)? {
        let mut entries = Vec::new();
        for pair in object.call_method0("items")?.try_iter()? {
            let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair?.extract()?;
            if let Some(key) = key_of(&key) {
                entries.push((key, nested(&value, limit, path)));
            }
            if path.members > MAX_MEMBERS {
                break;
            }
        }
        return Ok(Value::Map(entries.into()));
    }
    Err(PyRuntimeError::new_err("no container"))
}

/// A key inside a mapping value: anything that has a text of its own.
fn key_of(key: &Bound<'_, PyAny>) -> Option<Text> {
    if let Ok(text) = key.cast::<PyString>() {
        let text = text_from_py_lossy(text);
        if text.is_empty() {
            warn_with(
                key.py(),
                LOGGER,
                "invalid attribute key `%s`. must be non-empty string. Dropping key from attributes.",
                key,
            );
            return None;
        }
        return Some(text);
    }
    warn_with(key.py(), LOGGER, "Invalid type `%s` for attribute key, must be a str.", key.get_type());
    if key.is_none() {
        return None;
    }
    match text_of_object(key) {
        Some(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

fn text_of(object: &Bound<'_, PyAny>, limit: Option<usize>) -> Value {
    crate::raw::settle();
    let kind = object.get_type();
    if is_new(&kind) {
        warn_with(
            object.py(),
            LOGGER,
            "Invalid type `%s` for attribute value. Expected one of bool, str, None, bytes, int, float or a Mapping \
             or Sequence of those types. Its text is used, or None where it has none: give str(value), or an \
             attribute for each field. This is said once for a type.",
            kind,
        );
    }
    text_of_object(object).map_or(Value::Empty, |text| {
        let mut value = Value::String(text);
        value.truncate(limit);
        value
    })
}

/// Whether values of this type were not met before: a program that makes a mistake in a loop hears of it once.
fn is_new(kind: &Bound<'_, PyType>) -> bool {
    static MET: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    const MOST: usize = 1000;
    let name = kind.fully_qualified_name().map_or_else(|_| String::new(), |name| name.to_string_lossy().into_owned());
    let mut met = MET.lock().unwrap_or_else(PoisonError::into_inner);
    met.len() < MOST && met.insert(name)
}

/// `str(object)`, unless that is `object`'s default, which tells nobody anything.
fn text_of_object(object: &Bound<'_, PyAny>) -> Option<Text> {
    // SAFETY: reads two slots of live types.
    let has_own_text = unsafe {
        let kind = ffi::Py_TYPE(object.as_ptr());
        let base = &raw mut ffi::PyBaseObject_Type;
        (*kind).tp_str.map(|f| f as usize) != (*base).tp_str.map(|f| f as usize)
            || (*kind).tp_repr.map(|f| f as usize) != (*base).tp_repr.map(|f| f as usize)
    };
    if !has_own_text {
        return None;
    }
    or_put_off(object.py(), object.str()).map(|text| text_from_py_lossy(&text))
}

#[inline]
fn string(object: &Bound<'_, PyAny>, limit: Option<usize>) -> Value {
    // SAFETY: the callers checked that it is a str.
    let text = text_from_py_lossy(unsafe { object.cast_unchecked::<PyString>() });
    let mut value = Value::String(text);
    if limit.is_some() && value.truncate(limit) {
        warn_with(
            object.py(),
            LOGGER,
            "String attribute value exceeds max length of %d, truncating.",
            limit.unwrap_or_default(),
        );
    }
    value
}

#[inline]
fn int(object: &Bound<'_, PyAny>) -> Value {
    let mut overflow = 0;
    // SAFETY: an int, so no foreign code runs and no exception is set but for the overflow that is asked for.
    let small = unsafe { ffi::PyLong_AsLongLongAndOverflow(object.as_ptr(), &raw mut overflow) };
    if overflow == 0 { Value::Int(small) } else { big_int(object) }
}

/// Decimal digits, or hexadecimal ones beyond the number of digits that Python is willing to convert.
#[cold]
fn big_int(object: &Bound<'_, PyAny>) -> Value {
    // int's own methods, not those of a subclass: an enum's text is no number.
    let int = object.py().get_type::<PyInt>();
    let digits = int.call_method1("__repr__", (object,)).or_else(|_| int.call_method1("__format__", (object, "#x")));
    digits.map_or(Value::Empty, |digits| Value::BigInt(text_from_py(&digits).as_str().into()))
}

/// The engine's string for a Python object that should be one: its `str()` otherwise, and the empty string where that raises.
///
/// A container's is its type's: lists of lists may be exponentially larger than they look.
pub fn text_from_py(object: &Bound<'_, PyAny>) -> Text {
    match object.cast::<PyString>() {
        Ok(text) => text_from_py_lossy(text),
        Err(_)
            if object.is_instance_of::<pyo3::types::PyList>()
                || object.is_instance_of::<pyo3::types::PyTuple>()
                || object.is_instance_of::<pyo3::types::PyDict>() =>
        {
            object.get_type().str().map(|text| text_from_py_lossy(&text)).unwrap_or_default()
        }
        Err(_) => or_put_off(object.py(), object.str()).map(|text| text_from_py_lossy(&text)).unwrap_or_default(),
    }
}

/// A Python string; each lone surrogate, which UTF-8 cannot carry, becomes U+FFFD.
#[inline]
pub fn text_from_py_lossy(text: &Bound<'_, PyString>) -> Text {
    let mut size = 0;
    // SAFETY: `text` is a str; the bytes are UTF-8 (ASCII is) and live as long as `text`.
    unsafe {
        let object = text.as_ptr();
        let data = if ffi::PyUnicode_IS_COMPACT_ASCII(object) != 0 {
            size = ffi::PyUnicode_GET_LENGTH(object);
            ffi::PyUnicode_DATA(object).cast()
        } else {
            ffi::PyUnicode_AsUTF8AndSize(object, &raw mut size)
        };
        if !data.is_null() {
            let bytes = std::slice::from_raw_parts(data.cast::<u8>(), size.cast_unsigned());
            return Text::from(std::str::from_utf8_unchecked(bytes));
        }
        ffi::PyErr_Clear();
    }
    with_surrogates(text)
}

#[cold]
fn with_surrogates(text: &Bound<'_, PyString>) -> Text {
    let utf16 = text.call_method1("encode", ("utf-16-le", "surrogatepass"));
    let Ok(bytes) = utf16.and_then(|bytes| Ok(bytes.cast_into::<PyBytes>()?)) else { return Text::default() };
    let units = bytes.as_bytes().as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// The Python object for a value: arrays become tuples, as in the reference.
///
/// # Errors
/// Out of memory.
pub fn value_to_py<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Empty => Ok(py.None().into_bound(py)),
        Value::Bool(v) => v.into_bound_py_any(py),
        Value::Int(v) => v.into_bound_py_any(py),
        Value::Double(v) => v.into_bound_py_any(py),
        Value::String(v) => v.as_str().into_bound_py_any(py),
        Value::Bytes(v) => Ok(PyBytes::new(py, v).into_any()),
        Value::Array(items) => {
            let items = items.iter().map(|item| value_to_py(py, item)).collect::<PyResult<Vec<_>>>()?;
            Ok(PyTuple::new(py, items)?.into_any())
        }
        Value::Map(items) => {
            let dict = PyDict::new(py);
            for (key, item) in items {
                dict.set_item(key.as_str(), value_to_py(py, item)?)?;
            }
            Ok(dict.into_any())
        }
        Value::BigInt(digits) => py.get_type::<PyInt>().call1((&**digits, 0)),
    }
}
