//! A metric stream: one instrument, as one reader sees it through one view.

use std::sync::Arc;

use hashbrown::HashTable;

use super::aggregation::Rule;
use super::series::{Kept, Shape};
use super::{
    Aggregation, AttributeFilter, ExemplarOffer, InstrumentKind, Metric, Number, Reservoir, Series, Temporality,
};
use crate::common::attribute_set;
use crate::common::diagnostics::{self, Level};
use crate::common::fork;
use crate::common::fork_lock::ForkLock;
use crate::common::fork_mutex::ForkMutex;
use crate::common::{Attributes, KeyValue, Text, Value};

/// The attribute of the series that takes what has no series of its own.
pub const OVERFLOW_ATTRIBUTE: &str = "otel.metric.overflow";

/// The most series of a stream where nobody says otherwise.
pub const DEFAULT_CARDINALITY_LIMIT: usize = 2000;

/// What a stream is.
#[derive(Clone, Debug)]
pub struct StreamConfig {
    /// The name of its metric.
    pub name: Text,
    /// Its metric's description.
    pub description: Text,
    /// Its metric's unit.
    pub unit: Text,
    /// The instrument that it comes from.
    pub kind: InstrumentKind,
    /// What becomes of measurements.
    pub aggregation: Aggregation,
    /// The instrument's advice for the bounds of explicit buckets.
    pub advised_boundaries: Option<Arc<[f64]>>,
    /// What points cover.
    pub temporality: Temporality,
    /// Which attributes are kept.
    pub attribute_filter: AttributeFilter,
    /// The most series; measurements of further ones go to the one with [`OVERFLOW_ATTRIBUTE`].
    pub cardinality_limit: usize,
    /// Which exemplars are kept.
    pub reservoir: Reservoir,
}

impl StreamConfig {
    /// An instrument's stream with the default of everything else.
    pub fn new(name: impl Into<Text>, kind: InstrumentKind, temporality: Temporality) -> Self {
        StreamConfig {
            name: name.into(),
            description: Text::default(),
            unit: Text::default(),
            kind,
            aggregation: Aggregation::Default,
            advised_boundaries: None,
            temporality,
            attribute_filter: AttributeFilter::All,
            cardinality_limit: DEFAULT_CARDINALITY_LIMIT,
            reservoir: Reservoir::Default,
        }
    }
}

/// One instrument's measurements, as one reader sees them through one view.
///
/// Every method may be called from any thread, and while another one collects.
///
/// ```
/// use ferrotel::common::Attributes;
/// use ferrotel::sdk::metrics::{InstrumentKind, MetricData, Number, Stream, StreamConfig, Temporality};
///
/// let stream = Stream::new(StreamConfig::new("requests", InstrumentKind::Counter, Temporality::Delta));
/// let series = stream.series(&Attributes::from_iter([("route", "/")]));
/// series.record(Number::Int(2), None).unwrap();
/// series.record(Number::Int(3), None).unwrap();
///
/// let metric = stream.collect(1_700_000_000_000_000_000).unwrap();
/// let MetricData::Sum { points, .. } = metric.data else { panic!() };
/// assert_eq!(points[0].value, Number::Int(5));
/// ```
#[derive(Debug)]
pub struct Stream {
    config: StreamConfig,
    shape: Arc<Shape>,
    /// Keeps outsiders from choosing attributes with equal hashes.
    seed: u64,
    table: ForkMutex<Table>,
    /// Held by who collects: only that one takes series out of the table.
    collecting: ForkLock<()>,
}

/// The series, by their attributes and in the order in which they came.
#[derive(Debug, Default)]
struct Table {
    order: Vec<Arc<Series>>,
    index: HashTable<u32>,
    /// Places in `order` whose forgotten series was replaced while a collection was under way.
    replaced: Vec<u32>,
    overflow: Option<Arc<Series>>,
}

/// How many series a collection looks at before it lets go of the table.
const CHUNK: usize = 256;

impl Stream {
    /// A stream without series.
    pub fn new(config: StreamConfig) -> Self {
        let rule = Rule::new(&config.aggregation, config.kind, config.temporality, config.advised_boundaries.as_ref());
        let kept = match &config.reservoir {
            Reservoir::Off => Kept::Off,
            Reservoir::FixedSize(0) => Kept::Off,
            Reservoir::FixedSize(size) => Kept::Uniformly(*size),
            Reservoir::AlignedHistogramBucket => Kept::Aligned,
            Reservoir::Custom(factory) => Kept::Custom(factory.clone()),
            Reservoir::Default if rule.bounds().is_some() => Kept::Aligned,
            Reservoir::Default => Kept::Uniformly(rule.max_size().map_or(1, |size| size.min(20)) as usize),
        };
        fork::watch();
        Stream {
            config,
            shape: Arc::new(Shape { rule, kept }),
            seed: random_word(),
            table: ForkMutex::new(Table::default()),
            collecting: ForkLock::new(()),
        }
    }

