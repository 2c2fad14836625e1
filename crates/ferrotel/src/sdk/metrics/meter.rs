//! The meter: makes instruments.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::instrument::{Instrument, InstrumentDescription};
use super::observable::{Callback, Observer, Registration};
use super::pipeline::Pipeline;
use super::{
    Counter, Gauge, Histogram, InstrumentKind, ObservableCounter, ObservableGauge, ObservableUpDownCounter,
    UpDownCounter,
};
use crate::common::diagnostics::{self, Level};
use crate::common::fork_mutex::ForkMutex;
use crate::common::{Scope, Text};

/// The logger under which users look for lines about instruments.
const TARGET: &str = "opentelemetry.sdk.metrics._internal";

/// Makes the instruments of one scope (specification: metrics API, `Meter`). Cheap to clone.
///
/// Asking again for an instrument with the same name (in any case of letters), kind, unit and description gives the same
/// one. A name or a unit that is not one is reported, and the instrument measures nothing.
#[derive(Clone)]
pub struct Meter {
    pub(super) registry: Arc<Registry>,
    pub(super) pipeline: Arc<Pipeline>,
}

/// The instruments of one scope.
pub struct Registry {
    pub scope: Arc<Scope>,
    instruments: ForkMutex<HashMap<Identity, Arc<Instrument>>>,
}

/// What makes an instrument the same one.
type Identity = (Text, InstrumentKind, Text, Text);

impl Registry {
    pub fn new(scope: Scope) -> Self {
        Registry { scope: Arc::new(scope), instruments: ForkMutex::default() }
    }
}

macro_rules! builders {
    ($($(#[$doc:meta])* $name:ident: $kind:ident;)+) => {$(
        $(#[$doc])*
        pub fn $name(&self, name: impl Into<Text>) -> InstrumentBuilder<'_, $kind> {
            InstrumentBuilder::new(self, name.into(), InstrumentKind::$kind)
        }
    )+};
}

impl Meter {
    builders! {
        /// A sum that only grows.
        counter: Counter;
        /// A sum that grows and shrinks.
        up_down_counter: UpDownCounter;
        /// Values of which the distribution matters.
        histogram: Histogram;
        /// Values of which the last one matters.
        gauge: Gauge;
        /// A sum that only grows, and is read when metrics are collected.
        observable_counter: ObservableCounter;
        /// A sum that grows and shrinks, and is read when metrics are collected.
        observable_up_down_counter: ObservableUpDownCounter;
        /// A value that is read when metrics are collected.
        observable_gauge: ObservableGauge;
    }

    /// The scope.
    pub fn scope(&self) -> &Arc<Scope> {
        &self.registry.scope
    }

    fn instrument(&self, mut description: InstrumentDescription) -> Arc<Instrument> {
        if !description.has_valid_name() {
            let rule = "a letter, then up to 254 letters, digits, '_', '.', '-' and '/'";
            return no_instrument(description, "name", rule);
        }
        if !description.has_valid_unit() {
            return no_instrument(description, "unit", "an ASCII string of at most 63 characters");
        }
        if let Some(Err(error)) = description.advised_boundaries.as_ref().map(|advice| super::check_boundaries(advice))
        {
            let line = format!("The advice for the boundaries of {} is ignored: {error}.", description.name);
            diagnostics::log(Level::Warning, TARGET, &line);
            description.advised_boundaries = None;
        }
        description.name = description.name.to_lowercase();
        let InstrumentDescription { name, kind, unit, description: text, .. } = &description;
        let identity: Identity = (name.clone(), *kind, unit.clone(), text.clone());
        let known = self.registry.instruments.lock().get(&identity).cloned();
        if let Some(known) = known {
            warn_of_other_advice(&known.description, &description);
            return known;
        }
        // No lock is held while streams are made: they have locks of their own, and reservoirs may be foreign code.
        let made = Arc::new(self.pipeline.instrument(description, &self.registry.scope));
        let mut instruments = self.registry.instruments.lock();
        if let Some(first) = instruments.get(&identity).cloned() {
            drop(instruments);
            return first;
        }
        let namesake = instruments.iter().find(|((name, ..), _)| *name == identity.0).map(|(_, other)| other.clone());
        instruments.insert(identity, made.clone());
        drop(instruments);
        if let Some(other) = namesake {
            warn_of_namesake(&other.description, &made.description);
        }
        self.pipeline.publish(&made, &self.registry.scope);
        made
    }
}

fn no_instrument(description: InstrumentDescription, what: &str, rule: &str) -> Arc<Instrument> {
    let given = if what == "name" { &description.name } else { &description.unit };
    let line = format!("{given:?} is no {what} of an instrument: expected {rule}. The instrument measures nothing.");
    diagnostics::log(Level::Warning, TARGET, &line);
    Arc::new(Instrument::new(description, Vec::new()))
}

fn warn_of_other_advice(known: &InstrumentDescription, asked: &InstrumentDescription) {
    if known != asked {
        let line = format!(
            "An instrument with name {}, type {}, unit {} and description {} has been created already with a different \
             advisory value and will be used instead.",
            known.name,
            known.kind.name(),
            known.unit,
            known.description
        );
        diagnostics::log(Level::Warning, TARGET, &line);
    }
}

fn warn_of_namesake(known: &InstrumentDescription, made: &InstrumentDescription) {
    let line = format!(
        "Two instruments of one meter are named {}: a {} (unit {:?}, description {:?}) and a {} (unit {:?}, description \
         {:?}). Receivers cannot tell their metrics apart; a view can rename one.",
        made.name,
        known.kind.name(),
        known.unit,
        known.description,
        made.kind.name(),
        made.unit,
        made.description
    );
    diagnostics::log(Level::Warning, TARGET, &line);
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Meter").field(&self.registry.scope.name).finish()
    }
}

