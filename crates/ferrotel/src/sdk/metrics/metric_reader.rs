//! What a reader is to its provider, and a provider to its readers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Aggregation, InstrumentKind, MetricsData, Temporality};

/// Where a reader gets its metrics: the provider's side.
pub trait Collect: Send + Sync + 'static {
    /// Asks the observable instruments, and collects everything that the reader has; `None` where there is nothing.
    ///
    /// # Errors
    /// `timeout` passed while callbacks ran. What was measured comes with the next collection.
    fn collect(&self, timeout: Duration) -> Result<Option<MetricsData>, CollectionTimedOut>;
}

/// The callbacks of observable instruments took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CollectionTimedOut;

impl fmt::Display for CollectionTimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Timed out while executing callback")
    }
}

impl std::error::Error for CollectionTimedOut {}

/// Asks for metrics and hands them on (specification: metrics SDK, `MetricReader`). Belongs to one provider.
pub trait MetricReader: Send + Sync + 'static {
    /// Called once, when the reader's provider is built.
    fn register(&self, source: Arc<dyn Collect>);

    /// What points of instruments of this kind cover. Default: cumulative.
    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        let _ = kind;
        Temporality::Cumulative
    }

    /// What becomes of measurements of instruments of this kind where no view says it.
    fn aggregation(&self, kind: InstrumentKind) -> Aggregation {
        let _ = kind;
        Aggregation::Default
    }

    /// The most series of a stream of instruments of this kind where no view says it; `None`: the provider's limit.
    fn cardinality_limit(&self, kind: InstrumentKind) -> Option<usize> {
        let _ = kind;
        None
    }

    /// Collects and hands on what there is now; `false` when that failed, when `timeout` passed first, or after shutdown.
    fn force_flush(&self, timeout: Duration) -> bool;

    /// Does so a last time; `false` when `timeout` passed first. Idempotent.
    fn shutdown(&self, timeout: Duration) -> bool;

    /// This process is a fork of the one in which the reader was made: starts again what the child does not have.
    fn after_fork(&self) {}
}