    /// What the stream is.
    pub fn config(&self) -> &StreamConfig {
        &self.config
    }

    /// Whether it ignores all measurements, so that nobody need bother.
    pub fn drops(&self) -> bool {
        self.shape.rule.drops()
    }

    /// The bounds of its explicit buckets, where it has some.
    pub fn boundaries(&self) -> Option<&Arc<[f64]>> {
        self.shape.rule.bounds()
    }

    /// Forgets what was measured, in a forked child: it is another service instance, and what was measured before is its
    /// parent's to report. What is observed is read anew anyway.
    pub fn restart(&self) {
        if !self.config.kind.is_synchronous() {
            return;
        }
        let table = self.table.lock();
        let series: Vec<_> = table.order.iter().chain(&table.overflow).cloned().collect();
        drop(table);
        series.iter().for_each(|series| series.restart());
    }

    /// How many series there are, not counting the one for what overflows.
    pub fn len(&self) -> usize {
        self.table.lock().order.len()
    }

    /// Whether there is no series.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The series for `attributes`, which is made where there is none: the one with [`OVERFLOW_ATTRIBUTE`] where there
    /// are as many as are allowed.
    ///
    /// The order of attributes does not matter; `true`, `1` and `1.0` do differ.
    #[inline]
    pub fn series(&self, attributes: &Attributes) -> Arc<Series> {
        let kept = self.config.attribute_filter.apply(attributes);
        let hash = attribute_set::hash(kept.clone(), self.seed);
        let table = self.table.lock();
        match table.find(hash, kept.clone()) {
            Some(at) if !table.order[at as usize].is_detached() => table.order[at as usize].clone(),
            _ => {
                drop(table);
                self.make(hash, kept)
            }
        }
    }

