//! Spans of Python's for the engine's exporters.

use ferrotel::sdk::trace::FinishedSpan;
use pyo3::prelude::*;

use crate::error::log_exception;
use crate::trace;

const LOGGER: &str = "opentelemetry.sdk.trace.export";

/// The engine's spans for Python's. One that can't be read is reported and left out.
///
/// # Errors
/// What iterating raises.
pub fn from_py(spans: &Bound<'_, PyAny>) -> PyResult<Vec<FinishedSpan>> {
    let mut batch = Vec::with_capacity(spans.len().unwrap_or(0));
    for span in spans.try_iter()? {
        match trace::finished_span(&span?) {
            Ok(span) => batch.push(span),
            Err(error) => log_exception(spans.py(), error, LOGGER, "A span that can't be read is left out")?,
        }
    }
    Ok(batch)
}
