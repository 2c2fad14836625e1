//! What one series has accumulated.

use std::sync::Arc;

use super::super::{
    ExponentialHistogramPoint, HistogramPoint, InstrumentKind, MetricData, Number, NumberPoint, Temporality,
};
use super::explicit_bucket_histogram::ExplicitBucketHistogram;
use super::exponential_bucket_histogram::ExponentialBucketHistogram;
use super::{Aggregation, DEFAULT_BOUNDARIES, MAX_SIZE, MIN_SIZE, Total, exponential_mapping};
use crate::common::Attributes;

/// A stream's aggregation with all that was left open decided.
#[derive(Clone, Debug)]
pub struct Rule {
    kind: InstrumentKind,
    temporality: Temporality,
    how: How,
}

#[derive(Clone, Debug)]
enum How {
    Drop,
    Sum,
    LastValue,
    Explicit { bounds: Arc<[f64]>, min_max: bool },
    Exponential { max_size: u32, max_scale: i32, min_max: bool },
}

/// One series' accumulation. Its variant is that of its stream's [`Rule`].
#[derive(Debug)]
pub enum Cell {
    Dropped,
    Sum(Total),
    /// A sum that is read as a whole, of which the change is reported.
    Change(Box<Change>),
    LastValue(Total),
    Explicit(Box<ExplicitBucketHistogram>),
    Exponential(Box<ExponentialBucketHistogram>),
}

#[derive(Debug, Default)]
pub struct Change {
    now: Total,
    before: Total,
}

/// What every point needs beside what was accumulated.
pub struct Stamp<'a> {
    pub attributes: &'a Arc<Attributes>,
    /// When the series' current interval began; moved on where the next one begins.
    pub start: &'a mut u64,
    pub now: u64,
}

impl Rule {
    /// Settings out of range count as the nearest ones within, and impossible boundaries as the default ones: whoever
    /// configures checks and complains, see [`Aggregation::check`].
    pub fn new(
        aggregation: &Aggregation,
        kind: InstrumentKind,
        temporality: Temporality,
        advice: Option<&Arc<[f64]>>,
    ) -> Self {
        let how = match aggregation.for_kind(kind) {
            Aggregation::Drop => How::Drop,
            Aggregation::Sum => How::Sum,
            Aggregation::Default | Aggregation::LastValue => How::LastValue,
            // What is observed is a state, not a value of a distribution.
            _ if !kind.is_synchronous() => How::Drop,
            Aggregation::ExplicitBucketHistogram { boundaries, record_min_max } => {
                let chosen = boundaries.as_ref().or(advice).filter(|bounds| super::check_boundaries(bounds).is_ok());
                let bounds = chosen.cloned().unwrap_or_else(|| DEFAULT_BOUNDARIES.into());
                How::Explicit { bounds, min_max: record_min_max }
            }
            Aggregation::ExponentialBucketHistogram { max_size, max_scale, record_min_max } => How::Exponential {
                max_size: max_size.clamp(MIN_SIZE, MAX_SIZE),
                max_scale: max_scale.clamp(exponential_mapping::MIN_SCALE, exponential_mapping::MAX_SCALE),
                min_max: record_min_max,
            },
        };
        Rule { kind, temporality, how }
    }

    /// Whether measurements are ignored.
    pub fn drops(&self) -> bool {
        matches!(self.how, How::Drop)
    }

    /// The bounds of explicit buckets, where there are some.
    pub fn bounds(&self) -> Option<&Arc<[f64]>> {
        match &self.how {
            How::Explicit { bounds, .. } => Some(bounds),
            _ => None,
        }
    }

    /// The most buckets of an exponential histogram.
    pub fn max_size(&self) -> Option<u32> {
        match self.how {
            How::Exponential { max_size, .. } => Some(max_size),
            _ => None,
        }
    }

    /// Whether a series that was not measured since the last collection can be forgotten, without losing
    /// anything: what it had was reported, or comes as a whole with the next observation.
    pub fn may_forget(&self) -> bool {
        match (&self.how, self.kind.is_synchronous(), self.temporality) {
            (How::Drop, ..) => false,
            (_, true, temporality) => temporality == Temporality::Delta,
            // What was observed last is needed for the next difference.
            (How::Sum, false, Temporality::Delta) => false,
            (_, false, _) => true,
        }
    }

    pub fn cell(&self) -> Cell {
        match &self.how {
            How::Drop => Cell::Dropped,
            How::Sum if !self.kind.is_synchronous() && self.temporality == Temporality::Delta => {
                Cell::Change(Box::default())
            }
            How::Sum => Cell::Sum(Total::Nothing),
            How::LastValue => Cell::LastValue(Total::Nothing),
            How::Explicit { bounds, .. } => Cell::Explicit(Box::new(ExplicitBucketHistogram::new(bounds))),
            How::Exponential { max_scale, .. } => {
                Cell::Exponential(Box::new(ExponentialBucketHistogram::new(*max_scale)))
            }
        }
    }