    #[cold]
    fn make<'a>(&self, hash: u64, kept: impl Iterator<Item = &'a KeyValue> + Clone) -> Arc<Series> {
        // Made before the lock is taken: a reservoir may be foreign code, and memory may take its time.
        let series = Series::new(kept.clone().cloned().collect(), hash, &self.shape);
        let mut locked = self.table.lock();
        let table = &mut *locked;
        if let Some(at) = table.find(hash, kept) {
            let known = &mut table.order[at as usize];
            if known.is_detached() {
                let forgotten = std::mem::replace(known, series.clone());
                table.replaced.push(at);
                drop(locked);
                drop(forgotten);
                return series;
            }
            return known.clone();
        }
        if table.order.len() < self.config.cardinality_limit {
            table.insert(series.clone());
            return series;
        }
        if let Some(overflow) = &table.overflow {
            let overflow = overflow.clone();
            drop(locked);
            drop(series);
            return overflow;
        }
        drop(locked);
        drop(series);
        self.overflow()
    }

    /// The series for what has none of its own.
    #[cold]
    fn overflow(&self) -> Arc<Series> {
        let attributes = Attributes::from_iter([(OVERFLOW_ATTRIBUTE, Value::Bool(true))]);
        let made = Series::new(attributes, 0, &self.shape);
        let mut table = self.table.lock();
        if let Some(overflow) = &table.overflow {
            return overflow.clone();
        }
        table.overflow = Some(made.clone());
        drop(table);
        let line = format!(
            "Metric {} has {} sets of attributes, which is its limit: further ones are added up under {OVERFLOW_ATTRIBUTE}. \
             Leave out attributes with a view, or raise the cardinality limit.",
            self.config.name, self.config.cardinality_limit
        );
        diagnostics::log(Level::Warning, "opentelemetry.sdk.metrics", &line);
        made
    }

    /// Takes one measurement: [`series`](Self::series) and [`Series::record`] in one.
    pub fn record(&self, attributes: &Attributes, value: Number, offer: Option<&ExemplarOffer<'_>>) {
        if self.drops() {
            return;
        }
        while self.series(attributes).record(value, offer).is_err() {}
    }

    /// Takes what a callback of an observable instrument read, in the collection that is about to follow. Observations of
    /// the same series within one collection are added up for a sum, as in the reference; the last one counts for a
    /// gauge. A series that is not observed has no point in that collection.
    pub fn observe(&self, attributes: &Attributes, value: Number, offer: Option<&ExemplarOffer<'_>>) {
        self.record(attributes, value, offer);
    }

    /// Forgets what callbacks observed for a collection that did not come to its end, so that the next one does not
    /// count it twice. Does nothing to the stream of a synchronous instrument.
    pub fn discard_observations(&self) {
        if self.config.kind.is_synchronous() {
            return;
        }
        let _only = self.collecting.lock(|| ());
        let table = self.table.lock();
        let all: Vec<_> = table.order.iter().chain(&table.overflow).cloned().collect();
        drop(table);
        all.iter().for_each(|series| series.discard());
    }

    /// The series for `attributes`, which is not forgotten for as long as the binding lives.
    pub fn bind(self: &Arc<Self>, attributes: &Attributes) -> BoundSeries {
        loop {
            let series = self.series(attributes);
            if series.pin().is_ok() {
                return BoundSeries(series);
            }
        }
    }

    /// The stream's points, as of `now` (nanoseconds since the Unix epoch); `None` where there are none. Starts the next
    /// interval of each series, and forgets series without measurements where room is getting scarce.
    ///
    /// A series that measured nothing since the last collection has no point with delta temporality, and the same point
    /// again with cumulative temporality.
    pub fn collect(&self, now: u64) -> Option<Metric> {
        let _only = self.collecting.lock(|| ());
        let mut table = self.table.lock();
        table.replaced.clear();
        let count = table.order.len();
        drop(table);
        let mut data = self.shape.rule.data(count)?;
        // Where there is room, a series that measures again goes on where it stopped, as in the reference.
        let forget = self.shape.rule.may_forget() && count >= self.config.cardinality_limit.div_ceil(2);
        let mut seen = Vec::with_capacity(if forget { count } else { CHUNK });
        let mut forgotten = false;
        let mut at = 0;
        loop {
            if !forget {
                seen.clear();
            }
            let from = seen.len();
            let table = self.table.lock();
            let end = table.order.len().min(at + CHUNK);
            seen.extend_from_slice(&table.order[at..end]);
            drop(table);
            if seen.len() == from {
                break;
            }
            at += seen.len() - from;
            for series in &seen[from..] {
                forgotten |= series.collect(now, forget, &mut data);
            }
        }
        if forgotten {
            self.forget(seen);
        }
        let overflow = self.table.lock().overflow.clone();
        if let Some(overflow) = overflow {
            overflow.collect(now, false, &mut data);
        }
        let empty = match &data {
            super::MetricData::Sum { points, .. } | super::MetricData::Gauge { points } => points.is_empty(),
            super::MetricData::Histogram { points, .. } => points.is_empty(),
            super::MetricData::ExponentialHistogram { points, .. } => points.is_empty(),
        };
        (!empty).then(|| Metric {
            name: self.config.name.clone(),
            description: self.config.description.clone(),
            unit: self.config.unit.clone(),
            data,
        })
    }

    /// Takes detached series out of the table, of which `seen` is the start. The new table is made beside the old one, so
    /// that the lock is held only for what changed meanwhile.
    fn forget(&self, seen: Vec<Arc<Series>>) {
        let mut fresh = Table::default();
        let count = seen.len();
        for series in &seen {
            if !series.is_detached() {
                fresh.insert(series.clone());
            }
        }
        let mut table = self.table.lock();
        // A place that was filled again counts as new, unless its series came after those that were seen.
        for at in &table.replaced {
            if (*at as usize) < count {
                fresh.insert(table.order[*at as usize].clone());
            }
        }
        for series in &table.order[count..] {
            fresh.insert(series.clone());
        }
        fresh.overflow = table.overflow.take();
        let old = std::mem::replace(&mut *table, fresh);
        drop(table);
        // A good deal of memory to free, with no lock held.
        drop((old, seen));
    }
}

impl Table {
    #[inline]
    fn find<'a>(&self, hash: u64, kept: impl Iterator<Item = &'a KeyValue> + Clone) -> Option<u32> {
        let same = |at: &u32| {
            let series = &self.order[*at as usize];
            series.hash == hash && attribute_set::same_set(series.attributes(), kept.clone())
        };
        self.index.find(hash, same).copied()
    }

    /// Adds a series that is not there.
    fn insert(&mut self, series: Arc<Series>) {
        let Table { order, index, .. } = self;
        let Ok(at) = u32::try_from(order.len()) else { return };
        index.insert_unique(series.hash, at, |at| order[*at as usize].hash);
        order.push(series);
    }
}

/// A series that is not forgotten while this lives. Cheap to record with: no look-up, and it is never detached.
#[derive(Debug)]
pub struct BoundSeries(Arc<Series>);

impl BoundSeries {
    /// Takes a measurement, like [`Series::record`].
    #[inline]
    pub fn record(&self, value: Number, offer: Option<&ExemplarOffer<'_>>) {
        let taken = self.0.record(value, offer);
        debug_assert!(taken.is_ok(), "a pinned series was detached");
    }

    /// The series.
    pub fn series(&self) -> &Arc<Series> {
        &self.0
    }
}

impl Drop for BoundSeries {
    fn drop(&mut self) {
        self.0.unpin();
    }
}

fn random_word() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish()
}
