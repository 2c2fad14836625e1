//! A distribution over buckets of exponentially growing width.

use super::super::{Buckets, Number};
use super::Total;
use super::exponential_mapping::{MIN_SCALE, index};

/// What one series holds.
#[derive(Debug)]
pub struct ExponentialBucketHistogram {
    /// The resolution in use. It sinks when values are too far apart for the number of buckets, and never rises, as in
    /// the reference.
    scale: i32,
    pub sum: Total,
    pub min: Total,
    pub max: Total,
    pub zero_count: u64,
    positive: Side,
    negative: Side,
}

impl ExponentialBucketHistogram {
    pub fn new(max_scale: i32) -> Self {
        ExponentialBucketHistogram {
            scale: max_scale,
            sum: Total::Nothing,
            min: Total::Nothing,
            max: Total::Nothing,
            zero_count: 0,
            positive: Side::default(),
            negative: Side::default(),
        }
    }

    /// Takes a finite value.
    #[inline]
    pub fn record(&mut self, value: Number, max_size: u32, min_max: bool) {
        self.sum.add(value);
        if min_max {
            self.min.lower_to(value);
            self.max.raise_to(value);
        }
        let value = value.as_f64();
        if value == 0.0 {
            self.zero_count += 1;
            return;
        }
        let magnitude = value.abs();
        let mut at = index(magnitude, self.scale);
        let side = if value > 0.0 { &mut self.positive } else { &mut self.negative };
        let change = side.scale_change(at, max_size);
        if change > 0 {
            self.downscale(change);
            at = index(magnitude, self.scale);
        }
        let side = if value > 0.0 { &mut self.positive } else { &mut self.negative };
        side.increment(at, max_size);
    }

    #[cold]
    fn downscale(&mut self, change: u32) {
        let change = change.min(self.scale.abs_diff(MIN_SCALE));
        self.scale -= change.cast_signed();
        self.positive.downscale(change);
        self.negative.downscale(change);
    }

    /// The scale of a point; zero while there are only zeros, as in the reference.
    pub fn scale(&self) -> i32 {
        if self.zero_count > 0 && self.positive.counts.is_empty() && self.negative.counts.is_empty() {
            0
        } else {
            self.scale
        }
    }

    pub fn count(&self) -> u64 {
        self.zero_count + self.positive.count() + self.negative.count()
    }

    pub fn positive(&self) -> Buckets {
        self.positive.buckets()
    }

    pub fn negative(&self) -> Buckets {
        self.negative.buckets()
    }

    pub fn clear(&mut self) {
        self.sum = Total::Nothing;
        self.min = Total::Nothing;
        self.max = Total::Nothing;
        self.zero_count = 0;
        self.positive.clear();
        self.negative.clear();
    }
}

/// The buckets on one side of zero.
#[derive(Debug, Default)]
struct Side {
    /// The index of the first bucket.
    start: i32,
    /// From the first to the last bucket that is not empty.
    counts: Vec<u64>,
    /// How many buckets the reference would have by now: it doubles them, never takes one away, and reports the empty
    /// ones behind the last.
    size: u32,
}

impl Side {
    /// By how much the scale has to sink for a value at `at` to have a bucket among `max_size` neighbours.
    #[inline]
    fn scale_change(&self, at: i32, max_size: u32) -> u32 {
        if self.counts.is_empty() {
            return 0;
        }
        let (mut low, mut high) = (self.start.min(at), self.end().max(at));
        let mut change = 0;
        while high.abs_diff(low) >= max_size {
            low >>= 1;
            high >>= 1;
            change += 1;
        }
        change
    }

    /// The index of the last bucket, where there is one.
    #[inline]
    fn end(&self) -> i32 {
        self.start + (self.counts.len() as i32 - 1)
    }

    #[inline]
    fn increment(&mut self, at: i32, max_size: u32) {
        if self.counts.is_empty() {
            self.start = at;
        }
        match usize::try_from(at - self.start) {
            Ok(offset) if offset < self.counts.len() => self.counts[offset] += 1,
            _ => self.extend(at, max_size),
        }
    }

    #[cold]
    fn extend(&mut self, at: i32, max_size: u32) {
        match usize::try_from(at - self.start) {
            Ok(offset) => {
                self.counts.resize(offset + 1, 0);
                self.counts[offset] = 1;
            }
            Err(_) => {
                let missing = self.start.abs_diff(at) as usize;
                self.counts.splice(..0, std::iter::once(1).chain(std::iter::repeat_n(0, missing - 1)));
                self.start = at;
            }
        }
        let needed = self.counts.len() as u32;
        if needed > self.size {
            self.size = needed.next_power_of_two().min(max_size);
        }
    }

    fn downscale(&mut self, change: u32) {
        let start = self.start >> change;
        for at in 0..self.counts.len() {
            let count = std::mem::take(&mut self.counts[at]);
            self.counts[(((self.start + at as i32) >> change) - start) as usize] += count;
        }
        if !self.counts.is_empty() {
            self.counts.truncate(((self.end() >> change) - start + 1) as usize);
        }
        self.start = start;
    }

    fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// A side without measurements has one empty bucket, as in the reference.
    fn buckets(&self) -> Buckets {
        let mut counts = Vec::with_capacity(self.size.max(1) as usize);
        counts.extend_from_slice(&self.counts);
        counts.resize(self.size.max(1) as usize, 0);
        Buckets { offset: if self.counts.is_empty() { 0 } else { self.start }, counts }
    }

    fn clear(&mut self) {
        self.counts.clear();
        self.start = 0;
        self.size = 0;
    }
}
