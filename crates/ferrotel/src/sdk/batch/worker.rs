//! The worker thread of a batch processor.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::counts::ExportOperation;
use super::live;
use super::processor::{BatchItem, Shared, TARGET};
use super::queue::{Queue, Worker};
use crate::common::diagnostics::{self, Level};
use crate::common::sync::{MutexGuard, thread};

/// Starts the worker. Where the system refuses a thread, says so, and lets a later item try again.
#[cold]
pub(super) fn start<T: BatchItem>(shared: &Arc<Shared<T>>) {
    let mine = Arc::clone(shared);
    let builder = thread::Builder::new().name(format!("OtelBatch{}", T::NOUN));
    let spawned = without_signals(|| builder.spawn(move || run(&mine)));
    if let Err(error) = spawned {
        let mut queue = shared.queue();
        queue.worker = Worker::StartAt(queue.tail() + shared.config.max_export_batch_size as u64);
        drop(queue);
        let line = format!("No thread to export in ({error}); {} telemetry waits for the next attempt.", T::NOUN);
        diagnostics::log(Level::Error, TARGET, &line);
        return;
    }
    let processor: Weak<Shared<T>> = Arc::downgrade(shared);
    live::enlist(processor);
}

/// Runs `spawn` so that a new thread starts with every signal blocked: the host's handlers belong to the host's threads.
pub fn without_signals<R>(spawn: impl FnOnce() -> R) -> R {
    // SAFETY: both sets are initialised by the calls that receive them, and the thread's own mask is put back.
    unsafe {
        let mut all = std::mem::zeroed();
        let mut before = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        let result = spawn();
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
        result
    }
}

fn run<T: BatchItem>(shared: &Arc<Shared<T>>) {
    let _gone = Leaving(shared);
    let mut batch = Vec::with_capacity(shared.config.max_export_batch_size.min(512));
    let mut deadline = Instant::now() + shared.config.schedule_delay;
    loop {
        let mut queue = shared.queue();
        let size = shared.config.max_export_batch_size;
        while !(queue.closed || queue.flush_wanted() || queue.len() >= size) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            queue.worker_sleeps = true;
            queue = shared.wake.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
            queue.worker_sleeps = false;
        }
        if queue.closed && (queue.abandoned || queue.len() == 0) {
            return;
        }
        let full = queue.len() >= size;
        let helped = queue.len() < size.saturating_mul(2) || call_for_help(shared, &mut queue);
        let taken = take(shared, queue, &mut batch);
        if !helped {
            start_helper(shared);
        }
        export_taken(shared, taken, &mut batch);
        tell_drops(shared, false);
        if full || Instant::now() >= deadline {
            deadline = Instant::now() + shared.config.schedule_delay;
        }
    }
}

/// A helper that had nothing to do for so long goes home.
const IDLE: Duration = Duration::from_secs(30);

/// Has another full batch exported beside the one that the worker is about to take, where the exporter likes that.
/// `false` where a helper is to be started for it.
fn call_for_help<T: BatchItem>(shared: &Shared<T>, queue: &mut Queue<T>) -> bool {
    let wanted = shared.sink.concurrency();
    if queue.helpers_busy + 1 >= wanted {
        return true;
    }
    if queue.helpers_asleep > 0 {
        shared.more.notify_one();
        return true;
    }
    let enough = queue.helpers + 1 >= wanted;
    if !enough {
        queue.helpers += 1;
    }
    enough
}

/// Where the system refuses a thread, the worker goes on alone.
#[cold]
fn start_helper<T: BatchItem>(shared: &Arc<Shared<T>>) {
    let mine = Arc::clone(shared);
    let builder = thread::Builder::new().name(format!("OtelBatch{}", T::NOUN));
    if without_signals(|| builder.spawn(move || help(&mine))).is_err() {
        shared.queue().helpers -= 1;
    }
}

