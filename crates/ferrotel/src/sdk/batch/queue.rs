//! The bounded queue: plain state, to be held under one lock.

use std::collections::VecDeque;
use std::time::Instant;

/// Items in the order of arrival, each with an implied sequence number, and the state of who serves them.
pub(super) struct Queue<T> {
    items: VecDeque<T>,
    limit: usize,
    /// The sequence number of the first item in `items`.
    head: u64,
    /// What the exporter is working on: of each batch the first item's sequence number, and how many items it has.
    in_flight: Vec<(u64, u64)>,
    /// Items below this number are wanted out now.
    pub flush_until: u64,
    pub dropped: u64,
    /// The producers have said that the queue is full; the worker takes the mark away when it tells how much was lost.
    pub overload_told: bool,
    pub exported: u64,
    /// When a batch was accepted last.
    pub accepted_at: Option<Instant>,
    pub failed: u64,
    /// Given up at shutdown, of those dropped.
    pub abandoned_items: u64,
    pub ignored: u64,
    /// No item is taken any more.
    pub closed: bool,
    /// What is left is not to be exported any more.
    pub abandoned: bool,
    /// The worker sleeps and wants to hear of a full batch.
    pub worker_sleeps: bool,
    pub worker: Worker,
    /// Threads that export full batches beside the worker.
    pub helpers: usize,
    /// Those of them that have nothing to do.
    pub helpers_asleep: usize,
    /// Those of them that have a batch.
    pub helpers_busy: usize,
}

/// Where the worker thread is in its life.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Worker {
    /// Not started; to be started when the item with this sequence number has arrived.
    StartAt(u64),
    Running,
    Gone,
}

impl<T> Queue<T> {
    pub fn new(limit: usize, closed: bool) -> Self {
        Queue {
            items: VecDeque::new(),
            limit,
            head: 0,
            in_flight: Vec::new(),
            flush_until: 0,
            dropped: 0,
            overload_told: false,
            exported: 0,
            accepted_at: None,
            failed: 0,
            abandoned_items: 0,
            ignored: 0,
            closed,
            abandoned: false,
            worker_sleeps: false,
            worker: Worker::StartAt(0),
            helpers: 0,
            helpers_asleep: 0,
            helpers_busy: 0,
        }
    }

    /// Appends `item`; a full queue gives up its oldest item, which is returned.
    #[inline]
    pub fn push(&mut self, item: T) -> Option<T> {
        let evicted = if self.items.len() >= self.limit { self.evict() } else { None };
        self.items.push_back(item);
        evicted
    }

    #[cold]
    fn evict(&mut self) -> Option<T> {
        self.head += 1;
        self.dropped += 1;
        self.items.pop_front()
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// The sequence number that the next item gets.
    #[inline]
    pub fn tail(&self) -> u64 {
        self.head + self.items.len() as u64
    }

    /// Moves up to `count` of the oldest items into `batch` and marks them as in flight; returns what to settle later.
    pub fn take(&mut self, count: usize, batch: &mut Vec<T>) -> u64 {
        let count = count.min(self.items.len());
        let first = self.head;
        if count > 0 {
            self.in_flight.push((first, count as u64));
        }
        self.head += count as u64;
        batch.extend(self.items.drain(..count));
        first
    }

    /// The `count` items that were taken as `first` have been exported, or not.
    pub fn settle(&mut self, first: u64, count: usize, accepted: bool) {
        self.in_flight.retain(|&(other, _)| other != first);
        if count == 0 {
            return;
        }
        if accepted {
            self.exported += count as u64;
            self.accepted_at = Some(Instant::now());
        } else {
            self.failed += count as u64;
        }
    }

    /// Whether some item below `flush_until` still waits.
    pub fn flush_wanted(&self) -> bool {
        self.head < self.flush_until && !self.items.is_empty()
    }

    /// Whether every item below `sequence` has left for good.
    pub fn settled_until(&self, sequence: u64) -> bool {
        self.head >= sequence && self.in_flight.iter().all(|&(first, _)| first >= sequence)
    }

    /// How many items the exporter is working on.
    pub fn in_flight(&self) -> u64 {
        self.in_flight.iter().map(|&(_, count)| count).sum()
    }

    /// How many batches the exporter is working on.
    pub fn exports(&self) -> usize {
        self.in_flight.len()
    }

    /// Gives up everything that waits, counting it as dropped.
    pub fn abandon(&mut self) -> VecDeque<T> {
        self.abandoned = true;
        self.head += self.items.len() as u64;
        self.dropped += self.items.len() as u64;
        self.abandoned_items += self.items.len() as u64;
        std::mem::take(&mut self.items)
    }
}
