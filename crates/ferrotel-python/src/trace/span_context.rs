//! `opentelemetry.trace.SpanContext`.

use std::sync::atomic::{AtomicPtr, Ordering};

use ferrotel::api::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyTuple};
use pyo3::{IntoPyObjectExt, ffi, intern};

use crate::trace_state::PyTraceState;
use crate::types::TRACE_FLAGS;

/// The state of a span that is propagated to child spans and across process boundaries. Immutable.
///
/// Args:
///     trace_id: The id of the trace, 128 bits.
///     span_id: The id of the span, 64 bits.
///     is_remote: Whether it came from another process.
///     trace_flags: W3C trace flags; default: none set.
///     trace_state: Vendors' entries; default: none.
///
/// Specification: trace API, SpanContext. It unpacks and compares like the tuple
/// (trace_id, span_id, is_remote, trace_flags, trace_state, is_valid).
#[pyclass(name = "SpanContext", module = "opentelemetry.trace.span", frozen, subclass, weakref)]
pub struct PySpanContext {
    /// The engine's.
    pub inner: SpanContext,
    /// Ids as they were given, where the engine has no room for them; such a context is never valid.
    foreign: Option<Box<(Py<PyAny>, Py<PyAny>)>>,
}

impl From<SpanContext> for PySpanContext {
    fn from(inner: SpanContext) -> Self {
        PySpanContext { inner, foreign: None }
    }
}

#[pymethods]
impl PySpanContext {
    #[new]
    #[pyo3(signature = (trace_id, span_id, is_remote, trace_flags=None, trace_state=None))]
    fn new(
        trace_id: &Bound<'_, PyAny>,
        span_id: &Bound<'_, PyAny>,
        is_remote: &Bound<'_, PyAny>,
        trace_flags: Option<&Bound<'_, PyAny>>,
        trace_state: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let ids = (trace_id.extract::<u128>(), span_id.extract::<u64>());
        let (trace, span, foreign) = match ids {
            (Ok(trace), Ok(span)) => (trace, span, None),
            _ => (0, 0, Some(Box::new((trace_id.clone().unbind(), span_id.clone().unbind())))),
        };
        let inner = SpanContext {
            trace_id: TraceId(trace),
            span_id: SpanId(span),
            trace_flags: TraceFlags(flags_from_py(trace_flags)),
            is_remote: is_remote.is_truthy()?,
            trace_state: trace_state_from_py(trace_state)?,
        };
        Ok(PySpanContext { inner, foreign })
    }

    /// The id of the trace, an integer of 128 bits.
    #[getter]
    pub fn trace_id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match &self.foreign {
            Some(ids) => Ok(ids.0.bind(py).clone()),
            None => self.inner.trace_id.0.into_bound_py_any(py),
        }
    }

    /// The id of the span, an integer of 64 bits.
    #[getter]
    pub fn span_id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match &self.foreign {
            Some(ids) => Ok(ids.1.bind(py).clone()),
            None => self.inner.span_id.0.into_bound_py_any(py),
        }
    }

    /// Whether the context came from another process.
    #[getter]
    const fn is_remote(&self) -> bool {
        self.inner.is_remote
    }

    /// W3C trace flags.
    #[getter]
    fn trace_flags<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        flags_to_py(py, self.inner.trace_flags.0)
    }

    /// Vendors' entries.
    #[getter]
    fn trace_state(&self, py: Python<'_>) -> PyResult<Py<PyTraceState>> {
        Py::new(py, PyTraceState(self.inner.trace_state.clone()))
    }

    /// Whether both ids are within their range and not zero.
    #[getter]
    const fn is_valid(&self) -> bool {
        self.inner.is_valid()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.as_tuple(py)?.try_iter()?.into_any())
    }

    #[expect(clippy::unused_self, reason = "the protocol's signature")]
    const fn __len__(&self) -> usize {
        6
    }

    fn __getitem__<'py>(&self, py: Python<'py>, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.as_tuple(py)?.into_any().get_item(index)
    }

    /// How often a value is a member of the tuple.
    fn count(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<usize> {
        self.as_tuple(py)?.as_sequence().count(value)
    }

    /// Where a value stands first in the tuple; ValueError where it does not.
    #[pyo3(signature = (value, start=0, stop=isize::MAX, /))]
    fn index<'py>(
        &self,
        py: Python<'py>,
        value: &Bound<'py, PyAny>,
        start: isize,
        stop: isize,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.as_tuple(py)?.call_method1(intern!(py, "index"), (value, start, stop))
    }

    fn __eq__<'py>(&self, py: Python<'py>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if let Ok(other) = other.cast::<PySpanContext>() {
            let other = other.get();
            if self.foreign.is_none() && other.foreign.is_none() {
                return (self.inner == other.inner).into_bound_py_any(py);
            }
            return self.as_tuple(py)?.eq(other.as_tuple(py)?)?.into_bound_py_any(py);
        }
        if other.is_instance_of::<PyTuple>() {
            return self.as_tuple(py)?.eq(other)?.into_bound_py_any(py);
        }
        Ok(py.NotImplemented().into_bound(py))
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        let tuple = (self.trace_id(py)?, self.span_id(py)?, self.is_remote(), self.trace_flags(py)?, self.is_valid());
        tuple.into_pyobject(py)?.hash()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let hex = |id: Bound<'_, PyAny>, digits: usize| -> PyResult<String> {
            if id.is_instance_of::<PyInt>() {
                return id.call_method1("__format__", (format!("0{digits}x"),))?.extract();
            }
            Ok(id.repr()?.to_string())
        };
        Ok(format!(
            "SpanContext(trace_id=0x{}, span_id=0x{}, trace_flags=0x{:02x}, trace_state={}, is_remote={})",
            hex(self.trace_id(py)?, 32)?,
            hex(self.span_id(py)?, 16)?,
            self.inner.trace_flags.0,
            self.trace_state(py)?.bind(py).repr()?,
            if self.inner.is_remote { "True" } else { "False" },
        ))
    }

    fn __getnewargs__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        (self.trace_id(py)?, self.span_id(py)?, self.is_remote(), self.trace_flags(py)?, self.trace_state(py)?)
            .into_pyobject(py)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        (slf.get_type(), slf.get().__getnewargs__(slf.py())?).into_pyobject(slf.py())
    }

    fn __setattr__(&self, py: Python<'_>, _name: &Bound<'_, PyAny>, _value: &Bound<'_, PyAny>) {
        ignored(py, "Immutable type, ignoring call to set attribute");
    }

    fn __delattr__(&self, py: Python<'_>, _name: &Bound<'_, PyAny>) {
        ignored(py, "Immutable type, ignoring call to delete attribute");
    }
}

