//! `opentelemetry.context`: the immutable context, and which one is current.
//!
//! A [`ContextObject`] is a dict whose entries may not be there yet: entering a span makes a context that differs from
//! its base in the span alone, and hardly anybody ever looks at the rest. The entries are copied when somebody does.

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicPtr, Ordering};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use pyo3::{Borrowed, ffi, intern};

use crate::error::log_exception;
use crate::free_list::FreeList;
use crate::raw::{self, Raw, Spec, guard};
use crate::types::{NON_RECORDING_SPAN, SDK_SPAN, SPAN, Slot};

/// The key of the current span, as `opentelemetry.trace.propagation._SPAN_KEY`.
const SPAN_KEY: &str = "current-span-ferrotel";

static CONTEXT_TYPE: AtomicPtr<ffi::PyTypeObject> = AtomicPtr::new(std::ptr::null_mut());
static FREE: FreeList = FreeList::new();
static EMPTY: AtomicPtr<ffi::PyObject> = AtomicPtr::new(std::ptr::null_mut());
static KEY: AtomicPtr<ffi::PyObject> = AtomicPtr::new(std::ptr::null_mut());
/// The `ContextVar` of the standard runtime context; null while another runtime is in force.
static VARIABLE: AtomicPtr<ffi::PyObject> = AtomicPtr::new(std::ptr::null_mut());
/// The runtime context in force.
static RUNTIME: AtomicPtr<ffi::PyObject> = AtomicPtr::new(std::ptr::null_mut());
/// Where [`Lazy`] stands in an instance: behind whatever this CPython's dict has.
static LAZY_OFFSET: AtomicIsize = AtomicIsize::new(0);

/// What a context has beyond its dict.
#[repr(C)]
struct Lazy {
    /// The span in this context, where the dict may not have it yet.
    span: Raw,
    /// A complete context whose entries, but for the span, are this one's; null once the dict is filled.
    base: Raw,
}

#[inline]
fn is_context(object: Raw) -> bool {
    // SAFETY: `object` is alive; reads its type.
    unsafe { ffi::Py_TYPE(object) == CONTEXT_TYPE.load(Ordering::Relaxed) }
}

/// # Safety
/// `context` is an instance of the context type or of a subclass.
#[inline]
unsafe fn lazy<'a>(context: Raw) -> &'a mut Lazy {
    // SAFETY: instances are that large, and the fields are only touched while attached.
    unsafe { &mut *context.byte_offset(LAZY_OFFSET.load(Ordering::Relaxed)).cast::<Lazy>() }
}

/// Copies the base's entries into the dict, once.
unsafe fn fill(context: Raw) -> c_int {
    // SAFETY: the callers pass an instance; the dict functions only look at the dict part.
    unsafe {
        let fields = lazy(context);
        if fields.base.is_null() {
            return 0;
        }
        // The base goes last: keys that are no strings may run Python code while they are put in, and whoever looks at
        // this context meanwhile has to find all of it.
        let base = raw::share(fields.base);
        let mut at = 0;
        let (mut key, mut value) = (std::ptr::null_mut(), std::ptr::null_mut());
        let mut failed = 0;
        while failed == 0 && ffi::PyDict_Next(base, &raw mut at, &raw mut key, &raw mut value) != 0 {
            failed = ffi::PyDict_SetItem(context, key, value);
        }
        if failed == 0 && !fields.span.is_null() {
            failed = ffi::PyDict_SetItem(context, KEY.load(Ordering::Relaxed), fields.span);
        }
        if failed == 0 {
            raw::replace(&mut lazy(context).base, std::ptr::null_mut());
        }
        ffi::Py_DECREF(base);
        failed
    }
}

unsafe fn new_instance() -> Raw {
    let kind = CONTEXT_TYPE.load(Ordering::Relaxed);
    // SAFETY: dict's own constructor, which looks at neither arguments nor keywords; the fields behind it are zeroed.
    unsafe {
        match ffi::PyDict_Type.tp_new {
            Some(new) => new(kind, std::ptr::null_mut(), std::ptr::null_mut()),
            None => std::ptr::null_mut(),
        }
    }
}

