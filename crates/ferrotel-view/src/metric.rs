//! One received data point with what identifies its series, and the step from a request's messages to such points.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use prost::Message;

use crate::decode::Received;
use crate::distribution::Distribution;
use crate::origin::{Origin, Producer, Protocol, pairs_weight};
use crate::proto::{self, KeyValue};

/// What names a series: producer, scope, metric, kind and attributes, as one number.
///
/// Two series that a sender makes collide on purpose show as one; nothing else depends on it.
pub type SeriesId = u128;

/// A data point as it was received; its buckets have been checked.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceivedPoint {
    /// The series it belongs to.
    pub series: SeriesId,
    /// What all points of its metric share.
    pub metric: Arc<Metric>,
    /// What tells it from the metric's other points.
    pub attributes: Arc<Vec<KeyValue>>,
    /// Since when it measures, in Unix nanoseconds; 0 if not sent.
    pub start: u64,
    /// When it was measured, in Unix nanoseconds.
    pub time: u64,
    /// What was measured.
    pub measure: Measure,
    /// Resource, scope and protocol.
    pub origin: Arc<Origin>,
}

/// What the points of a metric in one request share.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// The instrument's name.
    pub name: String,
    /// The instrument's description, or empty.
    pub description: String,
    /// The instrument's unit, or empty.
    pub unit: String,
    /// How the points are to be read.
    pub kind: Kind,
    /// Does a point hold what happened since the last one, rather than since the start?
    pub is_delta: bool,
}

/// How a metric's points are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The last value.
    Gauge,
    /// A sum that only grows.
    Counter,
    /// A sum that grows and shrinks.
    UpDownCounter,
    /// A distribution over buckets with explicit bounds.
    Histogram,
    /// A distribution over exponential buckets.
    ExponentialHistogram,
    /// Quantiles that the sender computed.
    Summary,
}

/// What a point measured.
#[derive(Clone, Debug, PartialEq)]
pub enum Measure {
    /// The sender says that there is no value (the flag `NO_RECORDED_VALUE`).
    Nothing,
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Double(f64),
    /// A distribution.
    Distribution(Distribution),
    /// Count, sum and quantiles.
    Summary {
        /// Number of measurements.
        count: u64,
        /// Their sum.
        sum: f64,
        /// Pairs of quantile (0 to 1) and value; the first [`MAX_QUANTILES`].
        quantiles: Vec<(f64, f64)>,
    },
}

/// Quantiles of a summary that are kept.
pub const MAX_QUANTILES: usize = 64;

const DELTA: i32 = 1;
const NO_RECORDED_VALUE: u32 = 1;

impl ReceivedPoint {
    /// The points of a request. One whose buckets contradict each other is refused.
    pub(crate) fn all_of(request: proto::ExportMetricsServiceRequest, protocol: Protocol) -> Received<Self> {
        let mut received = Received::default();
        for of_resource in request.resource_metrics {
            let items = of_resource.scope_metrics.iter().flat_map(|of_scope| &of_scope.metrics).map(points_in).sum();
            let producer = Producer::new(of_resource.resource, of_resource.schema_url, items);
            let of_producer = digest(&producer.resource.encode_to_vec());
            for of_scope in of_resource.scope_metrics {
                let items = of_scope.metrics.iter().map(points_in).sum();
                let origin = Origin::new(&producer, of_scope.scope, of_scope.schema_url, protocol, items);
                for metric in of_scope.metrics {
                    Reader::new(&metric, &origin, of_producer).read(metric.data, &mut received);
                }
            }
        }
        received
    }

    /// About how many bytes its series holds in memory, for the store's bound.
    pub(crate) fn weight(&self) -> usize {
        let metric = &self.metric;
        let measure = match &self.measure {
            Measure::Distribution(distribution) => distribution.weight(),
            Measure::Summary { quantiles, .. } => quantiles.len() * 16,
            _ => 0,
        };
        600 + metric.name.len()
            + metric.description.len()
            + metric.unit.len()
            + pairs_weight(&self.attributes)
            + measure
            + self.origin.share()
    }
}

/// Takes one metric's points apart.
struct Reader {
    metric: Arc<Metric>,
    origin: Arc<Origin>,
    of_metric: u128,
}

