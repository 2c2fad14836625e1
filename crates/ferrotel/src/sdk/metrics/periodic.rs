//! Doing the same thing again and again, on a thread of its own.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use crate::common::diagnostics::{self, Level};
use crate::config::MetricSettings;
use crate::sdk::batch::{PerProcess, panic_text, without_signals};

/// The logger under which users look for a periodic reader's lines.
pub(super) const TARGET: &str = "opentelemetry.sdk.metrics._internal.export";
/// How long shutdown still waits for the thread after it has ended the task.
const GRACE: Duration = Duration::from_secs(1);
/// An absurd duration would overflow the clock; a century is as good as forever.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// What a [`Periodic`] does.
pub trait PeriodicTask: Send + Sync + 'static {
    /// Does it once: for a reader, collects and exports; `false` when that failed, which the task has reported. Never
    /// called concurrently with itself. A panic is reported, and ends no more than this one call.
    fn run(&self, timeout: Duration) -> bool;

    /// Ends the task for good, also while `run` is under way, which must then return soon. Called once in a process.
    fn shutdown(&self, timeout: Duration);
}

/// When and where a [`PeriodicTask`] runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeriodicConfig {
    /// From the end of one run to the start of the next; `None`: only when asked to. Default: 60 s.
    pub interval: Option<Duration>,
    /// What a run is given as its timeout when its time has come. Default: 30 s.
    pub timeout: Duration,
    /// The thread's name. Default: the reference's.
    pub thread_name: String,
}

impl Default for PeriodicConfig {
    fn default() -> Self {
        PeriodicConfig {
            interval: Some(Duration::from_secs(60)),
            timeout: Duration::from_secs(30),
            thread_name: "OtelPeriodicExportingMetricReader".to_owned(),
        }
    }
}

impl From<&MetricSettings> for PeriodicConfig {
    fn from(settings: &MetricSettings) -> Self {
        PeriodicConfig {
            interval: settings.export_interval,
            timeout: settings.export_timeout,
            ..PeriodicConfig::default()
        }
    }
}

/// Runs a task at intervals, when asked to, and a last time at shutdown: never twice at once.
///
/// The thread starts with [`start`](Self::start). A forked child has none until `start` is called there.
/// What is dropped without a shutdown runs a last time, on its thread.
pub struct Periodic {
    task: Arc<dyn PeriodicTask>,
    config: PeriodicConfig,
    closed: AtomicBool,
    shared: PerProcess<Arc<Shared>>,
}

/// What the handle and its thread share in one process.
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    task: Arc<dyn PeriodicTask>,
    interval: Duration,
    timeout: Duration,
}

struct State {
    /// Whether the thread is there.
    served: bool,
    /// Who is inside of the task.
    running: Option<ThreadId>,
    /// How many times somebody asked for a run.
    asked: u64,
    /// Until which of these everything is done.
    done: u64,
    /// Whether the run that came to its end last succeeded.
    succeeded: bool,
    /// When the last one who asked stops waiting.
    deadline: Option<Instant>,
    closed: bool,
    /// There is no time for a last run.
    abandoned: bool,
    /// Nobody waits for the thread's end: the thread itself ends the task.
    orphaned: bool,
    /// The task was told that it is over.
    ended: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `done`; `None` when `deadline` passed first.
    fn wait_until(&self, deadline: Instant, done: impl Fn(&State) -> bool) -> Option<MutexGuard<'_, State>> {
        let mut state = self.state();
        while !done(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(state)
    }

    /// One run on this thread, which marked itself as the one that runs.
    fn run(&self, serving: u64, timeout: Duration) -> bool {
        let succeeded = guarded("running", || self.task.run(timeout)) == Some(true);
        let mut state = self.state();
        state.running = None;
        state.succeeded = succeeded;
        state.done = state.done.max(serving);
        drop(state);
        self.changed.notify_all();
        succeeded
    }

    fn end_task(&self, timeout: Duration) {
        if !std::mem::replace(&mut self.state().ended, true) {
            guarded("shutting down", || self.task.shutdown(timeout));
        }
    }
}

impl Periodic {
    /// Starts nothing yet.
    pub fn new(task: Arc<dyn PeriodicTask>, config: PeriodicConfig) -> Self {
        let shared = shared(&task, &config, false);
        Periodic { task, config, closed: AtomicBool::new(false), shared: PerProcess::new(shared) }
    }

    /// When and where it runs.
    pub fn config(&self) -> &PeriodicConfig {
        &self.config
    }

    fn shared(&self) -> &Arc<Shared> {
        self.shared.get(|| shared(&self.task, &self.config, self.is_shut_down()))
    }

    /// Starts the thread, where there is an interval, and none yet in this process. For a forked child too, in which it
    /// must not be called before `fork` has returned.
    pub fn start(&self) {
        if self.config.interval.is_none() {
            return;
        }
        let shared = self.shared();
        let mut state = shared.state();
        if state.closed || state.served {
            return;
        }
        state.served = true;
        drop(state);
        let mine = Arc::clone(shared);
        let builder = thread::Builder::new().name(self.config.thread_name.clone());
        if let Err(error) = without_signals(|| builder.spawn(move || work(&mine))) {
            shared.state().served = false;
            let line =
                format!("No thread for periodic collection ({error}); metrics are exported by force_flush only.");
            diagnostics::log(Level::Error, TARGET, &line);
        }
    }

