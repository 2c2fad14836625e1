//! The environment as Python sees it.

use ferrotel::config::EnvSource;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// Reads `os.environ`, which may differ from the process's environment: a program, or a test, may have replaced the
/// mapping, and the C library's copy must not be read while Python changes it.
pub struct PyEnviron<'py>(Option<Bound<'py, PyAny>>);

impl<'py> PyEnviron<'py> {
    /// `os.environ` as it is now.
    pub fn new(py: Python<'py>) -> Self {
        let environ = py.import(intern!(py, "os")).and_then(|os| os.getattr(intern!(py, "environ")));
        PyEnviron(environ.ok())
    }
}

impl EnvSource for PyEnviron<'_> {
    /// A mapping that raises, or holds what is no string, has no such variable.
    fn var(&self, name: &str) -> Option<String> {
        let environ = self.0.as_ref()?;
        let value = environ.call_method1(intern!(environ.py(), "get"), (name,)).ok()?;
        // Bytes that are no UTF-8 stand in the string as lone surrogates.
        Some(value.cast::<PyString>().ok()?.to_string_lossy().into_owned())
    }
}
