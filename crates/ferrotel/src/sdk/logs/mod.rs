//! Logs SDK.

mod log_record_data;
mod log_record_exporter;

pub use log_record_data::{FinishedLogRecord, LogRecordData};
pub use log_record_exporter::LogRecordExporter;
