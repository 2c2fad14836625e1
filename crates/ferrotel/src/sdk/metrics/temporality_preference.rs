//! Which temporality the receiver of metrics prefers.

use super::{InstrumentKind, Temporality};
use crate::config::parse::Malformed;

/// What `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` names (specification: OTLP metrics exporter).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TemporalityPreference {
    /// Cumulative for everything.
    #[default]
    Cumulative,
    /// Delta for what only grows and for distributions; cumulative for sums that may shrink.
    Delta,
    /// Delta where it saves memory in the program: synchronous counters and histograms.
    LowMemory,
}

impl TemporalityPreference {
    /// By name, in any case of letters: `cumulative`, `delta` or `lowmemory`.
    ///
    /// # Errors
    /// Any other name.
    pub fn parse(name: &str) -> Result<Self, Malformed> {
        match name.trim().to_ascii_lowercase().as_str() {
            "cumulative" => Ok(TemporalityPreference::Cumulative),
            "delta" => Ok(TemporalityPreference::Delta),
            "lowmemory" => Ok(TemporalityPreference::LowMemory),
            _ => Err(Malformed::expected("cumulative, delta or lowmemory")),
        }
    }

    /// The temporality for instruments of this kind. Gauges have none, but a synchronous one repeats its last value
    /// where it is cumulative.
    pub fn for_kind(self, kind: InstrumentKind) -> Temporality {
        use InstrumentKind::{Counter, Histogram, ObservableCounter};
        match (self, kind) {
            (TemporalityPreference::Delta | TemporalityPreference::LowMemory, Counter | Histogram)
            | (TemporalityPreference::Delta, ObservableCounter) => Temporality::Delta,
            _ => Temporality::Cumulative,
        }
    }
}
