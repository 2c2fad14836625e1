//! A distribution over explicit buckets.

use super::super::Number;
use super::Total;

/// What one series holds.
#[derive(Debug)]
pub struct ExplicitBucketHistogram {
    counts: Box<[u64]>,
    pub sum: Total,
    pub min: Total,
    pub max: Total,
}

impl ExplicitBucketHistogram {
    pub fn new(bounds: &[f64]) -> Self {
        ExplicitBucketHistogram {
            counts: vec![0; bounds.len() + 1].into(),
            sum: Total::Nothing,
            min: Total::Nothing,
            max: Total::Nothing,
        }
    }

    #[inline]
    pub fn record(&mut self, value: Number, bounds: &[f64], min_max: bool) {
        if let Some(count) = self.counts.get_mut(bucket(value, bounds)) {
            *count += 1;
        }
        self.sum.add(value);
        if min_max {
            self.min.lower_to(value);
            self.max.raise_to(value);
        }
    }

    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    pub fn clear(&mut self) {
        self.counts.fill(0);
        self.sum = Total::Nothing;
        self.min = Total::Nothing;
        self.max = Total::Nothing;
    }
}

/// In which bucket a value lies: a bound belongs to the bucket below it.
#[inline]
pub fn bucket(value: Number, bounds: &[f64]) -> usize {
    /// Up to here every whole number is a double, so that nothing is rounded.
    const EXACT: u64 = 1 << 53;
    /// Comparing with all of few bounds takes no longer than a search, and no branches.
    const FEW: usize = 32;
    match value {
        Number::Double(value) => below(value, bounds, FEW),
        Number::Int(value) if value.unsigned_abs() <= EXACT => below(value as f64, bounds, FEW),
        value => bounds.partition_point(|bound| Number::Double(*bound) < value),
    }
}

#[inline]
fn below(value: f64, bounds: &[f64], few: usize) -> usize {
    if bounds.len() <= few {
        bounds.iter().map(|bound| usize::from(*bound < value)).sum()
    } else {
        bounds.partition_point(|bound| *bound < value)
    }
}
