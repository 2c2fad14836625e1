//! The simple span processor.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{FinishedSpan, SpanExporter};
use crate::common::diagnostics::{self, Level};
use crate::sdk::batch::PerProcess;

const TARGET: &str = "opentelemetry.sdk.trace.export";

/// Exports every span at its end, on the thread that ends it (specification: simple processor). For tests and scripts.
pub struct SimpleSpanProcessor {
    exporter: Arc<dyn SpanExporter>,
    turn: PerProcess<Mutex<()>>,
    closed: AtomicBool,
}

impl SimpleSpanProcessor {
    /// A processor in front of `exporter`.
    pub fn new(exporter: Arc<dyn SpanExporter>) -> Self {
        SimpleSpanProcessor { exporter, turn: PerProcess::new(Mutex::new(())), closed: AtomicBool::new(false) }
    }

    /// Exports an ended, sampled span, blocking for as long as the exporter does. One span at a time.
    pub fn on_end(&self, span: FinishedSpan) {
        if self.closed.load(Ordering::Acquire) {
            return diagnostics::log(Level::Warning, TARGET, "Processor is already shutdown, ignoring call");
        }
        let turn = self.turn.get(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        let result = catch_unwind(AssertUnwindSafe(|| self.exporter.export(&[span])));
        drop(turn);
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
}
