//! The batch processor: what producers and the host call.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::counts::{BatchCounts, ExportOperation, Operations};
use super::live::{self, Begun, Live};
use super::notice::{DropReport, Repeats};
use super::per_process::PerProcess;
use super::queue::{Queue, Worker};
use super::worker;
use crate::common::diagnostics::{self, Level};
use crate::common::sync::{Condvar, Mutex, MutexGuard};
use crate::config::BatchSettings;

/// The logger under which users look for a batch processor's lines.
pub(super) const TARGET: &str = "opentelemetry.sdk._shared_internal";
/// How long shutdown still waits for the worker after it has interrupted the exporter, where its caller has the time.
const GRACE: Duration = Duration::from_secs(1);

/// An absurd duration would overflow the clock; a century is as good as forever.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// What can be queued.
pub trait BatchItem: Send + Sized + 'static {
    /// What one item is called in log lines and in the worker thread's name, for example `Span`.
    const NOUN: &'static str;

    /// Takes back a batch that the exporter is done with, on the worker thread; must leave `batch` empty.
    ///
    /// The hook for pooling memory: freeing on one thread what another one allocated is what costs.
    fn recycle(batch: &mut Vec<Self>) {
        batch.clear();
    }

    /// Takes back one that found no room, on the thread that queues the next one.
    fn release(self) {}
}

/// Where batches go. `export` is called by one thread at a time, or by as many as `concurrency` says.
pub trait BatchSink<T>: Send + Sync + 'static {
    /// Sends one batch, blocking for as long as the sink's own timeout at most.
    ///
    /// # Errors
    /// The batch was not accepted and is dropped.
    fn export(&self, batch: &[T]) -> Result<(), Refusal>;

    /// Ends a wait of `export` and refuses every later batch. Idempotent.
    fn shutdown(&self);

    /// Waits for what the sink itself still holds; `false` when `timeout` passed first.
    fn force_flush(&self, timeout: Duration) -> bool;

    /// Whether the process is about to be killed: then a batch that was refused is not tried again, and a wait for the
    /// next attempt ends at once.
    fn set_hurried(&self, _hurried: bool) {}

    /// How many batches may be under way at once, at this moment. Must be quick: it is asked under the queue's lock.
    ///
    /// More than one pays where batches fill faster than an answer comes: then full batches go out side by side.
    fn concurrency(&self) -> usize {
        1
    }
}

/// Why a [`BatchSink`] did not accept a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The logger to which the line belongs.
    pub target: &'static str,
    /// The line; empty where there is nothing to say.
    pub message: String,
}

/// The limits of a batch processor (specification: batching processor).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchConfig {
    /// How many items may wait. Default 2048; at least 1.
    pub max_queue_size: usize,
    /// The longest that an item waits for its batch to fill. Default 5 s.
    pub schedule_delay: Duration,
    /// How many items make one batch. Default 512; between 1 and `max_queue_size`.
    pub max_export_batch_size: usize,
    /// How long a flush or a shutdown waits where its caller names no time. Default 30 s.
    ///
    /// One export is bounded by the exporter's own timeout.
    pub export_timeout: Duration,
    /// Remembers how long each export took, for [`BatchProcessor::take_operations`]. Default: no.
    pub measured: bool,
}

impl Default for BatchConfig {
    fn default() -> Self {
        BatchConfig {
            max_queue_size: 2048,
            schedule_delay: Duration::from_millis(5000),
            max_export_batch_size: 512,
            export_timeout: Duration::from_millis(30_000),
            measured: false,
        }
    }
}

impl From<&BatchSettings> for BatchConfig {
    fn from(settings: &BatchSettings) -> Self {
        BatchConfig {
            max_queue_size: settings.max_queue_size,
            schedule_delay: settings.schedule_delay,
            max_export_batch_size: settings.max_export_batch_size,
            export_timeout: settings.export_timeout.unwrap_or(FOREVER),
            measured: false,
        }
    }
}

/// Collects items and hands them in batches to a [`BatchSink`], on a thread of its own.
///
/// The thread starts with the first item. A forked child starts afresh: an empty queue, a lock and a thread of its own.
pub struct BatchProcessor<T: BatchItem> {
    config: BatchConfig,
    sink: Arc<dyn BatchSink<T>>,
    closed: AtomicBool,
    shared: PerProcess<Arc<Shared<T>>>,
}

