//! OTLP's bytes alone, for whoever sends them otherwise.

use ferrotel::sdk::trace::FinishedSpan;
use ferrotel_otlp::encode;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::log_exception;
use crate::trace;

const LOGGER: &str = "opentelemetry.sdk.trace.export";

/// The engine's spans for Python's. One that can't be read is reported and left out.
pub fn finished(spans: &Bound<'_, PyAny>) -> PyResult<Vec<FinishedSpan>> {
    let mut batch = Vec::with_capacity(spans.len().unwrap_or(0));
    for span in spans.try_iter()? {
        match trace::finished_span(&span?) {
            Ok(span) => batch.push(span),
            Err(error) => log_exception(spans.py(), error, LOGGER, "A span that can't be read is left out")?,
        }
    }
    Ok(batch)
}

/// `spans` as the bytes of an OTLP request, in protobuf.
#[pyfunction]
fn encode_spans<'py>(py: Python<'py>, spans: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    let spans = finished(spans)?;
    Ok(PyBytes::new(py, &py.detach(|| encode::traces::encode(&spans))))
}

/// `spans` as the bytes of an OTLP request, in JSON.
#[pyfunction]
fn encode_spans_json<'py>(py: Python<'py>, spans: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    let spans = finished(spans)?;
    Ok(PyBytes::new(py, &py.detach(|| encode::json::encode(&spans))))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(encode_spans, module)?)?;
    module.add_function(wrap_pyfunction!(encode_spans_json, module)?)
}
