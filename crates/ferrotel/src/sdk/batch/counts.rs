//! What a batch processor tells about itself.

/// A snapshot of a batch processor's counters, in items, since it was made (or since the fork that renewed it).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchCounts {
    /// Waiting in the queue now.
    pub queued: u64,
    /// Dropped because the queue was full, or because shutdown ran out of time.
    pub dropped: u64,
    /// Handed to the exporter, which accepted them.
    pub exported: u64,
    /// Handed to the exporter, which did not accept them.
    pub failed: u64,
    /// Ignored because they came after shutdown.
    pub ignored: u64,
}
