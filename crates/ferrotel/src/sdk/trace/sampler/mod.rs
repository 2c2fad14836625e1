//! Which spans are recorded, and which of those are exported.

mod always;
mod always_record;
mod builtin;
mod parent_based;
mod trace_id_ratio_based;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

pub use always::{AlwaysOff, AlwaysOn};
pub use always_record::AlwaysRecord;
pub use builtin::BuiltinSampler;
pub use parent_based::ParentBased;
pub use trace_id_ratio_based::{InvalidRate, TraceIdRatioBased};

use super::Link;
use crate::api::trace::{SpanContext, SpanKind, TraceId, TraceState};
use crate::common::{Attributes, KeyValue};
use crate::context::Context;

/// Decides about each new span (specification: trace SDK, sampler). Called on any thread, on the path of every span.
pub trait Sampler: Send + Sync + 'static {
    /// The decision about a span that is about to start. Must neither block nor panic.
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult;

    /// The sampler and its configuration in one line, for example `TraceIdRatioBased{0.25}`.
    fn description(&self) -> Cow<'static, str>;
}

impl fmt::Debug for dyn Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description())
    }
}

/// What a [`Sampler`] knows of the span.
///
/// ```
/// use ferrotel::api::trace::TraceId;
/// use ferrotel::sdk::trace::{AlwaysOn, Decision, Sampler, SamplingParameters};
///
/// let span = SamplingParameters::new(None, TraceId(1), "GET /");
/// assert_eq!(AlwaysOn.should_sample(&span).decision, Decision::RecordAndSample);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SamplingParameters<'a> {
    /// The parent's span context; `None`, or an invalid one, for a root span.
    pub parent: Option<&'a SpanContext>,
    /// The context in which the span starts, where the caller has one.
    pub context: Option<&'a Context>,
    /// The trace that the span is, or will be, part of.
    pub trace_id: TraceId,
    /// The span's name.
    pub name: &'a str,
    /// The span's kind.
    pub kind: SpanKind,
    /// The attributes given at the start.
    pub attributes: Option<&'a Attributes>,
    /// The links given at the start.
    pub links: &'a [Link],
}

impl<'a> SamplingParameters<'a> {
    /// Of an internal span without attributes and links.
    #[inline]
    pub const fn new(parent: Option<&'a SpanContext>, trace_id: TraceId, name: &'a str) -> Self {
        SamplingParameters {
            parent,
            context: None,
            trace_id,
            name,
            kind: SpanKind::Internal,
            attributes: None,
            links: &[],
        }
    }

    fn parent_trace_state(&self) -> TraceState {
        valid(self.parent).map(|parent| parent.trace_state.clone()).unwrap_or_default()
    }
}

/// Whether a span is recorded, and whether it is sampled. The numbers are the reference's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Decision {
    /// Not recorded: everything about it is dropped.
    Drop = 0,
    /// Recorded for span processors; its sampled flag is not set, so that exporters don't get it.
    RecordOnly = 1,
    /// Recorded, and its sampled flag is set.
    RecordAndSample = 2,
}

impl Decision {
    /// Whether the span is recorded.
    #[inline]
    pub const fn is_recording(self) -> bool {
        !matches!(self, Decision::Drop)
    }

    /// Whether the span's sampled flag is set.
    #[inline]
    pub const fn is_sampled(self) -> bool {
        matches!(self, Decision::RecordAndSample)
    }
}

/// What a [`Sampler`] returns.
#[derive(Clone, Debug, PartialEq)]
pub struct SamplingResult {
    /// The decision.
    pub decision: Decision,
    /// Attributes that are set on the span in addition to those given at its start.
    pub attributes: Vec<KeyValue>,
    /// The new span's trace state: normally the parent's.
    pub trace_state: TraceState,
}

impl SamplingResult {
    /// A decision that adds no attribute and keeps the parent's trace state.
    pub fn new(decision: Decision, span: &SamplingParameters<'_>) -> Self {
        SamplingResult { decision, attributes: Vec::new(), trace_state: span.parent_trace_state() }
    }
}

impl<S: Sampler + ?Sized> Sampler for Arc<S> {
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
        (**self).should_sample(span)
    }

    fn description(&self) -> Cow<'static, str> {
        (**self).description()
    }
}

#[inline]
fn valid(parent: Option<&SpanContext>) -> Option<&SpanContext> {
    parent.filter(|parent| parent.is_valid())
}