/// A context like `base` (default: the current one), with `span` in it.
///
/// # Errors
/// Out of memory, or what a foreign runtime context raises.
#[inline]
pub fn with_span(py: Python<'_>, base: Option<&Bound<'_, PyAny>>, span: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    let now;
    let base = match base {
        Some(base) => base,
        None => {
            now = current(py)?;
            &now
        }
    };
    if !is_context(base.as_ptr()) {
        let key = span_key(py);
        return with_value(py, Some(base), &key, span);
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
        Ok(context.unbind())
    }
}

/// A context like `base` (default: the current one), with `value` under `key`.
///
/// # Errors
/// An unhashable key, or what a foreign runtime context or mapping raises.
pub fn with_value(
    py: Python<'_>,
    base: Option<&Bound<'_, PyAny>>,
    key: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
) -> PyResult<Py<PyAny>> {
    let now;
    let base = match base {
        Some(base) => base,
        None => {
            now = current(py)?;
            &now
        }
    };
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
pub fn get_value_of(
    py: Python<'_>,
    context: Option<&Bound<'_, PyAny>>,
    key: &Bound<'_, PyAny>,
) -> PyResult<Option<Py<PyAny>>> {
    let now;
    let context = match context {
        Some(context) => context,
        None => {
            now = current(py)?;
            &now
        }
    };
    if is_context(context.as_ptr()) {
        // SAFETY: a context; what is returned is borrowed from it and shared at once.
        unsafe {
            let fields = lazy(context.as_ptr());
            if key.as_ptr() == KEY.load(Ordering::Relaxed) {
                return Ok(Bound::from_borrowed_ptr_or_opt(py, fields.span).map(Bound::unbind));
            }
            // The base has every entry but the span, whose key is compared by value as well.
            // Only strings are: asking any other key would run its `__eq__`.
            let is_span_key = || ffi::PyUnicode_Check(key.as_ptr()) != 0 && key.eq(span_key(py)).unwrap_or(true);
            let place = if fields.base.is_null() || is_span_key() { context.as_ptr() } else { fields.base };
            if place == context.as_ptr() && fill(place) != 0 {
                return Err(PyErr::fetch(py));
            }
            let found = ffi::PyDict_GetItemWithError(place, key.as_ptr());
            if found.is_null() && !ffi::PyErr_Occurred().is_null() {
                return Err(PyErr::fetch(py));
            }
            return Ok(Bound::from_borrowed_ptr_or_opt(py, found).map(Bound::unbind));
        }
    }
    let found = context.call_method1(intern!(py, "get"), (key,))?;
    Ok(if found.is_none() { None } else { Some(found.unbind()) })
}

/// As [`get_value_of`]: the name that the other modules know.
pub fn get_value<'py>(
    py: Python<'py>,
    context: Option<&Bound<'py, PyAny>>,
    key: &Bound<'py, PyAny>,
) -> PyResult<Option<Py<PyAny>>> {
    get_value_of(py, context, key)
}

/// The span in `context` (default: the current one), if there is any.
///
/// # Errors
/// What a foreign runtime context or mapping raises.
#[inline]
pub fn span_in<'py>(py: Python<'py>, context: Option<&Bound<'py, PyAny>>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let now;
    let context = match context {
        Some(context) => context,
        None => {
            now = current(py)?;
            &now
        }
    };
    if is_context(context.as_ptr()) {
        // SAFETY: a context; the span is shared at once.
        return Ok(unsafe { Bound::from_borrowed_ptr_or_opt(py, lazy(context.as_ptr()).span) });
    }
    let key = span_key(py);
    Ok(get_value_of(py, Some(context), &key)?.map(|found| found.into_bound(py)))
}

