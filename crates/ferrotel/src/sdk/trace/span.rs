//! A span in a Rust program's hand.

use std::error::Error;
use std::sync::Arc;

use super::provider::Pipeline;
use super::{Event, FinishedSpan, Link, SpanCell, SpanData};
use crate::api::trace::{SpanContext, Status};
use crate::common::clock::now_unix_nanos;
use crate::common::{Attributes, Text, Value};
use crate::context::Context;

/// A handle to a span (specification: trace API, `Span`). Clones stand for the same span, and the last one that is
/// dropped ends it, unless [`end`](Self::end) was called before.
///
/// A span that does not record accepts everything and keeps nothing.
#[derive(Clone)]
pub struct Span(Arc<Inner>);

struct Inner {
    context: SpanContext,
    recording: Option<Recording>,
}

struct Recording {
    cell: Arc<SpanCell>,
    pipeline: Arc<Pipeline>,
}

impl Span {
    pub(super) fn recording(context: SpanContext, cell: Arc<SpanCell>, pipeline: Arc<Pipeline>) -> Self {
        Span(Arc::new(Inner { context, recording: Some(Recording { cell, pipeline }) }))
    }

    /// A span that records nothing and hands on `context`: for a parent in another process.
    pub fn non_recording(context: SpanContext) -> Self {
        Span(Arc::new(Inner { context, recording: None }))
    }

    /// The span of the current context; one with an invalid context where there is none.
    pub fn current() -> Self {
        Self::of(&Context::current())
    }

    /// The span of `context`; one with an invalid context where there is none.
    pub fn of(context: &Context) -> Self {
        context.span_slot::<Span>().cloned().unwrap_or_else(|| Span::non_recording(SpanContext::default()))
    }

    /// The current context with this span as its span.
    pub fn in_context(&self) -> Context {
        Context::current().with_span_slot(Arc::new(self.clone()))
    }

    /// What travels of the span.
    pub fn span_context(&self) -> &SpanContext {
        &self.0.context
    }

    /// Whether the span records and has not ended.
    pub fn is_recording(&self) -> bool {
        self.0.recording.as_ref().is_some_and(|recording| recording.cell.lock().end_time.is_none())
    }

    /// Sets one attribute, within the limits; an empty key is dropped and counted.
    pub fn set_attribute(&self, key: impl Into<Text>, value: impl Into<Value>) {
        let (key, mut value) = (key.into(), value.into());
        self.change(|data, pipeline| {
            if key.is_empty() {
                data.attributes.add_dropped(1);
                return;
            }
            value.truncate(pipeline.limits.max_span_attribute_length);
            data.attributes.set(key, value, pipeline.limits.max_span_attributes);
        });
    }

    /// Adds an event that happens now.
    pub fn add_event(&self, name: impl Into<Text>, attributes: Attributes) {
        self.add_event_at(name, attributes, now_unix_nanos());
    }

    /// Adds an event; `timestamp` in nanoseconds since the Unix epoch.
    pub fn add_event_at(&self, name: impl Into<Text>, attributes: Attributes, timestamp: u64) {
        let name = name.into();
        self.change(|data, pipeline| {
            let limits = &pipeline.limits;
            let attributes = attributes.within(limits.max_event_attributes, limits.max_attribute_length);
            data.events.push(Event { name, timestamp, attributes }, limits.max_events);
        });
    }

    /// Records an error as an event named `exception` (specification: trace, exceptions).
    pub fn record_error(&self, error: &dyn Error) {
        self.add_event("exception", [("exception.message", error.to_string())].into_iter().collect());
    }

    /// Adds a link to another span.
    pub fn add_link(&self, context: SpanContext, attributes: Attributes) {
        self.change(|data, pipeline| {
            data.links.push(Link { context, attributes }.within(&pipeline.limits), pipeline.limits.max_links);
        });
    }

    /// Sets the status: once it is [`Status::Ok`] it stays so, and [`Status::Unset`] is never set.
    pub fn set_status(&self, status: Status) {
        self.change(|data, _| {
            if data.status != Status::Ok && status != Status::Unset {
                data.status = status;
            }
        });
    }

    /// Renames the span.
    pub fn update_name(&self, name: impl Into<Text>) {
        let name = name.into();
        self.change(|data, _| data.name = name);
    }

    /// Ends the span now. Later calls, and later changes, do nothing.
    pub fn end(&self) {
        self.end_at(now_unix_nanos());
    }

    /// Ends the span; `time` in nanoseconds since the Unix epoch.
    pub fn end_at(&self, time: u64) {
        if let Some(recording) = &self.0.recording
            && finish(recording, time)
        {
            for processor in &recording.pipeline.processors {
                processor.on_ending(self);
            }
            recording.hand_over();
        }
    }

    fn change(&self, change: impl FnOnce(&mut SpanData, &Pipeline)) {
        if let Some(recording) = &self.0.recording {
            let mut data = recording.cell.lock();
            if data.end_time.is_none() {
                change(&mut data, &recording.pipeline);
            }
        }
    }
}

/// Sets the end time; `false` where the span has ended before.
fn finish(recording: &Recording, time: u64) -> bool {
    let mut data = recording.cell.lock();
    let first = data.end_time.is_none();
    if first {
        data.end_time = Some(time);
    }
    first
}

impl Recording {
    fn hand_over(&self) {
        for processor in &self.pipeline.processors {
            processor.on_end(FinishedSpan(self.cell.clone()));
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(recording) = &self.recording
            && finish(recording, now_unix_nanos())
        {
            recording.hand_over();
        }
    }
}

impl std::fmt::Debug for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Span").field("context", &self.0.context).field("recording", &self.is_recording()).finish()
    }
}
