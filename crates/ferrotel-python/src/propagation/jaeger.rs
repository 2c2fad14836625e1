//! Jaeger's own headers.

use ferrotel::propagation::jaeger;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// The span context of an `uber-trace-id` header, or None.
#[pyfunction]
fn jaeger_parse(py: Python<'_>, header: &Bound<'_, PyString>) -> PyResult<Option<Py<PyAny>>> {
    let parsed = header.to_str().ok().and_then(jaeger::parse_uber_trace_id);
    parsed.map(|context| crate::trace::to_py(py, context)).transpose()
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(jaeger_parse, module)?)
}