/// The key of the current span.
pub fn span_key(py: Python<'_>) -> Bound<'_, PyString> {
    // SAFETY: set when the module is made, never taken away.
    unsafe { Bound::from_borrowed_ptr(py, KEY.load(Ordering::Relaxed)).cast_into_unchecked() }
}

/// The current context.
///
/// # Errors
/// What a foreign runtime context raises.
#[inline]
pub fn current(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let variable = VARIABLE.load(Ordering::Relaxed);
    // SAFETY: both pointers are null or live as long as the process.
    unsafe {
        if !variable.is_null() {
            return current_of(py, variable);
        }
        match Bound::from_borrowed_ptr_or_opt(py, RUNTIME.load(Ordering::Relaxed)) {
            Some(runtime) => runtime.call_method0(intern!(py, "get_current")),
            None => {
                // Nobody imported opentelemetry.context yet; doing so sets the runtime.
                py.import("opentelemetry.context")?;
                if VARIABLE.load(Ordering::Relaxed).is_null() && RUNTIME.load(Ordering::Relaxed).is_null() {
                    return Err(PyRuntimeError::new_err("opentelemetry.context is not ferrotel's"));
                }
                current(py)
            }
        }
    }
}

/// # Safety
/// `variable` is a `ContextVar`.
#[inline]
unsafe fn current_of(py: Python<'_>, variable: Raw) -> PyResult<Bound<'_, PyAny>> {
    let mut value = std::ptr::null_mut();
    // SAFETY: the caller's promise; a success leaves null or a new reference in `value`.
    unsafe {
        if ffi::PyContextVar_Get(variable, std::ptr::null_mut(), &raw mut value) != 0 {
            return Err(PyErr::fetch(py));
        }
        Ok(if value.is_null() {
            Bound::from_borrowed_ptr(py, EMPTY.load(Ordering::Relaxed))
        } else {
            Bound::from_owned_ptr(py, value)
        })
    }
}

/// Makes `context` current, and returns the token that takes it back.
///
/// # Errors
/// What a foreign runtime context raises.
#[inline]
pub fn enter(py: Python<'_>, context: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    let variable = VARIABLE.load(Ordering::Relaxed);
    // SAFETY: the variable lives as long as the process.
    unsafe {
        if !variable.is_null() {
            return Bound::from_owned_ptr_or_err(py, ffi::PyContextVar_Set(variable, context.as_ptr()))
                .map(Bound::unbind);
        }
    }
    current(py)?;
    runtime(py)?.call_method1(intern!(py, "attach"), (context,)).map(Bound::unbind)
}

/// Takes back what [`enter`] did. A token of another execution context is reported once, and changes nothing.
///
/// # Errors
/// Only KeyboardInterrupt and SystemExit out of a foreign runtime context.
#[inline]
pub fn leave(py: Python<'_>, token: &Bound<'_, PyAny>) -> PyResult<()> {
    let variable = VARIABLE.load(Ordering::Relaxed);
    // SAFETY: the variable lives as long as the process; a wrong token raises.
    let left = unsafe {
        if variable.is_null() {
            runtime(py).and_then(|r| r.call_method1(intern!(py, "detach"), (token,))).map(drop)
        } else if ffi::PyContextVar_Reset(variable, token.as_ptr()) == 0 {
            return Ok(());
        } else {
            Err(PyErr::fetch(py))
        }
    };
    left.or_else(|error| detach_failed(py, error))
}

#[cold]
fn detach_failed(py: Python<'_>, error: PyErr) -> PyResult<()> {
    // The same program mistake comes back with every request: the first report has the traceback, the rest are quiet.
    static REPORTED: AtomicBool = AtomicBool::new(false);
    if REPORTED.swap(true, Ordering::Relaxed) {
        let logger = crate::types::GET_LOGGER.get(py).and_then(|get| get.call1(("opentelemetry.context",)));
        let _ =
            logger.and_then(|logger| logger.call_method1("debug", ("Failed to detach context: %s", error.value(py))));
        return Ok(());
    }
    log_exception(py, error, "opentelemetry.context", "Failed to detach context")
}

fn runtime(py: Python<'_>) -> PyResult<Borrowed<'static, '_, PyAny>> {
    let runtime = RUNTIME.load(Ordering::Relaxed);
    if runtime.is_null() {
        return Err(PyRuntimeError::new_err("opentelemetry.context is not imported"));
    }
    // SAFETY: not null, and lives as long as the process.
    Ok(unsafe { Borrowed::from_ptr(py, runtime) })
}

/// The base of `ContextVarsRuntimeContext`: keeps the current context in a `contextvars.ContextVar`.
#[pyclass(subclass, frozen, module = "ferrotel._native")]
struct RuntimeContextBase {
    /// The variable.
    #[pyo3(get, name = "_current_context")]
    variable: Py<PyAny>,
}

#[pymethods]
impl RuntimeContextBase {
    #[new]
    fn new(py: Python<'_>) -> PyResult<Self> {
        // SAFETY: the name is a C string; no default is given.
        let variable = unsafe {
            Bound::from_owned_ptr_or_err(py, ffi::PyContextVar_New(c"current_context".as_ptr(), std::ptr::null_mut()))?
        };
        Ok(RuntimeContextBase { variable: variable.unbind() })
    }

    /// Makes `context` current; returns the token for `detach`.
    fn attach(&self, py: Python<'_>, context: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        // SAFETY: the field is a ContextVar.
        unsafe {
            Bound::from_owned_ptr_or_err(py, ffi::PyContextVar_Set(self.variable.as_ptr(), context.as_ptr()))
                .map(Bound::unbind)
        }
    }

    /// The current context.
    fn get_current<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        // SAFETY: the field is a ContextVar.
        unsafe { current_of(py, self.variable.as_ptr()) }
    }

    /// Makes the context current again that was so before `attach` returned `token`; raises for a foreign token.
    fn detach(&self, py: Python<'_>, token: &Bound<'_, PyAny>) -> PyResult<()> {
        // SAFETY: the field is a ContextVar; a wrong token raises.
        if unsafe { ffi::PyContextVar_Reset(self.variable.as_ptr(), token.as_ptr()) } == 0 {
            Ok(())
        } else {
            Err(PyErr::fetch(py))
        }
    }
}

/// Puts a runtime context in force. The standard one is recognised by its exact type, and then bypassed.
#[pyfunction]
fn set_runtime_context(py: Python<'_>, runtime: &Bound<'_, PyAny>) -> PyResult<()> {
    let standard: Bound<'_, PyAny> =
        py.import("opentelemetry.context.contextvars_context")?.getattr("ContextVarsRuntimeContext")?;
    let variable = if runtime.get_type().is(&standard) {
        runtime.getattr("_current_context")?.into_ptr()
    } else {
        std::ptr::null_mut()
    };
    RUNTIME.store(runtime.clone().into_ptr(), Ordering::Relaxed);
    VARIABLE.store(variable, Ordering::Relaxed);
    Ok(())
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
    Ok(get_value_of(py, unless_none(&context), &key)?.map_or_else(|| raw::none(py), Py::into_ptr))
});
function!(set_value "set_value" [key, value, context] 2, |py| {
    with_value(py, unless_none(&context), &key, &value).map(Py::into_ptr)
});
function!(set_span_in_context "set_span_in_context" [span, context] 1, |py| {
    with_span(py, unless_none(&context), &span).map(Py::into_ptr)
});
function!(current_span "get_current_span" [context] 0, |py| {
    if let Some(span) = span_in(py, unless_none(&context))? {
        // The two classes that nearly every span has; asking an ABC costs more than all the rest.
        let kind: Raw = ffi::Py_TYPE(span.as_ptr()).cast();
        if kind == SDK_SPAN.as_ptr() || kind == NON_RECORDING_SPAN.as_ptr() || span.is_instance(&*SPAN.get(py)?)? {
            return Ok(span.into_ptr());
        }
    }
    Ok(crate::types::INVALID_SPAN.get(py)?.to_owned().into_ptr())
});

