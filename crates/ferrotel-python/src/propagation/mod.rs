//! `opentelemetry.propagate` and `opentelemetry.propagators`: the parts that run for every request.

mod b3;
mod carrier;
mod composite;
mod jaeger;
mod known;
pub mod log;
mod propagate;
mod trace_context;

use pyo3::prelude::*;

pub use carrier::{Getter, read, read_plain};
pub use known::{has_attributes, version_of};

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    known::register(module)?;
    carrier::register(module)?;
    trace_context::register(module)?;
    composite::register(module)?;
    propagate::register(module)?;
    b3::register(module)?;
    jaeger::register(module)
}
