//! `ExportMetricsServiceRequest`, as OTLP/JSON.

use ferrotel::common::Attributes;
use ferrotel::sdk::metrics::{
    Buckets, Exemplar, ExponentialHistogramPoint, HistogramPoint, Metric, MetricData, MetricsData, Number, NumberPoint,
    Temporality,
};

use super::super::metrics::temporality;
use super::super::number::{Wire, double, wire};
use super::{Json, attributes, named_attributes, of_resource, of_scope};

/// Encodes a collection as OTLP/JSON; the same data as [`encode::metrics`](crate::encode::metrics::encode).
///
/// ```
/// use ferrotel::sdk::metrics::MetricsData;
///
/// assert_eq!(ferrotel_otlp::encode::json::metrics::encode(&MetricsData::default()), b"{}");
/// ```
pub fn encode(data: &MetricsData) -> Vec<u8> {
    let mut out = Json::default();
    out.object(|out| {
        out.list("resourceMetrics", &data.resource_metrics, |out, group| {
            of_resource(out, &group.resource, |out| {
                out.list("scopeMetrics", &group.scope_metrics, |out, group| {
                    of_scope(out, &group.scope, |out| out.list("metrics", &group.metrics, metric));
                });
            });
        });
    });
    out.0.into_bytes()
}

fn metric(out: &mut Json, metric: &Metric) {
    out.object(|out| {
        out.text_field("name", &metric.name);
        out.text_field("description", &metric.description);
        out.text_field("unit", &metric.unit);
        match &metric.data {
            MetricData::Gauge { points } => data(out, "gauge", points, None, number_point),
            MetricData::Sum { points, temporality, monotonic } => {
                out.key("sum");
                out.object(|out| {
                    members(out, points, Some(*temporality), number_point);
                    if *monotonic {
                        out.key("isMonotonic");
                        out.0.push_str("true");
                    }
                });
            }
            MetricData::Histogram { points, temporality } => {
                data(out, "histogram", points, Some(*temporality), histogram_point);
            }
            MetricData::ExponentialHistogram { points, temporality } => {
                data(out, "exponentialHistogram", points, Some(*temporality), exponential_histogram_point);
            }
        }
    });
}

type WritePoint<T> = fn(&mut Json, &T);

fn data<T>(out: &mut Json, name: &str, points: &[T], covered: Option<Temporality>, write: WritePoint<T>) {
    out.key(name);
    out.object(|out| members(out, points, covered, write));
}

fn members<T>(out: &mut Json, points: &[T], covered: Option<Temporality>, write: WritePoint<T>) {
    out.list("dataPoints", points, |out, point| out.object(|out| write(out, point)));
    if let Some(covered) = covered {
        out.count("aggregationTemporality", temporality(covered).into());
    }
}

fn start(out: &mut Json, attributes_: &Attributes, start_time: u64, time: u64) {
    attributes(out, attributes_);
    out.long("startTimeUnixNano", start_time);
    out.long("timeUnixNano", time);
}

fn number_point(out: &mut Json, point: &NumberPoint) {
    start(out, &point.attributes, point.start_time.unwrap_or(0), point.time);
    value(out, point.value);
    out.list("exemplars", &point.exemplars, exemplar);
}

fn histogram_point(out: &mut Json, point: &HistogramPoint) {
    start(out, &point.attributes, point.start_time, point.time);
    out.long("count", point.count);
    named(out, "sum", Some(point.sum));
    out.longs("bucketCounts", &point.bucket_counts);
    out.list("explicitBounds", &point.bounds, |out, bound| out.double(*bound));
    out.list("exemplars", &point.exemplars, exemplar);
    named(out, "min", point.min);
    named(out, "max", point.max);
}

fn exponential_histogram_point(out: &mut Json, point: &ExponentialHistogramPoint) {
    start(out, &point.attributes, point.start_time, point.time);
    out.long("count", point.count);
    named(out, "sum", Some(point.sum));
    out.signed("scale", point.scale);
    out.long("zeroCount", point.zero_count);
    buckets(out, "positive", &point.positive);
    buckets(out, "negative", &point.negative);
    out.count("flags", point.flags);
    out.list("exemplars", &point.exemplars, exemplar);
    named(out, "min", point.min);
    named(out, "max", point.max);
    if point.zero_threshold.to_bits() != 0 {
        out.key("zeroThreshold");
        out.double(point.zero_threshold);
    }
}

fn buckets(out: &mut Json, name: &str, buckets: &Buckets) {
    if buckets.counts.is_empty() {
        return;
    }
    out.key(name);
    out.object(|out| {
        out.signed("offset", buckets.offset);
        out.longs("bucketCounts", &buckets.counts);
    });
}

fn named(out: &mut Json, name: &str, number: Option<Number>) {
    if let Some(number) = number {
        out.key(name);
        out.double(double(number));
    }
}

fn value(out: &mut Json, number: Number) {
    match wire(number) {
        Wire::Int(value) => {
            out.key("asInt");
            out.write(format_args!("\"{value}\""));
        }
        Wire::Double(value) => {
            out.key("asDouble");
            out.double(value);
        }
    }
}

fn exemplar(out: &mut Json, exemplar: &Exemplar) {
    out.object(|out| {
        named_attributes(out, "filteredAttributes", &exemplar.filtered_attributes);
        out.long("timeUnixNano", exemplar.time);
        value(out, exemplar.value);
        if let Some((trace_id, span_id)) = exemplar.span {
            out.hex("spanId", &span_id.to_hex());
            out.hex("traceId", &trace_id.to_hex());
        }
    });
}
