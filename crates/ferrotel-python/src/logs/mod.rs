//! `opentelemetry.sdk._logs`: loggers, and the way of a log record to the processors.

mod fields;
mod logger;
mod logging_record;
mod processor_list;
mod record;
mod silence;

use ferrotel::sdk::logs::FinishedLogRecord;
use pyo3::prelude::*;

pub use fields::read_object;
pub use processor_list::NativeProcessor;
pub use silence::Silence;

use crate::export::Origins;

/// The logger under which users look for lines about log records.
const LOGGER: &str = "opentelemetry.sdk._logs._internal";

/// The engine's record for a `ReadWriteLogRecord` or `ReadableLogRecord`.
///
/// # Errors
/// An object that is none.
pub fn finished_log_record(record: &Bound<'_, PyAny>) -> PyResult<FinishedLogRecord> {
    read_object(record, &mut Origins::default()).map(FinishedLogRecord::new)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    record::register(module)?;
    silence::register(module)?;
    processor_list::register(module)?;
    logger::register(module)
}
