//! What a batch processor tells about itself.

use std::time::Duration;

/// A snapshot of a batch processor's counters, in items, since it was made (or since the fork that renewed it).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchCounts {
    /// Waiting in the queue now.
    pub queued: u64,
    /// With the exporter now.
    pub in_flight: u64,
    /// Dropped because the queue was full, or because shutdown ran out of time.
    pub dropped: u64,
    /// Of those dropped: because shutdown ran out of time.
    pub abandoned: u64,
    /// Handed to the exporter, which accepted them.
    pub exported: u64,
    /// Handed to the exporter, which did not accept them.
    pub failed: u64,
    /// Ignored because they came after shutdown.
    pub ignored: u64,
}

/// One export that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportOperation {
    /// How long the exporter took, with all that it tried again.
    pub elapsed: Duration,
    /// Whether it accepted the batch.
    pub accepted: bool,
}

/// More exports than this are not remembered where nobody asks for them.
const REMEMBERED: usize = 16_384;

/// The exports since somebody last asked.
#[derive(Default)]
pub(super) struct Operations(Vec<ExportOperation>);

impl Operations {
    pub fn note(&mut self, operation: ExportOperation) {
        if self.0.len() < REMEMBERED {
            self.0.push(operation);
        }
    }

    pub fn take(&mut self) -> Vec<ExportOperation> {
        std::mem::take(&mut self.0)
    }
}
