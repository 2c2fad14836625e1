//! The log record processor interface.

use std::time::Duration;

use super::{BatchLogRecordProcessor, ReadWriteLogRecord, SeverityNumber, SimpleLogRecordProcessor};
use crate::common::Scope;
use crate::context::Context;

/// Is told of every log record (specification: logs SDK, log record processor).
///
/// The methods run on the thread that logs: they must neither block for long nor panic.
pub trait LogRecordProcessor: Send + Sync + 'static {
    /// A record was emitted. Changes are seen by the processors after this one.
    fn on_emit(&self, record: &mut ReadWriteLogRecord);

    /// Whether a record like this would be of use; default: yes. Asked before records that are dear to make.
    fn enabled(&self, parameters: &EnabledParameters<'_>) -> bool {
        let _ = parameters;
        true
    }

    /// Exports what waits; `false` when `timeout` passed first.
    fn force_flush(&self, timeout: Duration) -> bool;

    /// Exports what waits and lets go of everything; `false` when `timeout` passed first. Idempotent.
    fn shutdown(&self, timeout: Duration) -> bool;
}

/// What is known of a record that is yet to be made.
#[derive(Clone, Copy, Debug)]
pub struct EnabledParameters<'a> {
    /// The context that it would belong to.
    pub context: &'a Context,
    /// Who would log it.
    pub scope: &'a Scope,
    /// Its severity.
    pub severity_number: SeverityNumber,
    /// Its event name; empty for none.
    pub event_name: &'a str,
}

impl LogRecordProcessor for BatchLogRecordProcessor {
    fn on_emit(&self, record: &mut ReadWriteLogRecord) {
        BatchLogRecordProcessor::on_emit(self, record.finished());
    }

    fn force_flush(&self, timeout: Duration) -> bool {
        BatchLogRecordProcessor::force_flush(self, Some(timeout))
    }

    fn shutdown(&self, timeout: Duration) -> bool {
        BatchLogRecordProcessor::shutdown(self, Some(timeout))
    }
}

impl LogRecordProcessor for SimpleLogRecordProcessor {
    fn on_emit(&self, record: &mut ReadWriteLogRecord) {
        SimpleLogRecordProcessor::on_emit(self, record.finished());
    }

    fn force_flush(&self, timeout: Duration) -> bool {
        SimpleLogRecordProcessor::force_flush(self, timeout)
    }

    fn shutdown(&self, _timeout: Duration) -> bool {
        SimpleLogRecordProcessor::shutdown(self);
        true
    }
}
