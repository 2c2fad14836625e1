//! Log records of Python's (`ReadableLogRecord`) for the engine's exporters.

use ferrotel::sdk::logs::FinishedLogRecord;
use pyo3::prelude::*;

use super::origin::Origins;
use crate::error::log_exception;
use crate::logs::read_object;

const LOGGER: &str = "opentelemetry.sdk._logs._internal.export";

/// The engine's records for Python's. One that can't be read is reported and left out.
///
/// # Errors
/// What iterating raises.
pub fn from_py(records: &Bound<'_, PyAny>) -> PyResult<Vec<FinishedLogRecord>> {
    let mut batch = Vec::with_capacity(records.len().unwrap_or(0));
    let mut origins = Origins::default();
    for record in records.try_iter()? {
        match read_object(&record?, &mut origins) {
            Ok(record) => batch.push(FinishedLogRecord::new(record)),
            Err(error) => log_exception(records.py(), error, LOGGER, "A log record that can't be read is left out")?,
        }
    }
    Ok(batch)
}
