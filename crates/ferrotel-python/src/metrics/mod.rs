//! `opentelemetry.sdk.metrics`: instruments whose measurements go into the engine without Python.
//!
//! An instrument asks Python once where its measurements go (`_resolve`): into streams of the engine, or to Python code
//! because a part written in Python has a say, or nowhere. It asks again when [`generation`] has changed.

mod amount;
mod bound;
mod exemplar;
mod instrument;
mod points;
mod recorder;
mod series_cache;
mod storage;
mod stream;

use std::sync::atomic::{AtomicU32, Ordering};

use pyo3::prelude::*;

/// Counts the changes of readers and meter settings, of all providers together.
static GENERATION: AtomicU32 = AtomicU32::new(1);

/// What instruments compare to know whether they have to ask again. Never 0.
#[inline]
fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Has all instruments ask again where their measurements go.
#[pyfunction]
fn metrics_changed() {
    if GENERATION.fetch_add(1, Ordering::Relaxed) == u32::MAX {
        GENERATION.store(1, Ordering::Relaxed);
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(metrics_changed, module)?)?;
    stream::register(module)?;
    storage::register(module)?;
    instrument::register(module)?;
    bound::register(module)
}
