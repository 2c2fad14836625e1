//! Zipkin's B3 headers.

use ferrotel::propagation::b3;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// The span context of a `b3` header, or None.
#[pyfunction]
fn b3_parse_single(py: Python<'_>, header: &Bound<'_, PyString>) -> PyResult<Option<Py<PyAny>>> {
    let parsed = header.to_str().ok().and_then(b3::parse_single);
    parsed.map(|context| crate::trace::to_py(py, context)).transpose()
}

/// The span context of the values of the `x-b3-*` headers, None for each that is absent; or None.
#[pyfunction]
#[pyo3(signature = (trace_id, span_id, sampled, flags))]
fn b3_parse_multiple(
    py: Python<'_>,
    trace_id: Option<&Bound<'_, PyString>>,
    span_id: Option<&Bound<'_, PyString>>,
    sampled: Option<&Bound<'_, PyString>>,
    flags: Option<&Bound<'_, PyString>>,
) -> PyResult<Option<Py<PyAny>>> {
    fn text<'a>(header: Option<&'a Bound<'_, PyString>>) -> &'a str {
        header.and_then(|header| header.to_str().ok()).unwrap_or_default()
    }
    let parsed = b3::parse_multiple(text(trace_id), text(span_id), text(sampled), text(flags));
    parsed.map(|context| crate::trace::to_py(py, context)).transpose()
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(b3_parse_single, module)?)?;
    module.add_function(wrap_pyfunction!(b3_parse_multiple, module)?)
}
