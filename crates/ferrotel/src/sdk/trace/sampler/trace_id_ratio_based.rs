//! Sampling a share of all traces.

use std::borrow::Cow;
use std::fmt;

use super::{Decision, Sampler, SamplingParameters, SamplingResult};
use crate::api::trace::TraceId;

/// Samples a fixed share of all traces; every process that uses the same rate picks the same ones.
///
/// A trace is sampled where the low 64 bits of its id are less than `rate * 2^64`, the rule of the reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TraceIdRatioBased {
    rate: f64,
    bound: u128,
}

impl TraceIdRatioBased {
    /// With a rate from 0.0 (nothing) to 1.0 (everything).
    ///
    /// # Errors
    /// The rate lies outside that range or is not a number.
    pub fn new(rate: f64) -> Result<Self, InvalidRate> {
        if !(0.0..=1.0).contains(&rate) {
            return Err(InvalidRate(rate));
        }
        const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;
        Ok(TraceIdRatioBased { rate, bound: (rate * TWO_TO_64).round_ties_even() as u128 })
    }

    /// The rate.
    pub const fn rate(&self) -> f64 {
        self.rate
    }

    /// The exclusive upper bound of the low 64 bits of a sampled trace's id: 0 to 2^64.
    pub const fn bound(&self) -> u128 {
        self.bound
    }

    /// The decision about a trace.
    #[inline]
    pub const fn decide(&self, trace_id: TraceId) -> Decision {
        if trace_id.0 & (u64::MAX as u128) < self.bound { Decision::RecordAndSample } else { Decision::Drop }
    }
}

impl Sampler for TraceIdRatioBased {
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
        SamplingResult::new(self.decide(span.trace_id), span)
    }

    fn description(&self) -> Cow<'static, str> {
        Cow::Owned(format!("TraceIdRatioBased{{{}}}", python_float(self.rate)))
    }
}

/// The sampling rate is not a number from 0.0 to 1.0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InvalidRate(f64);

impl fmt::Display for InvalidRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a sampling rate must lie between 0.0 and 1.0, but got {}", self.0)
    }
}

impl std::error::Error for InvalidRate {}

/// As Python prints a float, because descriptions are compared across languages: a bare `1` has `.0` and an exponent
/// has two digits.
fn python_float(number: f64) -> String {
    let text = format!("{number:?}");
    match text.split_once("e-") {
        Some((mantissa, exponent)) => format!("{mantissa}e-{exponent:0>2}"),
        None => text,
    }
}
