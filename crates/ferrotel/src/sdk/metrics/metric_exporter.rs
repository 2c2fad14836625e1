//! The metric exporter interface.

use std::time::Duration;

use super::{Aggregation, InstrumentKind, MetricsData, Temporality};
use crate::sdk::export::ExportResult;

/// Sends what was collected somewhere (specification: metrics SDK, push metric exporter).
///
/// `export` is never called concurrently by one reader. `shutdown` and `force_flush` may come while `export` is under
/// way on another thread.
pub trait MetricExporter: Send + Sync + 'static {
    /// Sends one collection, blocking for as long as the exporter's own timeout at most (retries included).
    ///
    /// # Errors
    /// The data was not (wholly) accepted. It has been dropped; the caller reports it.
    fn export(&self, data: &MetricsData) -> ExportResult;

    /// Ends a retry that is waiting, and refuses all that comes later. Idempotent.
    fn shutdown(&self);

    /// Waits for what is under way; `false` when `timeout` passed first.
    fn force_flush(&self, timeout: Duration) -> bool {
        let _ = timeout;
        true
    }

    /// What points of instruments of this kind are to cover. Default: cumulative.
    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        let _ = kind;
        Temporality::Cumulative
    }

    /// What becomes of measurements of instruments of this kind where no view says it.
    fn aggregation(&self, kind: InstrumentKind) -> Aggregation {
        let _ = kind;
        Aggregation::Default
    }

    /// Stands for the exporter in log lines and self-observability metrics, for example `otlp_grpc_metric_exporter`.
    fn component_type(&self) -> &'static str;

    /// The logger to which a line about data that was not accepted belongs.
    fn log_target(&self) -> &'static str {
        "opentelemetry.sdk.metrics._internal.export"
    }
}
