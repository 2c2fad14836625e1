//! What every propagator can do.

use super::carrier::{Extractor, Injector};
use crate::api::trace::SpanContext;
use crate::baggage::Baggage;

/// What travels: the two cross-cutting values that the specification has propagators for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Propagated {
    /// The span that the receiver's spans become children of; `None` where none arrived.
    pub span_context: Option<SpanContext>,
    /// The application's name/value pairs.
    pub baggage: Baggage,
}

/// Reads and writes [`Propagated`] values (specification: Propagators API, `TextMapPropagator`).
///
/// Neither method fails: what cannot be parsed is left out, and reported through
/// [`crate::common::diagnostics`] where the sender should know.
pub trait TextMapPropagator: Send + Sync {
    /// `base` with what the carrier holds.
    fn extract(&self, carrier: &dyn Extractor, base: Propagated) -> Propagated;

    /// Writes `from` to the carrier; an invalid span context writes nothing.
    fn inject(&self, from: &Propagated, carrier: &mut dyn Injector);

    /// The keys that [`TextMapPropagator::inject`] sets.
    fn fields(&self) -> Vec<&'static str>;
}
