//! The simple span processor.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{FinishedSpan, SpanExporter};
use crate::common::diagnostics::{self, Level};
use crate::sdk::batch::PerProcess;

const TARGET: &str = "opentelemetry.sdk.trace.export";
/// So long may exports hold the program up, all together, before one line advises another processor.
const PATIENCE: Duration = Duration::from_secs(1);

/// Exports every span at its end, on the thread that ends it (specification: simple processor). For tests and scripts.
pub struct SimpleSpanProcessor {
    exporter: Arc<dyn SpanExporter>,
    turn: PerProcess<Mutex<()>>,
    closed: AtomicBool,
    /// Nanoseconds that ending spans has taken.
    blocked: AtomicU64,
}

impl SimpleSpanProcessor {
    /// A processor in front of `exporter`.
    pub fn new(exporter: Arc<dyn SpanExporter>) -> Self {
        SimpleSpanProcessor {
            exporter,
            turn: PerProcess::new(Mutex::new(())),
            closed: AtomicBool::new(false),
            blocked: AtomicU64::new(0),
        }
    }

    /// Exports an ended, sampled span, blocking for as long as the exporter does. One span at a time.
    pub fn on_end(&self, span: FinishedSpan) {
        if self.closed.load(Ordering::Acquire) {
            return diagnostics::log(Level::Warning, TARGET, "Processor is already shutdown, ignoring call");
        }
        let start = Instant::now();
        let turn = self.turn.get(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        let result = catch_unwind(AssertUnwindSafe(|| self.exporter.export(&[span])));
        drop(turn);
        self.add_blocked(start.elapsed());
        match result {
            Ok(Ok(())) => {}
            Ok(Err(error)) if error.is_shutdown() => {}
            Ok(Err(error)) => diagnostics::log(Level::Error, self.exporter.log_target(), &error.to_string()),
            Err(_) => diagnostics::log(Level::Error, TARGET, "Exception while exporting Span: panic in the exporter"),
        }
    }

    /// Shuts the exporter down. Idempotent; spans that end later are ignored.
    pub fn shutdown(&self) {
        if !self.closed.swap(true, Ordering::AcqRel) {
            self.exporter.shutdown();
        }
    }

    /// Asks the exporter to flush; `false` when `timeout` passed first.
    pub fn force_flush(&self, timeout: Duration) -> bool {
        self.exporter.force_flush(timeout)
    }

    fn add_blocked(&self, time: Duration) {
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX / 2);
        let before = Duration::from_nanos(self.blocked.fetch_add(time, Ordering::Relaxed));
        let after = before + Duration::from_nanos(time);
        if before < PATIENCE && after >= PATIENCE {
            let line = format!(
                "SimpleSpanProcessor exports every span on the thread that ends it, which has held the program up for \
                 {:.1} s by now: use BatchSpanProcessor, which exports in the background.",
                after.as_secs_f64()
            );
            diagnostics::log(Level::Warning, TARGET, &line);
        }
    }
}
