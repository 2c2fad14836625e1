//! `opentelemetry.trace.TraceState`.

use ferrotel::api::trace::{TraceState, TraceStateError};
use ferrotel::common::Text;
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList, PyString, PyTuple, PyType};
use pyo3::{IntoPyObjectExt, intern};

use crate::propagation::log::{shorten, warn};
use crate::types::MAPPING;

const LOGGER: &str = "opentelemetry.trace.span";

/// Vendors' entries of a trace: an immutable mapping of strings, the newest entry first.
///
/// Args:
///     entries: Pairs of key and value. Malformed and repeated ones are left out with a warning; more than 32 are
///         all left out.
///
/// Keys and values follow W3C Trace Context level 2, section 3.3.1.
#[pyclass(name = "TraceState", module = "opentelemetry.trace.span", frozen, subclass, mapping)]
pub struct PyTraceState(pub TraceState);

#[pymethods]
impl PyTraceState {
    #[new]
    #[pyo3(signature = (entries=None))]
    fn new(py: Python<'_>, entries: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let Some(entries) = entries else { return Ok(PyTraceState(TraceState::EMPTY)) };
        if entries.len()? > TraceState::MAX_MEMBERS {
            warn(py, LOGGER, ("There can't be more than %s key/value pairs.", TraceState::MAX_MEMBERS));
            return Ok(PyTraceState(TraceState::EMPTY));
        }
        let mut valid: Vec<(Text, Text)> = Vec::new();
        for pair in entries.try_iter()? {
            let pair = pair?;
            let Ok((key, value)) = pair.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>() else {
                warn(py, LOGGER, ("Invalid key/value pair %r found.", &pair));
                continue;
            };
            match text_pair(&key, &value) {
                None => invalid_pair(py, &key, &value),
                Some((key, _)) if valid.iter().any(|(known, _)| *known == key) => {
                    warn(py, LOGGER, ("Duplicate key: %s found.", key.as_str()));
                }
                Some(pair) => valid.push(pair),
            }
        }
        Ok(PyTraceState(TraceState::from_valid_entries(valid)))
    }

    fn __contains__(&self, item: &Bound<'_, PyAny>) -> bool {
        self.value(item).is_some()
    }

    fn __getitem__(&self, key: &Bound<'_, PyAny>) -> PyResult<&str> {
        self.value(key).ok_or_else(|| PyKeyError::new_err(key.clone().unbind()))
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.as_dict(py)?.try_iter()
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __repr__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        PyList::new(py, self.0.entries().iter().map(|(key, value)| format!("{{key={key}, value={value}}}")))?.repr()
    }

    /// Equal to a mapping with the same entries. A span context may have been made with the header's text in place of
    /// a trace state, and is then still equal to it.
    fn __eq__<'py>(&self, py: Python<'py>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if let Ok(header) = other.cast::<PyString>() {
            return (self.0.to_header() == header.to_string_lossy()).into_bound_py_any(py);
        }
        if !other.is_instance(&*MAPPING.get(py)?)? {
            return Ok(py.NotImplemented().into_bound(py));
        }
        let other = PyDict::from_sequence(other.call_method0(intern!(py, "items"))?.try_iter()?.as_any())?;
        self.as_dict(py)?.eq(other)?.into_bound_py_any(py)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let entries: Vec<(&str, &str)> = slf.get().0.entries().iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        (slf.get_type(), (entries,)).into_pyobject(py)
    }

    /// The value of a key, or the default.
    #[pyo3(signature = (key, default=None))]
    fn get<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.value(key) {
            Some(value) => value.into_bound_py_any(key.py()).map(Some),
            None => Ok(default),
        }
    }

    /// A view of the keys.
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.as_dict(py)?.call_method0(intern!(py, "keys"))
    }

    /// A view of the pairs of key and value.
    fn items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.as_dict(py)?.call_method0(intern!(py, "items"))
    }

    /// A view of the values.
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.as_dict(py)?.call_method0(intern!(py, "values"))
    }

    /// A trace state with a new entry in front.
    ///
    /// Returns:
    ///     This trace state, with a warning, where the pair is malformed, the key exists or 32 entries are there.
    fn add<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, Self>> {
        Self::change(slf, key, Some(value), |state, key, value| state.add(key, value))
    }

    /// A trace state with the entry in front, whether the key existed or not.
    ///
    /// Returns:
    ///     This trace state, with a warning, where the pair is malformed or a new key would be one too many.
    fn update<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, Self>> {
        Self::change(slf, key, Some(value), |state, key, value| state.update(key, value))
    }

    /// A trace state without the entry of a key.
    ///
    /// Returns:
    ///     This trace state, with a warning, where there is no such entry.
    fn delete<'py>(slf: &Bound<'py, Self>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        Self::change(slf, key, None, |state, key, _| state.delete(key))
    }

    /// The text of the `tracestate` header.
    fn to_header(&self) -> String {
        self.0.to_header()
    }

    /// Reads the values of one or more `tracestate` headers.
    ///
    /// Returns:
    ///     What they hold together; nothing, with a warning, where a member is malformed or there are more than 32.
    #[classmethod]
    fn from_header<'py>(cls: &Bound<'py, PyType>, header_list: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = cls.py();
        let headers = match header_list.cast::<PyString>() {
            Ok(header) => vec![header_text(header.as_any())],
            Err(_) => header_list.try_iter()?.map(|header| header.map(|h| header_text(&h))).collect::<PyResult<_>>()?,
        };
        let state = parse(py, headers.iter().map(String::as_str));
        if cls.is(py.get_type::<PyTraceState>()) {
            return Bound::new(py, PyTraceState(state)).map(Bound::into_any);
        }
        let entries: Vec<(&str, &str)> = state.entries().iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        cls.call1((entries,))
    }

    /// A trace state without entries.
    #[classmethod]
    fn get_default<'py>(cls: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyAny>> {
        cls.call0()
    }
}