impl Reader {
    fn new(metric: &proto::Metric, origin: &Arc<Origin>, of_producer: u128) -> Self {
        let (kind, temporality) = match &metric.data {
            None | Some(proto::Data::Gauge(_)) => (Kind::Gauge, 0),
            Some(proto::Data::Sum(sum)) if sum.is_monotonic => (Kind::Counter, sum.aggregation_temporality),
            Some(proto::Data::Sum(sum)) => (Kind::UpDownCounter, sum.aggregation_temporality),
            Some(proto::Data::Histogram(histogram)) => (Kind::Histogram, histogram.aggregation_temporality),
            Some(proto::Data::ExponentialHistogram(histogram)) => {
                (Kind::ExponentialHistogram, histogram.aggregation_temporality)
            }
            Some(proto::Data::Summary(_)) => (Kind::Summary, 0),
        };
        let scope = (&origin.scope.name, &origin.scope.version);
        let of_metric = digest(&(of_producer, scope, &metric.name, &metric.unit, kind));
        let metric = Metric {
            name: metric.name.clone(),
            description: metric.description.clone(),
            unit: metric.unit.clone(),
            kind,
            is_delta: temporality == DELTA,
        };
        Self { metric: Arc::new(metric), origin: Arc::clone(origin), of_metric }
    }

    fn read(&self, data: Option<proto::Data>, received: &mut Received<ReceivedPoint>) {
        match data {
            None => {}
            Some(
                proto::Data::Gauge(proto::Gauge { data_points }) | proto::Data::Sum(proto::Sum { data_points, .. }),
            ) => {
                for point in data_points {
                    let measure = match point.value {
                        None => Measure::Nothing,
                        Some(proto::Number::Int(int)) => Measure::Int(int),
                        Some(proto::Number::Double(double)) => Measure::Double(double),
                    };
                    let times = (point.start_time_unix_nano, point.time_unix_nano);
                    received.push(Ok(self.point(point.attributes, times, point.flags, measure)));
                }
            }
            Some(proto::Data::Histogram(histogram)) => {
                for mut point in histogram.data_points {
                    let (attributes, flags) = (std::mem::take(&mut point.attributes), point.flags);
                    let times = (point.start_time_unix_nano, point.time_unix_nano);
                    let measure = Distribution::explicit(point).map(Measure::Distribution);
                    received.push(measure.map(|measure| self.point(attributes, times, flags, measure)));
                }
            }
            Some(proto::Data::ExponentialHistogram(histogram)) => {
                for mut point in histogram.data_points {
                    let (attributes, flags) = (std::mem::take(&mut point.attributes), point.flags);
                    let times = (point.start_time_unix_nano, point.time_unix_nano);
                    let measure = Distribution::exponential(point).map(Measure::Distribution);
                    received.push(measure.map(|measure| self.point(attributes, times, flags, measure)));
                }
            }
            Some(proto::Data::Summary(summary)) => {
                for point in summary.data_points {
                    let quantiles = point.quantile_values.iter().take(MAX_QUANTILES);
                    let measure = Measure::Summary {
                        count: point.count,
                        sum: point.sum,
                        quantiles: quantiles.map(|pair| (pair.quantile, pair.value)).collect(),
                    };
                    let times = (point.start_time_unix_nano, point.time_unix_nano);
                    received.push(Ok(self.point(point.attributes, times, point.flags, measure)));
                }
            }
        }
    }

    fn point(&self, attributes: Vec<KeyValue>, times: (u64, u64), flags: u32, measure: Measure) -> ReceivedPoint {
        // The order of attributes says nothing.
        let mut sorted: Vec<&KeyValue> = attributes.iter().collect();
        sorted.sort_by(|one, other| one.key.cmp(&other.key));
        let encoded: Vec<Vec<u8>> = sorted.into_iter().map(Message::encode_to_vec).collect();
        ReceivedPoint {
            series: digest(&(self.of_metric, encoded)),
            metric: Arc::clone(&self.metric),
            attributes: Arc::new(attributes),
            start: times.0,
            time: times.1,
            measure: if flags & NO_RECORDED_VALUE != 0 { Measure::Nothing } else { measure },
            origin: Arc::clone(&self.origin),
        }
    }
}

fn points_in(metric: &proto::Metric) -> usize {
    match &metric.data {
        None => 0,
        Some(proto::Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(proto::Data::Sum(sum)) => sum.data_points.len(),
        Some(proto::Data::Histogram(histogram)) => histogram.data_points.len(),
        Some(proto::Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        Some(proto::Data::Summary(summary)) => summary.data_points.len(),
    }
}

/// Wide enough that two series do not meet by chance.
fn digest(what: &impl Hash) -> u128 {
    let half = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        seed.hash(&mut hasher);
        what.hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}
