//! The Python binding: this file is the module tree, and nothing else.

use pyo3::exceptions::PyImportError;
use pyo3::ffi;
use pyo3::prelude::*;

mod attached;
mod baggage;
mod configuration;
mod context;
mod convert;
mod diagnostics;
mod environ;
mod error;
mod exit;
mod export;
mod free_list;
mod greenlets;
mod hooks;
mod http;
mod late_threads;
mod logs;
mod metrics;
mod propagation;
mod raw;
mod trace;
mod trace_state;
mod types;
mod view;

// What is kept between calls (`free_list.rs` and others) counts on the GIL; PyO3 would declare that it does not.
#[pymodule(gil_used = true)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    refuse_subinterpreter()?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    diagnostics::install(module)?;
    raw::register(module)?;
    context::register(module)?;
    trace::register(module)?;
    trace_state::register(module)?;
    baggage::register(module)?;
    propagation::register(module)?;
    http::register(module)?;
    logs::register(module)?;
    export::register(module)?;
    exit::register(module)?;
    metrics::register(module)?;
    view::register(module)?;
    configuration::register(module)?;
    // PyO3 lists every name there; the stub says what there is, and nobody imports this module with a star.
    module.delattr("__all__")
}

/// What the module keeps for the life of the process belongs to one interpreter.
fn refuse_subinterpreter() -> PyResult<()> {
    // SAFETY: attached; both only return pointers.
    if unsafe { current_interpreter() != ffi::PyInterpreterState_Main() } {
        return Err(PyImportError::new_err(
            "ferrotel does not support sub-interpreters: its native module runs in the main interpreter only",
        ));
    }
    Ok(())
}

#[cfg(Py_3_9)]
use ffi::PyInterpreterState_Get as current_interpreter;

#[cfg(not(Py_3_9))]
unsafe extern "C" {
    #[link_name = "_PyInterpreterState_Get"]
    fn current_interpreter() -> *mut ffi::PyInterpreterState;
}
