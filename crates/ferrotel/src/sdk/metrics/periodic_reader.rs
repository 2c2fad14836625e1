//! A reader that exports at intervals.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::periodic::TARGET;
use super::{
    Aggregation, Collect, InstrumentKind, MetricExporter, MetricReader, Periodic, PeriodicConfig, PeriodicTask,
    Temporality,
};
use crate::common::diagnostics::{self, Level};
use crate::common::fork_mutex::ForkMutex;
use crate::sdk::batch::{PerProcess, Repeats};

/// Collects at intervals, on a thread of its own, and hands the metrics to an exporter (specification: metrics SDK,
/// periodic exporting `MetricReader`).
///
/// The thread starts when the reader is registered with a provider. A binding whose exporters or callbacks need more than
/// a [`MetricExporter`] uses [`Periodic`] with a task of its own.
pub struct PeriodicReader {
    exporting: Arc<Exporting>,
    periodic: Periodic,
}

struct Exporting {
    exporter: Arc<dyn MetricExporter>,
    source: ForkMutex<Option<Arc<dyn Collect>>>,
    refusals: PerProcess<Mutex<Repeats>>,
}

impl PeriodicReader {
    /// A reader in front of `exporter`. Starts nothing yet.
    pub fn new(exporter: Arc<dyn MetricExporter>, config: PeriodicConfig) -> Self {
        let exporting =
            Arc::new(Exporting { exporter, source: ForkMutex::new(None), refusals: PerProcess::new(Mutex::default()) });
        PeriodicReader { periodic: Periodic::new(exporting.clone(), config), exporting }
    }

    /// Whether it was shut down.
    pub fn is_shut_down(&self) -> bool {
        self.periodic.is_shut_down()
    }
}

impl MetricReader for PeriodicReader {
    fn register(&self, source: Arc<dyn Collect>) {
        *self.exporting.source.lock() = Some(source);
        self.periodic.start();
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.exporting.exporter.temporality(kind)
    }

    fn aggregation(&self, kind: InstrumentKind) -> Aggregation {
        self.exporting.exporter.aggregation(kind)
    }

    fn force_flush(&self, timeout: Duration) -> bool {
        let start = Instant::now();
        self.periodic.run_now(timeout) && self.exporting.exporter.force_flush(timeout.saturating_sub(start.elapsed()))
    }

    fn shutdown(&self, timeout: Duration) -> bool {
        self.periodic.shutdown(timeout)
    }

    fn after_fork(&self) {
        self.periodic.start();
    }
}

impl PeriodicTask for Exporting {
    fn run(&self, timeout: Duration) -> bool {
        let source = self.source.lock().clone();
        let Some(source) = source else { return true };
        let data = match source.collect(timeout) {
            Ok(Some(data)) => data,
            Ok(None) => return true,
            Err(timed_out) => {
                let line = format!("Metric collection timed out: {timed_out}. Will try again at the next interval.");
                self.tell(Level::Warning, TARGET, &line);
                return false;
            }
        };
        let result = self.exporter.export(&data);
        match &result {
            Ok(()) => self.refusals.get(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner).calm(),
            Err(error) if error.is_shutdown() => {}
            Err(error) => self.tell(Level::Error, self.exporter.log_target(), &error.to_string()),
        }
        result.is_ok()
    }

    fn shutdown(&self, _: Duration) {
        self.exporter.shutdown();
    }
}

impl Exporting {
    /// Says a line that was not said lately.
    fn tell(&self, level: Level, target: &'static str, line: &str) {
        let refusals = self.refusals.get(Mutex::default);
        if refusals.lock().unwrap_or_else(PoisonError::into_inner).fresh(line, Instant::now()) {
            diagnostics::log(level, target, line);
        }
    }
}
