//! The traces held: spans with the log records that were written during them; the oldest trace makes room.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::Limits;
use crate::log::ReceivedLog;
use crate::origin::{SpanId, TraceId};
use crate::span::ReceivedSpan;

/// The spans of one trace, in order of arrival.
#[derive(Clone, Debug)]
pub struct Trace {
    /// What its spans share.
    pub trace_id: TraceId,
    /// At least one span.
    pub spans: Vec<ReceivedSpan>,
    /// Log records that name this trace, in order of arrival.
    pub logs: Vec<ReceivedLog>,
    /// How often something was added after it had been taken for showing.
    pub revision: u32,
    weight: usize,
    dropped: bool,
    by_id: HashMap<SpanId, usize>,
    waiting: Option<Waiting>,
}

/// Since when something new waits to be shown.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    first: Instant,
    last: Instant,
}

/// A trace to which spans are added without pause is shown after this many quiet times nevertheless.
const PATIENCE: u32 = 10;

/// All traces.
#[derive(Debug, Default)]
pub(super) struct AllTraces {
    by_id: HashMap<TraceId, Trace>,
    /// Oldest first.
    order: VecDeque<TraceId>,
    weight: usize,
    pub(super) spans: usize,
    pub(super) logs: usize,
    pub(super) dropped_spans: u64,
    pub(super) dropped_traces: u64,
    pub(super) dropped_logs: u64,
    /// Was something dropped before it was shown?
    pub(super) dropped_unseen: bool,
}

impl AllTraces {
    /// Adds a span. One that was sent twice, as a sender does after a lost answer, replaces its earlier copy.
    pub(super) fn add_span(&mut self, span: ReceivedSpan, now: Instant, limits: &Limits) {
        let (id, weight) = (span.trace_id, span.weight());
        let known = self.by_id.contains_key(&id);
        let has_room = limits.max_traces > 0
            && limits.max_spans > 0
            && self.make_room(&id, weight, limits, |all| {
                all.spans < limits.max_spans && (known || all.by_id.len() < limits.max_traces)
            });
        if !has_room {
            self.dropped_spans += 1;
            if let Some(trace) = self.by_id.get_mut(&id).filter(|trace| !trace.dropped) {
                trace.dropped = true;
                self.dropped_traces += 1;
            }
            return;
        }
        if !known {
            self.order.push_back(id);
        }
        let trace = self.by_id.entry(id).or_insert_with(|| Trace::new(id));
        let (spans, bytes) = (trace.spans.len(), trace.weight);
        trace.add_span(span, weight, now);
        self.spans += trace.spans.len() - spans;
        self.weight = self.weight - bytes + trace.weight;
    }

    /// Adds a log record to its trace; gives it back if its trace is not here.
    pub(super) fn add_log(&mut self, log: ReceivedLog, now: Instant, limits: &Limits) -> Result<(), ReceivedLog> {
        let Some(id) = log.trace_id.filter(|id| self.by_id.contains_key(id)) else { return Err(log) };
        let weight = log.weight();
        let has_room = self.make_room(&id, weight, limits, |all| all.logs < limits.max_logs);
        match self.by_id.get_mut(&id).filter(|_| has_room) {
            Some(trace) => {
                trace.logs.push(log);
                trace.weight += weight;
                trace.touch(now);
                self.weight += weight;
                self.logs += 1;
            }
            None => self.dropped_logs += 1,
        }
        Ok(())
    }

    /// Drops the oldest traces until there is room. A trace never drops itself: one too large keeps what came first.
    fn make_room(&mut self, id: &TraceId, weight: usize, limits: &Limits, has_room: impl Fn(&Self) -> bool) -> bool {
        if weight > limits.max_bytes {
            return false;
        }
        while self.weight + weight > limits.max_bytes || !has_room(self) {
            let Some(at) = self.order.iter().position(|other| other != id) else { return false };
            self.drop_trace(at);
        }
        true
    }

