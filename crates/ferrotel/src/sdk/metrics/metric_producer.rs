//! Metrics that come from somewhere else.

use std::time::Duration;

use super::ScopeMetrics;

/// A bridge from another source of metrics (specification: metrics SDK, `MetricProducer`).
pub trait MetricProducer: Send + Sync + 'static {
    /// What there is now. Called by each reader, whenever it collects; a panic is reported, and loses only this.
    ///
    /// What cannot be had within `timeout` is left out.
    fn produce(&self, timeout: Duration) -> Vec<ScopeMetrics>;
}
