//! The end of the process: how long delivering may hold it up.

use std::sync::{LazyLock, OnceLock};
use std::time::{Duration, Instant};

use ferrotel::sdk::batch::{self, PerProcess};
use pyo3::prelude::*;

pub mod sigterm;

/// How long a regular exit may take where batches are being accepted, as long as a shutdown may.
const LONGEST: Duration = Duration::from_secs(30);
/// What an exit still grants an exporter that was interrupted: time to see it, not to be answered.
pub const GRACE: Duration = Duration::from_millis(100);

/// An exit that has begun.
#[derive(Clone, Copy)]
pub struct Exit {
    began: Instant,
    patience: Duration,
}

impl Exit {
    /// When to give up, for who had something accepted last at `accepted_at`.
    pub fn deadline(&self, accepted_at: Option<Instant>) -> Instant {
        let progress = accepted_at.map_or(self.began, |at| at.max(self.began));
        (progress + self.patience).min(self.began + LONGEST.max(self.patience))
    }
}

static EXIT: LazyLock<PerProcess<OnceLock<Exit>>> = LazyLock::new(|| PerProcess::new(OnceLock::new()));

/// This process's exit, where it has begun.
pub fn exit() -> Option<Exit> {
    EXIT.get(OnceLock::new).get().copied()
}

/// The interpreter, or a child of `multiprocessing`, is about to end: everything that is queued starts to be exported,
/// and shutting down gives up when nothing was accepted for `patience_seconds`.
#[pyfunction]
fn begin_exit(py: Python<'_>, patience_seconds: f64) {
    let patience = Duration::try_from_secs_f64(patience_seconds.max(0.0)).unwrap_or(LONGEST);
    EXIT.get(OnceLock::new).get_or_init(|| Exit { began: Instant::now(), patience });
    py.detach(batch::begin_delivery);
}

/// The seconds that the exit may still take where nothing is accepted; None where it has not begun.
#[pyfunction]
fn exit_time_left() -> Option<f64> {
    exit().map(|exit| exit.deadline(None).saturating_duration_since(Instant::now()).as_secs_f64())
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // Now, and not by a thread that a fork could interrupt.
    LazyLock::force(&EXIT);
    module.add_function(wrap_pyfunction!(begin_exit, module)?)?;
    module.add_function(wrap_pyfunction!(exit_time_left, module)?)?;
    sigterm::register(module)
}
