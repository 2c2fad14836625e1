//! What instrumentations of HTTP servers do for every request. They get it through `opentelemetry.util._http_server`,
//! which belongs to the API, and can do the same in Python.
//!
//! Nothing here runs Python code: what is out of the ordinary is answered with `None`, and left to the Python side.

mod environ;
mod getters;
mod pick;

pub use self::getters::Spelling;

use pyo3::prelude::*;

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    environ::register(module)?;
    getters::register(module)?;
    pick::register(module)
}