    /// Whether it was shut down.
    pub fn is_shut_down(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Runs the task from start to end; `false` when it fails, after shutdown, from inside of the task, or when `timeout`
    /// passed first.
    /// It runs on the thread, or on this one where none was started.
    pub fn run_now(&self, timeout: Duration) -> bool {
        let deadline = deadline(timeout);
        let shared = self.shared();
        let me = thread::current().id();
        let mut state = shared.state();
        if state.closed || state.running == Some(me) {
            return false;
        }
        if state.served {
            state.asked += 1;
            let ours = state.asked;
            state.deadline = Some(deadline);
            drop(state);
            shared.changed.notify_all();
            let settled = |state: &State| state.done >= ours || !state.served;
            return shared.wait_until(deadline, settled).is_some_and(|state| state.done >= ours && state.succeeded);
        }
        drop(state);
        run_here(shared, deadline)
    }

    /// Runs the task a last time and ends it. When `timeout` passes first, the task is ended under the run's feet, and
    /// `false` returned. Idempotent.
    pub fn shutdown(&self, timeout: Duration) -> bool {
        if self.closed.swap(true, Ordering::AcqRel) {
            return true;
        }
        let deadline = deadline(timeout);
        let shared = self.shared();
        let mut state = shared.state();
        state.deadline = Some(deadline);
        if state.running == Some(thread::current().id()) {
            // From inside of the task: the thread does the rest when this run is over.
            state.closed = true;
            state.orphaned = true;
            return false;
        }
        let served = state.served;
        state.closed = served;
        drop(state);
        let in_time = if served {
            shared.changed.notify_all();
            shared.wait_until(deadline, |state| !state.served).is_some()
        } else {
            run_here(shared, deadline);
            shared.state().closed = true;
            Instant::now() < deadline
        };
        if !in_time {
            shared.state().abandoned = true;
            shared.changed.notify_all();
        }
        shared.end_task(deadline.saturating_duration_since(Instant::now()));
        if !in_time && served {
            shared.wait_until(Instant::now() + GRACE, |state| !state.served);
        }
        in_time
    }
}

impl Drop for Periodic {
    fn drop(&mut self) {
        if !self.closed.swap(true, Ordering::AcqRel) {
            // Where the thread runs, it still does the last run, and ends the task.
            let shared = self.shared();
            let mut state = shared.state();
            state.closed = true;
            state.orphaned = true;
            drop(state);
            shared.changed.notify_all();
        }
    }
}

fn shared(task: &Arc<dyn PeriodicTask>, config: &PeriodicConfig, closed: bool) -> Arc<Shared> {
    Arc::new(Shared {
        state: Mutex::new(State {
            served: false,
            running: None,
            asked: 0,
            done: 0,
            succeeded: true,
            deadline: None,
            closed,
            abandoned: false,
            orphaned: false,
            ended: closed,
        }),
        changed: Condvar::new(),
        task: Arc::clone(task),
        interval: config.interval.unwrap_or(FOREVER).min(FOREVER),
        timeout: config.timeout.min(FOREVER),
    })
}

fn deadline(timeout: Duration) -> Instant {
    Instant::now() + timeout.min(FOREVER)
}

/// One run on this thread, after any that is under way; `false` when it fails, or `deadline` passed before it could start.
fn run_here(shared: &Shared, deadline: Instant) -> bool {
    let Some(mut state) = shared.wait_until(deadline, |state| state.running.is_none()) else { return false };
    state.running = Some(thread::current().id());
    let serving = state.asked;
    drop(state);
    shared.run(serving, deadline.saturating_duration_since(Instant::now()))
}

fn work(shared: &Arc<Shared>) {
    let _leaving = Leaving(shared);
    let mut due = Instant::now() + shared.interval;
    loop {
        let mut state = shared.state();
        loop {
            let left = due.saturating_duration_since(Instant::now());
            let wanted = state.closed || state.asked > state.done || left.is_zero();
            // Somebody else may still be at it who came before this thread was started.
            if wanted && state.running.is_none() {
                break;
            }
            let left = if wanted { FOREVER } else { left };
            state = shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        if state.closed && state.abandoned {
            return;
        }
        let now = Instant::now();
        let last = state.closed;
        let timeout = match state.deadline.take() {
            // Who asked may have stopped waiting; what was asked for is done all the same, with the usual time.
            Some(deadline) if deadline > now => deadline.duration_since(now),
            _ => shared.timeout,
        };
        let at_its_time = now >= due;
        let serving = state.asked;
        state.running = Some(thread::current().id());
        drop(state);
        shared.run(serving, timeout);
        if last {
            return;
        }
        if at_its_time {
            due = Instant::now() + shared.interval;
        }
    }
}

/// However the thread ends, nobody waits for it any more; where nobody is left who could, it ends the task.
struct Leaving<'a>(&'a Arc<Shared>);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.served = false;
        state.running = None;
        let orphaned = state.orphaned;
        drop(state);
        self.0.changed.notify_all();
        if orphaned {
            self.0.end_task(self.0.timeout);
        }
    }
}

/// Runs foreign code; a panic in it becomes one line and `None`.
fn guarded<R>(doing: &str, work: impl FnOnce() -> R) -> Option<R> {
    let tell = |panic: &(dyn Any + Send)| {
        let line = format!("Exception while {doing} a periodic metric reader: panic: {}", panic_text(panic));
        diagnostics::log(Level::Error, TARGET, &line);
    };
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| tell(&*panic)).ok()
}
