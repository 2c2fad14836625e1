//! The span exporter interface.

use std::fmt;
use std::time::Duration;

use super::FinishedSpan;
use crate::common::Text;

/// Sends finished spans somewhere (specification: trace SDK, span exporter).
///
/// `export` is never called concurrently by one processor, but an exporter may be shared: implementations lock what
/// needs it. `shutdown` and `force_flush` may come while `export` is under way on another thread.
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

    /// Stands for the exporter in log lines and self-observability metrics, for example `otlp_grpc_span_exporter`.
    fn component_type(&self) -> &'static str;

    /// The logger to which a line about a batch that was not accepted belongs.
    fn log_target(&self) -> &'static str {
        "opentelemetry.sdk.trace.export"
    }
}

/// What [`SpanExporter::export`] returns.
pub type ExportResult = Result<(), ExportError>;

/// Why a batch was not delivered.
#[derive(Clone, Debug)]
pub struct ExportError {
    message: Text,
    shutdown: bool,
}

impl ExportError {
    /// The batch was refused or could not be delivered; `message` says what happened and what to do.
    pub fn failed(message: impl Into<Text>) -> Self {
        ExportError { message: message.into(), shutdown: false }
    }

    /// The exporter was shut down before the batch was delivered.
    pub fn shutdown() -> Self {
        ExportError { message: Text::const_new("the exporter is shut down"), shutdown: true }
    }

    /// Whether shutdown was the reason.
    pub fn is_shutdown(&self) -> bool {
        self.shutdown
    }
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ExportError {}
