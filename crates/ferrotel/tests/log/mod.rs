//! The engine's own log lines, as a test sees them.

use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread::{self, ThreadId};

use ferrotel::common::diagnostics::{self, Level, Sink};

struct Line {
    thread: ThreadId,
    target: &'static str,
    text: String,
}

static LINES: Mutex<Vec<Line>> = Mutex::new(Vec::new());

struct Recorder;

impl Sink for Recorder {
    fn log(&self, _: Level, target: &'static str, message: &str) {
        lock().push(Line { thread: thread::current().id(), target, text: message.to_owned() });
    }
}

fn lock() -> MutexGuard<'static, Vec<Line>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records lines from now on: those that this thread's calls hand over, so that tests that run beside this one don't
/// disturb it, or those of the whole process since its start, for what is only said once in it.
pub fn capture(whole_process: bool) -> Lines {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| assert!(diagnostics::set_sink(Box::new(Recorder)), "another sink is installed"));
    let thread = (!whole_process).then(|| thread::current().id());
    Lines { thread, start: if whole_process { 0 } else { lock().len() } }
}

/// See [`capture`].
pub struct Lines {
    thread: Option<ThreadId>,
    start: usize,
}

impl Lines {
    /// The lines of one logger.
    pub fn of(&self, target: &str) -> Vec<String> {
        let of_mine = |line: &&Line| line.target == target && self.thread.is_none_or(|thread| line.thread == thread);
        lock()[self.start..].iter().filter(of_mine).map(|line| line.text.clone()).collect()
    }
}
