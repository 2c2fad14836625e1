//! `ExportMetricsServiceRequest`, as protobuf.

use ferrotel::sdk::metrics::{
    Buckets, Exemplar, ExponentialHistogramPoint, HistogramPoint, Metric, MetricData, MetricsData, Number, NumberPoint,
    Temporality,
};

use super::number::{Wire, double, wire};
use super::origin::{of_resource, of_scope};
use super::value::attributes;
use super::wire::Writer;

/// Encodes a collection as the bytes of an `ExportMetricsServiceRequest` (OTLP 1.x,
/// `opentelemetry.proto.collector.metrics.v1`).
///
/// For one collection after another, an [`Encoder`] keeps its memory.
///
/// ```
/// use ferrotel::sdk::metrics::MetricsData;
///
/// assert!(ferrotel_otlp::encode::metrics::encode(&MetricsData::default()).is_empty());
/// ```
pub fn encode(data: &MetricsData) -> Vec<u8> {
    Encoder::default().encode(data).to_vec()
}

/// Encodes one collection after another in the same memory.
#[derive(Default)]
pub struct Encoder {
    out: Writer,
}

/// The field `data_points` of every kind of metric.
const POINTS: u8 = 0x0a;
const TEMPORALITY: u8 = 0x10;

impl Encoder {
    /// See [`encode`]. The bytes are valid until the next collection.
    pub fn encode(&mut self, data: &MetricsData) -> &[u8] {
        let out = &mut self.out;
        out.begin();
        for group in data.resource_metrics.iter().rev() {
            of_resource(out, &group.resource, |out| {
                for group in group.scope_metrics.iter().rev() {
                    of_scope(out, &group.scope, |out| {
                        for item in group.metrics.iter().rev() {
                            let before = out.len();
                            metric(out, item);
                            out.close(0x12, before);
                        }
                    });
                }
            });
        }
        out.written()
    }
}

/// The number of a temporality (`AggregationTemporality`).
pub(super) const fn temporality(temporality: Temporality) -> u8 {
    match temporality {
        Temporality::Delta => 1,
        Temporality::Cumulative => 2,
    }
}

fn metric(out: &mut Writer, metric: &Metric) {
    let before = out.len();
    let tag = match &metric.data {
        MetricData::Gauge { points } => {
            each(out, points, number_point);
            0x2a
        }
        MetricData::Sum { points, temporality: covered, monotonic } => {
            out.bool(0x18, *monotonic);
            out.array([TEMPORALITY, temporality(*covered)]);
            each(out, points, number_point);
            0x3a
        }
        MetricData::Histogram { points, temporality: covered } => {
            out.array([TEMPORALITY, temporality(*covered)]);
            each(out, points, histogram_point);
            0x4a
        }
        MetricData::ExponentialHistogram { points, temporality: covered } => {
            out.array([TEMPORALITY, temporality(*covered)]);
            each(out, points, exponential_histogram_point);
            0x52
        }
    };
    out.close(tag, before);
    out.text(0x1a, &metric.unit);
    out.text(0x12, &metric.description);
    out.text(0x0a, &metric.name);
}

#[inline]
fn each<T>(out: &mut Writer, points: &[T], write: impl Fn(&mut Writer, &T)) {
    for point in points.iter().rev() {
        let before = out.len();
        write(out, point);
        out.close(POINTS, before);
    }
}

fn number_point(out: &mut Writer, point: &NumberPoint) {
    attributes(out, 0x3a, &point.attributes);
    let value = wire(point.value);
    if let Wire::Int(value) = value {
        out.array(value.to_le_bytes());
        out.array([0x31]);
    }
    exemplars(out, 0x2a, &point.exemplars);
    if let Wire::Double(value) = value {
        out.double(0x21, value);
    }
    out.fixed64(0x19, point.time);
    out.fixed64(0x11, point.start_time.unwrap_or(0));
}

fn histogram_point(out: &mut Writer, point: &HistogramPoint) {
    optional(out, 0x61, point.max);
    optional(out, 0x59, point.min);
    attributes(out, 0x4a, &point.attributes);
    exemplars(out, 0x42, &point.exemplars);
    out.packed64(0x3a, &point.bounds, f64::to_bits);
    out.packed64(0x32, &point.bucket_counts, |count| count);
    out.double(0x29, double(point.sum));
    out.fixed64(0x21, point.count);
    out.fixed64(0x19, point.time);
    out.fixed64(0x11, point.start_time);
}

fn exponential_histogram_point(out: &mut Writer, point: &ExponentialHistogramPoint) {
    if point.zero_threshold.to_bits() != 0 {
        out.double(0x71, point.zero_threshold);
    }
    optional(out, 0x69, point.max);
    optional(out, 0x61, point.min);
    exemplars(out, 0x5a, &point.exemplars);
    out.count(0x50, point.flags);
    buckets(out, 0x4a, &point.negative);
    buckets(out, 0x42, &point.positive);
    out.fixed64(0x39, point.zero_count);
    out.signed(0x30, point.scale);
    out.double(0x29, double(point.sum));
    out.fixed64(0x21, point.count);
    out.fixed64(0x19, point.time);
    out.fixed64(0x11, point.start_time);
    attributes(out, 0x0a, &point.attributes);
}

/// Without a count there are no buckets, as in the reference.
fn buckets(out: &mut Writer, tag: u8, buckets: &Buckets) {
    if buckets.counts.is_empty() {
        return;
    }
    let before = out.len();
    out.packed_varints(0x12, &buckets.counts);
    out.signed(0x08, buckets.offset);
    out.close(tag, before);
}

#[inline]
fn optional(out: &mut Writer, tag: u8, number: Option<Number>) {
    if let Some(number) = number {
        out.double(tag, double(number));
    }
}

#[inline]
fn exemplars(out: &mut Writer, tag: u8, exemplars: &[Exemplar]) {
    for exemplar in exemplars.iter().rev() {
        let before = out.len();
        attributes(out, 0x3a, &exemplar.filtered_attributes);
        let value = wire(exemplar.value);
        if let Wire::Int(value) = value {
            out.array(value.to_le_bytes());
            out.array([0x31]);
        }
        if let Some((trace_id, span_id)) = exemplar.span {
            out.array(trace_id.to_bytes());
            out.array([0x2a, 16]);
            out.array(span_id.to_bytes());
            out.array([0x22, 8]);
        }
        if let Wire::Double(value) = value {
            out.double(0x19, value);
        }
        out.fixed64(0x11, exemplar.time);
        out.close(tag, before);
    }
}
