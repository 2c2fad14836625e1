//! Following the parent's decision.

use std::borrow::Cow;
use std::sync::Arc;

use super::{AlwaysOff, AlwaysOn, Sampler, SamplingParameters, SamplingResult, valid};
use crate::api::trace::SpanContext;

/// Follows the parent's decision; asks `root` where there is no valid parent.
///
/// ```
/// use ferrotel::sdk::trace::{ParentBased, Sampler, TraceIdRatioBased};
/// use std::sync::Arc;
///
/// let root: Arc<dyn Sampler> = Arc::new(TraceIdRatioBased::new(0.25)?);
/// assert!(ParentBased::new(root).description().starts_with("ParentBased{root:TraceIdRatioBased{0.25},"));
/// # Ok::<(), ferrotel::sdk::trace::InvalidRate>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ParentBased<S = Arc<dyn Sampler>> {
    /// For root spans.
    pub root: S,
    /// For children of a sampled span of another process. Default: always on.
    pub remote_parent_sampled: S,
    /// For children of an unsampled span of another process. Default: always off.
    pub remote_parent_not_sampled: S,
    /// For children of a sampled span of this process. Default: always on.
    pub local_parent_sampled: S,
    /// For children of an unsampled span of this process. Default: always off.
    pub local_parent_not_sampled: S,
}

impl ParentBased {
    /// With the default delegates, to be replaced through the fields.
    pub fn new(root: Arc<dyn Sampler>) -> Self {
        let (on, off): (Arc<dyn Sampler>, Arc<dyn Sampler>) = (Arc::new(AlwaysOn), Arc::new(AlwaysOff));
        ParentBased {
            root,
            remote_parent_sampled: on.clone(),
            remote_parent_not_sampled: off.clone(),
            local_parent_sampled: on,
            local_parent_not_sampled: off,
        }
    }
}

impl<S> ParentBased<S> {
    /// The delegate that decides about the children of `parent`.
    #[inline]
    pub fn delegate(&self, parent: Option<&SpanContext>) -> &S {
        match valid(parent) {
            None => &self.root,
            Some(parent) => match (parent.is_remote, parent.trace_flags.is_sampled()) {
                (true, true) => &self.remote_parent_sampled,
                (true, false) => &self.remote_parent_not_sampled,
                (false, true) => &self.local_parent_sampled,
                (false, false) => &self.local_parent_not_sampled,
            },
        }
    }
}

impl<S: Sampler> Sampler for ParentBased<S> {
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
        self.delegate(span.parent).should_sample(span)
    }

    fn description(&self) -> Cow<'static, str> {
        Cow::Owned(format!(
            "ParentBased{{root:{},remoteParentSampled:{},remoteParentNotSampled:{},localParentSampled:{},\
             localParentNotSampled:{}}}",
            self.root.description(),
            self.remote_parent_sampled.description(),
            self.remote_parent_not_sampled.description(),
            self.local_parent_sampled.description(),
            self.local_parent_not_sampled.description(),
        ))
    }
}
