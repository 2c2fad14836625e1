//! Several propagators as one.

use super::carrier::{Extractor, Injector};
use super::propagator::{Propagated, TextMapPropagator};

/// Runs propagators in order; a later one overrides what an earlier one read or wrote (specification: Propagators
/// API, `Composite Propagator`).
#[derive(Default)]
pub struct CompositePropagator {
    propagators: Vec<Box<dyn TextMapPropagator>>,
}

impl CompositePropagator {
    /// From propagators, in the order in which they run.
    pub fn new(propagators: Vec<Box<dyn TextMapPropagator>>) -> Self {
        CompositePropagator { propagators }
    }
}

impl TextMapPropagator for CompositePropagator {
    fn extract(&self, carrier: &dyn Extractor, base: Propagated) -> Propagated {
        self.propagators.iter().fold(base, |base, propagator| propagator.extract(carrier, base))
    }

    fn inject(&self, from: &Propagated, carrier: &mut dyn Injector) {
        for propagator in &self.propagators {
            propagator.inject(from, carrier);
        }
    }

    fn fields(&self) -> Vec<&'static str> {
        let mut fields: Vec<&'static str> = self.propagators.iter().flat_map(|p| p.fields()).collect();
        fields.sort_unstable();
        fields.dedup();
        fields
    }
}
