//! The built-in samplers without virtual calls.

use std::borrow::Cow;

use super::{
    AlwaysOff, AlwaysOn, AlwaysRecord, Decision, InvalidRate, ParentBased, Sampler, SamplingParameters, SamplingResult,
    TraceIdRatioBased,
};
use crate::api::trace::{SpanContext, TraceId};
use crate::config::SamplerSettings;

/// The samplers that need nothing but the trace id and the parent, without a virtual call: [`decide`](Self::decide)
/// takes a few nanoseconds.
///
/// ```
/// use ferrotel::api::trace::TraceId;
/// use ferrotel::sdk::trace::{BuiltinSampler, Decision};
///
/// let sampler = BuiltinSampler::default(); // parent based, root always on
/// assert_eq!(sampler.decide(None, TraceId(1)), Decision::RecordAndSample);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum BuiltinSampler {
    /// [`AlwaysOn`].
    AlwaysOn,
    /// [`AlwaysOff`].
    AlwaysOff,
    /// [`TraceIdRatioBased`].
    TraceIdRatioBased(TraceIdRatioBased),
    /// [`ParentBased`] over built-in samplers.
    ParentBased(Box<ParentBased<BuiltinSampler>>),
    /// [`AlwaysRecord`] over a built-in sampler.
    AlwaysRecord(Box<AlwaysRecord<BuiltinSampler>>),
}

impl BuiltinSampler {
    /// [`ParentBased`] with the default delegates.
    pub fn parent_based(root: BuiltinSampler) -> Self {
        BuiltinSampler::ParentBased(Box::new(ParentBased {
            root,
            remote_parent_sampled: BuiltinSampler::AlwaysOn,
            remote_parent_not_sampled: BuiltinSampler::AlwaysOff,
            local_parent_sampled: BuiltinSampler::AlwaysOn,
            local_parent_not_sampled: BuiltinSampler::AlwaysOff,
        }))
    }

    /// The decision about a span of this trace with this parent. A built-in sampler adds no attributes, and the span
    /// keeps the (valid) parent's trace state.
    #[inline]
    pub fn decide(&self, parent: Option<&SpanContext>, trace_id: TraceId) -> Decision {
        match self {
            BuiltinSampler::AlwaysOn => Decision::RecordAndSample,
            BuiltinSampler::AlwaysOff => Decision::Drop,
            BuiltinSampler::TraceIdRatioBased(ratio) => ratio.decide(trace_id),
            BuiltinSampler::ParentBased(delegates) => match delegates.delegate(parent) {
                BuiltinSampler::AlwaysOn => Decision::RecordAndSample,
                BuiltinSampler::AlwaysOff => Decision::Drop,
                delegate => delegate.decide_nested(parent, trace_id),
            },
            BuiltinSampler::AlwaysRecord(_) => self.decide_nested(parent, trace_id),
        }
    }

    /// Out of line, so that what callers inline stays small.
    #[inline(never)]
    fn decide_nested(&self, parent: Option<&SpanContext>, trace_id: TraceId) -> Decision {
        match self {
            BuiltinSampler::AlwaysRecord(root) => match root.0.decide(parent, trace_id) {
                Decision::Drop => Decision::RecordOnly,
                decision => decision,
            },
            other => other.decide(parent, trace_id),
        }
    }
}

impl Default for BuiltinSampler {
    /// The default of the specification: parent based, root always on.
    fn default() -> Self {
        BuiltinSampler::parent_based(BuiltinSampler::AlwaysOn)
    }
}

impl TryFrom<SamplerSettings> for BuiltinSampler {
    type Error = InvalidRate;

    /// Cannot fail with settings that were read from an environment.
    fn try_from(settings: SamplerSettings) -> Result<Self, InvalidRate> {
        let ratio = |rate| TraceIdRatioBased::new(rate).map(BuiltinSampler::TraceIdRatioBased);
        Ok(match settings {
            SamplerSettings::AlwaysOn => BuiltinSampler::AlwaysOn,
            SamplerSettings::AlwaysOff => BuiltinSampler::AlwaysOff,
            SamplerSettings::TraceIdRatio(rate) => ratio(rate)?,
            SamplerSettings::ParentBasedAlwaysOn => BuiltinSampler::parent_based(BuiltinSampler::AlwaysOn),
            SamplerSettings::ParentBasedAlwaysOff => BuiltinSampler::parent_based(BuiltinSampler::AlwaysOff),
            SamplerSettings::ParentBasedTraceIdRatio(rate) => BuiltinSampler::parent_based(ratio(rate)?),
        })
    }
}

impl Sampler for BuiltinSampler {
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
        SamplingResult::new(self.decide(span.parent, span.trace_id), span)
    }

    fn description(&self) -> Cow<'static, str> {
        match self {
            BuiltinSampler::AlwaysOn => AlwaysOn.description(),
            BuiltinSampler::AlwaysOff => AlwaysOff.description(),
            BuiltinSampler::TraceIdRatioBased(ratio) => ratio.description(),
            BuiltinSampler::ParentBased(delegates) => delegates.description(),
            BuiltinSampler::AlwaysRecord(root) => root.description(),
        }
    }
}
