//! Declarative configuration: the file's text as Python's dicts and lists. What it may hold is Python's to say.

use ferrotel::config::EnvSource;
use ferrotel_config::Value;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::environ::PyEnviron;

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(parse_configuration, module)?)?;
    module.add_function(wrap_pyfunction!(substitute_environment, module)?)
}

/// The YAML document, with `os.environ` filled in. ValueError says what is wrong, and where.
#[pyfunction]
fn parse_configuration<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    let environ = PyEnviron::new(py);
    let tree = ferrotel_config::parse(text, &|name| environ.var(name))
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    to_python(py, &tree)
}

/// One string with `os.environ` filled in. ValueError for a reference that names no variable.
#[pyfunction]
fn substitute_environment(py: Python<'_>, text: &str) -> PyResult<String> {
    let environ = PyEnviron::new(py);
    ferrotel_config::substitute(text, &|name| environ.var(name))
        .map_err(|error| PyValueError::new_err(error.to_string()))
}

/// The parser bounds the depth.
fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(value) => value.into_pyobject(py)?.to_owned().into_any(),
        Value::Int(value) => value.into_pyobject(py)?.into_any(),
        Value::Float(value) => value.into_pyobject(py)?.into_any(),
        Value::String(value) => value.into_pyobject(py)?.into_any(),
        Value::Sequence(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(to_python(py, item)?)?;
            }
            list.into_any()
        }
        Value::Mapping(entries) => {
            let dict = PyDict::new(py);
            for (key, value) in entries {
                dict.set_item(key, to_python(py, value)?)?;
            }
            dict.into_any()
        }
    })
}