impl PySpanContext {
    fn as_tuple<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        (
            self.trace_id(py)?,
            self.span_id(py)?,
            self.is_remote(),
            self.trace_flags(py)?,
            self.trace_state(py)?,
            self.is_valid(),
        )
            .into_pyobject(py)
    }
}

fn ignored(py: Python<'_>, message: &str) {
    let logger = crate::types::GET_LOGGER.get(py).and_then(|get| get.call1(("opentelemetry.trace.span",)));
    let _ = logger.and_then(|logger| logger.call_method1("debug", (message,)));
}

fn flags_from_py(flags: Option<&Bound<'_, PyAny>>) -> u8 {
    flags.and_then(|flags| flags.extract::<i64>().ok()).map_or(0, |flags| flags as u8)
}

/// A `TraceFlags`; the four that the specification knows are made once.
pub fn flags_to_py(py: Python<'_>, flags: u8) -> PyResult<Bound<'_, PyAny>> {
    static KNOWN: [AtomicPtr<ffi::PyObject>; 4] = [const { AtomicPtr::new(std::ptr::null_mut()) }; 4];
    let Some(known) = KNOWN.get(usize::from(flags)) else {
        return TRACE_FLAGS.get(py)?.call1((flags,));
    };
    let made = known.load(Ordering::Relaxed);
    if made.is_null() {
        let made = TRACE_FLAGS.get(py)?.call1((flags,))?;
        known.store(made.clone().into_ptr(), Ordering::Relaxed);
        return Ok(made);
    }
    // SAFETY: a reference that is never given back.
    Ok(unsafe { Bound::from_borrowed_ptr(py, made) })
}

/// Any mapping of strings will do. Pairs that no header can carry are left out, with a warning: a line break in one would
/// begin another header.
pub fn trace_state_from_py(state: Option<&Bound<'_, PyAny>>) -> PyResult<TraceState> {
    let Some(state) = state else { return Ok(TraceState::EMPTY) };
    if let Ok(state) = state.cast::<PyTraceState>() {
        return Ok(state.get().0.clone());
    }
    if let Ok(header) = state.cast::<pyo3::types::PyString>() {
        return Ok(TraceState::from_header(&crate::convert::text_from_py_lossy(header)).unwrap_or_default());
    }
    let mut entries = Vec::new();
    for pair in state.call_method0(intern!(state.py(), "items"))?.try_iter()? {
        let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair?.extract()?;
        let pair = (crate::convert::text_from_py(&key), crate::convert::text_from_py(&value));
        if TraceState::is_valid_key(&pair.0)
            && TraceState::is_valid_value(&pair.1)
            && entries.len() < TraceState::MAX_MEMBERS
        {
            entries.push(pair);
        } else {
            crate::trace_state::invalid_pair(state.py(), &key, &value);
        }
    }
    Ok(TraceState::from_valid_entries(entries))
}

/// The engine's span context for ours, or for an object with the same attributes.
///
/// # Errors
/// ValueError for an object that has them not.
pub fn from_py(object: &Bound<'_, PyAny>) -> PyResult<SpanContext> {
    if let Ok(context) = object.cast::<PySpanContext>() {
        return Ok(context.get().inner.clone());
    }
    let py = object.py();
    let id = |name: &str| object.getattr(name);
    Ok(SpanContext {
        trace_id: TraceId(id("trace_id")?.extract().map_err(|_| PyValueError::new_err("trace_id is no 128-bit id"))?),
        span_id: SpanId(id("span_id")?.extract().map_err(|_| PyValueError::new_err("span_id is no 64-bit id"))?),
        trace_flags: TraceFlags(flags_from_py(object.getattr(intern!(py, "trace_flags")).ok().as_ref())),
        is_remote: object.getattr(intern!(py, "is_remote")).and_then(|v| v.is_truthy()).unwrap_or_default(),
        trace_state: trace_state_from_py(
            object.getattr(intern!(py, "trace_state")).ok().filter(|s| !s.is_none()).as_ref(),
        )
        .unwrap_or_default(),
    })
}

/// The Python object for a span context.
///
/// # Errors
/// Out of memory.
#[inline]
pub fn to_py(py: Python<'_>, context: SpanContext) -> PyResult<Py<PyAny>> {
    Ok(Py::new(py, PySpanContext::from(context))?.into_any())
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PySpanContext>()
}
