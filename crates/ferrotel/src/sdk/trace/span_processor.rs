//! The span processor interface.

use std::time::Duration;

use super::{BatchSpanProcessor, FinishedSpan, SimpleSpanProcessor, Span};
use crate::context::Context;

/// Is told of every recording span's start and end (specification: trace SDK, span processor).
///
/// The methods run on the thread that starts or ends the span: they must neither block for long nor panic.
pub trait SpanProcessor: Send + Sync + 'static {
    /// The span has started, with `parent` as its parent context.
    fn on_start(&self, span: &Span, parent: &Context) {
        let _ = (span, parent);
    }

    /// The span is about to end: its end time is set, and it takes no more changes.
    fn on_ending(&self, span: &Span) {
        let _ = span;
    }

    /// The span has ended.
    fn on_end(&self, span: FinishedSpan);

    /// Exports what waits; `false` when `timeout` passed first.
    fn force_flush(&self, timeout: Duration) -> bool;

    /// Exports what waits and lets go of everything; `false` when `timeout` passed first. Idempotent.
    fn shutdown(&self, timeout: Duration) -> bool;
}

impl SpanProcessor for BatchSpanProcessor {
    fn on_end(&self, span: FinishedSpan) {
        if span.read().context.trace_flags.is_sampled() {
            BatchSpanProcessor::on_end(self, span);
        }
    }

    fn force_flush(&self, timeout: Duration) -> bool {
        BatchSpanProcessor::force_flush(self, Some(timeout))
    }

    fn shutdown(&self, timeout: Duration) -> bool {
        BatchSpanProcessor::shutdown(self, Some(timeout))
    }
}

impl SpanProcessor for SimpleSpanProcessor {
    fn on_end(&self, span: FinishedSpan) {
        if span.read().context.trace_flags.is_sampled() {
            SimpleSpanProcessor::on_end(self, span);
        }
    }

    fn force_flush(&self, timeout: Duration) -> bool {
        SimpleSpanProcessor::force_flush(self, timeout)
    }

    fn shutdown(&self, _timeout: Duration) -> bool {
        SimpleSpanProcessor::shutdown(self);
        true
    }
}