/// Exports full batches, and only these: everything else is the worker's.
fn help<T: BatchItem>(shared: &Shared<T>) {
    let size = shared.config.max_export_batch_size;
    let mut batch = Vec::with_capacity(size.min(512));
    loop {
        let mut queue = shared.queue();
        let mut idle = false;
        // One of the exports that may go side by side is the worker's, whether it has a batch or not.
        while queue.abandoned || queue.len() < size || queue.helpers_busy + 1 >= shared.sink.concurrency() {
            if idle || queue.closed {
                queue.helpers -= 1;
                return;
            }
            queue.helpers_asleep += 1;
            let (woken, timeout) = shared.more.wait_timeout(queue, IDLE).unwrap_or_else(PoisonError::into_inner);
            (queue, idle) = (woken, timeout.timed_out());
            queue.helpers_asleep -= 1;
        }
        queue.helpers_busy += 1;
        let taken = take(shared, queue, &mut batch);
        export_taken(shared, taken, &mut batch);
        shared.queue().helpers_busy -= 1;
    }
}

/// Marks the worker as gone however it ends, so that nobody waits for it.
struct Leaving<'a, T>(&'a Arc<Shared<T>>);

impl<T> Drop for Leaving<'_, T> {
    fn drop(&mut self) {
        self.0.queue().worker = Worker::Gone;
        self.0.progress.notify_all();
    }
}

/// Exports everything on the calling thread: for a queue that has no worker.
pub(super) fn drain_here<T: BatchItem>(shared: &Arc<Shared<T>>) {
    let mut batch = Vec::new();
    loop {
        let queue = shared.queue();
        if queue.len() == 0 || queue.abandoned || queue.worker == Worker::Running {
            return;
        }
        let taken = take(shared, queue, &mut batch);
        export_taken(shared, taken, &mut batch);
    }
}

/// Takes the next batch out and lets go of the queue; returns what [`export_taken`] wants to know.
fn take<T: BatchItem>(shared: &Shared<T>, mut queue: MutexGuard<'_, Queue<T>>, batch: &mut Vec<T>) -> u64 {
    queue.take(shared.config.max_export_batch_size, batch)
}

fn export_taken<T: BatchItem>(shared: &Shared<T>, taken: u64, batch: &mut Vec<T>) {
    let count = batch.len();
    let start = shared.config.measured.then(Instant::now);
    let accepted = count == 0 || export(shared, batch);
    if let Some(start) = start.filter(|_| count > 0) {
        let operation = ExportOperation { elapsed: start.elapsed(), accepted };
        shared.operations.lock().unwrap_or_else(PoisonError::into_inner).note(operation);
    }
    guarded::<T, _>("recycling", || T::recycle(batch));
    batch.clear();
    shared.queue().settle(taken, count, accepted);
    shared.progress.notify_all();
}

fn export<T: BatchItem>(shared: &Shared<T>, batch: &[T]) -> bool {
    match guarded::<T, _>("exporting", || shared.sink.export(batch)) {
        Some(Ok(())) => {
            shared.refusals.lock().unwrap_or_else(PoisonError::into_inner).calm();
            true
        }
        Some(Err(refusal)) => {
            let mut refusals = shared.refusals.lock().unwrap_or_else(PoisonError::into_inner);
            if !refusal.message.is_empty() && refusals.fresh(&refusal.message, Instant::now()) {
                drop(refusals);
                diagnostics::log(Level::Error, refusal.target, &refusal.message);
            }
            false
        }
        None => false,
    }
}

/// Runs foreign code; a panic in it becomes one line and `None`.
pub(super) fn guarded<T: BatchItem, R>(doing: &str, work: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => Some(result),
        Err(panic) => {
            let reason = panic_text(&*panic);
            diagnostics::log(Level::Error, TARGET, &format!("Exception while {doing} {}: panic: {reason}", T::NOUN));
            None
        }
    }
}

/// What a panic says.
pub(in crate::sdk) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason given")
}

/// Tells how many items were dropped, where it is time to; `last` tells all that is left to tell.
pub(super) fn tell_drops<T: BatchItem>(shared: &Shared<T>, last: bool) {
    let total = {
        let queue = shared.queue();
        queue.dropped - queue.abandoned_items
    };
    let mut drops = shared.drops.lock().unwrap_or_else(PoisonError::into_inner);
    let due = if last { drops.rest(total) } else { drops.due(total, Instant::now()) };
    drop(drops);
    let Some(count) = due else { return };
    shared.queue().overload_told = false;
    let line = format!(
        "{count} {}(s) were dropped: they came faster than they could be exported (queue of {}). \
         A larger max_queue_size bridges longer peaks.",
        T::NOUN,
        shared.config.max_queue_size
    );
    diagnostics::log(Level::Warning, TARGET, &line);
}
