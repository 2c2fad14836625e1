//! The processors of this process that may hold something, for whoever has to deliver all of it at once.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::per_process::PerProcess;

/// What a processor does when the process is about to end.
pub(super) trait Live: Send + Sync {
    /// Has what is queued now exported; returns at once. With `last_chance` the exporter waits for no further attempt.
    fn begin(&self, last_chance: bool) -> Begun;
    /// Waits for what [`Live::begin`] began; `false` when `deadline` passed first, or not all was accepted.
    fn finish(&self, begun: Begun, deadline: Instant) -> bool;
    /// The end did not come: the exporter is patient again.
    fn resume(&self);
}

/// How far a processor was when it was told to deliver.
pub(super) struct Begun {
    /// The sequence number of the first item that need not go.
    pub until: u64,
    /// How many items had not been accepted by then.
    pub failed: u64,
}

type List = Mutex<Vec<Weak<dyn Live>>>;

static LIVE: OnceLock<PerProcess<List>> = OnceLock::new();
static ON_START: OnceLock<fn()> = OnceLock::new();

/// Makes the list: not by the first worker, whose start a fork of another thread could interrupt.
pub(super) fn prepare() {
    LIVE.get_or_init(|| PerProcess::new(List::default()));
}

/// Takes in a processor whose worker has started.
pub(super) fn enlist(processor: Weak<dyn Live>) {
    let mut list = list();
    list.retain(|known| known.strong_count() > 0 && !Weak::ptr_eq(known, &processor));
    list.push(processor);
    drop(list);
    if let Some(hook) = ON_START.get() {
        hook();
    }
}

/// Has `hook` called whenever a processor's worker starts, on the thread that started it. The first hook stays.
pub fn on_worker_start(hook: fn()) {
    let _ = ON_START.set(hook);
}

/// Has every processor export what it holds, and returns at once.
pub fn begin_delivery() {
    for processor in everyone() {
        processor.begin(false);
    }
}

/// Exports what every processor of this process holds, trying each batch once more at most; `false` when `timeout`
/// passed first, or when something was not accepted.
pub fn deliver_now(timeout: Duration) -> bool {
    let deadline = Instant::now() + timeout;
    let begun: Vec<_> = everyone().into_iter().map(|processor| (processor.begin(true), processor)).collect();
    let mut all = true;
    for (begun, processor) in begun {
        all &= processor.finish(begun, deadline);
    }
    all
}

/// The process goes on after [`deliver_now`]: exporters try again as ever.
pub fn resume() {
    for processor in everyone() {
        processor.resume();
    }
}

fn everyone() -> Vec<Arc<dyn Live>> {
    list().iter().filter_map(Weak::upgrade).collect()
}

fn list() -> MutexGuard<'static, Vec<Weak<dyn Live>>> {
    prepare();
    let list = LIVE.get_or_init(|| PerProcess::new(List::default()));
    list.get(List::default).lock().unwrap_or_else(PoisonError::into_inner)
}