unsafe extern "C" fn context_init(this: Raw, args: Raw, kwargs: Raw) -> c_int {
    // SAFETY: dict's own initialiser on a dict, then the span is looked up in what it left.
    unsafe {
        let result = match ffi::PyDict_Type.tp_init {
            Some(init) => init(this, args, kwargs),
            None => -1,
        };
        if result == 0 {
            let span = ffi::PyDict_GetItemWithError(this, KEY.load(Ordering::Relaxed));
            raw::replace(&mut lazy(this).span, raw::share(span));
        }
        result
    }
}

unsafe extern "C" fn context_dealloc(this: Raw) {
    // SAFETY: the type's own deallocation: fields first, then the dict's, then the reference to the heap type.
    unsafe {
        ffi::PyObject_GC_UnTrack(this.cast());
        let kind = ffi::Py_TYPE(this);
        let fields = lazy(this);
        // With a base, nothing was ever put into the dict, and it can serve again as it is.
        let pristine = !fields.base.is_null() && is_context(this) && ffi::PyDict_Size(this) == 0;
        raw::replace(&mut fields.span, std::ptr::null_mut());
        raw::replace(&mut fields.base, std::ptr::null_mut());
        if pristine && FREE.keep(this) {
            return;
        }
        free_entries(this, kind);
    }
}

