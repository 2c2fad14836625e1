//! What a program wants to be different from the default streams.

use std::fmt;

use super::instrument::InstrumentDescription;
use super::{Aggregation, AttributeFilter, InstrumentKind, InvalidAggregation, Reservoir, StreamConfig, Temporality};
use crate::common::{Scope, Text};

/// Which instruments a view is for. What is `None` matches all; one that says nothing at all is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstrumentSelector {
    /// The instrument's name, in any case of letters; `*` stands for any characters, `?` for one.
    pub name: Option<Text>,
    /// Its kind.
    pub kind: Option<InstrumentKind>,
    /// Its unit; the same wildcards.
    pub unit: Option<Text>,
    /// The name of its meter.
    pub meter_name: Option<Text>,
    /// The version of its meter.
    pub meter_version: Option<Text>,
    /// The schema URL of its meter.
    pub meter_schema_url: Option<Text>,
}

impl InstrumentSelector {
    /// Instruments whose name matches.
    pub fn name(pattern: impl Into<Text>) -> Self {
        InstrumentSelector { name: Some(pattern.into()), ..InstrumentSelector::default() }
    }

    /// Instruments of one kind.
    pub fn kind(kind: InstrumentKind) -> Self {
        InstrumentSelector { kind: Some(kind), ..InstrumentSelector::default() }
    }

    /// Whether an instrument is meant.
    pub fn matches(&self, instrument: &InstrumentDescription, scope: &Scope) -> bool {
        fn equal(wanted: &Option<Text>, is: &Text) -> bool {
            wanted.as_ref().is_none_or(|wanted| wanted == is)
        }
        let name = self.name.as_ref().map(|name| name.to_lowercase());
        self.kind.is_none_or(|kind| kind == instrument.kind)
            && name.is_none_or(|name| wildcard(&name, &instrument.name.to_lowercase()))
            && self.unit.as_ref().is_none_or(|unit| wildcard(unit, &instrument.unit))
            && equal(&self.meter_name, &scope.name)
            && equal(&self.meter_version, &scope.version)
            && equal(&self.meter_schema_url, &scope.schema_url)
    }
}

/// Whether `text` matches a pattern with `*` and `?`.
///
/// ```
/// use ferrotel::sdk::metrics::wildcard;
///
/// assert!(wildcard("http.*.duration", "http.server.duration"));
/// assert!(!wildcard("http.?", "http."));
/// ```
pub fn wildcard(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen) = (0, 0);
    // Where the last star stood, and how much of the text it stands for: the only place to go back to.
    let mut star = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => match &mut star {
                Some((place, taken)) => {
                    *taken += 1;
                    at = *place + 1;
                    seen = *taken;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

/// A stream that differs from the default one of the instruments that it selects (specification: metrics SDK, view).
///
/// ```
/// use ferrotel::sdk::metrics::{Aggregation, InstrumentKind, InstrumentSelector, View};
///
/// let view = View::new(InstrumentSelector::name("http.server.*"))
///     .with_aggregation(Aggregation::EXPONENTIAL_BUCKET_HISTOGRAM)
///     .without_attributes(["user_agent.original"]);
/// assert!(view.check().is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct View {
    /// The instruments that it is for.
    pub selector: InstrumentSelector,
    /// The stream's name; `None`: the instrument's.
    pub name: Option<Text>,
    /// The stream's description; `None`: the instrument's.
    pub description: Option<Text>,
    /// Which attributes the stream keeps; `None`: those that the instrument advises, else all.
    pub attribute_filter: Option<AttributeFilter>,
    /// What becomes of measurements; [`Aggregation::Default`]: what the reader says.
    pub aggregation: Aggregation,
    /// Which exemplars are kept.
    pub reservoir: Reservoir,
    /// The most series; `None`: what the reader says, else the provider.
    pub cardinality_limit: Option<usize>,
}

impl View {
    /// A view that changes nothing yet.
    pub fn new(selector: InstrumentSelector) -> Self {
        View {
            selector,
            name: None,
            description: None,
            attribute_filter: None,
            aggregation: Aggregation::Default,
            reservoir: Reservoir::Default,
            cardinality_limit: None,
        }
    }

    /// Another name for the stream; then the selector's name must have no wildcards.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Text>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Another description.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<Text>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Only these attributes.
    #[must_use]
    pub fn with_attributes<K: Into<Text>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.attribute_filter = Some(AttributeFilter::keep(keys));
        self
    }

    /// All attributes but these.
    #[must_use]
    pub fn without_attributes<K: Into<Text>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.attribute_filter = Some(AttributeFilter::exclude(keys));
        self
    }

    /// Another aggregation.
    #[must_use]
    pub fn with_aggregation(mut self, aggregation: Aggregation) -> Self {
        self.aggregation = aggregation;
        self
    }

    /// Other exemplars.
    #[must_use]
    pub fn with_reservoir(mut self, reservoir: Reservoir) -> Self {
        self.reservoir = reservoir;
        self
    }

    /// Another limit for the number of series.
    #[must_use]
    pub fn with_cardinality_limit(mut self, limit: usize) -> Self {
        self.cardinality_limit = Some(limit);
        self
    }

    /// Whether the view can be used.
    ///
    /// # Errors
    /// It selects nothing in particular, gives one name to streams of many, or has an impossible aggregation.
    pub fn check(&self) -> Result<(), InvalidView> {
        if self.selector == InstrumentSelector::default() {
            return Err(InvalidView::SelectsNothing);
        }
        if self.name.is_some() && self.selector.name.as_ref().is_some_and(|name| name.contains(['*', '?'])) {
            return Err(InvalidView::OneNameForMany);
        }
        self.aggregation.check().map_err(InvalidView::Aggregation)
    }

    /// The stream that the view makes of an instrument; `None` where it has a distribution of what is observed as a state,
    /// which makes no sense.
    ///
    /// `aggregation` and `cardinality_limit` are the reader's, for what the view leaves open.
    pub fn stream(
        &self,
        instrument: &InstrumentDescription,
        temporality: Temporality,
        aggregation: Aggregation,
        cardinality_limit: usize,
    ) -> Option<StreamConfig> {
        let distribution = matches!(
            self.aggregation,
            Aggregation::ExplicitBucketHistogram { .. } | Aggregation::ExponentialBucketHistogram { .. }
        );
        if distribution && !instrument.kind.is_synchronous() {
            return None;
        }
        let mut stream = instrument.stream(temporality, aggregation, cardinality_limit);
        stream.name = self.name.clone().unwrap_or(stream.name);
        stream.description = self.description.clone().unwrap_or(stream.description);
        stream.attribute_filter = self.attribute_filter.clone().unwrap_or(stream.attribute_filter);
        if self.aggregation != Aggregation::Default {
            stream.aggregation = self.aggregation.clone();
        }
        stream.reservoir = self.reservoir.clone();
        stream.cardinality_limit = self.cardinality_limit.unwrap_or(stream.cardinality_limit);
        Some(stream)
    }
}

/// Why a view cannot be used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum InvalidView {
    /// No selection criterion.
    SelectsNothing,
    /// A name together with a wildcard in the selector's name.
    OneNameForMany,
    /// Its aggregation.
    Aggregation(InvalidAggregation),
}

impl fmt::Display for InvalidView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvalidView::SelectsNothing => f.write_str("it selects no instruments: name at least one criterion"),
            InvalidView::OneNameForMany => {
                f.write_str("it has a name for its stream, and wildcards that select several instruments")
            }
            InvalidView::Aggregation(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for InvalidView {}
