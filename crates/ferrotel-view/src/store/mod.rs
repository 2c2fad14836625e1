//! What has arrived, bounded in number and bytes, behind one lock.

mod loose_logs;
mod series;
mod traces;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::log::ReceivedLog;
use crate::metric::ReceivedPoint;
use crate::origin::{Protocol, TraceId};
use crate::signal::Signal;
use crate::span::ReceivedSpan;
use loose_logs::{LooseLogs, Wait};
use series::AllSeries;
pub use series::Series;
use traces::AllTraces;
pub use traces::Trace;

/// How much a [`Store`] keeps. A signal with a limit of 0 is received and forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Number of traces; 1,000 by default.
    pub max_traces: usize,
    /// Number of spans over all traces; 100,000 by default.
    pub max_spans: usize,
    /// Number of series of metrics; 10,000 by default.
    pub max_series: usize,
    /// Number of log records, once for those in traces and once for all others; 10,000 by default.
    pub max_logs: usize,
    /// About how many bytes of memory traces, series and logs without a trace may hold, each; 256 MiB by default.
    pub max_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_traces: 1_000, max_spans: 100_000, max_series: 10_000, max_logs: 10_000, max_bytes: 256 << 20 }
    }
}

/// What a [`Store`] has seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Traces held now.
    pub traces: usize,
    /// Spans held now.
    pub spans: usize,
    /// Series held now.
    pub series: usize,
    /// Log records held now.
    pub logs: usize,
    /// Spans that arrived.
    pub received_spans: u64,
    /// Data points that arrived.
    pub received_points: u64,
    /// Log records that arrived.
    pub received_logs: u64,
    /// Spans refused because their identifiers were not usable.
    pub rejected_spans: u64,
    /// Data points refused because their buckets were not usable.
    pub rejected_points: u64,
    /// Spans given up for want of room.
    pub dropped_spans: u64,
    /// Traces of which at least one span was given up for want of room.
    pub dropped_traces: u64,
    /// Series given up for want of room.
    pub dropped_series: u64,
    /// Log records given up for want of room.
    pub dropped_logs: u64,
}

/// One request as it came, without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedRequest {
    /// What it carried.
    pub signal: Signal,
    /// How it was sent.
    pub protocol: Protocol,
    /// The URL's path.
    pub path: String,
    /// Header names in lower case with their values; of many or long ones the first 8 KiB.
    pub headers: Vec<(String, String)>,
    /// Number of spans, data points or log records taken from it.
    pub items: usize,
}

/// How long new things are held back, so that what belongs together is shown together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long a trace must have had nothing new, and for how long changes of metrics are gathered.
    pub quiet: Duration,
    /// How long a log record waits for its trace.
    pub log_wait: Duration,
}

/// What is to be shown now.
#[derive(Clone, Debug, Default)]
pub struct News {
    /// Traces with something new, the one that began first before the others.
    pub traces: Vec<Trace>,
    /// Log records that are to be shown on their own, by their time.
    pub logs: Vec<ReceivedLog>,
    /// Did a value or a rate change?
    pub metrics: bool,
    /// Texts for the reader.
    pub notices: Vec<String>,
}

/// Requests that [`Store::requests`] remembers.
const MAX_REQUESTS: usize = 1_000;

/// Everything received, behind one lock.
#[derive(Debug)]
pub struct Store {
    limits: Limits,
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    traces: AllTraces,
    loose_logs: LooseLogs,
    series: AllSeries,
    /// Since when changes of metrics wait to be shown.
    metrics_waiting: Option<Instant>,
    /// The update of metrics after which [`Store::take_changed`] looks for changes.
    metrics_taken: u64,
    /// Only what is not counted elsewhere.
    counts: Counts,
    requests: VecDeque<ReceivedRequest>,
    /// Kinds of texts already spoken, and texts not yet shown.
    noted: Vec<&'static str>,
    notices: Vec<String>,
}

impl Store {
    /// An empty store.
    pub fn new(limits: Limits) -> Self {
        Self { limits, inner: Mutex::default(), changed: Condvar::new() }
    }

    /// Adds spans, and to their traces the log records that waited for them.
    pub fn add_spans(&self, spans: Vec<ReceivedSpan>, rejected: usize) {
        self.change(|inner, now| {
            inner.counts.rejected_spans += rejected as u64;
            inner.counts.received_spans += spans.len() as u64;
            for span in spans {
                let trace_id = span.trace_id;
                inner.traces.add_span(span, now, &self.limits);
                for log in inner.loose_logs.take_of(&trace_id) {
                    // Given back only if the trace found no room, and then nobody can see the record's place.
                    if let Err(log) = inner.traces.add_log(log, now, &self.limits) {
                        inner.loose_logs.add(log, now, &self.limits);
                    }
                }
            }
        });
    }

    /// Adds the data points of one request.
    pub fn add_points(&self, points: Vec<ReceivedPoint>, rejected: usize) {
        self.change(|inner, now| {
            inner.counts.rejected_points += rejected as u64;
            inner.counts.received_points += points.len() as u64;
            if self.limits.max_series == 0 {
                return;
            }
            inner.series.add(points, now, self.limits.max_series, self.limits.max_bytes);
            if inner.series.last_change == inner.series.updates {
                inner.metrics_waiting.get_or_insert(now);
            }
        });
    }