/// Frees a context's dict, not deeper than the stack allows: contexts that hold contexts (a program that keeps the one
/// before under a key of its own) may be nested without end, and dict's own guard does not count for derived types.
unsafe fn free_entries(this: Raw, kind: *mut ffi::PyTypeObject) {
    const DEEPEST: usize = 50;
    thread_local! {
        static NESTED: Cell<usize> = const { Cell::new(0) };
        static LATER: RefCell<Vec<(Raw, *mut ffi::PyTypeObject)>> = const { RefCell::new(Vec::new()) };
    }
    let free = |this: Raw, kind: *mut ffi::PyTypeObject| {
        // SAFETY: the caller's promise: a dying context without its own fields, and its type, whose reference it gives back.
        unsafe {
            if let Some(dealloc) = ffi::PyDict_Type.tp_dealloc {
                dealloc(this);
            }
            ffi::Py_DECREF(kind.cast());
        }
    };
    let depth = NESTED.get();
    if depth == DEEPEST && LATER.try_with(|later| later.borrow_mut().push((this, kind))).is_ok() {
        return;
    }
    NESTED.set(depth + 1);
    free(this, kind);
    if depth == 0 {
        while let Ok(Some((this, kind))) = LATER.try_with(|later| later.borrow_mut().pop()) {
            free(this, kind);
        }
    }
    NESTED.set(depth);
}

unsafe extern "C" fn context_traverse(this: Raw, visit: ffi::visitproc, arg: *mut c_void) -> c_int {
    // SAFETY: called by the collector on a live instance.
    unsafe {
        let fields = lazy(this);
        for object in [fields.span, fields.base] {
            if !object.is_null() {
                let result = visit(object, arg);
                if result != 0 {
                    return result;
                }
            }
        }
        let result = ffi::PyDict_Type.tp_traverse.map_or(0, |traverse| traverse(this, visit, arg));
        if result != 0 { result } else { raw::visit_type(this, visit, arg) }
    }
}

unsafe extern "C" fn context_clear(this: Raw) -> c_int {
    // SAFETY: called by the collector on a live instance.
    unsafe {
        let fields = lazy(this);
        raw::replace(&mut fields.span, std::ptr::null_mut());
        raw::replace(&mut fields.base, std::ptr::null_mut());
        ffi::PyDict_Type.tp_clear.map_or(0, |clear| clear(this))
    }
}

/// A slot of dict's that reads: fill first, then dict's own.
macro_rules! reading {
    ($name:ident($($arg:ident: $kind:ty),*) -> $result:ty, $failed:expr, $own:expr) => {
        unsafe extern "C" fn $name(this: Raw $(, $arg: $kind)*) -> $result {
            // SAFETY: called by the interpreter with a context; dict has this slot.
            unsafe {
                if fill(this) != 0 {
                    return $failed;
                }
                match $own {
                    Some(own) => own(this $(, $arg)*),
                    None => $failed,
                }
            }
        }
    };
}