/// Describes an instrument before it is made.
#[must_use = "nothing is made before build() is called"]
pub struct InstrumentBuilder<'a, I> {
    meter: &'a Meter,
    description: InstrumentDescription,
    callbacks: Vec<Callback>,
    made: std::marker::PhantomData<fn() -> I>,
}

impl<'a, I> InstrumentBuilder<'a, I> {
    fn new(meter: &'a Meter, name: Text, kind: InstrumentKind) -> Self {
        let description = InstrumentDescription::new(name, kind);
        InstrumentBuilder { meter, description, callbacks: Vec::new(), made: std::marker::PhantomData }
    }

    /// The unit, a UCUM code.
    pub fn with_unit(mut self, unit: impl Into<Text>) -> Self {
        self.description.unit = unit.into();
        self
    }

    /// What the instrument measures.
    pub fn with_description(mut self, description: impl Into<Text>) -> Self {
        self.description.description = description.into();
        self
    }

    /// Advice to keep only attributes with these keys, where no view says otherwise.
    pub fn with_advised_attributes<K: Into<Text>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.description.advised_attributes = Some(keys.into_iter().map(Into::into).collect());
        self
    }

    fn instrument(self) -> Arc<Instrument> {
        let pipeline = &self.meter.pipeline;
        let instrument = self.meter.instrument(self.description);
        if !self.callbacks.is_empty() {
            let register = |callback| Arc::new(Registration { instrument: instrument.clone(), callback });
            let registrations: Vec<_> = self.callbacks.into_iter().map(register).collect();
            Arc::make_mut(&mut pipeline.callbacks.lock()).extend(registrations);
        }
        instrument
    }
}

impl InstrumentBuilder<'_, Histogram> {
    /// Advice for the bounds of explicit buckets: ascending, inclusive upper bounds.
    pub fn with_advised_boundaries(mut self, boundaries: impl Into<Arc<[f64]>>) -> Self {
        self.description.advised_boundaries = Some(boundaries.into());
        self
    }
}

macro_rules! build {
    (synchronous: $($kind:ident)+; observable: $($observable:ident)+) => {
        $(impl InstrumentBuilder<'_, $kind> {
            /// The instrument.
            pub fn build(self) -> $kind {
                let pipeline = self.meter.pipeline.clone();
                $kind::new(self.instrument(), pipeline)
            }
        })+
        $(impl InstrumentBuilder<'_, $observable> {
            /// One more callback that reads the instrument. It must not block for long, and should observe each set of
            /// attributes only once.
            pub fn with_callback(mut self, callback: impl Fn(&Observer<'_>) + Send + Sync + 'static) -> Self {
                self.callbacks.push(Box::new(callback));
                self
            }

            /// The instrument.
            pub fn build(self) -> $observable {
                $observable::new(self.instrument())
            }
        })+
    };
}

build! {
    synchronous: Counter UpDownCounter Histogram Gauge;
    observable: ObservableCounter ObservableUpDownCounter ObservableGauge
}
