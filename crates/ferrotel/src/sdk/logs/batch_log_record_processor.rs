//! The batching log record processor.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{FinishedLogRecord, LogRecordExporter};
use crate::sdk::batch::{BatchConfig, BatchCounts, BatchItem, BatchProcessor, BatchSink, ExportOperation, Refusal};

/// Hands log records in batches to a [`LogRecordExporter`], on a thread of its own (specification: batching processor).
///
/// Every method may be called from any thread.
pub struct BatchLogRecordProcessor {
    batches: BatchProcessor<FinishedLogRecord>,
}

impl BatchLogRecordProcessor {
    /// A processor in front of `exporter`. Starts nothing: the worker thread starts with the first record.
    pub fn new(exporter: Arc<dyn LogRecordExporter>, config: BatchConfig) -> Self {
        BatchLogRecordProcessor { batches: BatchProcessor::new(Arc::new(Exporting(exporter)), config) }
    }

    /// The limits that the specification names for logs: as for spans, but a batch waits one second at most.
    pub fn default_config() -> BatchConfig {
        BatchConfig { schedule_delay: Duration::from_secs(1), ..BatchConfig::default() }
    }

    /// Takes a record. Never waits for the exporter: where the queue is full, its oldest record is dropped and counted.
    #[inline]
    pub fn on_emit(&self, record: FinishedLogRecord) {
        self.batches.push(record);
    }

    /// Exports what is queued now; `false` after shutdown, or when `timeout` (default: the configuration's
    /// `export_timeout`) passed first.
    pub fn force_flush(&self, timeout: Option<Duration>) -> bool {
        self.batches.force_flush(timeout)
    }

    /// Exports what is queued and shuts the exporter down; when `timeout` (default: the configuration's
    /// `export_timeout`) passes first, the exporter is interrupted, the rest is dropped and `false` is returned.
    /// Idempotent; records that come later are ignored.
    pub fn shutdown(&self, timeout: Option<Duration>) -> bool {
        self.batches.shutdown(timeout)
    }

    /// [`Self::shutdown`] that waits at most for `grace` for an exporter that it has interrupted, a second by default.
    pub fn shutdown_with_grace(&self, timeout: Option<Duration>, grace: Duration) -> bool {
        self.batches.shutdown_with_grace(timeout, grace)
    }

    /// When the exporter accepted a batch last.
    pub fn accepted_at(&self) -> Option<Instant> {
        self.batches.accepted_at()
    }

    /// Whether it was shut down.
    pub fn is_shut_down(&self) -> bool {
        self.batches.is_shut_down()
    }

    /// The counters.
    pub fn counts(&self) -> BatchCounts {
        self.batches.counts()
    }

    /// The exports that ended since the last call, where the configuration says `measured`.
    pub fn take_operations(&self) -> Vec<ExportOperation> {
        self.batches.take_operations()
    }

    /// The limits, as they are applied.
    pub fn config(&self) -> &BatchConfig {
        self.batches.config()
    }
}

struct Exporting(Arc<dyn LogRecordExporter>);

impl BatchSink<FinishedLogRecord> for Exporting {
    fn export(&self, batch: &[FinishedLogRecord]) -> Result<(), Refusal> {
        self.0.export(batch).map_err(|error| Refusal {
            target: self.0.log_target(),
            message: if error.is_shutdown() { String::new() } else { error.to_string() },
        })
    }

    fn shutdown(&self) {
        self.0.shutdown();
    }

    fn force_flush(&self, timeout: Duration) -> bool {
        self.0.force_flush(timeout)
    }

    fn set_hurried(&self, hurried: bool) {
        self.0.set_hurried(hurried);
    }

    fn concurrency(&self) -> usize {
        self.0.concurrency()
    }
}

impl BatchItem for FinishedLogRecord {
    const NOUN: &'static str = "Log";

    fn recycle(batch: &mut Vec<Self>) {
        FinishedLogRecord::recycle(batch.drain(..));
    }

    fn release(self) {
        FinishedLogRecord::release(self);
    }
}