reading!(context_iter() -> Raw, std::ptr::null_mut(), ffi::PyDict_Type.tp_iter);
reading!(context_repr() -> Raw, std::ptr::null_mut(), ffi::PyDict_Type.tp_repr);
reading!(context_len() -> ffi::Py_ssize_t, -1, (*ffi::PyDict_Type.tp_as_mapping).mp_length);
reading!(context_subscript(key: Raw) -> Raw, std::ptr::null_mut(), (*ffi::PyDict_Type.tp_as_mapping).mp_subscript);
reading!(context_contains(key: Raw) -> c_int, -1, (*ffi::PyDict_Type.tp_as_sequence).sq_contains);

unsafe extern "C" fn context_compare(this: Raw, other: Raw, op: c_int) -> Raw {
    // SAFETY: called by the interpreter with a context; the other side may be one too.
    unsafe {
        if fill(this) != 0 || (is_context(other) && fill(other) != 0) {
            return std::ptr::null_mut();
        }
        match ffi::PyDict_Type.tp_richcompare {
            Some(compare) => compare(this, other, op),
            None => std::ptr::null_mut(),
        }
    }
}

unsafe extern "C" fn context_assign(_this: Raw, _key: Raw, _value: Raw) -> c_int {
    // SAFETY: attached; raising has no condition.
    unsafe { guard(|_| Err(immutable())) };
    -1
}

fn immutable() -> PyErr {
    PyValueError::new_err("a context is immutable: use opentelemetry.context.set_value, which returns a new one")
}

unsafe extern "C" fn context_inplace_or(_this: Raw, _other: Raw) -> Raw {
    // SAFETY: attached; raising has no condition.
    unsafe { guard(|_| Err(immutable())) }
}

unsafe extern "C" fn context_immutable(_: Raw, _: *const Raw, _: ffi::Py_ssize_t, _: Raw) -> Raw {
    // SAFETY: attached; raising has no condition.
    unsafe { guard(|_| Err(immutable())) }
}

/// dict's method of this name, after filling. `args` are passed on as they are.
macro_rules! dict_method {
    ($function:ident, $name:literal) => {
        unsafe extern "C" fn $function(this: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
            // SAFETY: called by the interpreter with a context and `count` arguments.
            unsafe {
                guard(|py| {
                    if fill(this) != 0 {
                        return Err(PyErr::fetch(py));
                    }
                    static METHOD: Slot = Slot::unbound($name);
                    let method = METHOD.dict_method(py)?;
                    let mut all = vec![this];
                    let names_len = if names.is_null() { 0 } else { ffi::PyTuple_GET_SIZE(names) };
                    // Without arguments, some versions pass null, which no slice may be made of.
                    if count + names_len > 0 {
                        all.extend_from_slice(std::slice::from_raw_parts(args, (count + names_len).cast_unsigned()));
                    }
                    let positional = PyTuple::new(
                        py,
                        all[..=count.cast_unsigned()].iter().map(|raw| Bound::from_borrowed_ptr(py, *raw)),
                    )?;
                    if names_len > 0 {
                        return Err(pyo3::exceptions::PyTypeError::new_err(concat!(
                            $name,
                            "() takes no keyword arguments"
                        )));
                    }
                    method.call1(positional).map(Bound::into_ptr)
                })
            }
        }
    };
}

dict_method!(context_get, "get");
dict_method!(context_keys, "keys");
dict_method!(context_values, "values");
dict_method!(context_items, "items");
dict_method!(context_copy, "copy");
dict_method!(context_reversed, "__reversed__");

unsafe extern "C" fn context_reduce(this: Raw, _: Raw) -> Raw {
    // SAFETY: called by the interpreter with a context.
    unsafe {
        guard(|py| {
            if fill(this) != 0 {
                return Err(PyErr::fetch(py));
            }
            let this = Bound::from_borrowed_ptr(py, this);
            let entries = py.get_type::<PyDict>().call_method1("copy", (&this,))?;
            Ok((this.get_type(), (entries,)).into_pyobject(py)?.into_ptr())
        })
    }
}