    fn drop_trace(&mut self, at: usize) {
        let Some(trace) = self.order.remove(at).and_then(|id| self.by_id.remove(&id)) else { return };
        self.dropped_unseen |= trace.waiting.is_some();
        self.weight -= trace.weight;
        self.spans -= trace.spans.len();
        self.logs -= trace.logs.len();
        self.dropped_spans += trace.spans.len() as u64;
        self.dropped_logs += trace.logs.len() as u64;
        self.dropped_traces += u64::from(!trace.dropped);
    }

    pub(super) fn get(&self, id: &TraceId) -> Option<&Trace> {
        self.by_id.get(id)
    }

    /// Oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Trace> {
        self.order.iter().filter_map(|id| self.by_id.get(id))
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn clear(&mut self) {
        self.by_id.clear();
        self.order.clear();
        (self.weight, self.spans, self.logs) = (0, 0, 0);
    }

    pub(super) fn next_due(&self, quiet: Duration) -> Option<Instant> {
        self.by_id.values().filter_map(|trace| trace.waiting).map(|waiting| waiting.due(quiet)).min()
    }

    pub(super) fn take_due(&mut self, now: Instant, quiet: Duration) -> Vec<Trace> {
        let due = |trace: &&mut Trace| trace.waiting.is_some_and(|waiting| waiting.due(quiet) <= now);
        let mut taken: Vec<Trace> = Vec::new();
        for trace in self.by_id.values_mut().filter(due) {
            taken.push(trace.clone());
            trace.waiting = None;
            trace.revision += 1;
        }
        taken.sort_by_cached_key(|trace| (trace.began(), trace.trace_id));
        taken
    }
}

impl Waiting {
    fn due(self, quiet: Duration) -> Instant {
        (self.last + quiet).min(self.first + quiet * PATIENCE)
    }
}

impl Trace {
    /// A trace of these spans and log records, for showing it without a store; `None` without spans.
    ///
    /// All are taken to belong to the trace of the first span.
    pub fn from_parts(spans: Vec<ReceivedSpan>, logs: Vec<ReceivedLog>) -> Option<Self> {
        let now = Instant::now();
        let mut trace = Self::new(spans.first()?.trace_id);
        spans.into_iter().for_each(|span| trace.add_span(span, 0, now));
        trace.logs = logs;
        Some(trace)
    }

    fn new(trace_id: TraceId) -> Self {
        Self {
            trace_id,
            spans: Vec::new(),
            logs: Vec::new(),
            revision: 0,
            weight: 0,
            dropped: false,
            by_id: HashMap::new(),
            waiting: None,
        }
    }

    fn began(&self) -> Option<u64> {
        self.spans.iter().map(|span| span.span.start_time_unix_nano).min()
    }

    fn add_span(&mut self, span: ReceivedSpan, weight: usize, now: Instant) {
        let known = self.by_id.get(&span.span_id).copied();
        if let Some(earlier) = known.map(|at| &mut self.spans[at]).filter(|earlier| is_resent(earlier, &span)) {
            self.weight = self.weight - earlier.weight().min(self.weight) + weight;
            *earlier = span;
        } else {
            self.by_id.entry(span.span_id).or_insert(self.spans.len());
            self.spans.push(span);
            self.weight += weight;
        }
        self.touch(now);
    }

    fn touch(&mut self, now: Instant) {
        self.waiting.get_or_insert(Waiting { first: now, last: now }).last = now;
    }
}

/// Two different spans with one identifier are a sender's mistake, and both are worth seeing.
fn is_resent(earlier: &ReceivedSpan, later: &ReceivedSpan) -> bool {
    earlier.span.start_time_unix_nano == later.span.start_time_unix_nano
        && earlier.span.name == later.span.name
        && earlier.span.kind == later.span.kind
        && earlier.origin.service_name() == later.origin.service_name()
}
