//! What an instrument is, and how it measures.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::pipeline::Pipeline;
use super::{
    Aggregation, AttributeFilter, ExemplarFilter, ExemplarOffer, InstrumentKind, Number, Series, Stream, StreamConfig,
    Temporality,
};
use crate::api::trace::SpanContext;
use crate::common::clock::now_unix_nanos;
use crate::common::diagnostics::{self, Level};
use crate::common::{Attributes, Text, Value};
use crate::context::Context;
use crate::sdk::trace::Span;

/// What an instrument is made with.
#[derive(Clone, Debug, PartialEq)]
pub struct InstrumentDescription {
    /// Its name.
    pub name: Text,
    /// Its kind.
    pub kind: InstrumentKind,
    /// Its unit, a UCUM code; may be empty.
    pub unit: Text,
    /// What it measures; may be empty.
    pub description: Text,
    /// Advice for the bounds of explicit buckets.
    pub advised_boundaries: Option<Arc<[f64]>>,
    /// Advice for which attributes are kept where no view says it.
    pub advised_attributes: Option<Arc<[Text]>>,
}

impl InstrumentDescription {
    /// With no more than a name and a kind.
    pub fn new(name: impl Into<Text>, kind: InstrumentKind) -> Self {
        InstrumentDescription {
            name: name.into(),
            kind,
            unit: Text::default(),
            description: Text::default(),
            advised_boundaries: None,
            advised_attributes: None,
        }
    }

    /// Whether the name is one: a letter, then up to 254 letters, digits, `_`, `.`, `-` and `/`, all of them ASCII
    /// (specification: metrics API, instrument name syntax).
    pub fn has_valid_name(&self) -> bool {
        let name = self.name.as_bytes();
        name.first().is_some_and(u8::is_ascii_alphabetic)
            && name.len() <= 255
            && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.-/".contains(byte))
    }

    /// Whether the unit is one: up to 63 ASCII characters.
    pub fn has_valid_unit(&self) -> bool {
        self.unit.is_ascii() && self.unit.len() <= 63
    }

    /// The instrument's default stream.
    pub fn stream(&self, temporality: Temporality, aggregation: Aggregation, cardinality_limit: usize) -> StreamConfig {
        StreamConfig {
            name: self.name.clone(),
            description: self.description.clone(),
            unit: self.unit.clone(),
            kind: self.kind,
            aggregation,
            advised_boundaries: self.advised_boundaries.clone(),
            temporality,
            attribute_filter: match &self.advised_attributes {
                Some(keys) => AttributeFilter::keep(keys.iter().cloned()),
                None => AttributeFilter::All,
            },
            cardinality_limit,
            reservoir: super::Reservoir::Default,
        }
    }
}

/// The attributes of a measurement: `()` for none, an array of pairs, or [`Attributes`] by value or by reference.
pub trait IntoAttributes<'a> {
    /// As attributes, borrowed where they are some already.
    fn into_attributes(self) -> Cow<'a, Attributes>;
}

impl<'a> IntoAttributes<'a> for &'a Attributes {
    fn into_attributes(self) -> Cow<'a, Attributes> {
        Cow::Borrowed(self)
    }
}

impl<'a> IntoAttributes<'a> for Attributes {
    fn into_attributes(self) -> Cow<'a, Attributes> {
        Cow::Owned(self)
    }
}

impl<'a> IntoAttributes<'a> for () {
    fn into_attributes(self) -> Cow<'a, Attributes> {
        const NONE: &Attributes = &Attributes::new();
        Cow::Borrowed(NONE)
    }
}

impl<'a, K: Into<Text>, V: Into<Value>, const N: usize> IntoAttributes<'a> for [(K, V); N] {
    fn into_attributes(self) -> Cow<'a, Attributes> {
        Cow::Owned(self.into_iter().collect())
    }
}

/// An instrument with its streams.
#[derive(Debug)]
pub(super) struct Instrument {
    pub description: InstrumentDescription,
    /// For each reader, its streams: one or more.
    pub by_reader: Vec<Vec<Arc<Stream>>>,
    /// A wrong use was reported.
    told: AtomicBool,
}

impl Instrument {
    pub fn new(description: InstrumentDescription, by_reader: Vec<Vec<Arc<Stream>>>) -> Self {
        Instrument { description, by_reader, told: AtomicBool::new(false) }
    }

    /// The streams for which measurements come to anything.
    pub fn streams(&self) -> impl Iterator<Item = &Arc<Stream>> {
        self.by_reader.iter().flatten().filter(|stream| !stream.drops())
    }

    /// Whether measurements come to anything.
    pub fn enabled(&self) -> bool {
        self.streams().next().is_some()
    }

    /// Whether a value can be taken; if not, says so once.
    pub fn accepts(&self, value: Number) -> bool {
        let kind = self.description.kind;
        let why = if !value.is_finite() {
            "is not finite"
        } else if value < Number::ZERO && matches!(kind, InstrumentKind::Counter | InstrumentKind::Histogram) {
            "is negative"
        } else {
            return true;
        };
        if !self.told.swap(true, Ordering::Relaxed) {
            let (kind, name) = (kind.name(), &self.description.name);
            let line = format!("A measurement of {kind} {name} {why} and is ignored, as others like it will be.");
            diagnostics::log(Level::Warning, "opentelemetry.sdk.metrics._internal.instrument", &line);
        }
        false
    }

