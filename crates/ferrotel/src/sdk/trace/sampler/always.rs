//! The samplers that always decide alike.

use std::borrow::Cow;

use super::{Decision, Sampler, SamplingParameters, SamplingResult};

/// Samples every span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlwaysOn;

impl Sampler for AlwaysOn {
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
        SamplingResult::new(Decision::RecordAndSample, span)
    }

    fn description(&self) -> Cow<'static, str> {
        Cow::Borrowed("AlwaysOnSampler")
    }
}

/// Samples no span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlwaysOff;

impl Sampler for AlwaysOff {
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
        SamplingResult::new(Decision::Drop, span)
    }

    fn description(&self) -> Cow<'static, str> {
        Cow::Borrowed("AlwaysOffSampler")
    }
}