/// What the processor and its worker share in one process.
pub(super) struct Shared<T> {
    queue: Mutex<Queue<T>>,
    /// For the worker.
    pub wake: Condvar,
    /// For its helpers.
    pub more: Condvar,
    pub progress: Condvar,
    pub config: BatchConfig,
    pub sink: Arc<dyn BatchSink<T>>,
    pub drops: Mutex<DropReport>,
    pub refusals: Mutex<Repeats>,
    pub operations: Mutex<Operations>,
}

impl<T> Shared<T> {
    #[inline]
    pub fn queue(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits on `progress` until `done`; `false` when `deadline` passed first.
    fn wait_until(&self, deadline: Instant, mut done: impl FnMut(&Queue<T>) -> bool) -> bool {
        let mut queue = self.queue();
        loop {
            if done(&queue) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            queue = self.progress.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl<T: BatchItem> Live for Shared<T> {
    fn begin(&self, last_chance: bool) -> Begun {
        if last_chance {
            self.sink.set_hurried(true);
        }
        let mut queue = self.queue();
        queue.flush_until = queue.tail();
        queue.worker_sleeps = false;
        let begun = Begun { until: queue.flush_until, failed: queue.failed };
        drop(queue);
        self.wake.notify_one();
        begun
    }

    fn finish(&self, Begun { until, failed }: Begun, deadline: Instant) -> bool {
        let done = |queue: &Queue<T>| queue.settled_until(until) || queue.worker == Worker::Gone;
        self.wait_until(deadline, done) && {
            let queue = self.queue();
            queue.settled_until(until) && queue.failed == failed
        }
    }

    fn resume(&self) {
        self.sink.set_hurried(false);
    }
}

impl<T: BatchItem> BatchProcessor<T> {
    /// A processor in front of `sink`. Starts nothing. Sizes of 0 count as 1, and a batch is at most a full queue.
    pub fn new(sink: Arc<dyn BatchSink<T>>, config: BatchConfig) -> Self {
        let max_queue_size = config.max_queue_size.max(1);
        let config = BatchConfig {
            max_queue_size,
            max_export_batch_size: config.max_export_batch_size.clamp(1, max_queue_size),
            schedule_delay: config.schedule_delay.min(FOREVER),
            export_timeout: config.export_timeout.min(FOREVER),
            measured: config.measured,
        };
        live::prepare();
        let shared = shared(&sink, &config, false);
        BatchProcessor { config, sink, closed: AtomicBool::new(false), shared: PerProcess::new(shared) }
    }

    /// The limits, as they are applied.
    pub fn config(&self) -> &BatchConfig {
        &self.config
    }

    /// Queues `item`. Never waits for the exporter: where the queue is full, its oldest item is dropped and counted.
    #[inline]
    pub fn push(&self, item: T) {
        let shared = self.shared();
        let mut queue = shared.queue();
        if queue.closed {
            return self.ignore(queue, item);
        }
        let evicted = queue.push(item);
        let full = queue.len() >= self.config.max_export_batch_size;
        let wake = full && queue.worker_sleeps;
        if wake {
            queue.worker_sleeps = false;
        }
        // One for each batch that has filled while the worker was busy.
        let help = full
            && !wake
            && queue.helpers_asleep > 0
            && evicted.is_none()
            && queue.len().is_multiple_of(self.config.max_export_batch_size);
        let start = matches!(queue.worker, Worker::StartAt(at) if queue.tail() > at);
        if start {
            queue.worker = Worker::Running;
        }
        let overload = evicted.is_some() && !std::mem::replace(&mut queue.overload_told, true);
        drop(queue);
        if let Some(evicted) = evicted {
            evicted.release();
        }
        if wake {
            shared.wake.notify_one();
        }
        if help {
            shared.more.notify_one();
        }
        if start {
            worker::start(shared);
        }
        if overload {
            diagnostics::log(Level::Warning, TARGET, &format!("Queue full, dropping {}.", T::NOUN));
        }
    }

    #[cold]
    fn ignore(&self, mut queue: MutexGuard<'_, Queue<T>>, item: T) {
        queue.ignored += 1;
        let first = queue.ignored == 1;
        drop(queue);
        drop(item);
        if first {
            diagnostics::log(Level::Info, TARGET, &format!("Shutdown called, ignoring {}.", T::NOUN));
        }
    }

    /// Whether it was shut down.
    pub fn is_shut_down(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Exports what is queued now; `false` after shutdown, or when `timeout` (default: `export_timeout`) passed first.
    pub fn force_flush(&self, timeout: Option<Duration>) -> bool {
        if self.is_shut_down() {
            return false;
        }
        let deadline = self.deadline(timeout);
        let shared = self.shared();
        let mut queue = shared.queue();
        let target = queue.tail();
        queue.flush_until = target;
        queue.worker_sleeps = false;
        let served = queue.worker == Worker::Running;
        drop(queue);
        if served {
            shared.wake.notify_one();
        } else {
            worker::drain_here(shared);
        }
        let worker_gone = |queue: &Queue<T>| queue.worker == Worker::Gone;
        shared.wait_until(deadline, |queue| queue.settled_until(target) || worker_gone(queue))
            && shared.queue().settled_until(target)
            && self.sink.force_flush(deadline.saturating_duration_since(Instant::now()))
    }

    /// When the exporter accepted a batch last.
    pub fn accepted_at(&self) -> Option<Instant> {
        self.shared().queue().accepted_at
    }

    /// Exports what is queued and ends the worker, then the sink. Idempotent.
    ///
    /// When `timeout` (default: `export_timeout`) passes first, the sink is shut down under the worker's feet, what is
    /// left is dropped and counted, and `false` is returned.
    pub fn shutdown(&self, timeout: Option<Duration>) -> bool {
        self.shutdown_with_grace(timeout, GRACE)
    }

    /// [`BatchProcessor::shutdown`] that waits at most for `grace` for an exporter that it has interrupted.
    pub fn shutdown_with_grace(&self, timeout: Option<Duration>, grace: Duration) -> bool {
        if self.closed.swap(true, Ordering::AcqRel) {
            return true;
        }
        let deadline = self.deadline(timeout);
        let shared = self.shared();
        let mut queue = shared.queue();
        queue.closed = true;
        queue.worker_sleeps = false;
        let served = queue.worker == Worker::Running;
        drop(queue);
        if served {
            shared.wake.notify_one();
            shared.more.notify_all();
        } else {
            worker::drain_here(shared);
        }
        let ended = |queue: &Queue<T>| queue.worker != Worker::Running && queue.exports() == 0;
        let in_time = shared.wait_until(deadline, ended);
        let mut queue = shared.queue();
        let (under_way, accepted) = (queue.in_flight(), queue.exported);
        let left = queue.abandon();
        drop(queue);
        let in_time = in_time && left.is_empty();
        let given_up = left.len() as u64;
        drop(left);
        worker::guarded::<T, _>("shutting down the exporter of", || self.sink.shutdown());
        if !in_time {
            shared.wait_until(Instant::now() + grace, ended);
        }
        worker::tell_drops(shared, true);
        let lost = (given_up + under_way).saturating_sub(shared.queue().exported - accepted);
        if lost > 0 {
            let line = format!("{lost} {}(s) were lost at shutdown: they could not be exported in time.", T::NOUN);
            diagnostics::log(Level::Warning, TARGET, &line);
        }
        in_time
    }

    /// The counters.
    pub fn counts(&self) -> BatchCounts {
        let queue = self.shared().queue();
        BatchCounts {
            queued: queue.len() as u64,
            in_flight: queue.in_flight(),
            dropped: queue.dropped,
            abandoned: queue.abandoned_items,
            exported: queue.exported,
            failed: queue.failed,
            ignored: queue.ignored,
        }
    }

    /// The exports that ended since the last call, oldest first, where the configuration says `measured`; of very many
    /// that nobody asked for, the oldest 16,384.
    pub fn take_operations(&self) -> Vec<ExportOperation> {
        self.shared().operations.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    #[inline]
    fn shared(&self) -> &Arc<Shared<T>> {
        self.shared.get(|| shared(&self.sink, &self.config, self.closed.load(Ordering::Acquire)))
    }

    fn deadline(&self, timeout: Option<Duration>) -> Instant {
        Instant::now() + timeout.unwrap_or(self.config.export_timeout).min(FOREVER)
    }
}

impl<T: BatchItem> Drop for BatchProcessor<T> {
    /// Tells the worker to export what is queued and to end, and does not wait for it.
    fn drop(&mut self) {
        if !self.closed.load(Ordering::Acquire) {
            let shared = self.shared();
            shared.queue().closed = true;
            shared.wake.notify_one();
            shared.more.notify_all();
        }
    }
}

fn shared<T>(sink: &Arc<dyn BatchSink<T>>, config: &BatchConfig, closed: bool) -> Arc<Shared<T>> {
    Arc::new(Shared {
        queue: Mutex::new(Queue::new(config.max_queue_size, closed)),
        wake: Condvar::new(),
        more: Condvar::new(),
        progress: Condvar::new(),
        config: config.clone(),
        sink: Arc::clone(sink),
        drops: Mutex::new(DropReport::default()),
        refusals: Mutex::new(Repeats::default()),
        operations: Mutex::default(),
    })
}
