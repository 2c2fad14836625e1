//! `opentelemetry.context`: the immutable context, and which one is current.

mod object;
mod path;
mod runtime;
mod tree;
pub mod variable;

use std::sync::atomic::Ordering;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use pyo3::{ffi, intern};

use self::object::{
    CONTEXT_TYPE, FREE, KEY, Lazy, Make, fill, is_context, lazy, make_context_type, new_instance, own_value,
};
use self::runtime::{EMPTY, RuntimeContextBase, enter, leave, set_runtime_context};
use crate::raw::{self, Raw, guard};
use crate::types::{NON_RECORDING_SPAN, SDK_SPAN, SPAN};

pub use self::path::Entered;
pub use self::runtime::current;

/// The key of the current span, as `opentelemetry.trace.propagation._SPAN_KEY`.
const SPAN_KEY: &str = "current-span-ferrotel";

/// A context like `base`, with `span` in it and under `key`, which is not the span's, what `make` makes of `from`. It
/// does so when somebody looks, or at once; the same each time, and without running Python code.
///
/// # Errors
/// Out of memory, or what a foreign mapping raises.
pub fn with_span_and_value<'py>(
    base: &Bound<'py, PyAny>,
    span: &Bound<'py, PyAny>,
    key: &Bound<'py, PyString>,
    from: &Bound<'py, PyAny>,
    make: Make,
) -> PyResult<Py<PyAny>> {
    let py = base.py();
    // SAFETY: reads a field of what is a context.
    let is_simple = is_context(base.as_ptr()) && unsafe { lazy(base.as_ptr()) }.key.is_null();
    if !is_simple || !key.is_exact_instance_of::<PyString>() {
        let with_value = with_value(py, Some(base), key, &make(from)?)?;
        return with_span(py, Some(with_value.bind(py)), span);
    }
    let context = with_span(py, Some(base), span)?;
    // SAFETY: a new context, which has a base and no entry yet.
    unsafe {
        let fields = lazy(context.as_ptr());
        fields.key = raw::share(key.as_ptr());
        fields.value = raw::share(from.as_ptr());
        fields.make = Some(make);
    }
    Ok(context)
}

/// A context like `base` (default: the current one), with `span` in it.
///
/// # Errors
/// Out of memory, or what a foreign runtime context raises.
#[inline]
pub fn with_span<'py>(
    py: Python<'py>,
    base: Option<&Bound<'py, PyAny>>,
    span: &Bound<'py, PyAny>,
) -> PyResult<Py<PyAny>> {
    let base = or_current(py, base)?;
    if !is_context(base.as_ptr()) {
        let key = span_key(py);
        return with_value(py, Some(&base), &key, span);
    }
    // SAFETY: the new instance is ours until it is returned; `base` is a context.
    unsafe {
        let kept = FREE.take(CONTEXT_TYPE.load(Ordering::Relaxed));
        let made = if kept.is_null() { new_instance() } else { kept };
        let context = Bound::from_owned_ptr_or_err(py, made)?;
        let from = lazy(base.as_ptr());
        let complete = if from.base.is_null() { base.as_ptr() } else { from.base };
        let fields = lazy(made);
        fields.base = raw::share(complete);
        fields.span = raw::share(span.as_ptr());
        fields.key = raw::share(from.key);
        fields.value = raw::share(from.value);
        fields.make = from.make;
        Ok(context.unbind())
    }
}

/// A context like `base` (default: the current one), with `value` under `key`.
///
/// # Errors
/// An unhashable key, or what a foreign runtime context or mapping raises.
pub fn with_value<'py>(
    py: Python<'py>,
    base: Option<&Bound<'py, PyAny>>,
    key: &Bound<'py, PyAny>,
    value: &Bound<'py, PyAny>,
) -> PyResult<Py<PyAny>> {
    let base = or_current(py, base)?;
    // SAFETY: the new instance is ours until it is returned; filling makes it an ordinary dict.
    unsafe {
        let context = Bound::from_owned_ptr_or_err(py, new_instance())?;
        let source = if is_context(base.as_ptr()) {
            if fill(base.as_ptr()) != 0 {
                return Err(PyErr::fetch(py));
            }
            let mut at = 0;
            let (mut k, mut v) = (std::ptr::null_mut(), std::ptr::null_mut());
            while ffi::PyDict_Next(base.as_ptr(), &raw mut at, &raw mut k, &raw mut v) != 0 {
                if ffi::PyDict_SetItem(context.as_ptr(), k, v) != 0 {
                    return Err(PyErr::fetch(py));
                }
            }
            None
        } else {
            Some(base.call_method0(intern!(py, "copy"))?.cast_into::<PyDict>()?)
        };
        for (k, v) in source.iter().flatten() {
            if ffi::PyDict_SetItem(context.as_ptr(), k.as_ptr(), v.as_ptr()) != 0 {
                return Err(PyErr::fetch(py));
            }
        }
        if ffi::PyDict_SetItem(context.as_ptr(), key.as_ptr(), value.as_ptr()) != 0 {
            return Err(PyErr::fetch(py));
        }
        let span = ffi::PyDict_GetItemWithError(context.as_ptr(), KEY.load(Ordering::Relaxed));
        lazy(context.as_ptr()).span = raw::share(span);
        Ok(context.unbind())
    }
}

