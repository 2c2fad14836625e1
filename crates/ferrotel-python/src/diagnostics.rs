//! The engine's log lines reach Python's `logging`, without the engine's threads ever taking the GIL.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use ferrotel::common::diagnostics::{Level, Sink, set_sink};
use ferrotel::sdk::batch::PerProcess;
use pyo3::exceptions::PyException;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::error::{interruption, or_put_off};

type Lines = VecDeque<(Level, &'static str, String)>;

/// Lines that wait for a thread that holds the GIL; the oldest go when there are too many.
static WAITING: LazyLock<PerProcess<Mutex<Lines>>> = LazyLock::new(|| PerProcess::new(Mutex::default()));
static SCHEDULED: AtomicBool = AtomicBool::new(false);
/// The interpreter is going down: lines wait for nobody.
static CLOSED: AtomicBool = AtomicBool::new(false);
const MOST_WAITING: usize = 256;

thread_local! {
    static DELIVERING: Cell<bool> = const { Cell::new(false) };
}

fn waiting() -> MutexGuard<'static, Lines> {
    WAITING.get(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

struct Pending;

impl Sink for Pending {
    fn log(&self, level: Level, target: &'static str, message: &str) {
        {
            let mut waiting = waiting();
            if waiting.len() == MOST_WAITING {
                waiting.pop_front();
            }
            waiting.push_back((level, target, message.to_owned()));
        }
        // An interpreter that is gone takes no calls: adding one would crash.
        if !CLOSED.load(Ordering::Acquire) && !SCHEDULED.swap(true, Ordering::AcqRel) {
            // SAFETY: may be called from any thread, attached or not; the interpreter runs it on its main thread.
            if unsafe { ffi::Py_AddPendingCall(Some(run), std::ptr::null_mut()) } != 0 {
                SCHEDULED.store(false, Ordering::Release);
            }
        }
    }
}

extern "C" fn run(_: *mut std::ffi::c_void) -> std::ffi::c_int {
    // None while the interpreter goes down.
    let done = Python::try_attach(|py| {
        deliver(py);
        interruption().map(|error| error.restore(py))
    });
    if done.flatten().is_some() { -1 } else { 0 }
}

/// Logs what waits. Called by the interpreter, and by the calls that wait for the engine (flush, shutdown).
pub fn deliver(py: Python<'_>) {
    SCHEDULED.store(false, Ordering::Release);
    // Logging may run pending calls, this one among them: the next line would overtake the one that is being logged.
    if DELIVERING.replace(true) {
        return;
    }
    let _silence = crate::logs::Silence::new(py, "engine");
    // The lock is given back before Python runs: a handler may make telemetry.
    while let Some((level, target, message)) = next() {
        let method = match level {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        let logged = crate::types::GET_LOGGER
            .get(py)
            .and_then(|get| get.call1((target,)))
            .and_then(|logger| logger.call_method1(method, (message,)));
        match logged {
            Err(error) if error.is_instance_of::<PyException>(py) => error.write_unraisable(py, None),
            logged => drop(or_put_off(py, logged)),
        }
    }
    DELIVERING.set(false);
}

fn next() -> Option<(Level, &'static str, String)> {
    waiting().pop_front()
}

#[pyfunction]
fn close() {
    CLOSED.store(true, Ordering::Release);
}

/// Installs the sink, until the interpreter goes down.
///
/// # Errors
/// `atexit` cannot be imported.
pub fn install(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // Now, and not by a thread of the engine: a fork at that moment would leave it half made in the child.
    LazyLock::force(&WAITING);
    module.py().import("atexit")?.call_method1("register", (wrap_pyfunction!(close, module)?,))?;
    set_sink(Box::new(Pending));
    Ok(())
}
