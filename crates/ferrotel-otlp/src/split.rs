//! A collection in parts, for collectors that take no large requests.

use std::ops::Range;

use ferrotel::sdk::metrics::{Metric, MetricData, MetricsData, ResourceMetrics, ScopeMetrics};

/// The collection in parts of at most `most` points each, in its order. Nothing without a point is in a part.
pub(crate) fn split(data: &MetricsData, most: usize) -> Vec<MetricsData> {
    let most = most.max(1);
    let mut parts: Vec<MetricsData> = Vec::new();
    // For how many points there is room in the last part.
    let mut room = 0;
    for of_resource in &data.resource_metrics {
        // A resource and a scope are opened in a part with their first metric there.
        let mut open_resource = false;
        for of_scope in &of_resource.scope_metrics {
            let mut open_scope = false;
            for metric in &of_scope.metrics {
                let mut from = 0;
                let count = points(&metric.data);
                while from < count {
                    if room == 0 {
                        parts.push(MetricsData::default());
                        (room, open_resource, open_scope) = (most, false, false);
                    }
                    let to = count.min(from + room);
                    let Some(part) = parts.last_mut() else { break };
                    if !open_resource {
                        let resource = of_resource.resource.clone();
                        part.resource_metrics.push(ResourceMetrics { resource, scope_metrics: Vec::new() });
                    }
                    let Some(resource) = part.resource_metrics.last_mut() else { break };
                    if !open_scope {
                        let scope = of_scope.scope.clone();
                        resource.scope_metrics.push(ScopeMetrics { scope, metrics: Vec::new() });
                    }
                    let Some(scope) = resource.scope_metrics.last_mut() else { break };
                    scope.metrics.push(piece(metric, from..to));
                    (open_resource, open_scope) = (true, true);
                    room -= to - from;
                    from = to;
                }
            }
        }
    }
    parts
}

/// How many points a metric has.
pub(crate) fn points(data: &MetricData) -> usize {
    match data {
        MetricData::Sum { points, .. } | MetricData::Gauge { points } => points.len(),
        MetricData::Histogram { points, .. } => points.len(),
        MetricData::ExponentialHistogram { points, .. } => points.len(),
    }
}

fn piece(metric: &Metric, range: Range<usize>) -> Metric {
    let data = match &metric.data {
        MetricData::Sum { points, temporality, monotonic } => {
            MetricData::Sum { points: points[range].to_vec(), temporality: *temporality, monotonic: *monotonic }
        }
        MetricData::Gauge { points } => MetricData::Gauge { points: points[range].to_vec() },
        MetricData::Histogram { points, temporality } => {
            MetricData::Histogram { points: points[range].to_vec(), temporality: *temporality }
        }
        MetricData::ExponentialHistogram { points, temporality } => {
            MetricData::ExponentialHistogram { points: points[range].to_vec(), temporality: *temporality }
        }
    };
    Metric { name: metric.name.clone(), description: metric.description.clone(), unit: metric.unit.clone(), data }
}
