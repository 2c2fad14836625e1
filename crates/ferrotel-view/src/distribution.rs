//! A histogram's buckets, explicit or exponential, in one form: as ranges of values in ascending order.

use crate::proto::{self, ExponentialHistogramDataPoint, HistogramDataPoint};

/// Buckets of one histogram; a point with more is refused. The SDKs make 16 or at most 320 of them.
pub const MAX_BUCKETS: usize = 4_096;

/// Scales of exponential buckets that are understood; the SDKs use -10 to 20.
const SCALES: std::ops::RangeInclusive<i32> = -32..=32;

/// What a histogram's point says.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// Number of measurements.
    pub count: u64,
    /// Their sum, where the sender knows it.
    pub sum: Option<f64>,
    /// The smallest, where the sender knows it.
    pub min: Option<f64>,
    /// The largest, where the sender knows it.
    pub max: Option<f64>,
    buckets: Buckets,
}

/// Measurements above `lower` and up to `upper`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// Exclusive; minus infinity for the first of explicit buckets.
    pub lower: f64,
    /// Inclusive; infinity for the last of explicit buckets.
    pub upper: f64,
    /// How many.
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq)]
enum Buckets {
    Explicit { bounds: Vec<f64>, counts: Vec<u64> },
    Exponential { scale: i32, zero: Bucket, positive: Run, negative: Run },
}

/// Neighbouring exponential buckets, the first of which has the index `offset`.
#[derive(Clone, Debug, Default, PartialEq)]
struct Run {
    offset: i64,
    counts: Vec<u64>,
}

impl Distribution {
    /// Reads a point with explicit bounds.
    ///
    /// # Errors
    /// When counts and bounds do not belong together, or there are too many.
    pub fn explicit(point: HistogramDataPoint) -> Result<Self, String> {
        let (bounds, counts) = (point.explicit_bounds, point.bucket_counts);
        check_number(counts.len())?;
        // Neither bounds nor counts: the sender kept count and sum only.
        if !(counts.len() == bounds.len() + 1 || (counts.is_empty() && bounds.is_empty())) {
            return Err(format!("its {} bucket counts do not fit its {} bounds", counts.len(), bounds.len()));
        }
        if !bounds.iter().zip(bounds.iter().skip(1)).all(|(one, next)| one < next) {
            return Err("its bounds do not increase".to_owned());
        }
        let buckets = Buckets::Explicit { bounds, counts };
        Ok(Self { count: point.count, sum: point.sum, min: point.min, max: point.max, buckets })
    }

    /// Reads a point with exponential buckets.
    ///
    /// # Errors
    /// When there are too many, or the scale is not one that any SDK uses.
    pub fn exponential(point: ExponentialHistogramDataPoint) -> Result<Self, String> {
        let run = |buckets: Option<proto::Buckets>| {
            let buckets = buckets.unwrap_or_default();
            check_number(buckets.bucket_counts.len())?;
            Ok::<_, String>(Run { offset: i64::from(buckets.offset), counts: buckets.bucket_counts })
        };
        if !SCALES.contains(&point.scale) {
            return Err(format!("its scale is {}", point.scale));
        }
        let threshold = point.zero_threshold.abs();
        let zero = Bucket { lower: -threshold, upper: threshold, count: point.zero_count };
        let (positive, negative) = (run(point.positive)?, run(point.negative)?);
        let buckets = Buckets::Exponential { scale: point.scale, zero, positive, negative };
        Ok(Self { count: point.count, sum: point.sum, min: point.min, max: point.max, buckets })
    }

    /// The mean, where the sender knows the sum.
    pub fn average(&self) -> Option<f64> {
        self.sum.filter(|_| self.count > 0).map(|sum| sum / self.count as f64)
    }

