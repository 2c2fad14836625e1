//! What has arrived, bounded in traces, spans and bytes; the oldest trace makes room for the newest.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::span::{Protocol, ReceivedSpan, SpanId, TraceId};

/// How much a [`Store`] keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Number of traces; 1,000 by default.
    pub max_traces: usize,
    /// Number of spans over all traces; 100,000 by default.
    pub max_spans: usize,
    /// About how many bytes of memory all spans may hold; 256 MiB by default.
    pub max_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_traces: 1_000, max_spans: 100_000, max_bytes: 256 << 20 }
    }
}

/// What a [`Store`] has seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Traces held now.
    pub traces: usize,
    /// Spans held now.
    pub spans: usize,
    /// Spans that arrived.
    pub received_spans: u64,
    /// Spans refused because their identifiers were not usable.
    pub rejected_spans: u64,
    /// Spans given up for want of room.
    pub dropped_spans: u64,
    /// Traces of which at least one span was given up for want of room.
    pub dropped_traces: u64,
}

/// One request as it came, without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedRequest {
    /// How it was sent.
    pub protocol: Protocol,
    /// The URL's path.
    pub path: String,
    /// Header names in lower case with their values; of many or long ones the first 8 KiB.
    pub headers: Vec<(String, String)>,
    /// Number of spans taken from it.
    pub spans: usize,
}

/// The spans of one trace, in order of arrival.
#[derive(Clone, Debug)]
pub struct Trace {
    /// What its spans share.
    pub trace_id: TraceId,
    /// At least one span.
    pub spans: Vec<ReceivedSpan>,
    /// How often spans were added after it had been taken for showing.
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

/// Requests that [`Store::requests`] remembers.
const MAX_REQUESTS: usize = 1_000;

/// Received traces behind one lock.
#[derive(Debug)]
pub struct Store {
    limits: Limits,
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    traces: HashMap<TraceId, Trace>,
    /// Oldest first.
    order: VecDeque<TraceId>,
    weight: usize,
    counts: Counts,
    requests: VecDeque<ReceivedRequest>,
    /// Kinds of misdirected requests already spoken of, and texts not yet shown.
    noted: Vec<&'static str>,
    notices: Vec<String>,
}

impl Store {
    /// An empty store.
    pub fn new(limits: Limits) -> Self {
        Self { limits, inner: Mutex::default(), changed: Condvar::new() }
    }

    /// Adds spans. A span that was sent twice, as a sender does after a lost answer, replaces its earlier copy.
    pub fn add(&self, spans: Vec<ReceivedSpan>, rejected: usize) {
        let now = Instant::now();
        let mut inner = self.inner.lock();
        inner.counts.rejected_spans += rejected as u64;
        for span in spans {
            inner.counts.received_spans += 1;
            inner.add(span, now, &self.limits);
        }
        drop(inner);
        self.changed.notify_all();
    }

    /// Remembers that a request came.
    pub fn add_request(&self, request: ReceivedRequest) {
        let mut inner = self.inner.lock();
        if inner.requests.len() == MAX_REQUESTS {
            inner.requests.pop_front();
        }
        inner.requests.push_back(request);
    }

    /// Has `text` shown, unless something of the same `kind` was before.
    pub fn note_once(&self, kind: &'static str, text: impl FnOnce() -> String) {
        self.inner.lock().note_once(kind, text);
        self.changed.notify_all();
    }

    /// A copy of all spans, oldest trace first, in order of arrival within a trace.
    pub fn spans(&self) -> Vec<ReceivedSpan> {
        let inner = self.inner.lock();
        inner.order.iter().filter_map(|id| inner.traces.get(id)).flat_map(|trace| trace.spans.clone()).collect()
    }

    /// A copy of one trace.
    pub fn trace(&self, trace_id: &TraceId) -> Option<Trace> {
        self.inner.lock().traces.get(trace_id).cloned()
    }

    /// The last requests, at most 1,000, oldest first.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.inner.lock().requests.iter().cloned().collect()
    }

    /// What has been seen so far.
    pub fn counts(&self) -> Counts {
        let inner = self.inner.lock();
        Counts { traces: inner.traces.len(), ..inner.counts }
    }

    /// Forgets all spans and requests; the counts of what arrived stay.
    pub fn clear(&self) {
        let mut inner = self.inner.lock();
        inner.traces.clear();
        inner.order.clear();
        inner.requests.clear();
        inner.weight = 0;
        inner.counts.spans = 0;
    }

