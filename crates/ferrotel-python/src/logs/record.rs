//! `opentelemetry._logs.LogRecord`: `LogRecordBase` is its initialiser. The fields are ordinary attributes.

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};

use ferrotel::common::clock::now_unix_nanos;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::{IntoPyObjectExt, ffi, intern};

use crate::raw::{self, Parameters, Raw, Spec, guard};
use crate::trace::flags_to_py;
use crate::types::TIME_NS;

/// The fields, in the order in which a record gets them.
static FIELDS: Parameters<COUNT> = Parameters::new([
    "context",
    "timestamp",
    "observed_timestamp",
    "trace_id",
    "span_id",
    "trace_flags",
    "severity_text",
    "severity_number",
    "body",
    "attributes",
    "event_name",
    "exception",
]);
const COUNT: usize = 12;
const CONTEXT: usize = 0;
const OBSERVED: usize = 2;
/// Trace id, span id and flags.
const SPAN: [usize; 3] = [3, 4, 5];

type Fields<'py> = [Option<Bound<'py, PyAny>>; COUNT];

unsafe extern "C" fn init(this: Raw, args: Raw, kwargs: Raw) -> c_int {
    // SAFETY: called by the interpreter on an instance, with a tuple, and a dict or null.
    unsafe {
        let done = guard(|py| {
            let mut fields = given_fields(py, args, kwargs)?;
            complete(py, &mut fields)?;
            for (name, field) in FIELDS.interned(py).iter().zip(&fields) {
                let field = field.as_ref().map_or_else(|| ffi::Py_None(), Bound::as_ptr);
                if ffi::PyObject_SetAttr(this, name.load(Ordering::Relaxed), field) != 0 {
                    return Err(PyErr::fetch(py));
                }
            }
            Ok(raw::none(py))
        });
        if done.is_null() {
            return -1;
        }
        ffi::Py_DECREF(done);
        0
    }
}

/// # Safety
/// A tuple, and a dict or null.
unsafe fn given_fields(py: Python<'_>, args: Raw, kwargs: Raw) -> PyResult<Fields<'_>> {
    let mut fields = [const { None }; COUNT];
    // SAFETY: the caller's promise; what `PyDict_Next` lends is shared at once.
    unsafe {
        let count = ffi::PyTuple_GET_SIZE(args);
        if count > 0 {
            let message = format!("LogRecord.__init__() takes 1 positional argument but {} were given", count + 1);
            return Err(PyTypeError::new_err(message));
        }
        if kwargs.is_null() {
            return Ok(fields);
        }
        let (mut place, mut name, mut value): (_, Raw, Raw) = (0, std::ptr::null_mut(), std::ptr::null_mut());
        while ffi::PyDict_Next(kwargs, &raw mut place, &raw mut name, &raw mut value) != 0 {
            if ffi::PyUnicode_Check(name) == 0 {
                return Err(PyTypeError::new_err("keywords must be strings"));
            }
            let Some(at) = FIELDS.position(py, name)? else {
                return Err(raw::unexpected("LogRecord.__init__", name));
            };
            if value != ffi::Py_None() {
                fields[at] = Some(Bound::from_borrowed_ptr(py, value));
            }
        }
    }
    Ok(fields)
}

/// Fills in what follows from the rest: when the record was made, and the span that it belongs to.
fn complete<'py>(py: Python<'py>, fields: &mut Fields<'py>) -> PyResult<()> {
    let is_true = |field: &Option<Bound<'py, PyAny>>| field.as_ref().map_or(Ok(false), |field| field.is_truthy());
    let context = match &fields[CONTEXT] {
        Some(context) if context.is_truthy()? => context.clone(),
        _ => crate::context::current(py)?,
    };
    let span = match crate::trace::span_fields(py, &context)? {
        Some(found) => found,
        None => [0u8.into_bound_py_any(py)?, 0u8.into_bound_py_any(py)?, flags_to_py(py, 0)?],
    };
    fields[CONTEXT] = Some(context);
    if fields[OBSERVED].is_none() {
        fields[OBSERVED] = Some(now(py)?);
    }
    for (place, value) in SPAN.into_iter().zip(span) {
        if !is_true(&fields[place])? {
            fields[place] = Some(value);
        }
    }
    Ok(())
}

/// The time, from the function that the module of `LogRecord` has for it: a test may have put another one there.
#[inline]
fn now(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static HOME: AtomicPtr<ffi::PyObject> = AtomicPtr::new(std::ptr::null_mut());
    if HOME.load(Ordering::Relaxed).is_null() {
        let home = py.import("opentelemetry._logs._internal")?.dict();
        HOME.store(home.into_ptr(), Ordering::Relaxed);
    }
    // SAFETY: a dict that is never given back; what it lends is shared at once.
    let clock = unsafe {
        let clock = ffi::PyDict_GetItemWithError(HOME.load(Ordering::Relaxed), intern!(py, "time_ns").as_ptr());
        Bound::from_borrowed_ptr_or_opt(py, clock)
    };
    match clock {
        Some(clock) if !clock.is(&*TIME_NS.get(py)?) => clock.call0(),
        _ => now_unix_nanos().into_bound_py_any(py),
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let kind = Spec {
        name: c"ferrotel._native.LogRecordBase",
        size: size_of::<ffi::PyObject>(),
        flags: ffi::Py_TPFLAGS_BASETYPE,
        methods: Vec::new(),
        attributes: Vec::new(),
        dict_and_weaklist: None,
        slots: vec![(ffi::Py_tp_init, init as *mut c_void)],
        doc: c"LogRecordBase(*, timestamp=None, observed_timestamp=None, context=None, trace_id=None, span_id=None, trace_flags=None, severity_text=None, severity_number=None, body=None, attributes=None, event_name=None, exception=None)\n--\n\nWhat LogRecord stands on.",
    }
    .make(module.py(), None)?;
    module.add("LogRecordBase", kind)
}