unsafe extern "C" fn context_or(left: Raw, right: Raw) -> Raw {
    // SAFETY: called by the interpreter; either side may be the context.
    unsafe {
        guard(|py| {
            let plain = |object: Raw| {
                let object = Bound::from_borrowed_ptr(py, object);
                if is_context(object.as_ptr()) {
                    if fill(object.as_ptr()) != 0 {
                        return Err(PyErr::fetch(py));
                    }
                    return py.get_type::<PyDict>().call_method1("copy", (&object,));
                }
                Ok(object)
            };
            let (left, right) = (plain(left)?, plain(right)?);
            if !left.is_instance_of::<PyDict>() || !right.is_instance_of::<PyDict>() {
                return Ok(py.NotImplemented().into_ptr());
            }
            let merged = left.call_method0("copy")?;
            merged.call_method1("update", (right,))?;
            Ok(merged.into_ptr())
        })
    }
}

fn make_context_type(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let dict = py.get_type::<PyDict>();
    // SAFETY: reads dict's own type object, which never changes.
    let offset = unsafe { ffi::PyDict_Type.tp_basicsize };
    LAZY_OFFSET.store(offset, Ordering::Relaxed);
    let immutable = |name, doc| raw::method(name, context_immutable, doc);
    Spec {
        name: c"opentelemetry.context.context.Context",
        size: offset.cast_unsigned() + size_of::<Lazy>(),
        flags: ffi::Py_TPFLAGS_HAVE_GC | ffi::Py_TPFLAGS_BASETYPE,
        methods: vec![
            raw::method(c"get", context_get, c"get($self, key, default=None, /)\n--\n\nThe value under key, or default."),
            raw::method(c"keys", context_keys, c"keys($self, /)\n--\n\nThe keys."),
            raw::method(c"values", context_values, c"values($self, /)\n--\n\nThe values."),
            raw::method(c"items", context_items, c"items($self, /)\n--\n\nThe entries."),
            raw::method(c"copy", context_copy, c"copy($self, /)\n--\n\nA plain dict of the entries."),
            raw::method(c"__reversed__", context_reversed, c"__reversed__($self, /)\n--\n\nThe keys, newest first."),
            raw::method_noargs(c"__reduce__", context_reduce, c"__reduce__($self, /)\n--\n\nFor pickle and copy."),
            immutable(c"setdefault", c"setdefault($self, key, default=None)\n--\n\nRaises ValueError: a context is immutable."),
            immutable(c"pop", c"pop($self, key, *args)\n--\n\nRaises ValueError: a context is immutable."),
            immutable(c"popitem", c"popitem($self)\n--\n\nRaises ValueError: a context is immutable."),
            immutable(c"clear", c"clear($self)\n--\n\nRaises ValueError: a context is immutable."),
            immutable(c"update", c"update($self, *args, **kwargs)\n--\n\nRaises ValueError: a context is immutable."),
        ],
        attributes: vec![],
        dict_and_weaklist: None,
        slots: vec![
            (ffi::Py_tp_init, context_init as *mut c_void),
            (ffi::Py_tp_dealloc, context_dealloc as *mut c_void),
            (ffi::Py_tp_traverse, context_traverse as *mut c_void),
            (ffi::Py_tp_clear, context_clear as *mut c_void),
            (ffi::Py_tp_iter, context_iter as *mut c_void),
            (ffi::Py_tp_repr, context_repr as *mut c_void),
            (ffi::Py_tp_richcompare, context_compare as *mut c_void),
            (ffi::Py_mp_length, context_len as *mut c_void),
            (ffi::Py_mp_subscript, context_subscript as *mut c_void),
            (ffi::Py_mp_ass_subscript, context_assign as *mut c_void),
            (ffi::Py_sq_contains, context_contains as *mut c_void),
            (ffi::Py_nb_or, context_or as *mut c_void),
            (ffi::Py_nb_inplace_or, context_inplace_or as *mut c_void),
        ],
        doc: c"Context(*args, **kwargs)\n--\n\nAn immutable mapping of what belongs to one execution unit (specification: context).",
    }
    .make(py, Some(&dict))
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
