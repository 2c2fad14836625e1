//! The live view of a span's attributes that the overlay's `BoundedAttributes` stands on.

use std::sync::Arc;

use ferrotel::common::Text;
use ferrotel::sdk::trace::{SpanCell, SpanLimits};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::convert::{attributes_to_py, set_from_py, text_from_py_lossy, value_to_py};

/// The attributes of one span, read and written in place.
#[pyclass(frozen, module = "ferrotel._native")]
pub struct AttributeStore {
    cell: Arc<SpanCell>,
    limits: SpanLimits,
}

impl AttributeStore {
    /// Of this span.
    pub const fn new(cell: Arc<SpanCell>, limits: SpanLimits) -> Self {
        AttributeStore { cell, limits }
    }
}

#[pymethods]
impl AttributeStore {
    /// The value of `key`; KeyError where there is none.
    fn get<'py>(&self, py: Python<'py>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let text = text_of(key)?;
        let value = self.cell.lock().attributes.get(&text).cloned();
        match value {
            Some(value) => value_to_py(py, &value),
            None => Err(no_key(key)),
        }
    }

    /// Sets the attributes of a mapping; those that cannot be are reported, and left out.
    fn update(&self, attributes: &Bound<'_, PyAny>) {
        set_from_py(attributes, self.limits.max_span_attribute_length, |key, value| {
            self.cell.lock().attributes.set(key, value, self.limits.max_span_attributes);
        });
    }

    /// Removes `key`; KeyError where there is none.
    fn remove(&self, key: &Bound<'_, PyAny>) -> PyResult<()> {
        let text = text_of(key)?;
        let removed = self.cell.lock().attributes.remove(&text);
        removed.map(drop).ok_or_else(|| no_key(key))
    }

    /// A dict of them all.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let attributes = self.cell.lock().attributes.clone();
        attributes_to_py(py, &attributes)
    }

    fn __len__(&self) -> usize {
        self.cell.lock().attributes.len()
    }

    /// How many were dropped.
    #[getter]
    fn dropped(&self) -> u32 {
        self.cell.lock().attributes.dropped()
    }

    #[setter]
    fn set_dropped(&self, count: u32) {
        self.cell.lock().attributes.set_dropped(count);
    }

    /// Whether the span has ended.
    #[getter]
    fn ended(&self) -> bool {
        self.cell.lock().end_time.is_some()
    }

    /// The most attributes that the span takes.
    #[getter]
    const fn maxlen(&self) -> Option<usize> {
        self.limits.max_span_attributes
    }

    /// The most characters of a string value.
    #[getter]
    const fn max_value_len(&self) -> Option<usize> {
        self.limits.max_span_attribute_length
    }
}

fn no_key(key: &Bound<'_, PyAny>) -> PyErr {
    PyKeyError::new_err(key.clone().unbind())
}

/// A key's text; what is no text is no key of any attribute.
fn text_of(key: &Bound<'_, PyAny>) -> PyResult<Text> {
    key.cast::<PyString>().map(text_from_py_lossy).map_err(|_| no_key(key))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<AttributeStore>()
}
