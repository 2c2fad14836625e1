//! The live view of a span's attributes that the overlay's `BoundedAttributes` stands on.

use std::sync::Arc;

use ferrotel::common::Text;
use ferrotel::sdk::trace::{SpanCell, SpanLimits};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::{attributes_to_py, value_from_py, value_to_py};

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
    fn get<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Bound<'py, PyAny>> {
        let value = self.cell.lock().attributes.get(key).cloned();
        match value {
            Some(value) => value_to_py(py, &value),
            None => Err(PyKeyError::new_err(key.to_owned())),
        }
    }

    /// Sets `key`; returns whether an older attribute had to go.
    fn set(&self, key: &str, value: &Bound<'_, PyAny>) -> bool {
        let value = value_from_py(value, self.limits.max_span_attribute_length);
        self.cell.lock().attributes.set(Text::from(key), value, self.limits.max_span_attributes)
    }

    /// Removes `key`; KeyError where there is none.
    fn remove(&self, key: &str) -> PyResult<()> {
        let removed = self.cell.lock().attributes.remove(key);
        removed.map(drop).ok_or_else(|| PyKeyError::new_err(key.to_owned()))
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

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<AttributeStore>()
}
