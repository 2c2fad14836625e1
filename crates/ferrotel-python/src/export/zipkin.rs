//! Spans as Zipkin's JSON, for an exporter written in Python.

use ferrotel_zipkin::LocalEndpoint;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::spans;

/// The JSON of spans for Zipkin. The service is the one in each span's resource, else `service_name`.
#[pyfunction]
#[pyo3(signature = (data, *, service_name, ipv4=None, ipv6=None, port=None, max_tag_value_length=None))]
fn encode_spans_zipkin<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyAny>,
    service_name: String,
    ipv4: Option<String>,
    ipv6: Option<String>,
    port: Option<u16>,
    max_tag_value_length: Option<usize>,
) -> PyResult<Bound<'py, PyBytes>> {
    let batch = spans::from_py(data)?;
    let local = LocalEndpoint { service_name, ipv4, ipv6, port };
    Ok(PyBytes::new(py, &py.detach(|| ferrotel_zipkin::encode(&batch, &local, max_tag_value_length))))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(encode_spans_zipkin, module)?)
}