    /// The buckets in ascending order, empty ones included.
    pub fn buckets(&self) -> Vec<Bucket> {
        match &self.buckets {
            Buckets::Explicit { bounds, counts } => {
                let lower = std::iter::once(f64::NEG_INFINITY).chain(bounds.iter().copied());
                let upper = bounds.iter().copied().chain(std::iter::once(f64::INFINITY));
                lower
                    .zip(upper)
                    .zip(counts)
                    .map(|((lower, upper), count)| Bucket { lower, upper, count: *count })
                    .collect()
            }
            Buckets::Exponential { scale, zero, positive, negative } => {
                let bound = |index: i64| (index as f64 * f64::from(-scale).exp2()).exp2();
                let indexed = |run: &'_ Run| {
                    let offset = run.offset;
                    run.counts.clone().into_iter().enumerate().map(move |(at, count)| (offset + at as i64, count))
                };
                let below = indexed(negative).rev();
                let below = below.map(|(at, count)| Bucket { lower: -bound(at + 1), upper: -bound(at), count });
                let above = indexed(positive);
                let above = above.map(|(at, count)| Bucket { lower: bound(at), upper: bound(at + 1), count });
                below.chain(std::iter::once(*zero)).chain(above).collect()
            }
        }
    }

    /// Adds what happened later, for points that hold the change only. Other bounds than before begin anew.
    pub(crate) fn add(&mut self, later: &Self) {
        if !self.buckets.add(&later.buckets) {
            *self = later.clone();
            return;
        }
        self.count = self.count.saturating_add(later.count);
        self.sum = self.sum.zip(later.sum).map(|(sum, more)| sum + more);
        self.min = self.min.zip(later.min).map(|(one, other)| one.min(other));
        self.max = self.max.zip(later.max).map(|(one, other)| one.max(other));
    }

    pub(crate) fn weight(&self) -> usize {
        let numbers = match &self.buckets {
            Buckets::Explicit { bounds, counts } => bounds.len() + counts.len(),
            Buckets::Exponential { positive, negative, .. } => positive.counts.len() + negative.counts.len(),
        };
        numbers * 8
    }
}

impl Buckets {
    /// False if the two do not belong together.
    fn add(&mut self, later: &Self) -> bool {
        match (self, later) {
            (Self::Explicit { bounds, counts }, Self::Explicit { bounds: others, counts: more }) => {
                let same = bounds == others && counts.len() == more.len();
                if same {
                    counts.iter_mut().zip(more).for_each(|(count, more)| *count = count.saturating_add(*more));
                }
                same
            }
            (
                Self::Exponential { scale, zero, positive, negative },
                Self::Exponential { scale: other, zero: more, positive: above, negative: below },
            ) => {
                // The coarser of the two scales, and coarser still until the sum has a bounded number of buckets.
                let mut to = (*scale).min(*other);
                let fits = |to: i32| {
                    let (by, other_by) = (scale.abs_diff(to), other.abs_diff(to));
                    let fit = |one: &Run, more: &Run| Run::span(one, by, more, other_by) <= MAX_BUCKETS as i64;
                    fit(positive, above) && fit(negative, below)
                };
                while !fits(to) {
                    to -= 1;
                }
                let (by, other_by) = (scale.abs_diff(to), other.abs_diff(to));
                positive.add(by, above, other_by);
                negative.add(by, below, other_by);
                zero.count = zero.count.saturating_add(more.count);
                zero.lower = zero.lower.min(more.lower);
                zero.upper = zero.upper.max(more.upper);
                *scale = to;
                true
            }
            _ => false,
        }
    }
}

impl Run {
    /// First and last index that is not empty, at a scale coarser by `by`.
    fn ends(&self, by: u32) -> Option<(i64, i64)> {
        let first = self.counts.iter().position(|count| *count > 0)?;
        let last = self.counts.iter().rposition(|count| *count > 0)?;
        let index = |at: usize| (self.offset + at as i64) >> by.min(63);
        Some((index(first), index(last)))
    }

    /// How many buckets the sum of two runs has.
    fn span(one: &Self, by: u32, other: &Self, other_by: u32) -> i64 {
        match (one.ends(by), other.ends(other_by)) {
            (Some(one), Some(other)) => one.1.max(other.1) - one.0.min(other.0) + 1,
            (Some((first, last)), None) | (None, Some((first, last))) => last - first + 1,
            (None, None) => 0,
        }
    }

    fn add(&mut self, by: u32, more: &Self, more_by: u32) {
        let ends = [self.ends(by), more.ends(more_by)];
        let Some(offset) = ends.iter().flatten().map(|(first, _)| *first).min() else {
            *self = Self::default();
            return;
        };
        // The caller has chosen scales for which this is bounded.
        let mut counts = vec![0_u64; Self::span(self, by, more, more_by) as usize];
        for (run, by) in [(&*self, by), (more, more_by)] {
            for (at, count) in run.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                let slot = &mut counts[(((run.offset + at as i64) >> by.min(63)) - offset) as usize];
                *slot = slot.saturating_add(*count);
            }
        }
        *self = Self { offset, counts };
    }
}

fn check_number(buckets: usize) -> Result<(), String> {
    if buckets > MAX_BUCKETS { Err(format!("its {buckets} buckets are more than {MAX_BUCKETS}")) } else { Ok(()) }
}
