//! What a collection yields (specification: metrics data model).

use std::sync::Arc;

use super::Number;
use crate::api::trace::{SpanId, TraceId};
use crate::common::{Attributes, Scope, Text};
use crate::resource::Resource;

/// Whether a point covers the time since the start, or since the last collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Temporality {
    /// Since the last collection.
    Delta,
    /// Since the start.
    Cumulative,
}

/// All that one collection of a reader yields.
#[derive(Clone, Debug, Default)]
pub struct MetricsData {
    /// By resource.
    pub resource_metrics: Vec<ResourceMetrics>,
}

/// The metrics of one resource.
#[derive(Clone, Debug)]
pub struct ResourceMetrics {
    /// Who is observed.
    pub resource: Arc<Resource>,
    /// By scope.
    pub scope_metrics: Vec<ScopeMetrics>,
}

/// The metrics of one scope.
#[derive(Clone, Debug)]
pub struct ScopeMetrics {
    /// Who measured.
    pub scope: Arc<Scope>,
    /// In the order in which their streams were made.
    pub metrics: Vec<Metric>,
}

/// One metric stream's points.
#[derive(Clone, Debug)]
pub struct Metric {
    /// The stream's name.
    pub name: Text,
    /// Its description; may be empty.
    pub description: Text,
    /// Its unit, a UCUM code; may be empty.
    pub unit: Text,
    /// The points.
    pub data: MetricData,
}

/// The points of one metric stream, by kind.
#[derive(Clone, Debug)]
pub enum MetricData {
    /// A sum.
    Sum {
        /// One for each set of attributes.
        points: Vec<NumberPoint>,
        /// What the points cover.
        temporality: Temporality,
        /// Whether it only grows.
        monotonic: bool,
    },
    /// Last values.
    Gauge {
        /// One for each set of attributes.
        points: Vec<NumberPoint>,
    },
    /// Distributions over explicit buckets.
    Histogram {
        /// One for each set of attributes.
        points: Vec<HistogramPoint>,
        /// What the points cover.
        temporality: Temporality,
    },
    /// Distributions over buckets of exponentially growing width.
    ExponentialHistogram {
        /// One for each set of attributes.
        points: Vec<ExponentialHistogramPoint>,
        /// What the points cover.
        temporality: Temporality,
    },
}

/// A sum or a last value.
#[derive(Clone, Debug)]
pub struct NumberPoint {
    /// What tells the point apart.
    pub attributes: Arc<Attributes>,
    /// From when on, in nanoseconds since the Unix epoch; `None` where that has no meaning (last values).
    pub start_time: Option<u64>,
    /// Until when, in nanoseconds since the Unix epoch.
    pub time: u64,
    /// The value.
    pub value: Number,
    /// Measurements kept with their trace.
    pub exemplars: Vec<Exemplar>,
}

/// A distribution over explicit buckets.
#[derive(Clone, Debug)]
pub struct HistogramPoint {
    /// What tells the point apart.
    pub attributes: Arc<Attributes>,
    /// From when on, in nanoseconds since the Unix epoch.
    pub start_time: u64,
    /// Until when, in nanoseconds since the Unix epoch.
    pub time: u64,
    /// How many measurements.
    pub count: u64,
    /// Their sum.
    pub sum: Number,
    /// The smallest; `None` where it is not recorded.
    pub min: Option<Number>,
    /// The largest; `None` where it is not recorded.
    pub max: Option<Number>,
    /// Ascending upper bounds, inclusive; the last bucket has none.
    pub bounds: Arc<[f64]>,
    /// One count more than there are bounds; empty where there are no buckets at all.
    pub bucket_counts: Vec<u64>,
    /// Measurements kept with their trace.
    pub exemplars: Vec<Exemplar>,
}

/// A distribution over buckets whose bounds are powers of `2^(2^-scale)`.
#[derive(Clone, Debug)]
pub struct ExponentialHistogramPoint {
    /// What tells the point apart.
    pub attributes: Arc<Attributes>,
    /// From when on, in nanoseconds since the Unix epoch.
    pub start_time: u64,
    /// Until when, in nanoseconds since the Unix epoch.
    pub time: u64,
    /// How many measurements.
    pub count: u64,
    /// Their sum.
    pub sum: Number,
    /// The smallest; `None` where it is not recorded.
    pub min: Option<Number>,
    /// The largest; `None` where it is not recorded.
    pub max: Option<Number>,
    /// The resolution.
    pub scale: i32,
    /// How many measurements were zero, or nearer to it than `zero_threshold`.
    pub zero_count: u64,
    /// The width of the zero bucket.
    pub zero_threshold: f64,
    /// OTLP's `DataPointFlags`; the SDK sets none.
    pub flags: u32,
    /// The measurements above zero.
    pub positive: Buckets,
    /// The measurements below zero, by their magnitude.
    pub negative: Buckets,
    /// Measurements kept with their trace.
    pub exemplars: Vec<Exemplar>,
}

/// Neighbouring buckets of an exponential histogram.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buckets {
    /// The index of the first one.
    pub offset: i32,
    /// Their counts.
    pub counts: Vec<u64>,
}

/// A measurement kept as it was made (specification: metrics data model, exemplars).
#[derive(Clone, Debug)]
pub struct Exemplar {
    /// The measurement's attributes that the point does not have.
    pub filtered_attributes: Attributes,
    /// What was measured.
    pub value: Number,
    /// When, in nanoseconds since the Unix epoch.
    pub time: u64,
    /// In which span, where there was one.
    pub span: Option<(TraceId, SpanId)>,
}
