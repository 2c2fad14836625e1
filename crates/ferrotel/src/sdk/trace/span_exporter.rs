//! The span exporter interface.

use std::time::Duration;

use super::FinishedSpan;
use crate::sdk::export::ExportResult;

/// Sends finished spans somewhere (specification: trace SDK, span exporter).
///
/// `export` is not called concurrently by one processor unless `concurrency` says so, but an exporter may be shared:
/// implementations lock what needs it. `shutdown` and `force_flush` may come while `export` is under way on another thread.
pub trait SpanExporter: Send + Sync + 'static {
    /// Sends one batch, blocking for as long as the exporter's own timeout at most (retries included).
    ///
    /// # Errors
    /// The batch was not (wholly) accepted. It has been dropped; the caller reports it.
    fn export(&self, batch: &[FinishedSpan]) -> ExportResult;

    /// Ends a retry that is waiting, and refuses every later batch. Idempotent.
    fn shutdown(&self);

    /// Waits for what is under way; `false` when `timeout` passed first.
    fn force_flush(&self, timeout: Duration) -> bool {
        let _ = timeout;
        true
    }

    /// Whether the process is about to be killed: then nothing is tried again, and a wait for the next attempt ends.
    fn set_hurried(&self, _hurried: bool) {}

    /// How many exports one batch processor may have under way at once, at this moment. Must be quick, and call nothing
    /// of the processor's.
    fn concurrency(&self) -> usize {
        1
    }

    /// Stands for the exporter in log lines and self-observability metrics, for example `otlp_grpc_span_exporter`.
    fn component_type(&self) -> &'static str;

    /// The logger to which a line about a batch that was not accepted belongs.
    fn log_target(&self) -> &'static str {
        "opentelemetry.sdk.trace.export"
    }
}
