//! `BatchSpanCore`, `BatchLogRecordCore`: the engine's batch processors, as Python holds them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrotel::sdk::batch::{BatchConfig, BatchCounts};
use ferrotel::sdk::logs::BatchLogRecordProcessor;
use ferrotel::sdk::trace::BatchSpanProcessor;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::otlp::{OtlpLogRecordExporter, OtlpSpanExporter};
use crate::greenlets::Sleep;
use crate::{diagnostics, exit, logs, trace};

/// How long Ctrl-C may have to wait.
const PIECE: Duration = Duration::from_millis(50);
/// As good as forever, and no trouble for the clock.
const LONGEST_WAIT: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// One class per signal: PyO3 knows no generic ones.
macro_rules! core {
    ($(#[doc = $doc:literal])+ $name:ident, $processor:ident, $exporter:ident, $take:ident, $read:path) => {
        $(#[doc = $doc])+
        #[pyclass(frozen, module = "ferrotel._native")]
        pub struct $name {
            processor: Arc<$processor>,
        }

        impl $name {
            /// The engine's processor, to be fed without Python.
            #[inline]
            pub fn processor(&self) -> &Arc<$processor> {
                &self.processor
            }
        }

        #[pymethods]
        impl $name {
            #[new]
            #[pyo3(signature = (exporter, *, max_queue_size, schedule_delay_millis, max_export_batch_size, export_timeout_millis, measured=false))]
            fn new(
                py: Python<'_>,
                exporter: &$exporter,
                max_queue_size: usize,
                schedule_delay_millis: f64,
                max_export_batch_size: usize,
                export_timeout_millis: f64,
                measured: bool,
            ) -> Self {
                exit::sigterm::prepare(py);
                let config = BatchConfig {
                    max_queue_size,
                    schedule_delay: millis(schedule_delay_millis),
                    max_export_batch_size,
                    export_timeout: millis(export_timeout_millis),
                    measured,
                };
                $name { processor: Arc::new($processor::new(exporter.exporter(), config)) }
            }

            /// Queues what Python holds as an object.
            fn push(&self, item: &Bound<'_, PyAny>) -> PyResult<()> {
                self.processor.$take($read(item)?);
                Ok(())
            }

            /// Exports what is queued; False after shutdown, or when the time is over first. Ctrl-C ends the wait.
            #[pyo3(signature = (timeout_millis=None))]
            fn force_flush(&self, py: Python<'_>, timeout_millis: Option<f64>) -> PyResult<bool> {
                let in_time = flush_until(py, &*self.processor, deadline(&*self.processor, timeout_millis));
                diagnostics::deliver(py);
                in_time
            }

            /// Exports what is queued and ends the exporter; False when the time is over first. Ctrl-C ends the wait. Once
            /// the exit has begun, its patience holds too.
            #[pyo3(signature = (timeout_millis=None))]
            fn shutdown(&self, py: Python<'_>, timeout_millis: Option<f64>) -> PyResult<bool> {
                let deadline = deadline(&*self.processor, timeout_millis);
                let flushed = flush_until(py, &*self.processor, deadline);
                let left = match flushed {
                    Ok(true) => deadline.saturating_duration_since(Instant::now()),
                    _ => Duration::ZERO,
                };
                let in_time = py.detach(|| match exit::exit() {
                    Some(_) => self.processor.shutdown_with_grace(Some(left), exit::GRACE),
                    None => self.processor.shutdown(Some(left)),
                });
                diagnostics::deliver(py);
                flushed.map(|_| in_time)
            }

            /// The counters in items: `queued` and `in_flight` now; `dropped`, of those `abandoned` at shutdown, `exported`,
            /// `failed` and `ignored` in all.
            fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
                counts(py, self.processor.counts())
            }

            /// How many seconds each export since the last call took, and whether it was accepted; for a core that was
            /// made `measured`.
            fn take_operations(&self) -> Vec<(f64, bool)> {
                let operations = self.processor.take_operations().into_iter();
                operations.map(|operation| (operation.elapsed.as_secs_f64(), operation.accepted)).collect()
            }
        }

        impl Batching for $processor {
            fn export_timeout(&self) -> Duration {
                self.config().export_timeout
            }

            fn force_flush(&self, timeout: Duration) -> bool {
                $processor::force_flush(self, Some(timeout))
            }

            fn is_shut_down(&self) -> bool {
                $processor::is_shut_down(self)
            }

            fn accepted_at(&self) -> Option<Instant> {
                $processor::accepted_at(self)
            }
        }
    };
}

core! {
    /// The engine's half of `BatchSpanProcessor`.
    BatchSpanCore, BatchSpanProcessor, OtlpSpanExporter, on_end, trace::finished_span
}
core! {
    /// The engine's half of `BatchLogRecordProcessor`.
    BatchLogRecordCore, BatchLogRecordProcessor, OtlpLogRecordExporter, on_emit, logs::finished_log_record
}

/// What waiting needs of a batch processor.
trait Batching: Sync {
    fn export_timeout(&self) -> Duration;
    fn force_flush(&self, timeout: Duration) -> bool;
    fn is_shut_down(&self) -> bool;
    fn accepted_at(&self) -> Option<Instant>;
}

fn deadline(processor: &impl Batching, timeout_millis: Option<f64>) -> Instant {
    Instant::now() + timeout_millis.map_or(processor.export_timeout(), millis).min(LONGEST_WAIT)
}

/// Waits in short pieces, so that the program's signal handlers run in between, and its other greenlets.
fn flush_until(py: Python<'_>, processor: &impl Batching, deadline: Instant) -> PyResult<bool> {
    let mut sleep = Sleep::new(py);
    loop {
        let deadline = match exit::exit() {
            Some(exit) => deadline.min(exit.deadline(processor.accepted_at())),
            None => deadline,
        };
        let longest = if sleep.is_cooperative() { Duration::ZERO } else { PIECE };
        let piece = deadline.saturating_duration_since(Instant::now()).min(longest);
        if py.detach(|| processor.force_flush(piece)) {
            return Ok(true);
        }
        py.check_signals()?;
        sleep.pause()?;
        if processor.is_shut_down() || Instant::now() >= deadline {
            return Ok(false);
        }
    }
}

fn counts(py: Python<'_>, counts: BatchCounts) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("queued", counts.queued)?;
    dict.set_item("in_flight", counts.in_flight)?;
    dict.set_item("dropped", counts.dropped)?;
    dict.set_item("abandoned", counts.abandoned)?;
    dict.set_item("exported", counts.exported)?;
    dict.set_item("failed", counts.failed)?;
    dict.set_item("ignored", counts.ignored)?;
    Ok(dict)
}

/// Milliseconds as Python gives them: whatever is no duration counts as none, whatever is too long as very long.
fn millis(value: f64) -> Duration {
    Duration::try_from_secs_f64(value.max(0.0) / 1e3).unwrap_or(Duration::MAX)
}
