//! The simple log record processor.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{FinishedLogRecord, LogRecordExporter};
use crate::common::diagnostics::{self, Level};
use crate::sdk::batch::PerProcess;

const TARGET: &str = "opentelemetry.sdk._logs._internal.export";

thread_local! {
    /// An exporter that logs on this thread would wait for its own turn for ever.
    static EXPORTING: Cell<bool> = const { Cell::new(false) };
}

/// Exports every log record as it comes, on the thread that logs (specification: simple processor). For tests and
/// scripts.
pub struct SimpleLogRecordProcessor {
    exporter: Arc<dyn LogRecordExporter>,
    turn: PerProcess<Mutex<()>>,
    closed: AtomicBool,
}

impl SimpleLogRecordProcessor {
    /// A processor in front of `exporter`.
    pub fn new(exporter: Arc<dyn LogRecordExporter>) -> Self {
        SimpleLogRecordProcessor { exporter, turn: PerProcess::new(Mutex::new(())), closed: AtomicBool::new(false) }
    }

    /// Exports a record, blocking for as long as the exporter does. One record at a time; what an exporter itself logs
    /// meanwhile is dropped.
    pub fn on_emit(&self, record: FinishedLogRecord) {
        if self.closed.load(Ordering::Acquire) {
            return diagnostics::log(Level::Warning, TARGET, "Processor is already shutdown, ignoring call");
        }
        if EXPORTING.replace(true) {
            return;
        }
        let turn = self.turn.get(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        let result = catch_unwind(AssertUnwindSafe(|| self.exporter.export(&[record])));
        drop(turn);
        EXPORTING.set(false);
        match result {
            Ok(Ok(())) => {}
            Ok(Err(error)) if error.is_shutdown() => {}
            Ok(Err(error)) => diagnostics::log(Level::Error, self.exporter.log_target(), &error.to_string()),
            Err(_) => diagnostics::log(Level::Error, TARGET, "Exception while exporting logs: panic in the exporter"),
        }
    }

    /// Shuts the exporter down. Idempotent; records that come later are ignored.
    pub fn shutdown(&self) {
        if !self.closed.swap(true, Ordering::AcqRel) {
            self.exporter.shutdown();
        }
    }

    /// Asks the exporter to flush; `false` when `timeout` passed first.
    pub fn force_flush(&self, timeout: Duration) -> bool {
        self.exporter.force_flush(timeout)
    }
}
