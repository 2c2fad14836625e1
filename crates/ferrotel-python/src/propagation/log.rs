//! Warnings of the propagators: the message and its arguments go to `logging` apart, so that filters on the message
//! find it.

use pyo3::call::PyCallArgs;
use pyo3::intern;
use pyo3::prelude::*;

pub use ferrotel::common::diagnostics::shorten;

use crate::types::GET_LOGGER;

/// Logs a warning; `arguments` are the message and what it is formatted with. What logging itself raises is dropped.
#[cold]
pub fn warn<'py>(py: Python<'py>, logger: &str, arguments: impl PyCallArgs<'py>) {
    let logged = GET_LOGGER
        .get(py)
        .and_then(|get| get.call1((logger,)))
        .and_then(|logger| logger.call_method1(intern!(py, "warning"), arguments));
    crate::error::or_put_off(py, logged);
}
