//! Recording what another sampler drops.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Decision, Sampler, SamplingParameters, SamplingResult};

/// Records every span and leaves it to `root` which ones are sampled (specification: trace SDK, `AlwaysRecord`).
#[derive(Clone, Debug, PartialEq)]
pub struct AlwaysRecord<S = Arc<dyn Sampler>>(pub S);

impl<S: Sampler> Sampler for AlwaysRecord<S> {
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
        let mut result = self.0.should_sample(span);
        if result.decision == Decision::Drop {
            result.decision = Decision::RecordOnly;
        }
        result
    }

    fn description(&self) -> Cow<'static, str> {
        Cow::Owned(format!("AlwaysRecordSampler{{{}}}", self.0.description()))
    }
}