impl PyTraceState {
    fn value(&self, key: &Bound<'_, PyAny>) -> Option<&str> {
        self.0.get(key.cast::<PyString>().ok()?.to_str().ok()?)
    }

    fn as_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (key, value) in self.0.entries() {
            dict.set_item(key.as_str(), value.as_str())?;
        }
        Ok(dict)
    }

    fn change<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        value: Option<&Bound<'py, PyAny>>,
        make: impl Fn(&TraceState, &str, &str) -> Result<TraceState, TraceStateError>,
    ) -> PyResult<Bound<'py, Self>> {
        let py = slf.py();
        let text = |object: &Bound<'py, PyAny>| -> Option<String> {
            Some(object.cast::<PyString>().ok()?.to_str().ok()?.to_owned())
        };
        let changed = match (text(key), value.map(text)) {
            (Some(key), None) => make(&slf.get().0, &key, ""),
            (Some(key), Some(Some(value))) => make(&slf.get().0, &key, &value),
            (None, None) => Err(TraceStateError::KeyMissing),
            _ => Err(TraceStateError::InvalidPair),
        };
        match changed {
            Ok(state) => return Bound::new(py, PyTraceState(state)),
            Err(TraceStateError::KeyMissing) => warn(py, LOGGER, ("The provided key %s doesn't exist.", key)),
            Err(TraceStateError::KeyExists) => warn(py, LOGGER, ("The provided key %s already exists.", key)),
            Err(TraceStateError::TooManyMembers) => warn(py, LOGGER, ("There can't be more 32 key/value pairs.",)),
            Err(_) => invalid_pair(py, key, &value.map_or_else(|| py.None().into_bound(py), Clone::clone)),
        }
        Ok(slf.clone())
    }
}

/// Reads headers; what has to be discarded is reported on the logger that users know.
pub fn parse<'a>(py: Python<'_>, headers: impl IntoIterator<Item = &'a str>) -> TraceState {
    TraceState::from_headers(headers).unwrap_or_else(|problem| {
        discarded(py, &problem);
        TraceState::EMPTY
    })
}

/// Reports why a header was discarded.
pub fn discarded(py: Python<'_>, problem: &TraceStateError) {
    match problem {
        TraceStateError::InvalidMember(member) => {
            warn(py, LOGGER, ("Member doesn't match the w3c identifiers format %s", shorten(member)));
        }
        _ => warn(py, LOGGER, ("There can't be more than %s key/value pairs.", TraceState::MAX_MEMBERS)),
    }
}

/// Reports a pair that was left out.
pub fn invalid_pair(py: Python<'_>, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) {
    warn(py, LOGGER, ("Invalid key/value pair (%s, %s) found.", key, value));
}

fn text_pair(key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> Option<(Text, Text)> {
    let key = key.cast::<PyString>().ok()?.to_str().ok()?;
    let value = value.cast::<PyString>().ok()?.to_str().ok()?;
    (TraceState::is_valid_key(key) && TraceState::is_valid_value(value)).then(|| (key.into(), value.into()))
}

/// A header's text. What is no text, and lone surrogates, become characters that no valid header has.
fn header_text(header: &Bound<'_, PyAny>) -> String {
    match header.cast::<PyString>() {
        Ok(text) => text.to_string_lossy().into_owned(),
        Err(_) => char::REPLACEMENT_CHARACTER.to_string(),
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyTraceState>()
}
