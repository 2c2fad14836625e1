//! What is recorded of a span.

use std::sync::{Arc, LazyLock};

use super::SpanLimits;
use crate::api::trace::{SpanContext, SpanKind, Status};
use crate::common::{Attributes, Scope, Text};
use crate::resource::Resource;

/// A time-stamped annotation (specification: trace API, `Add Events`).
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Event {
    /// The name.
    pub name: Text,
    /// Nanoseconds since the Unix epoch.
    pub timestamp: u64,
    /// The attributes.
    pub attributes: Attributes,
}

/// A reference to another span (specification: trace API, `Link`).
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Link {
    /// The other span.
    pub context: SpanContext,
    /// The attributes.
    pub attributes: Attributes,
}

impl Link {
    /// Whether it says anything: a valid context, or something about an invalid one.
    pub fn is_worth_keeping(&self) -> bool {
        self.context.is_valid() || !self.attributes.is_empty() || !self.context.trace_state.is_empty()
    }

    /// The link with no more attributes than the limits allow.
    #[must_use]
    pub fn within(self, limits: &SpanLimits) -> Self {
        let attributes = self.attributes.within(limits.max_link_attributes, limits.max_attribute_length);
        Link { attributes, ..self }
    }
}

/// A list that drops its oldest member for a new one when it is full, and counts what it dropped.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounded<T> {
    /// What is held, oldest first.
    pub items: Vec<T>,
    /// How many were dropped.
    pub dropped: u32,
}

impl<T> Default for Bounded<T> {
    fn default() -> Self {
        Bounded { items: Vec::new(), dropped: 0 }
    }
}

impl<T> Bounded<T> {
    /// Appends, dropping the oldest where `limit` is reached (`None`: no limit).
    pub fn push(&mut self, item: T, limit: Option<usize>) {
        if let Some(limit) = limit
            && self.items.len() >= limit
        {
            self.dropped = self.dropped.saturating_add(1);
            if limit == 0 {
                return;
            }
            self.items.remove(0);
        }
        self.items.push(item);
    }

    /// Empties the list and keeps the memory.
    pub fn clear(&mut self) {
        self.items.clear();
        self.dropped = 0;
    }
}

/// Everything that is exported of one span.
#[derive(Clone, Debug)]
pub struct SpanData {
    /// The span's own context.
    pub context: SpanContext,
    /// The parent's context; `None` for a root.
    pub parent: Option<SpanContext>,
    /// The name.
    pub name: Text,
    /// The kind.
    pub kind: SpanKind,
    /// Nanoseconds since the Unix epoch; `None` before the start.
    pub start_time: Option<u64>,
    /// Nanoseconds since the Unix epoch; `None` until the end.
    pub end_time: Option<u64>,
    /// The attributes.
    pub attributes: Attributes,
    /// The events.
    pub events: Bounded<Event>,
    /// The links.
    pub links: Bounded<Link>,
    /// The status.
    pub status: Status,
    /// Who made it.
    pub scope: Arc<Scope>,
    /// Where it was made.
    pub resource: Arc<Resource>,
}

impl Default for SpanData {
    /// An unnamed span that has not started, of no scope and no resource; allocates nothing.
    fn default() -> Self {
        static NOBODY: LazyLock<(Arc<Scope>, Arc<Resource>)> = LazyLock::new(Default::default);
        let (scope, resource) = &*NOBODY;
        SpanData {
            context: SpanContext::default(),
            parent: None,
            name: Text::default(),
            kind: SpanKind::Internal,
            start_time: None,
            end_time: None,
            attributes: Attributes::new(),
            events: Bounded::default(),
            links: Bounded::default(),
            status: Status::Unset,
            scope: scope.clone(),
            resource: resource.clone(),
        }
    }
}

impl SpanData {
    /// Empties everything but scope and resource, and keeps the memory.
    pub fn clear(&mut self) {
        self.context = SpanContext::default();
        self.parent = None;
        self.name = Text::default();
        self.kind = SpanKind::Internal;
        self.start_time = None;
        self.end_time = None;
        self.attributes.clear();
        self.events.clear();
        self.links.clear();
        self.status = Status::Unset;
    }
}
