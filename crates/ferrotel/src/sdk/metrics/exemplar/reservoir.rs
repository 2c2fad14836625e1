//! Which of the offered measurements are kept until the next collection.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::super::aggregation;
use super::super::{Exemplar, Number};
use crate::api::trace::{SpanId, TraceId};
use crate::common::Attributes;
use crate::sdk::trace::{IdGenerator, RandomIdGenerator};

/// A measurement that may be kept as an exemplar, beside its value.
#[derive(Clone, Copy)]
pub struct ExemplarOffer<'a> {
    /// When it was made, in nanoseconds since the Unix epoch.
    pub time: u64,
    /// In which span, where there was one.
    pub span: Option<(TraceId, SpanId)>,
    /// All its attributes, those too that the stream leaves out.
    pub attributes: &'a Attributes,
    /// What a binding wants a reservoir of its own to get, for example its context object.
    pub host: Option<&'a dyn Any>,
}

/// A reservoir of a program's own. Offers and collections may come from several threads at once, and no lock is held
/// while they do.
pub trait ExemplarReservoir: Send + Sync {
    /// Takes a measurement, or does not.
    fn offer(&self, value: Number, offer: &ExemplarOffer<'_>);

    /// Hands over what was taken since the last time.
    ///
    /// `attributes` are those of the point: an exemplar has the others of its measurement, see [`filtered`].
    ///
    /// [`filtered`]: ExemplarOffer::filtered
    fn collect(&self, attributes: &Attributes) -> Vec<Exemplar>;
}

/// Makes a reservoir for a new series.
pub trait ReservoirFactory: Send + Sync {
    /// A reservoir for one series.
    fn reservoir(&self) -> Box<dyn ExemplarReservoir>;
}

/// Which exemplars a stream keeps.
#[derive(Clone, Default)]
pub enum Reservoir {
    /// Aligned with the buckets of an explicit-bucket histogram, up to 20 for an exponential one, else a single one.
    #[default]
    Default,
    /// None.
    Off,
    /// So many, each measurement as likely as the others.
    FixedSize(usize),
    /// The last one of each bucket. Where there are no explicit buckets, a single one.
    AlignedHistogramBucket,
    /// A program's own.
    Custom(Arc<dyn ReservoirFactory>),
}

impl fmt::Debug for Reservoir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reservoir::Default => f.write_str("Default"),
            Reservoir::Off => f.write_str("Off"),
            Reservoir::FixedSize(size) => write!(f, "FixedSize({size})"),
            Reservoir::AlignedHistogramBucket => f.write_str("AlignedHistogramBucket"),
            Reservoir::Custom(_) => f.write_str("Custom"),
        }
    }
}

impl ExemplarOffer<'_> {
    /// The attributes that a point with `point_attributes` does not have.
    pub fn filtered(&self, point_attributes: &Attributes) -> Attributes {
        let missing = self.attributes.iter().filter(|(key, _)| point_attributes.get(key).is_none());
        missing.cloned().collect()
    }

    fn exemplar(&self, value: Number, point_attributes: &Attributes) -> Exemplar {
        Exemplar { filtered_attributes: self.filtered(point_attributes), value, time: self.time, span: self.span }
    }
}

/// One of the engine's own reservoirs, of one series.
#[derive(Debug)]
pub struct Builtin {
    kept: Vec<Option<Exemplar>>,
    /// How many were offered since the last collection.
    seen: u64,
    random: u64,
}

impl Builtin {
    pub fn new() -> Self {
        Builtin { kept: Vec::new(), seen: 0, random: RandomIdGenerator.generate_span_id().0 }
    }

    /// Keeps the offer in the place of its bucket, in which the last one stays.
    pub fn offer_aligned(&mut self, bounds: &[f64], value: Number, offer: &ExemplarOffer<'_>, point: &Attributes) {
        self.put(aggregation::bucket(value, bounds), offer.exemplar(value, point));
    }

    /// Keeps the offer with the chance that makes all of them equally likely (algorithm R).
    pub fn offer_uniformly(&mut self, size: usize, value: Number, offer: &ExemplarOffer<'_>, point: &Attributes) {
        self.seen += 1;
        let at = if self.seen <= size as u64 { self.seen - 1 } else { self.below(self.seen) };
        if at < size as u64 {
            self.put(at as usize, offer.exemplar(value, point));
        }
    }

    fn put(&mut self, at: usize, exemplar: Exemplar) {
        if self.kept.len() <= at {
            self.kept.resize_with(at + 1, || None);
        }
        self.kept[at] = Some(exemplar);
    }

    /// A random number below `limit` (splitmix64, and the upper half of a product instead of a division).
    fn below(&mut self, limit: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.random;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^= word >> 31;
        ((u128::from(word) * u128::from(limit)) >> 64) as u64
    }

    pub fn collect(&mut self) -> Vec<Exemplar> {
        self.seen = 0;
        self.kept.iter_mut().filter_map(Option::take).collect()
    }
}
