//! Programs whose threads are greenlets (gevent, eventlet): what blocks the thread blocks all of them.

use std::sync::mpsc::{TryRecvError, channel};

use ferrotel::sdk::batch::without_signals;
use pyo3::intern;
use pyo3::prelude::*;

/// How long the others may run at a time, in seconds.
const PAUSE: f64 = 0.002;

/// The program's `time.sleep`, where it lets other greenlets run.
pub struct Sleep<'py>(Option<Bound<'py, PyAny>>);

impl<'py> Sleep<'py> {
    /// As the program has it now: it may be replaced at any time, mostly early.
    pub fn new(py: Python<'py>) -> Self {
        let sleep = py.import(intern!(py, "time")).and_then(|time| time.getattr(intern!(py, "sleep")));
        Sleep(sleep.ok().filter(|sleep| {
            let home = sleep.getattr(intern!(py, "__module__")).and_then(|home| home.extract::<String>());
            home.is_ok_and(|home| home.starts_with("gevent.") || home.starts_with("eventlet."))
        }))
    }

    /// Whether waiting lets other greenlets run.
    pub fn is_cooperative(&self) -> bool {
        self.0.is_some()
    }

    /// Lets them run for a moment. Where that is not possible, as in the greenlet that switches between all others, there
    /// is no waiting with consideration any more.
    ///
    /// # Errors
    /// What is raised in this greenlet to end its waiting: a `gevent.Timeout`, a `GreenletExit`.
    pub fn pause(&mut self) -> PyResult<()> {
        let Some(sleep) = &self.0 else { return Ok(()) };
        match sleep.call1((PAUSE,)) {
            Err(error) if error.is_instance_of::<pyo3::exceptions::PyException>(sleep.py()) => {
                self.0 = None;
                Ok(())
            }
            slept => slept.map(drop),
        }
    }
}

/// Does what blocks, without the interpreter; on a thread of its own where other greenlets would stand still meanwhile.
///
/// # Errors
/// As [`Sleep::pause`]; the work goes on then, and nobody waits for it.
pub fn wait<T: Send + 'static>(py: Python<'_>, work: impl FnOnce() -> T + Send + 'static) -> PyResult<T> {
    let mut sleep = Sleep::new(py);
    if !sleep.is_cooperative() {
        return Ok(py.detach(work));
    }
    let (done, outcome) = channel();
    let work = move || drop(done.send(work()));
    let builder = std::thread::Builder::new().name("ferrotel-export".to_owned());
    without_signals(|| builder.spawn(work))?;
    loop {
        match outcome.try_recv() {
            Ok(outcome) => return Ok(outcome),
            Err(TryRecvError::Disconnected) => {
                return Err(pyo3::exceptions::PyRuntimeError::new_err("the export ended without an outcome"));
            }
            Err(TryRecvError::Empty) if sleep.is_cooperative() => sleep.pause()?,
            Err(TryRecvError::Empty) => {
                let outcome = py.detach(move || outcome.recv());
                return outcome.map_err(|error| pyo3::exceptions::PyRuntimeError::new_err(error.to_string()));
            }
        }
    }
}
