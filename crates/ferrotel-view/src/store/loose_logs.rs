//! Log records whose trace is not here: some wait for it, some have none.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::Limits;
use crate::log::ReceivedLog;
use crate::origin::TraceId;

/// How long a log record is held back before it is shown on its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wait {
    /// One whose trace can be expected.
    pub(super) for_trace: Duration,
    /// Any other.
    pub(super) otherwise: Duration,
}

/// Records by their order of arrival; the oldest makes room.
#[derive(Debug, Default)]
pub(super) struct LooseLogs {
    by_number: BTreeMap<u64, ReceivedLog>,
    of_trace: HashMap<TraceId, Vec<u64>>,
    /// Not shown yet, oldest first: those that wait for a trace, and those that do not.
    waiting: VecDeque<(Instant, u64)>,
    unbound: VecDeque<(Instant, u64)>,
    next: u64,
    weight: usize,
    pub(super) dropped: u64,
    /// Was something dropped before it was shown?
    pub(super) dropped_unseen: bool,
}

impl LooseLogs {
    pub(super) fn add(&mut self, log: ReceivedLog, now: Instant, limits: &Limits) {
        let weight = log.weight();
        while self.by_number.len() >= limits.max_logs || self.weight + weight > limits.max_bytes {
            let Some((number, oldest)) = self.by_number.pop_first() else {
                self.dropped += 1;
                return;
            };
            self.dropped += 1;
            self.dropped_unseen |= [&self.waiting, &self.unbound].iter().any(|queue| is_in(queue, number));
            self.forget(number, &oldest);
        }
        let number = self.next;
        self.next += 1;
        self.weight += weight;
        if let Some(trace_id) = log.trace_id {
            self.of_trace.entry(trace_id).or_default().push(number);
        }
        let queue = if log.awaits_trace() { &mut self.waiting } else { &mut self.unbound };
        queue.push_back((now, number));
        self.by_number.insert(number, log);
        self.prune();
    }

    /// Hands out the records of a trace that has come.
    pub(super) fn take_of(&mut self, trace_id: &TraceId) -> Vec<ReceivedLog> {
        let numbers = self.of_trace.remove(trace_id).unwrap_or_default();
        let taken: Vec<ReceivedLog> = numbers.iter().filter_map(|number| self.by_number.remove(number)).collect();
        self.weight -= taken.iter().map(ReceivedLog::weight).sum::<usize>();
        taken
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &ReceivedLog> {
        self.by_number.values()
    }

    pub(super) fn len(&self) -> usize {
        self.by_number.len()
    }

    pub(super) fn clear(&mut self) {
        let (next, dropped) = (self.next, self.dropped);
        *self = Self { next, dropped, ..Self::default() };
    }

    pub(super) fn next_due(&self, wait: Wait) -> Option<Instant> {
        let waiting = self.waiting.front().map(|(since, _)| *since + wait.for_trace);
        let unbound = self.unbound.front().map(|(since, _)| *since + wait.otherwise);
        waiting.into_iter().chain(unbound).min()
    }

    /// Copies of those that have waited long enough, by their time. They are kept for a trace that comes late.
    pub(super) fn take_due(&mut self, now: Instant, wait: Wait) -> Vec<ReceivedLog> {
        let mut due = Vec::new();
        for (queue, wait) in [(&mut self.waiting, wait.for_trace), (&mut self.unbound, wait.otherwise)] {
            while let Some((_, number)) = queue.front().copied().filter(|(since, _)| *since + wait <= now) {
                queue.pop_front();
                due.extend(self.by_number.get(&number).cloned());
            }
        }
        due.sort_by_key(ReceivedLog::time);
        due
    }

    fn forget(&mut self, number: u64, log: &ReceivedLog) {
        self.weight -= log.weight();
        let Some(trace_id) = log.trace_id else { return };
        if let Some(numbers) = self.of_trace.get_mut(&trace_id) {
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                self.of_trace.remove(&trace_id);
            }
        }
    }

    /// Lets go of places in the queues whose records have gone.
    fn prune(&mut self) {
        for queue in [&mut self.waiting, &mut self.unbound] {
            while queue.front().is_some_and(|(_, number)| !self.by_number.contains_key(number)) {
                queue.pop_front();
            }
        }
    }
}

/// The oldest record stands at a queue's front, if it stands there at all.
fn is_in(queue: &VecDeque<(Instant, u64)>, number: u64) -> bool {
    queue.iter().find(|(_, other)| *other >= number).is_some_and(|(_, other)| *other == number)
}