    /// Adds log records, to their trace where it is here.
    pub fn add_logs(&self, logs: Vec<ReceivedLog>) {
        self.change(|inner, now| {
            inner.counts.received_logs += logs.len() as u64;
            if self.limits.max_logs == 0 {
                return;
            }
            for log in logs {
                if let Err(loose) = inner.traces.add_log(log, now, &self.limits) {
                    inner.loose_logs.add(loose, now, &self.limits);
                }
            }
        });
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
        self.change(|inner, _| inner.note_once(kind, text));
    }

    /// A copy of all spans, oldest trace first, in order of arrival within a trace.
    pub fn spans(&self) -> Vec<ReceivedSpan> {
        self.inner.lock().traces.iter().flat_map(|trace| trace.spans.clone()).collect()
    }

    /// A copy of all log records: those of the traces, oldest trace first, then the others.
    pub fn logs(&self) -> Vec<ReceivedLog> {
        let inner = self.inner.lock();
        let of_traces = inner.traces.iter().flat_map(|trace| trace.logs.clone());
        of_traces.chain(inner.loose_logs.iter().cloned()).collect()
    }

    /// A copy of one trace.
    pub fn trace(&self, trace_id: &TraceId) -> Option<Trace> {
        self.inner.lock().traces.get(trace_id).cloned()
    }

    /// Copies of the series that `order` puts first, at most `most`, in its order, and how many there are in all.
    pub fn series<K: Ord>(&self, most: usize, order: impl Fn(&Series) -> K) -> (Vec<Series>, usize) {
        self.inner.lock().series.first(most, |_| true, order)
    }

    /// Copies of the series whose value has changed since the last call, at most `most` in `order`, and their number.
    pub fn take_changed<K: Ord>(&self, most: usize, order: impl Fn(&Series) -> K) -> (Vec<Series>, usize) {
        let mut inner = self.inner.lock();
        let updates = inner.series.updates;
        let taken = std::mem::replace(&mut inner.metrics_taken, updates);
        inner.series.first(most, |series| series.changed_in > taken, order)
    }

    /// The last requests, at most 1,000, oldest first.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.inner.lock().requests.iter().cloned().collect()
    }

    /// What has been seen so far.
    pub fn counts(&self) -> Counts {
        let inner = self.inner.lock();
        Counts {
            traces: inner.traces.len(),
            spans: inner.traces.spans,
            series: inner.series.len(),
            logs: inner.traces.logs + inner.loose_logs.len(),
            dropped_spans: inner.traces.dropped_spans,
            dropped_traces: inner.traces.dropped_traces,
            dropped_series: inner.series.dropped,
            dropped_logs: inner.traces.dropped_logs + inner.loose_logs.dropped,
            ..inner.counts
        }
    }

    /// Forgets all that arrived; the counts of it stay.
    pub fn clear(&self) {
        let mut inner = self.inner.lock();
        inner.traces.clear();
        inner.loose_logs.clear();
        inner.series.clear();
        inner.requests.clear();
    }

    /// Waits at most `timeout` for something that has been held back long enough, and for notices.
    ///
    /// Each new state of a trace and each log record is handed out once.
    pub fn take(&self, pace: Pace, timeout: Duration) -> News {
        let deadline = Instant::now() + timeout;
        let mut inner = self.inner.lock();
        loop {
            let now = Instant::now();
            let next = inner.next_due(pace);
            if next.is_some_and(|at| at <= now) || !inner.notices.is_empty() || now >= deadline {
                return inner.take_due(now, pace);
            }
            self.changed.wait_until(&mut inner, next.map_or(deadline, |at| at.min(deadline)));
        }
    }

    fn change(&self, change: impl FnOnce(&mut Inner, Instant)) {
        let mut inner = self.inner.lock();
        change(&mut inner, Instant::now());
        inner.note_dropped();
        drop(inner);
        self.changed.notify_all();
    }
}

impl Inner {
    fn note_once(&mut self, kind: &'static str, text: impl FnOnce() -> String) {
        if !self.noted.contains(&kind) {
            self.noted.push(kind);
            self.notices.push(text());
        }
    }

    fn note_dropped(&mut self) {
        if self.traces.dropped_unseen {
            self.note_once("dropped unseen", || {
                "more arrives than can be kept: some traces or late spans were dropped before they were shown \
                 (--max-traces and --max-spans set how much is kept)"
                    .to_owned()
            });
        }
        if self.loose_logs.dropped_unseen {
            self.note_once("dropped unseen logs", || {
                "more arrives than can be kept: some log records were dropped before they were shown (--max-logs sets \
                 how many are kept)"
                    .to_owned()
            });
        }
    }

    fn next_due(&self, pace: Pace) -> Option<Instant> {
        let traces = self.traces.next_due(pace.quiet);
        let logs = self.loose_logs.next_due(pace.into());
        let metrics = self.metrics_waiting.map(|since| since + pace.quiet);
        traces.into_iter().chain(logs).chain(metrics).min()
    }

    fn take_due(&mut self, now: Instant, pace: Pace) -> News {
        let metrics = self.metrics_waiting.is_some_and(|since| since + pace.quiet <= now);
        if metrics {
            self.metrics_waiting = None;
        }
        News {
            traces: self.traces.take_due(now, pace.quiet),
            logs: self.loose_logs.take_due(now, pace.into()),
            metrics,
            notices: std::mem::take(&mut self.notices),
        }
    }
}

impl From<Pace> for Wait {
    fn from(pace: Pace) -> Self {
        Self { for_trace: pace.log_wait, otherwise: pace.quiet }
    }
}
