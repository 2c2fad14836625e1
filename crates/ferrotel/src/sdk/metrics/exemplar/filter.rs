//! Which measurements may become exemplars.

use crate::config::parse::Malformed;

/// Which measurements are offered to a reservoir (specification: metrics SDK, exemplar filter).
///
/// A rule for whoever records: a measurement is offered by passing an [`ExemplarOffer`](super::ExemplarOffer) with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExemplarFilter {
    /// All of them.
    AlwaysOn,
    /// None.
    AlwaysOff,
    /// Those made while a sampled span is current.
    #[default]
    TraceBased,
}

impl ExemplarFilter {
    /// By the name that `OTEL_METRICS_EXEMPLAR_FILTER` uses: `always_on`, `always_off` or `trace_based`.
    ///
    /// # Errors
    /// Any other name.
    pub fn parse(name: &str) -> Result<Self, Malformed> {
        match name {
            "always_on" => Ok(ExemplarFilter::AlwaysOn),
            "always_off" => Ok(ExemplarFilter::AlwaysOff),
            "trace_based" => Ok(ExemplarFilter::TraceBased),
            _ => Err(Malformed::expected("always_on, always_off or trace_based")),
        }
    }
}
