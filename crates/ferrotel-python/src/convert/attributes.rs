//! Attribute collections.

use ferrotel::common::Attributes;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::{text_from_py, text_from_py_lossy, value_from_py, value_to_py};
use crate::error::{put_off, warn_with};

/// The engine's attributes for a Python mapping or `None`. Never raises: what cannot be read is counted as dropped.
pub fn attributes_from_py(
    object: Option<&Bound<'_, PyAny>>,
    count: Option<usize>,
    length: Option<usize>,
) -> Attributes {
    let mut attributes = Attributes::new();
    if let Some(object) = object {
        add_from_py(object, count, length, &mut attributes);
    }
    attributes
}

/// Adds those of a Python mapping or `None`, as [`attributes_from_py`] does.
#[inline]
pub fn add_from_py(
    object: &Bound<'_, PyAny>,
    count: Option<usize>,
    length: Option<usize>,
    attributes: &mut Attributes,
) {
    if !object.is_none() {
        set_from_py(object, length, |key, value| {
            attributes.set(key, value, count);
        });
    }
}

/// A dict of so many members is copied on the stack.
const SMALL: usize = 8;

/// Calls `set` for each usable attribute of a Python mapping; `length` cuts string values (in characters).
///
/// `set` runs between calls into Python: it may take a lock, but not keep it.
pub fn set_from_py(
    object: &Bound<'_, PyAny>,
    length: Option<usize>,
    mut set: impl FnMut(ferrotel::common::Text, ferrotel::common::Value),
) {
    let mut one = |key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>| match key.cast::<PyString>() {
        Ok(text) if !text.is_empty().unwrap_or(true) => {
            set(text_from_py_lossy(text), value_from_py(value, length));
        }
        Ok(_) => warn_with(
            key.py(),
            "opentelemetry.attributes",
            "invalid attribute key `%s`. must be non-empty string. Dropping key from attributes.",
            key,
        ),
        Err(_) => {
            warn_with(
                key.py(),
                "opentelemetry.attributes",
                "Invalid type `%s` for attribute key, must be a str. Its text is used where it has one.",
                key.get_type(),
            );
            let text = text_from_py(key);
            if !text.is_empty() && !key.is_none() {
                set(text, value_from_py(value, length));
            }
        }
    };
    if let Ok(dict) = object.cast_exact::<PyDict>() {
        // A copy, because converting a value may run Python code that changes the dict.
        if dict.len() <= SMALL {
            let mut pairs = [const { None }; SMALL];
            for (slot, pair) in pairs.iter_mut().zip(dict.iter()) {
                *slot = Some(pair);
            }
            pairs.iter().map_while(Option::as_ref).for_each(|(key, value)| one(key, value));
        } else if let Ok(copy) = dict.copy() {
            copy.iter().for_each(|(key, value)| one(&key, &value));
        }
        return;
    }
    let pairs = object.call_method0("items").and_then(|items| items.try_iter()?.collect::<PyResult<Vec<_>>>());
    match pairs {
        Ok(pairs) => {
            for pair in pairs {
                if let Ok((key, value)) = pair.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>() {
                    one(&key, &value);
                }
            }
        }
        Err(error) => {
            put_off(object.py(), error);
            warn_with(
                object.py(),
                "opentelemetry.attributes",
                "Attributes must be a mapping, got `%s`: they are dropped.",
                object.get_type(),
            );
        }
    }
}

/// A dict of the attributes.
///
/// # Errors
/// Out of memory.
pub fn attributes_to_py<'py>(py: Python<'py>, attributes: &Attributes) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (key, value) in attributes {
        dict.set_item(key.as_str(), value_to_py(py, value)?)?;
    }
    Ok(dict)
}
