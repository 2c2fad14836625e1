//! What becomes of measurements (specification: metrics SDK, aggregation).

mod cell;
mod explicit_bucket_histogram;
mod exponential_bucket_histogram;
mod exponential_mapping;
mod total;

pub(super) use cell::{Cell, Rule, Stamp};
pub(super) use explicit_bucket_histogram::bucket;
use total::Total;

use std::fmt;
use std::sync::Arc;

use super::InstrumentKind;

/// How the measurements of a stream become points.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Aggregation {
    /// By the instrument's kind: a sum for counters, the last value for gauges, explicit buckets for histograms.
    #[default]
    Default,
    /// Ignores everything.
    Drop,
    /// The sum.
    Sum,
    /// The last value.
    LastValue,
    /// A distribution over given buckets.
    ExplicitBucketHistogram {
        /// Ascending upper bounds, inclusive; `None`: the instrument's advice, else [`DEFAULT_BOUNDARIES`].
        boundaries: Option<Arc<[f64]>>,
        /// Whether points tell the smallest and the largest measurement.
        record_min_max: bool,
    },
    /// A distribution over buckets whose bounds are powers of `2^(2^-scale)`, as fine as the number of buckets allows.
    ExponentialBucketHistogram {
        /// The most buckets for values above zero, and again for those below. Default 160; from 2 to 16384.
        max_size: u32,
        /// The finest scale. Default 20; from -10 to 20.
        max_scale: i32,
        /// Whether points tell the smallest and the largest measurement.
        record_min_max: bool,
    },
}

/// The bounds of an explicit-bucket histogram for which neither view nor instrument name any.
pub const DEFAULT_BOUNDARIES: [f64; 15] =
    [0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10000.0];

impl Aggregation {
    /// An explicit-bucket histogram with the default settings.
    pub const EXPLICIT_BUCKET_HISTOGRAM: Aggregation =
        Aggregation::ExplicitBucketHistogram { boundaries: None, record_min_max: true };

    /// An exponential histogram with the default settings.
    pub const EXPONENTIAL_BUCKET_HISTOGRAM: Aggregation =
        Aggregation::ExponentialBucketHistogram { max_size: 160, max_scale: 20, record_min_max: true };

    /// Checks the settings.
    ///
    /// # Errors
    /// Boundaries that are not finite or do not ascend; a size or a scale out of range.
    pub fn check(&self) -> Result<(), InvalidAggregation> {
        match self {
            Aggregation::ExplicitBucketHistogram { boundaries: Some(boundaries), .. } => check_boundaries(boundaries),
            Aggregation::ExponentialBucketHistogram { max_size, max_scale, .. } => {
                if !(MIN_SIZE..=MAX_SIZE).contains(max_size) {
                    return Err(InvalidAggregation::Size(*max_size));
                }
                if !(exponential_mapping::MIN_SCALE..=exponential_mapping::MAX_SCALE).contains(max_scale) {
                    return Err(InvalidAggregation::Scale(*max_scale));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What [`Aggregation::Default`] means for an instrument of this kind; any other aggregation is itself.
    #[must_use]
    pub fn for_kind(&self, kind: InstrumentKind) -> Aggregation {
        match self {
            Aggregation::Default => match kind {
                InstrumentKind::Histogram => Aggregation::EXPLICIT_BUCKET_HISTOGRAM,
                InstrumentKind::Gauge | InstrumentKind::ObservableGauge => Aggregation::LastValue,
                _ => Aggregation::Sum,
            },
            other => other.clone(),
        }
    }
}

const MIN_SIZE: u32 = 2;
const MAX_SIZE: u32 = 16384;

/// Checks the bounds of a histogram.
///
/// # Errors
/// One is not finite, or not larger than the one before it.
pub fn check_boundaries(boundaries: &[f64]) -> Result<(), InvalidAggregation> {
    match boundaries.iter().find(|bound| !bound.is_finite()) {
        Some(bound) => Err(InvalidAggregation::Boundary(*bound)),
        None if boundaries.is_sorted_by(|a, b| a < b) => Ok(()),
        None => Err(InvalidAggregation::Order),
    }
}

/// Why an aggregation cannot be used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum InvalidAggregation {
    /// A boundary is infinite or not a number.
    Boundary(f64),
    /// The boundaries do not ascend.
    Order,
    /// An exponential histogram with this number of buckets.
    Size(u32),
    /// An exponential histogram of this scale.
    Scale(i32),
}

impl fmt::Display for InvalidAggregation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvalidAggregation::Boundary(bound) => write!(f, "invalid boundary: {bound}"),
            InvalidAggregation::Order => f.write_str("boundaries must be strictly increasing"),
            InvalidAggregation::Size(size) => write!(f, "max_size is {size}: it must be from {MIN_SIZE} to {MAX_SIZE}"),
            InvalidAggregation::Scale(scale) => write!(
                f,
                "max_scale is {scale}: it must be from {} to {}",
                exponential_mapping::MIN_SCALE,
                exponential_mapping::MAX_SCALE
            ),
        }
    }
}

impl std::error::Error for InvalidAggregation {}
