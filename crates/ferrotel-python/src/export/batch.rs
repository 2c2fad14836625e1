//! `BatchSpanCore`: the engine's batching span processor, as Python holds it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrotel::sdk::batch::BatchConfig;
use ferrotel::sdk::trace::BatchSpanProcessor;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::otlp::OtlpSpanExporter;
use crate::{diagnostics, trace};

/// How long Ctrl-C may have to wait.
const PIECE: Duration = Duration::from_millis(50);
/// As good as forever, and no trouble for the clock.
const LONGEST_WAIT: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// The engine's half of `BatchSpanProcessor`.
#[pyclass(frozen, module = "ferrotel._native")]
pub struct BatchSpanCore {
    processor: Arc<BatchSpanProcessor>,
}

impl BatchSpanCore {
    /// The engine's processor, to be fed without Python.
    #[inline]
    pub fn processor(&self) -> &Arc<BatchSpanProcessor> {
        &self.processor
    }
}

#[pymethods]
impl BatchSpanCore {
    #[new]
    #[pyo3(signature = (exporter, *, max_queue_size, schedule_delay_millis, max_export_batch_size, export_timeout_millis))]
    fn new(
        exporter: &OtlpSpanExporter,
        max_queue_size: usize,
        schedule_delay_millis: f64,
        max_export_batch_size: usize,
        export_timeout_millis: f64,
    ) -> Self {
        let config = BatchConfig {
            max_queue_size,
            schedule_delay: millis(schedule_delay_millis),
            max_export_batch_size,
            export_timeout: millis(export_timeout_millis),
        };
        BatchSpanCore { processor: Arc::new(BatchSpanProcessor::new(exporter.exporter(), config)) }
    }

    /// Queues a span that has ended.
    fn push(&self, span: &Bound<'_, PyAny>) -> PyResult<()> {
        self.processor.on_end(trace::finished_span(span)?);
        Ok(())
    }

    /// Exports what is queued; False after shutdown, or when the time is over first. Ctrl-C ends the wait.
    #[pyo3(signature = (timeout_millis=None))]
    fn force_flush(&self, py: Python<'_>, timeout_millis: Option<f64>) -> PyResult<bool> {
        let in_time = self.flush_until(py, self.deadline(timeout_millis));
        diagnostics::deliver(py);
        in_time
    }

    /// Exports what is queued and ends the exporter; False when the time is over first. Ctrl-C ends the wait.
    #[pyo3(signature = (timeout_millis=None))]
    fn shutdown(&self, py: Python<'_>, timeout_millis: Option<f64>) -> PyResult<bool> {
        let deadline = self.deadline(timeout_millis);
        let flushed = self.flush_until(py, deadline);
        let left = if flushed.is_ok() { deadline.saturating_duration_since(Instant::now()) } else { Duration::ZERO };
        let in_time = py.detach(|| self.processor.shutdown(Some(left)));
        diagnostics::deliver(py);
        flushed.map(|_| in_time)
    }

    /// The counters `queued`, `dropped`, `exported`, `failed` and `ignored`, in spans.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = self.processor.counts();
        let dict = PyDict::new(py);
        dict.set_item("queued", counts.queued)?;
        dict.set_item("dropped", counts.dropped)?;
        dict.set_item("exported", counts.exported)?;
        dict.set_item("failed", counts.failed)?;
        dict.set_item("ignored", counts.ignored)?;
        Ok(dict)
    }
}

impl BatchSpanCore {
    fn deadline(&self, timeout_millis: Option<f64>) -> Instant {
        let timeout = timeout_millis.map_or(self.processor.config().export_timeout, millis);
        Instant::now() + timeout.min(LONGEST_WAIT)
    }

    /// Waits in short pieces, so that the program's signal handlers run in between.
    fn flush_until(&self, py: Python<'_>, deadline: Instant) -> PyResult<bool> {
        loop {
            let piece = deadline.saturating_duration_since(Instant::now()).min(PIECE);
            if py.detach(|| self.processor.force_flush(Some(piece))) {
                return Ok(true);
            }
            py.check_signals()?;
            if self.processor.is_shut_down() || Instant::now() >= deadline {
                return Ok(false);
            }
        }
    }
}

/// Milliseconds as Python gives them: whatever is no duration counts as none, whatever is too long as very long.
fn millis(value: f64) -> Duration {
    Duration::try_from_secs_f64(value.max(0.0) / 1e3).unwrap_or(Duration::MAX)
}
