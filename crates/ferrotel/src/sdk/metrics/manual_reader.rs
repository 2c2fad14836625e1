//! A reader that collects when it is asked to.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Aggregation, Collect, CollectionTimedOut, InstrumentKind, MetricReader, MetricsData, Temporality};
use crate::common::fork_mutex::ForkMutex;

/// Collects when it is asked to, for a program that pulls metrics, and for tests.
///
/// ```
/// use std::sync::Arc;
/// use ferrotel::sdk::metrics::{ManualReader, MeterProvider};
///
/// let reader = Arc::new(ManualReader::default());
/// let provider = MeterProvider::builder().with_reader(reader.clone()).build();
/// provider.meter("shop").counter("orders").build().add(1, [("paid", true)]);
/// let data = reader.collect().unwrap().unwrap();
/// assert_eq!(data.resource_metrics[0].scope_metrics[0].metrics[0].name, "orders");
/// ```
pub struct ManualReader {
    temporality: fn(InstrumentKind) -> Temporality,
    aggregation: Box<dyn Fn(InstrumentKind) -> Aggregation + Send + Sync>,
    source: ForkMutex<Option<Arc<dyn Collect>>>,
    closed: AtomicBool,
}

/// How long callbacks may take where nobody says it.
const TIMEOUT: Duration = Duration::from_secs(10);

impl ManualReader {
    /// A reader with a temporality for each kind of instrument.
    pub fn new(temporality: fn(InstrumentKind) -> Temporality) -> Self {
        ManualReader {
            temporality,
            aggregation: Box::new(|_| Aggregation::Default),
            source: ForkMutex::new(None),
            closed: AtomicBool::new(false),
        }
    }

    /// What becomes of measurements of each kind of instrument where no view says it.
    #[must_use]
    pub fn with_aggregation(mut self, of: impl Fn(InstrumentKind) -> Aggregation + Send + Sync + 'static) -> Self {
        self.aggregation = Box::new(of);
        self
    }

    /// All metrics as they are now; `None` where there are none, before the reader has a provider, and after shutdown.
    ///
    /// # Errors
    /// The callbacks of observable instruments took more than 10 seconds.
    pub fn collect(&self) -> Result<Option<MetricsData>, CollectionTimedOut> {
        if self.closed.load(Ordering::Acquire) {
            return Ok(None);
        }
        let source = self.source.lock().clone();
        source.map_or(Ok(None), |source| source.collect(TIMEOUT))
    }
}

impl Default for ManualReader {
    /// Cumulative.
    fn default() -> Self {
        ManualReader::new(|_| Temporality::Cumulative)
    }
}

impl MetricReader for ManualReader {
    fn register(&self, source: Arc<dyn Collect>) {
        *self.source.lock() = Some(source);
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        (self.temporality)(kind)
    }

    fn aggregation(&self, kind: InstrumentKind) -> Aggregation {
        (self.aggregation)(kind)
    }

    fn force_flush(&self, _: Duration) -> bool {
        !self.closed.load(Ordering::Acquire)
    }

    fn shutdown(&self, _: Duration) -> bool {
        self.closed.store(true, Ordering::Release);
        true
    }
}

impl fmt::Debug for ManualReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualReader").finish_non_exhaustive()
    }
}
