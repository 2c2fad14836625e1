//! The tracer.

use std::sync::Arc;

use super::provider::Pipeline;
use super::{Decision, Link, SamplingParameters, Span, SpanCell};
use crate::api::trace::{SpanContext, SpanKind, TraceFlags};
use crate::common::clock::now_unix_nanos;
use crate::common::{Attributes, Scope, Text, Value};
use crate::context::Context;

/// Starts spans (specification: trace API, `Tracer`). Cheap to clone.
///
/// ```
/// use ferrotel::sdk::trace::{Span, TracerProvider};
///
/// let provider = TracerProvider::builder().build();
/// let tracer = provider.tracer("example");
/// let answer = tracer.in_span("question", |span| {
///     span.set_attribute("number", 42);
///     assert_eq!(Span::current().span_context(), span.span_context());
///     42
/// });
/// assert_eq!(answer, 42);
/// ```
#[derive(Clone)]
pub struct Tracer {
    pub(super) scope: Arc<Scope>,
    pub(super) pipeline: Arc<Pipeline>,
}

impl Tracer {
    /// Starts a span of kind internal as a child of the current one. The caller makes it current, if it is to be that.
    pub fn start(&self, name: impl Into<Text>) -> Span {
        self.span(name).start()
    }

    /// A span that has yet to be described before it starts.
    pub fn span(&self, name: impl Into<Text>) -> SpanBuilder<'_> {
        SpanBuilder {
            tracer: self,
            name: name.into(),
            kind: SpanKind::Internal,
            parent: None,
            attributes: Attributes::new(),
            links: Vec::new(),
            start_time: None,
        }
    }

    /// Runs `work` with a new span current, and ends the span.
    pub fn in_span<R>(&self, name: impl Into<Text>, work: impl FnOnce(&Span) -> R) -> R {
        let span = self.start(name);
        let guard = span.in_context().attach();
        let result = work(&span);
        drop(guard);
        span.end();
        result
    }
}

/// Describes a span before it starts: only what is known here reaches a sampler.
#[must_use = "nothing starts before start() is called"]
pub struct SpanBuilder<'a> {
    tracer: &'a Tracer,
    name: Text,
    kind: SpanKind,
    parent: Option<Context>,
    attributes: Attributes,
    links: Vec<Link>,
    start_time: Option<u64>,
}

impl SpanBuilder<'_> {
    /// The kind; default: internal.
    pub fn with_kind(mut self, kind: SpanKind) -> Self {
        self.kind = kind;
        self
    }

    /// The context whose span is the parent; default: the current one.
    pub fn with_parent(mut self, parent: Context) -> Self {
        self.parent = Some(parent);
        self
    }

    /// One more attribute.
    pub fn with_attribute(mut self, key: impl Into<Text>, value: impl Into<Value>) -> Self {
        self.attributes.set(key.into(), value.into(), None);
        self
    }

    /// One more link.
    pub fn with_link(mut self, context: SpanContext, attributes: Attributes) -> Self {
        self.links.push(Link { context, attributes });
        self
    }

    /// When the span started, in nanoseconds since the Unix epoch; default: now.
    pub fn with_start_time(mut self, time: u64) -> Self {
        self.start_time = Some(time);
        self
    }

    /// Starts the span.
    pub fn start(self) -> Span {
        let pipeline = &self.tracer.pipeline;
        let parent_context = self.parent.unwrap_or_else(Context::current);
        let parent_span = parent_context.span_slot::<Span>().map(Span::span_context);
        let parent = parent_span.filter(|parent| parent.is_valid());
        let ids = &pipeline.id_generator;
        let (trace_id, random) = match parent {
            Some(parent) => (parent.trace_id, parent.trace_flags.is_random()),
            None => (ids.generate_trace_id(), ids.is_trace_id_random()),
        };
        let result = pipeline.sampler.should_sample(&SamplingParameters {
            parent,
            context: Some(&parent_context),
            trace_id,
            name: &self.name,
            kind: self.kind,
            attributes: Some(&self.attributes),
            links: &self.links,
        });
        let sampled = if result.decision == Decision::RecordAndSample { TraceFlags::SAMPLED.0 } else { 0 };
        let context = SpanContext {
            trace_id,
            span_id: ids.generate_span_id(),
            trace_flags: TraceFlags(sampled | if random { TraceFlags::RANDOM.0 } else { 0 }),
            is_remote: false,
            trace_state: result.trace_state,
        };
        if !result.decision.is_recording() {
            return Span::non_recording(context);
        }
        let limits = &pipeline.limits;
        let mut cell = SpanCell::acquire();
        if let Some(cell) = Arc::get_mut(&mut cell) {
            let data = cell.get_mut();
            data.context = context.clone();
            data.parent = parent.cloned();
            data.name = self.name;
            data.kind = self.kind;
            data.start_time = Some(self.start_time.unwrap_or_else(now_unix_nanos));
            for (key, mut value) in self.attributes.into_iter().chain(result.attributes) {
                value.truncate(limits.max_span_attribute_length);
                data.attributes.set(key, value, limits.max_span_attributes);
            }
            for link in self.links {
                data.links.push(link.within(limits), limits.max_links);
            }
            data.scope = self.tracer.scope.clone();
            data.resource = pipeline.resource.clone();
        }
        let span = Span::recording(context, cell, pipeline.clone());
        for processor in &pipeline.processors {
            processor.on_start(&span, &parent_context);
        }
        span
    }
}
