//! `opentelemetry.sdk._logs`: loggers, and the way of a log record to the processors.

mod fields;
mod logger;
mod logging_record;
mod processor_list;
mod silence;

use pyo3::prelude::*;

pub use processor_list::NativeProcessor;
pub use silence::Silence;

/// The logger under which users look for lines about log records.
const LOGGER: &str = "opentelemetry.sdk._logs._internal";

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    silence::register(module)?;
    processor_list::register(module)?;
    logger::register(module)
}