/// The value under `key` in `context` (default: the current one).
///
/// # Errors
/// What a foreign runtime context or mapping raises.
pub fn get_value<'py>(
    py: Python<'py>,
    context: Option<&Bound<'py, PyAny>>,
    key: &Bound<'py, PyAny>,
) -> PyResult<Option<Py<PyAny>>> {
    let context = or_current(py, context)?;
    if is_context(context.as_ptr()) {
        // SAFETY: a context; what is returned is borrowed from it and shared at once.
        unsafe {
            let fields = lazy(context.as_ptr());
            if key.as_ptr() == KEY.load(Ordering::Relaxed) {
                return Ok(Bound::from_borrowed_ptr_or_opt(py, fields.span).map(Bound::unbind));
            }
            if !fields.key.is_null() && key.as_ptr() == fields.key {
                let value = own_value(context.as_ptr());
                return Bound::from_borrowed_ptr_or_err(py, value).map(|value| Some(value.unbind()));
            }
            let own = fields.base.is_null() || may_be_own(key, fields) || lazy(context.as_ptr()).base.is_null();
            if !own
                && lazy(context.as_ptr()).base == EMPTY.load(Ordering::Relaxed)
                && ffi::PyUnicode_CheckExact(key.as_ptr()) != 0
            {
                return Ok(None);
            }
            if own && fill(context.as_ptr()) != 0 {
                return Err(PyErr::fetch(py));
            }
            // Held: a key's `__eq__` may have the context filled, which lets go of the base.
            let place = if own { context.clone() } else { Bound::from_borrowed_ptr(py, lazy(context.as_ptr()).base) };
            let found = ffi::PyDict_GetItemWithError(place.as_ptr(), key.as_ptr());
            if found.is_null() && !ffi::PyErr_Occurred().is_null() {
                return Err(PyErr::fetch(py));
            }
            return Ok(Bound::from_borrowed_ptr_or_opt(py, found).map(Bound::unbind));
        }
    }
    let found = context.call_method1(intern!(py, "get"), (key,))?;
    Ok(if found.is_none() { None } else { Some(found.unbind()) })
}

/// Whether the key may be one of those that a context has beyond its base.
///
/// # Safety
/// `fields` belong to a context that is kept alive.
unsafe fn may_be_own(key: &Bound<'_, PyAny>, fields: &Lazy) -> bool {
    let py = key.py();
    if !key.is_instance_of::<PyString>() {
        // Of other keys none is taken for the span's, whose entry would have to be compared by running their `__eq__`.
        return !fields.key.is_null();
    }
    // SAFETY: null or a string that the context owns; shared, since a subclass's `__eq__` may do anything.
    let own = unsafe { Bound::from_borrowed_ptr_or_opt(py, fields.key) };
    // Nearly always the key is some module's constant, whose hash is known.
    // SAFETY: two strings.
    if own.is_none() && unsafe { raw::differ(key.as_ptr(), KEY.load(Ordering::Relaxed)) } {
        return false;
    }
    key.eq(span_key(py)).unwrap_or(true) || own.is_some_and(|own| key.eq(own).unwrap_or(true))
}

/// The span in `context` (default: the current one), if there is any.
///
/// # Errors
/// What a foreign runtime context or mapping raises.
#[inline]
pub fn span_in<'py>(py: Python<'py>, context: Option<&Bound<'py, PyAny>>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let context = or_current(py, context)?;
    if is_context(context.as_ptr()) {
        // SAFETY: a context; the span is shared at once.
        return Ok(unsafe { Bound::from_borrowed_ptr_or_opt(py, lazy(context.as_ptr()).span) });
    }
    let key = span_key(py);
    Ok(get_value(py, Some(&context), &key)?.map(|found| found.into_bound(py)))
}

/// `context`, or the current one where none is given.
#[inline]
fn or_current<'py>(py: Python<'py>, context: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
    context.map_or_else(|| current(py), |context| Ok(context.clone()))
}

/// Whether this is the context that has no entries, as it is made once.
#[inline]
pub fn is_empty(context: &Bound<'_, PyAny>) -> bool {
    context.as_ptr() == EMPTY.load(Ordering::Relaxed)
}