    /// Waits at most `timeout` for traces that have new spans and were then quiet for `quiet`, and for notices.
    ///
    /// Each new state of a trace is handed out once; of several, the one that began first comes first.
    pub fn take_quiet(&self, quiet: Duration, timeout: Duration) -> (Vec<Trace>, Vec<String>) {
        let deadline = Instant::now() + timeout;
        let mut inner = self.inner.lock();
        loop {
            let now = Instant::now();
            let next = inner.next_due(quiet);
            let due = next.is_some_and(|at| at <= now);
            if due || !inner.notices.is_empty() || now >= deadline {
                let traces = if due { inner.take_due(now, quiet) } else { Vec::new() };
                return (traces, std::mem::take(&mut inner.notices));
            }
            self.changed.wait_until(&mut inner, next.map_or(deadline, |at| at.min(deadline)));
        }
    }
}

impl Inner {
    fn add(&mut self, span: ReceivedSpan, now: Instant, limits: &Limits) {
        let (id, weight) = (span.trace_id, span.weight());
        let known = self.traces.contains_key(&id);
        let impossible = weight > limits.max_bytes || limits.max_traces == 0 || limits.max_spans == 0;
        while !impossible
            && (self.weight + weight > limits.max_bytes
                || self.counts.spans >= limits.max_spans
                || (!known && self.traces.len() >= limits.max_traces))
        {
            // A trace never drops itself: one too large for the store keeps its first spans.
            let Some(at) = self.order.iter().position(|other| *other != id) else { break };
            self.drop_trace(at);
        }
        if impossible || self.weight + weight > limits.max_bytes || self.counts.spans >= limits.max_spans {
            self.counts.dropped_spans += 1;
            if let Some(trace) = self.traces.get_mut(&id).filter(|trace| !trace.dropped) {
                trace.dropped = true;
                self.counts.dropped_traces += 1;
            }
            return;
        }
        if !known {
            self.order.push_back(id);
        }
        let trace = self.traces.entry(id).or_insert_with(|| Trace::new(id));
        let (spans, bytes) = (trace.spans.len(), trace.weight);
        trace.add(span, weight, now);
        self.counts.spans += trace.spans.len() - spans;
        self.weight = self.weight - bytes + trace.weight;
    }

    fn note_once(&mut self, kind: &'static str, text: impl FnOnce() -> String) {
        if !self.noted.contains(&kind) {
            self.noted.push(kind);
            self.notices.push(text());
        }
    }

    fn drop_trace(&mut self, at: usize) {
        let Some(trace) = self.order.remove(at).and_then(|id| self.traces.remove(&id)) else { return };
        if trace.waiting.is_some() {
            self.note_once("dropped unseen", || {
                "more arrives than can be kept: some traces or late spans were dropped before they were shown \
                 (--max-traces and --max-spans set how much is kept)"
                    .to_owned()
            });
        }
        self.weight -= trace.weight;
        self.counts.spans -= trace.spans.len();
        self.counts.dropped_spans += trace.spans.len() as u64;
        self.counts.dropped_traces += u64::from(!trace.dropped);
    }

    fn next_due(&self, quiet: Duration) -> Option<Instant> {
        self.traces.values().filter_map(|trace| trace.waiting).map(|waiting| waiting.due(quiet)).min()
    }

    fn take_due(&mut self, now: Instant, quiet: Duration) -> Vec<Trace> {
        let due = |trace: &&mut Trace| trace.waiting.is_some_and(|waiting| waiting.due(quiet) <= now);
        let mut taken: Vec<Trace> = Vec::new();
        for trace in self.traces.values_mut().filter(due) {
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
    /// A trace of these spans, for showing it without a store; `None` without spans.
    ///
    /// All spans are taken to belong to the trace of the first.
    pub fn from_spans(spans: Vec<ReceivedSpan>) -> Option<Self> {
        let now = Instant::now();
        let mut trace = Self::new(spans.first()?.trace_id);
        spans.into_iter().for_each(|span| trace.add(span, 0, now));
        Some(trace)
    }

    fn new(trace_id: TraceId) -> Self {
        Self {
            trace_id,
            spans: Vec::new(),
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

    fn add(&mut self, span: ReceivedSpan, weight: usize, now: Instant) {
        let known = self.by_id.get(&span.span_id).copied();
        if let Some(earlier) = known.map(|at| &mut self.spans[at]).filter(|earlier| is_resent(earlier, &span)) {
            self.weight = self.weight - earlier.weight().min(self.weight) + weight;
            *earlier = span;
        } else {
            self.by_id.entry(span.span_id).or_insert(self.spans.len());
            self.spans.push(span);
            self.weight += weight;
        }
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
