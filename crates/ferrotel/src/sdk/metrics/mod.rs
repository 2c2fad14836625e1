//! Metrics SDK.

mod data;
mod metric_exporter;
mod number;

pub use data::{
    Buckets, Exemplar, ExponentialHistogramPoint, HistogramPoint, Metric, MetricData, MetricsData, NumberPoint,
    ResourceMetrics, ScopeMetrics, Temporality,
};
pub use metric_exporter::MetricExporter;
pub use number::Number;