/// The context that has no entries, as it is made once.
pub fn empty(py: Python<'_>) -> Bound<'_, PyAny> {
    // SAFETY: set when the module is made, never taken away.
    unsafe { Bound::from_borrowed_ptr(py, EMPTY.load(Ordering::Relaxed)) }
}

/// The key of the current span.
pub fn span_key(py: Python<'_>) -> Bound<'_, PyString> {
    // SAFETY: set when the module is made, never taken away.
    unsafe { Bound::from_borrowed_ptr(py, KEY.load(Ordering::Relaxed)).cast_into_unchecked() }
}

unsafe extern "C" fn get_current(_: Raw, _: Raw) -> Raw {
    // SAFETY: called by the interpreter.
    unsafe { guard(|py| current(py).map(Bound::into_ptr)) }
}

/// A function of this module: its parameters by name, the first `required` of which have to be given.
macro_rules! function {
    ($function:ident $name:literal [$($parameter:ident),+] $required:literal, |$py:ident| $body:expr) => {
        unsafe extern "C" fn $function(_: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
            // SAFETY: called by the interpreter; what `arguments` returns is borrowed from the caller.
            unsafe {
                guard(|$py| {
                    let [$($parameter),+] =
                        raw::arguments($py, $name, &[$(stringify!($parameter)),+], $required, args, count, names)?;
                    $(let $parameter = Bound::from_borrowed_ptr_or_opt($py, $parameter)
                        .unwrap_or_else(|| $py.None().into_bound($py));)+
                    $body
                })
            }
        }
    };
}

/// A context that may be left out.
fn unless_none<'a, 'py>(context: &'a Bound<'py, PyAny>) -> Option<&'a Bound<'py, PyAny>> {
    if context.is_none() { None } else { Some(context) }
}

function!(attach "attach" [context] 1, |py| enter(py, &context).map(Py::into_ptr));
function!(detach "detach" [token] 1, |py| leave(py, &token).map(|()| raw::none(py)));
function!(py_get_value "get_value" [key, context] 1, |py| {
    Ok(get_value(py, unless_none(&context), &key)?.map_or_else(|| raw::none(py), Py::into_ptr))
});
function!(set_value "set_value" [key, value, context] 2, |py| {
    with_value(py, unless_none(&context), &key, &value).map(Py::into_ptr)
});
function!(set_span_in_context "set_span_in_context" [span, context] 1, |py| {
    with_span(py, unless_none(&context), &span).map(Py::into_ptr)
});

unsafe extern "C" fn current_span(_: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    // SAFETY: called by the interpreter; what `arguments` returns is borrowed from the caller.
    unsafe {
        guard(|py| {
            let [context] = if count == 0 && names.is_null() {
                [std::ptr::null_mut()]
            } else {
                raw::arguments(py, "get_current_span", &["context"], 0, args, count, names)?
            };
            if let Some(span) = span_in(py, raw::given(py, context).as_ref())? {
                // The two classes that nearly every span has; asking an ABC costs more than all the rest.
                let kind: Raw = ffi::Py_TYPE(span.as_ptr()).cast();
                if kind == SDK_SPAN.as_ptr()
                    || kind == NON_RECORDING_SPAN.as_ptr()
                    || span.is_instance(&*SPAN.get(py)?)?
                {
                    return Ok(span.into_ptr());
                }
            }
            Ok(crate::types::INVALID_SPAN.get(py)?.to_owned().into_ptr())
        })
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let kind = make_context_type(py)?;
    module.add("Context", &kind)?;
    CONTEXT_TYPE.store(kind.clone().into_ptr().cast(), Ordering::Relaxed);
    let key = PyString::intern(py, SPAN_KEY);
    module.add("SPAN_KEY", &key)?;
    KEY.store(key.into_ptr(), Ordering::Relaxed);
    EMPTY.store(kind.call0()?.into_ptr(), Ordering::Relaxed);
    module.add_class::<RuntimeContextBase>()?;
    for function in [
        wrap_pyfunction!(set_runtime_context, module)?,
        wrap_pyfunction!(crate::types::register_types, module)?,
        wrap_pyfunction!(crate::types::span_patched, module)?,
    ] {
        module.add_function(function)?;
    }
    raw::add_functions(
        module,
        vec![
            raw::method_noargs(c"get_current", get_current, c"get_current()\n--\n\nReturns the current context."),
            raw::method(
                c"attach",
                attach,
                c"attach(context)\n--\n\nMakes a context current in this thread or task; returns the token for detach.",
            ),
            raw::method(
                c"detach",
                detach,
                c"detach(token)\n--\n\nMakes the context current again that was so before attach. Never raises; a misuse is logged.",
            ),
            raw::method(
                c"get_value",
                py_get_value,
                c"get_value(key, context=None)\n--\n\nReturns the value under key in context, by default the current one; None where there is none.",
            ),
            raw::method(
                c"set_value",
                set_value,
                c"set_value(key, value, context=None)\n--\n\nReturns a new context: context, by default the current one, with value under key.",
            ),
            raw::method(
                c"current_span",
                current_span,
                c"current_span(context=None)\n--\n\nReturns the span in context, by default the current one; INVALID_SPAN where there is none.",
            ),
            raw::method(
                c"set_span_in_context",
                set_span_in_context,
                c"set_span_in_context(span, context=None)\n--\n\nReturns a new context: context, by default the current one, with span as its span.",
            ),
        ],
    )
}
