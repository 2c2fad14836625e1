//! Logs SDK.

mod batch_log_record_processor;
mod log_record_data;
mod log_record_exporter;
mod log_record_limits;
mod log_record_processor;
mod logger;
mod provider;
mod read_write_log_record;
mod severity_number;
mod simple_log_record_processor;

pub use batch_log_record_processor::BatchLogRecordProcessor;
pub use log_record_data::{FinishedLogRecord, LogRecordData};
pub use log_record_exporter::LogRecordExporter;
pub use log_record_limits::LogRecordLimits;
pub use log_record_processor::{EnabledParameters, LogRecordProcessor};
pub use logger::{LogRecordBuilder, Logger};
pub use provider::{LoggerProvider, LoggerProviderBuilder};
pub use read_write_log_record::ReadWriteLogRecord;
pub use severity_number::SeverityNumber;
pub use simple_log_record_processor::SimpleLogRecordProcessor;