    pub fn record(&self, value: Number, attributes: &Attributes, filter: ExemplarFilter) {
        if self.accepts(value) {
            offering(filter, attributes, |offer| {
                for stream in self.streams() {
                    stream.record(attributes, value, offer);
                }
            });
        }
    }
}

/// Calls `record` with the offer of this moment, where `filter` wants one.
#[inline]
pub(super) fn offering<R>(
    filter: ExemplarFilter,
    attributes: &Attributes,
    record: impl FnOnce(Option<&ExemplarOffer<'_>>) -> R,
) -> R {
    if filter == ExemplarFilter::AlwaysOff {
        return record(None);
    }
    let context = Context::current();
    let span = context.span_slot::<Span>().map(Span::span_context).filter(|span| span.is_valid());
    if filter == ExemplarFilter::TraceBased && !span.is_some_and(|span| span.trace_flags.is_sampled()) {
        return record(None);
    }
    let ids = |span: &SpanContext| (span.trace_id, span.span_id);
    record(Some(&ExemplarOffer { time: now_unix_nanos(), span: span.map(ids), attributes, host: None }))
}

/// A handle to a synchronous instrument, whatever its kind.
#[derive(Clone)]
struct Handle {
    instrument: Arc<Instrument>,
    pipeline: Arc<Pipeline>,
}

impl Handle {
    fn record(&self, value: Number, attributes: &Attributes) {
        self.pipeline.check_fork();
        self.instrument.record(value, attributes, self.pipeline.exemplar_filter);
    }

    fn bind(&self, attributes: Attributes) -> Bound {
        let series = self.instrument.streams().map(|stream| stream.bind(&attributes)).collect();
        Bound { series, attributes, handle: self.clone() }
    }
}

/// A handle to an instrument with attributes that were looked up beforehand.
struct Bound {
    series: Vec<super::BoundSeries>,
    attributes: Attributes,
    handle: Handle,
}

impl Bound {
    #[inline]
    fn record(&self, value: Number) {
        self.handle.pipeline.check_fork();
        if self.handle.instrument.accepts(value) {
            offering(self.handle.pipeline.exemplar_filter, &self.attributes, |offer| {
                self.series.iter().for_each(|series| series.record(value, offer));
            });
        }
    }

    fn series(&self) -> impl Iterator<Item = &Arc<Series>> {
        self.series.iter().map(|bound| bound.series())
    }
}

macro_rules! synchronous {
    ($($(#[$doc:meta])* $name:ident, $(#[$bound_doc:meta])* $bound:ident, $verb:ident, $(#[$verb_doc:meta])*;)+) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Handle);

        impl $name {
            pub(super) fn new(instrument: Arc<Instrument>, pipeline: Arc<Pipeline>) -> Self {
                $name(Handle { instrument, pipeline })
            }

            $(#[$verb_doc])*
            pub fn $verb<'a>(&self, value: impl Into<Number>, attributes: impl IntoAttributes<'a>) {
                self.0.record(value.into(), &attributes.into_attributes());
            }

            /// The same instrument for attributes that are known beforehand: measuring then looks nothing up, and its
            /// series is never forgotten.
            pub fn bind<'a>(&self, attributes: impl IntoAttributes<'a>) -> $bound {
                $bound(self.0.bind(attributes.into_attributes().into_owned()))
            }

            /// Whether measurements come to anything: to skip work that is only done for them.
            pub fn enabled(&self) -> bool {
                self.0.instrument.enabled()
            }
        }

        $(#[$bound_doc])*
        pub struct $bound(Bound);

        impl $bound {
            $(#[$verb_doc])*
            #[inline]
            pub fn $verb(&self, value: impl Into<Number>) {
                self.0.record(value.into());
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.0.instrument.description.name).finish()
            }
        }

        impl std::fmt::Debug for $bound {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_list().entries(self.0.series().map(|series| series.attributes())).finish()
            }
        }
    )+};
}

synchronous! {
    /// A sum that only grows (specification: metrics API, counter). Cheap to clone.
    Counter,
    /// A [`Counter`] for known attributes.
    BoundCounter, add,
    /// Adds to the sum. What is negative or not finite is ignored, and reported once.
    ;

    /// A sum that grows and shrinks (specification: metrics API, up-down counter). Cheap to clone.
    UpDownCounter,
    /// An [`UpDownCounter`] for known attributes.
    BoundUpDownCounter, add,
    /// Adds to the sum, or takes away. What is not finite is ignored, and reported once.
    ;

    /// Values of which the distribution matters (specification: metrics API, histogram). Cheap to clone.
    Histogram,
    /// A [`Histogram`] for known attributes.
    BoundHistogram, record,
    /// Records a value. What is negative or not finite is ignored, and reported once.
    ;

    /// Values of which the last one matters (specification: metrics API, gauge). Cheap to clone.
    Gauge,
    /// A [`Gauge`] for known attributes.
    BoundGauge, record,
    /// Records the value that counts from now on. What is not finite is ignored, and reported once.
    ;
}
