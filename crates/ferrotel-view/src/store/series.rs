//! The last state of each series of metrics, bounded in number and bytes; the one that was silent longest makes room.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use crate::metric::{Kind, Measure, Metric, ReceivedPoint, SeriesId};
use crate::origin::Origin;
use crate::proto::KeyValue;

/// One series as it stands.
#[derive(Clone, Debug)]
pub struct Series {
    /// Name, unit and kind.
    pub metric: Arc<Metric>,
    /// What tells it from the metric's other series.
    pub attributes: Arc<Vec<KeyValue>>,
    /// Resource, scope and protocol.
    pub origin: Arc<Origin>,
    /// The value: of points that hold only the change, their sum since the first that was received.
    pub measure: Measure,
    /// How fast a counter, or a histogram's count, grew between the last two collections, for each second.
    pub rate: Option<f64>,
    /// When `measure` last changed.
    pub changed: Instant,
    /// Which of the store's updates changed it.
    pub(super) changed_in: u64,
    /// Which of the store's updates spoke of it.
    heard_in: u64,
    start: u64,
    time: u64,
    weight: usize,
}

/// All series.
#[derive(Debug, Default)]
pub(super) struct AllSeries {
    by_id: HashMap<SeriesId, Series>,
    /// The ids by the update that last spoke of them, oldest first.
    heard: BTreeSet<(u64, SeriesId)>,
    weight: usize,
    /// Number of updates so far; one is made for each request.
    pub(super) updates: u64,
    /// The last update that changed a value or a rate.
    pub(super) last_change: u64,
    pub(super) dropped: u64,
}

impl AllSeries {
    /// Takes the points of one request.
    pub(super) fn add(&mut self, points: Vec<ReceivedPoint>, now: Instant, max_series: usize, max_bytes: usize) {
        self.updates += 1;
        for point in points {
            let id = point.series;
            match self.by_id.remove(&id) {
                Some(mut series) => {
                    self.heard.remove(&(series.heard_in, id));
                    self.weight -= series.weight;
                    if series.observe(point, self.updates, now) {
                        self.last_change = self.updates;
                    }
                    self.insert(id, series);
                }
                None => {
                    self.insert(id, Series::new(point, self.updates, now));
                    self.last_change = self.updates;
                }
            }
            while self.by_id.len() > max_series || self.weight > max_bytes {
                let Some((_, oldest)) = self.heard.pop_first() else { break };
                if let Some(series) = self.by_id.remove(&oldest) {
                    self.weight -= series.weight;
                    self.dropped += 1;
                }
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn clear(&mut self) {
        self.by_id.clear();
        self.heard.clear();
        self.weight = 0;
    }

    /// Copies of those that `order` puts first, at most `most`, in its order.
    pub(super) fn first<K: Ord>(
        &self,
        most: usize,
        wanted: impl Fn(&Series) -> bool,
        order: impl Fn(&Series) -> K,
    ) -> (Vec<Series>, usize) {
        let mut all: Vec<&Series> = self.by_id.values().filter(|series| wanted(series)).collect();
        let number = all.len();
        all.sort_by_cached_key(|series| order(series));
        (all.into_iter().take(most).cloned().collect(), number)
    }

    fn insert(&mut self, id: SeriesId, series: Series) {
        self.weight += series.weight;
        self.heard.insert((series.heard_in, id));
        self.by_id.insert(id, series);
    }
}

impl Series {
    /// The series that a first point begins.
    pub(crate) fn new(point: ReceivedPoint, update: u64, now: Instant) -> Self {
        let mut series = Self {
            weight: point.weight(),
            metric: point.metric,
            attributes: point.attributes,
            origin: point.origin,
            measure: point.measure,
            rate: None,
            changed: now,
            changed_in: update,
            heard_in: update,
            start: point.start,
            time: point.time,
        };
        if series.metric.is_delta {
            series.rate = series.grows().and_then(|by| rate(by, point.time, point.start));
        }
        series
    }

    /// Takes the next point. True if value or rate are others than before.
    pub(crate) fn observe(&mut self, point: ReceivedPoint, update: u64, now: Instant) -> bool {
        self.heard_in = update;
        let weight = point.weight();
        let is_delta = point.metric.is_delta;
        // Sent again after a lost answer, or overtaken by a later one.
        if point.time < self.time || (is_delta && (point.start, point.time) == (self.start, self.time)) {
            return false;
        }
        let before = (self.measure.clone(), self.rate, self.grows());
        let began_anew = point.start != self.start;
        if is_delta {
            let increment = growth(point.metric.kind, &point.measure);
            self.rate = increment.and_then(|by| rate(by, point.time, point.start.max(self.time)));
            self.measure.accumulate(point.metric.kind, point.measure);
        } else {
            self.measure = point.measure;
            let since = if began_anew { point.start.max(self.time) } else { self.time };
            let by = match (before.2, self.grows()) {
                (_, to) if began_anew => to,
                (Some(from), Some(to)) if to >= from => Some(to - from),
                // A counter that fell has begun anew although its sender does not say so.
                (Some(_), to) => to,
                (None, _) => None,
            };
            if point.time > self.time {
                self.rate = by.and_then(|by| rate(by, point.time, since));
            }
        }
        self.weight = weight.max(self.measure.weight());
        self.metric = point.metric;
        self.attributes = point.attributes;
        self.origin = point.origin;
        (self.start, self.time) = (point.start, point.time);
        let changed = self.measure != before.0;
        if changed {
            self.changed = now;
            self.changed_in = update;
        }
        changed || self.rate != before.1
    }

    /// When it was last measured, in Unix nanoseconds.
    pub fn time(&self) -> u64 {
        self.time
    }

    /// What a rate is the growth of, if it can have one.
    fn grows(&self) -> Option<f64> {
        growth(self.metric.kind, &self.measure)
    }
}

fn growth(kind: Kind, measure: &Measure) -> Option<f64> {
    match measure {
        Measure::Int(int) if kind == Kind::Counter => Some(*int as f64),
        Measure::Double(double) if kind == Kind::Counter => Some(*double),
        Measure::Distribution(distribution) => Some(distribution.count as f64),
        Measure::Summary { count, .. } => Some(*count as f64),
        _ => None,
    }
}

fn rate(by: f64, to: u64, from: u64) -> Option<f64> {
    let nanos = to.checked_sub(from).filter(|nanos| *nanos > 0 && from > 0)?;
    Some(by / (nanos as f64 / 1e9))
}

impl Measure {
    fn accumulate(&mut self, kind: Kind, later: Self) {
        *self = match (std::mem::replace(self, Self::Nothing), later) {
            // A change without a value changes nothing.
            (before, Self::Nothing) => before,
            (Self::Distribution(mut before), Self::Distribution(later)) => {
                before.add(&later);
                Self::Distribution(before)
            }
            (_, later) if matches!(kind, Kind::Gauge | Kind::Summary) => later,
            (Self::Int(before), Self::Int(later)) => {
                before.checked_add(later).map_or_else(|| Self::Double(before as f64 + later as f64), Self::Int)
            }
            (Self::Double(before), Self::Int(later)) => Self::Double(before + later as f64),
            (Self::Int(before), Self::Double(later)) => Self::Double(before as f64 + later),
            (Self::Double(before), Self::Double(later)) => Self::Double(before + later),
            (_, later) => later,
        };
    }

    fn weight(&self) -> usize {
        if let Self::Distribution(distribution) = self { 600 + distribution.weight() } else { 0 }
    }
}