    /// The data of a metric without points; `None` where everything is dropped.
    pub fn data(&self, points: usize) -> Option<MetricData> {
        let temporality = self.temporality;
        Some(match self.how {
            How::Drop => return None,
            How::Sum => {
                MetricData::Sum { points: Vec::with_capacity(points), temporality, monotonic: self.kind.is_monotonic() }
            }
            How::LastValue => MetricData::Gauge { points: Vec::with_capacity(points) },
            How::Explicit { .. } => MetricData::Histogram { points: Vec::with_capacity(points), temporality },
            How::Exponential { .. } => {
                MetricData::ExponentialHistogram { points: Vec::with_capacity(points), temporality }
            }
        })
    }

    /// Whether what was accumulated is reported as a whole, again and again.
    fn keeps(&self) -> bool {
        self.kind.is_synchronous() && self.temporality == Temporality::Cumulative
    }
}

impl Cell {
    #[inline]
    pub fn record(&mut self, value: Number, rule: &Rule) {
        match (self, &rule.how) {
            (Cell::Sum(total), _) => total.add(value),
            (Cell::LastValue(last), _) => last.set(value),
            (Cell::Explicit(histogram), How::Explicit { bounds, min_max }) => histogram.record(value, bounds, *min_max),
            (Cell::Exponential(histogram), How::Exponential { max_size, min_max, .. }) => {
                histogram.record(value, *max_size, *min_max);
            }
            (Cell::Change(change), _) => change.now.add(value),
            _ => {}
        }
    }

    /// Forgets what was observed since the last collection.
    pub fn discard(&mut self) {
        match self {
            Cell::Sum(total) | Cell::LastValue(total) => *total = Total::Nothing,
            Cell::Change(change) => change.now = Total::Nothing,
            Cell::Dropped | Cell::Explicit(_) | Cell::Exponential(_) => {}
        }
    }

    /// Adds a point to `data`, and starts the next interval. Returns `false`, and adds none, where there is nothing to
    /// report.
    pub fn collect(&mut self, rule: &Rule, stamp: Stamp<'_>, data: &mut MetricData) -> bool {
        let delta = rule.kind.is_synchronous() && rule.temporality == Temporality::Delta;
        // The start lies after `now` where the series was made while this collection was under way.
        let start = if delta { std::mem::replace(stamp.start, stamp.now) } else { *stamp.start };
        let time = stamp.now.max(start);
        let attributes = || Arc::clone(stamp.attributes);
        let number = |start_time, value| NumberPoint {
            attributes: attributes(),
            start_time,
            time,
            value,
            exemplars: Vec::new(),
        };
        match (self, data, &rule.how) {
            (Cell::Sum(total), MetricData::Sum { points, .. }, _) => {
                let value = if rule.keeps() { total.get() } else { total.take() };
                let Some(value) = value else { return false };
                points.push(number(Some(start), value));
            }
            (Cell::Change(change), MetricData::Sum { points, .. }, _) => {
                let Some(value) = change.now.take() else { return false };
                let before = change.before.get().unwrap_or(Number::ZERO);
                change.before.set(value);
                *stamp.start = stamp.now;
                points.push(number(Some(start), value.minus(before)));
            }
            (Cell::LastValue(last), MetricData::Gauge { points }, _) => {
                let value = if rule.keeps() { last.get() } else { last.take() };
                let Some(value) = value else { return false };
                points.push(number(None, value));
            }
            (Cell::Explicit(histogram), MetricData::Histogram { points, .. }, How::Explicit { bounds, .. }) => {
                let Some(sum) = histogram.sum.get() else { return false };
                points.push(HistogramPoint {
                    attributes: attributes(),
                    start_time: start,
                    time,
                    count: histogram.counts().iter().sum(),
                    sum,
                    min: histogram.min.get(),
                    max: histogram.max.get(),
                    bounds: bounds.clone(),
                    bucket_counts: histogram.counts().to_vec(),
                    exemplars: Vec::new(),
                });
                if delta {
                    histogram.clear();
                }
            }
            (Cell::Exponential(histogram), MetricData::ExponentialHistogram { points, .. }, _) => {
                let Some(sum) = histogram.sum.get() else { return false };
                points.push(ExponentialHistogramPoint {
                    attributes: attributes(),
                    start_time: start,
                    time,
                    count: histogram.count(),
                    sum,
                    min: histogram.min.get(),
                    max: histogram.max.get(),
                    scale: histogram.scale(),
                    zero_count: histogram.zero_count,
                    zero_threshold: 0.0,
                    flags: 0,
                    positive: histogram.positive(),
                    negative: histogram.negative(),
                    exemplars: Vec::new(),
                });
                if delta {
                    histogram.clear();
                }
            }
            _ => return false,
        }
        true
    }
}
