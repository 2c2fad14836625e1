//! The SDK's span: `ReadableSpanBase` and `SpanBase`, on which the overlay's `ReadableSpan` and `Span` stand.
//!
//! A Python span is a handle to the engine's [`SpanCell`]; what is exported never holds a Python object.

use std::ffi::{c_int, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use ferrotel::api::trace::Status;
use ferrotel::common::clock::now_unix_nanos;
use ferrotel::sdk::trace::{FinishedSpan, Link, SpanCell, SpanLimits};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use pyo3::{ffi, intern};

use super::{PySpanContext, fields, processor_list};
use crate::convert;
use crate::error::warn;
use crate::free_list::{self, FreeList};
use crate::raw::{self, Raw, Spec, arguments, given, guard};
use crate::types::{SDK_READABLE_SPAN, SDK_SPAN};

static READABLE_BASE: AtomicPtr<ffi::PyTypeObject> = AtomicPtr::new(std::ptr::null_mut());

static FREE: FreeList = FreeList::new();

/// The flag for recording an exception that leaves the span's `with` block.
pub const RECORD_EXCEPTION: u8 = 1;
/// The flag for setting the status then.
pub const SET_STATUS_ON_EXCEPTION: u8 = 2;

/// The flag for calling `_record_end_metrics` when the span ends.
pub const CALL_AT_END: u8 = 8;

/// A Python span.
#[repr(C)]
pub struct SpanObject {
    object: ffi::PyObject,
    dict: Raw,
    weaklist: Raw,
    /// Whom start and end are told; null for a span that is only read.
    pub processor: Raw,
    /// The `SpanContext`, once somebody asked for it.
    pub context: Raw,
    /// The parent's `SpanContext`, where it is known as an object.
    pub parent: Raw,
    /// What was set to something the engine has no room for: a dict of the reference's private names.
    pub foreign: Raw,
    /// What the engine has too, as the very objects that were set: a dict like `foreign`.
    pub kept: Raw,
    cell: Option<Arc<SpanCell>>,
    limits: Option<Arc<SpanLimits>>,
    /// [`RECORD_EXCEPTION`], [`SET_STATUS_ON_EXCEPTION`].
    pub flags: u8,
}

impl SpanObject {
    /// What the engine knows of the span.
    #[inline]
    pub fn cell(&self) -> &Arc<SpanCell> {
        // Every way to make an instance puts a cell into it.
        match &self.cell {
            Some(cell) => cell,
            None => unreachable!("a span without a cell"),
        }
    }

    /// The limits.
    #[inline]
    pub fn limits(&self) -> SpanLimits {
        self.limits.as_deref().copied().unwrap_or(SpanLimits::UNLIMITED)
    }

    /// Replaces the limits.
    pub fn set_limits(&mut self, limits: Arc<SpanLimits>) {
        self.limits = Some(limits);
    }
}

/// The span behind `object`, where it is of one of the overlay's own two classes, or derives from them.
#[inline]
pub fn own<'a>(object: Raw) -> Option<&'a mut SpanObject> {
    // SAFETY: `object` is alive; a type that derives from the base has its layout.
    unsafe {
        let kind = ffi::Py_TYPE(object);
        if kind.cast() == SDK_SPAN.as_ptr() && !kind.is_null() {
            return Some(&mut *object.cast::<SpanObject>());
        }
        let base = READABLE_BASE.load(Ordering::Relaxed);
        let is_own = ffi::PyType_IsSubtype(kind, base) != 0
            && (kind.cast() == SDK_READABLE_SPAN.as_ptr() || !stands_for_another(kind));
        is_own.then(|| &mut *object.cast::<SpanObject>())
    }
}

/// Does a derived class say itself which span it is? It may wrap another.
///
/// # Safety
/// Attached; a type that derives from the base.
#[cold]
unsafe fn stands_for_another(kind: *mut ffi::PyTypeObject) -> bool {
    // SAFETY: the caller's promise; the attribute is let go of.
    unsafe {
        let method = ffi::PyObject_GetAttrString(kind.cast(), c"get_span_context".as_ptr());
        if method.is_null() {
            ffi::PyErr_Clear();
            return true;
        }
        let is_native = ffi::Py_TYPE(method) == &raw mut ffi::PyMethodDescr_Type;
        ffi::Py_DECREF(method);
        !is_native
    }
}

/// # Safety
/// `object` is an instance of the base.
#[inline]
pub unsafe fn span_of<'a>(object: Raw) -> &'a mut SpanObject {
    // SAFETY: the caller's promise.
    unsafe { &mut *object.cast::<SpanObject>() }
}

unsafe fn allocate(kind: *mut ffi::PyTypeObject, cell: Arc<SpanCell>, limits: Option<Arc<SpanLimits>>) -> Raw {
    // SAFETY: the ordinary allocation is zeroed; the fields that zero does not stand for are written before anybody looks.
    unsafe {
        let made = (*kind).tp_alloc.map_or(std::ptr::null_mut(), |alloc| alloc(kind, 0));
        if !made.is_null() {
            let span = made.cast::<SpanObject>();
            (&raw mut (*span).cell).write(Some(cell));
            (&raw mut (*span).limits).write(limits);
            (*span).flags = RECORD_EXCEPTION | SET_STATUS_ON_EXCEPTION;
            if kind.cast() == SDK_SPAN.as_ptr() {
                (*span).dict = free_list::empty_dict();
            }
        }
        made
    }
}

/// A recording `_Span`.
///
/// # Errors
/// Out of memory.
#[inline]
pub fn make_span<'py>(
    py: Python<'py>,
    cell: Arc<SpanCell>,
    limits: Arc<SpanLimits>,
    processor: &Bound<'py, PyAny>,
    parent: Option<Bound<'py, PySpanContext>>,
    flags: u8,
) -> PyResult<Bound<'py, PyAny>> {
    let kind = SDK_SPAN.get(py)?.as_ptr().cast();
    // SAFETY: `_Span` derives from the base; a kept one was emptied but for the cell and the limits, written here.
    unsafe {
        let mut made = FREE.take(kind);
        if made.is_null() {
            made = allocate(kind, cell, Some(limits));
        } else {
            (&raw mut span_of(made).cell).write(Some(cell));
            (&raw mut span_of(made).limits).write(Some(limits));
            if span_of(made).dict.is_null() {
                span_of(made).dict = free_list::empty_dict();
            }
        }
        let bound = Bound::from_owned_ptr_or_err(py, made)?;
        let span = span_of(made);
        span.processor = raw::share(processor.as_ptr());
        span.parent = parent.map_or(std::ptr::null_mut(), Bound::into_ptr);
        span.flags = flags;
        Ok(bound)
    }
}

/// The `ReadableSpan` of a span: another handle to the same cell.
///
/// # Errors
/// Out of memory.
pub fn readable<'py>(py: Python<'py>, span: &SpanObject) -> PyResult<Bound<'py, PyAny>> {
    let kind = SDK_READABLE_SPAN.get(py)?.as_ptr().cast();
    // SAFETY: `ReadableSpan` derives from the base; the dicts are shared or null.
    unsafe {
        let made = allocate(kind, span.cell().clone(), span.limits.clone());
        let bound = Bound::from_owned_ptr_or_err(py, made)?;
        let copy = span_of(made);
        copy.context = raw::share(span.context);
        copy.parent = raw::share(span.parent);
        copy.foreign = raw::share(span.foreign);
        copy.kept = raw::share(span.kept);
        copy.flags = span.flags;
        Ok(bound)
    }
}

/// What an exporter gets of any span: ours, one whose class overrides what we read, or one that only looks like a span.
///
/// # Errors
/// What such an object's attributes raise.
pub fn finished_span(object: &Bound<'_, PyAny>) -> PyResult<FinishedSpan> {
    if let Some(span) = own(object.as_ptr()) {
        let kind: Raw = object.get_type().as_ptr();
        if span.foreign.is_null() && (kind == SDK_SPAN.as_ptr() || kind == SDK_READABLE_SPAN.as_ptr()) {
            return Ok(FinishedSpan(span.cell().clone()));
        }
    }
    fields::read_public(object).map(FinishedSpan::new)
}

unsafe extern "C" fn new(kind: *mut ffi::PyTypeObject, _: Raw, _: Raw) -> Raw {
    // SAFETY: called by the interpreter with a type that derives from the base.
    unsafe { allocate(kind, Arc::new(SpanCell::default()), None) }
}

unsafe extern "C" fn dealloc(this: Raw) {
    // SAFETY: the type's own deallocation: nobody else has the object.
    unsafe {
        let kind = ffi::Py_TYPE(this);
        let hot = kind.cast() == SDK_SPAN.as_ptr();
        if hot && raw::finalize(this) {
            return;
        }
        ffi::PyObject_GC_UnTrack(this.cast());
        let span = span_of(this);
        if !span.weaklist.is_null() {
            ffi::PyObject_ClearWeakRefs(this);
        }
        let dict = if hot { free_list::keep_dict(&mut span.dict) } else { std::ptr::null_mut() };
        clear(this);
        if let Some(cell) = (&raw mut span.cell).read() {
            SpanCell::release(cell);
        }
        (&raw mut span.limits).drop_in_place();
        // One that was finalized already would not be again.
        if hot && (*kind).tp_finalize.is_none() && FREE.keep(this) {
            span.dict = dict;
            return;
        }
        ffi::Py_XDECREF(dict);
        if let Some(free) = (*kind).tp_free {
            free(this.cast());
        }
        ffi::Py_DECREF(kind.cast());
    }
}

unsafe extern "C" fn clear(this: Raw) -> c_int {
    // SAFETY: called on an instance; each slot owns what it holds.
    unsafe {
        let span = span_of(this);
        raw::replace(&mut span.dict, std::ptr::null_mut());
        raw::replace(&mut span.processor, std::ptr::null_mut());
        raw::replace(&mut span.context, std::ptr::null_mut());
        raw::replace(&mut span.parent, std::ptr::null_mut());
        raw::replace(&mut span.foreign, std::ptr::null_mut());
        raw::replace(&mut span.kept, std::ptr::null_mut());
    }
    0
}

unsafe extern "C" fn traverse(this: Raw, visit: ffi::visitproc, arg: *mut c_void) -> c_int {
    // SAFETY: called by the collector on a live instance.
    unsafe {
        let span = span_of(this);
        for object in [span.dict, span.processor, span.context, span.parent, span.foreign, span.kept] {
            if !object.is_null() {
                let result = visit(object, arg);
                if result != 0 {
                    return result;
                }
            }
        }
        raw::visit_type(this, visit, arg)
    }
}

const LOGGER: &str = "opentelemetry.sdk.trace";

#[cold]
fn ended(py: Python<'_>, message: &str) -> Raw {
    warn(py, LOGGER, message);
    raw::none(py)
}

unsafe extern "C" fn set_attribute(this: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    // SAFETY: called by the interpreter on an instance.
    unsafe {
        guard(|py| {
            let [key, value] = if count == 2 && names.is_null() {
                [*args, *args.add(1)]
            } else {
                arguments(py, "set_attribute", &["key", "value"], 2, args, count, names)?
            };
            let span = span_of(this);
            let (key, value) = (Bound::from_borrowed_ptr(py, key), Bound::from_borrowed_ptr(py, value));
            let (most, length) = match &span.limits {
                Some(limits) => (limits.max_span_attributes, limits.max_span_attribute_length),
                None => (None, None),
            };
            let key = if ffi::PyUnicode_Check(key.as_ptr()) != 0 {
                convert::text_from_py_lossy(key.cast_unchecked())
            } else {
                Default::default()
            };
            if key.is_empty() {
                return Ok(bad_key(py, span, *args));
            }
            // Before the lock: the conversion may run Python code, which may come back here.
            let value = convert::value_from_py(&value, length);
            let mut data = span.cell().lock();
            if data.end_time.is_some() {
                drop(data);
                return Ok(ended(py, "Setting attribute on ended span."));
            }
            let dropped = data.attributes.set(key, value, most);
            drop(data);
            if dropped {
                full(py);
            }
            Ok(raw::none(py))
        })
    }
}

#[cold]
fn bad_key(py: Python<'_>, span: &SpanObject, key: Raw) -> Raw {
    span.cell().lock().attributes.add_dropped(1);
    // SAFETY: `key` is an argument of the call under way.
    let key = unsafe { Bound::from_borrowed_ptr(py, key) };
    crate::error::warn_with(
        py,
        "opentelemetry.attributes",
        "invalid key `%s`. must be non-empty string. Dropping key from attributes.",
        crate::error::shown(&key),
    );
    raw::none(py)
}

#[cold]
fn full(py: Python<'_>) {
    warn(
        py,
        "opentelemetry.attributes",
        "Attributes dict is full. Dropping the oldest key-value pair from attributes to make space for the new key-value pair.",
    );
}

unsafe extern "C" fn set_attributes(this: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    // SAFETY: called by the interpreter on an instance.
    unsafe {
        guard(|py| {
            let [attributes] = arguments(py, "set_attributes", &["attributes"], 1, args, count, names)?;
            let span = span_of(this);
            if span.cell().lock().end_time.is_some() {
                return Ok(ended(py, "Setting attribute on ended span."));
            }
            let limits = span.limits();
            if let Some(attributes) = given(py, attributes) {
                let mut dropped = false;
                convert::set_from_py(&attributes, limits.max_span_attribute_length, |key, value| {
                    dropped |= span.cell().lock().attributes.set(key, value, limits.max_span_attributes);
                });
                if dropped {
                    full(py);
                }
            }
            Ok(raw::none(py))
        })
    }
}

unsafe extern "C" fn add_event(this: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    // SAFETY: called by the interpreter on an instance.
    unsafe {
        guard(|py| {
            let parameters = &["name", "attributes", "timestamp"];
            let [name, attributes, timestamp] = arguments(py, "add_event", parameters, 1, args, count, names)?;
            let span = span_of(this);
            let limits = span.limits();
            let event = ferrotel::sdk::trace::Event {
                name: convert::text_from_py(&Bound::from_borrowed_ptr(py, name)),
                timestamp: given(py, timestamp).and_then(|t| fields::nanos(&t)).unwrap_or_else(now_unix_nanos),
                attributes: convert::attributes_from_py(
                    given(py, attributes).as_ref(),
                    limits.max_event_attributes,
                    limits.max_attribute_length,
                ),
            };
            let mut data = span.cell().lock();
            if data.end_time.is_some() {
                drop(data);
                return Ok(ended(py, "Tried calling _add_event on an ended span."));
            }
            data.events.push(event, limits.max_events);
            drop(data);
            fields::forget(py, span, "_events");
            Ok(raw::none(py))
        })
    }
}

unsafe extern "C" fn add_link(this: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    // SAFETY: called by the interpreter on an instance.
    unsafe {
        guard(|py| {
            let [context, attributes] = arguments(py, "add_link", &["context", "attributes"], 1, args, count, names)?;
            let span = span_of(this);
            let limits = span.limits();
            let Some(context) = given(py, context) else { return Ok(raw::none(py)) };
            let target = match super::from_py(&context) {
                Ok(target) => target,
                Err(error) => {
                    crate::error::log_exception(py, error, LOGGER, "Ignoring a link")?;
                    return Ok(raw::none(py));
                }
            };
            let link = Link {
                context: target,
                attributes: convert::attributes_from_py(
                    given(py, attributes).as_ref(),
                    limits.max_link_attributes,
                    limits.max_attribute_length,
                ),
            };
            if !link.is_worth_keeping() {
                return Ok(raw::none(py));
            }
            let mut data = span.cell().lock();
            if data.end_time.is_some() {
                drop(data);
                return Ok(ended(py, "Tried calling _add_link on an ended span."));
            }
            data.links.push(link, limits.max_links);
            drop(data);
            fields::forget(py, span, "_links");
            Ok(raw::none(py))
        })
    }
}

unsafe extern "C" fn update_name(this: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    // SAFETY: called by the interpreter on an instance.
    unsafe {
        guard(|py| {
            let [name] = arguments(py, "update_name", &["name"], 1, args, count, names)?;
            let name = convert::text_from_py(&Bound::from_borrowed_ptr(py, name));
            let mut data = span_of(this).cell().lock();
            if data.end_time.is_some() {
                drop(data);
                return Ok(ended(py, "Tried calling update_name on an ended span."));
            }
            data.name = name;
            Ok(raw::none(py))
        })
    }
}

unsafe extern "C" fn is_recording(this: Raw, _: Raw) -> Raw {
    // SAFETY: called by the interpreter on an instance.
    unsafe {
        let ended = span_of(this).cell().lock().end_time.is_some();
        raw::share(if ended { ffi::Py_False() } else { ffi::Py_True() })
    }
}

unsafe extern "C" fn get_span_context(this: Raw, _: Raw) -> Raw {
    // SAFETY: called by the interpreter on an instance.
    unsafe { guard(|py| fields::context(py, span_of(this))) }
}

unsafe extern "C" fn readable_span(this: Raw, _: Raw) -> Raw {
    // SAFETY: called by the interpreter on an instance.
    unsafe { guard(|py| readable(py, span_of(this)).map(Bound::into_ptr)) }
}

unsafe extern "C" fn start(this: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    // SAFETY: called by the interpreter on an instance.
    unsafe {
        guard(|py| {
            let [time, parent] = arguments(py, "start", &["start_time", "parent_context"], 0, args, count, names)?;
            let span = span_of(this);
            let time = given(py, time).and_then(|t| fields::nanos(&t)).unwrap_or_else(now_unix_nanos);
            let mut data = span.cell().lock();
            if data.start_time.is_some() {
                drop(data);
                return Ok(ended(py, "Calling start() on a started span."));
            }
            data.start_time = Some(time);
            drop(data);
            let bound = Bound::from_borrowed_ptr(py, this);
            processor_list::on_start(&bound, span, given(py, parent).as_ref())?;
            Ok(raw::none(py))
        })
    }
}

unsafe extern "C" fn end(this: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    // SAFETY: called by the interpreter on an instance.
    unsafe {
        guard(|py| {
            let [time] = arguments(py, "end", &["end_time"], 0, args, count, names)?;
            let time = given(py, time).and_then(|t| fields::nanos(&t));
            end_span(&Bound::from_borrowed_ptr(py, this), time)?;
            Ok(raw::none(py))
        })
    }
}

/// Ends a span of ours, at `time` (default: now), and tells the processors.
///
/// # Errors
/// RuntimeError when it was never started, as in the reference.
#[inline]
pub fn end_span(object: &Bound<'_, PyAny>, time: Option<u64>) -> PyResult<()> {
    let py = object.py();
    // SAFETY: the callers pass an instance.
    let span = unsafe { span_of(object.as_ptr()) };
    let mut data = span.cell().lock();
    if data.start_time.is_none() {
        return Err(PyRuntimeError::new_err("Calling end() on a not started span."));
    }
    if data.end_time.is_some() {
        drop(data);
        ended(py, "Calling end() on an ended span.");
        return Ok(());
    }
    data.end_time = Some(time.unwrap_or_else(now_unix_nanos));
    let sampled = data.context.trace_flags.is_sampled();
    drop(data);
    if span.flags & CALL_AT_END != 0 {
        count_end(object)?;
    }
    processor_list::on_end(object, span, sampled)
}

#[cold]
fn count_end(object: &Bound<'_, PyAny>) -> PyResult<()> {
    static REPORTED: AtomicBool = AtomicBool::new(false);
    let py = object.py();
    let counted = object.getattr(intern!(py, "_record_end_metrics")).and_then(|counted| counted.call0());
    counted
        .map(drop)
        .or_else(|error| crate::error::log_exception_once(py, error, LOGGER, "The SDK's own metrics failed", &REPORTED))
}

unsafe extern "C" fn enter(this: Raw, _: Raw) -> Raw {
    // SAFETY: called by the interpreter on an instance.
    unsafe { raw::share(this) }
}

/// What [`record_failure`] does, without Python's methods: for a `_Span` and an exception that are as usual. Returns
/// false, and has done nothing, for all others.
///
/// # Errors
/// Only KeyboardInterrupt and its like.
pub fn record_usual_failure(object: &Bound<'_, PyAny>, exception: &Bound<'_, PyAny>, flags: u8) -> PyResult<bool> {
    let py = object.py();
    // SAFETY: the callers pass an instance.
    let span = unsafe { span_of(object.as_ptr()) };
    let limits = span.limits();
    if !span.foreign.is_null()
        || span.cell().lock().end_time.is_some()
        || limits.max_event_attributes.is_some_and(|most| most < 4)
        || limits.max_attribute_length.is_some()
    {
        return Ok(false);
    }
    let kind = exception.get_type();
    let (Ok(message), Ok(module)) = (exception.str(), kind.getattr(intern!(py, "__module__"))) else {
        crate::raw::settle();
        return Ok(false);
    };
    let Ok(module) = module.cast_into_exact::<PyString>() else { return Ok(false) };
    let name = kind.getattr(intern!(py, "__qualname__"))?.cast_into::<PyString>()?;
    let message = convert::text_from_py_lossy(&message);
    let event = if flags & RECORD_EXCEPTION == 0 {
        None
    } else {
        let Some(trace) = super::stack_trace::usual_text(exception)? else { return Ok(false) };
        let module = convert::text_from_py_lossy(&module);
        let name = convert::text_from_py_lossy(&name);
        let full = if module.is_empty() || module == "builtins" { name } else { format!("{module}.{name}").into() };
        let attributes = [
            ("exception.type", full),
            ("exception.message", message.clone()),
            ("exception.stacktrace", trace.into()),
            ("exception.escaped", "False".into()),
        ];
        Some(ferrotel::sdk::trace::Event {
            name: "exception".into(),
            timestamp: now_unix_nanos(),
            attributes: attributes.into_iter().collect(),
        })
    };
    let status = if flags & SET_STATUS_ON_EXCEPTION == 0 {
        None
    } else {
        let name = convert::text_from_py_lossy(&kind.name()?);
        Some(Status::Error(Some(format!("{name}: {message}").into())))
    };
    let (added, set) = {
        let mut data = span.cell().lock();
        if data.end_time.is_some() {
            // Another thread's doing, while the text was made.
            return Ok(false);
        }
        let added = event.is_some();
        if let Some(event) = event {
            data.events.push(event, limits.max_events);
        }
        let status = status.filter(|_| data.status != Status::Ok);
        let set = status.is_some();
        if let Some(status) = status {
            data.status = status;
        }
        (added, set)
    };
    if added {
        fields::forget(py, span, "_events");
    }
    if set {
        fields::forget(py, span, "_status");
    }
    Ok(true)
}

/// Calls a method of a span, for exceptions that leave its block: the methods may be a subclass's.
///
/// # Errors
/// What the method raises.
pub fn record_failure(span: &Bound<'_, PyAny>, exception: &Bound<'_, PyAny>, flags: u8) -> PyResult<()> {
    let py = span.py();
    if flags & RECORD_EXCEPTION != 0 {
        span.call_method1(intern!(py, "record_exception"), (exception,))?;
    }
    if flags & SET_STATUS_ON_EXCEPTION != 0 {
        let kind = exception.get_type().name()?;
        let text = exception.str().map(|text| text.to_string()).unwrap_or_else(|_| "<no text: __str__ raised>".into());
        let code = crate::types::STATUS_CODE.get(py)?.getattr(intern!(py, "ERROR"))?;
        let status = crate::types::STATUS.get(py)?.call1((code, format!("{kind}: {text}")))?;
        span.call_method1(intern!(py, "set_status"), (status,))?;
    }
    Ok(())
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let flags = ffi::Py_TPFLAGS_HAVE_GC | ffi::Py_TPFLAGS_BASETYPE;
    let readable = Spec {
        name: c"ferrotel._native.ReadableSpanBase",
        size: size_of::<SpanObject>(),
        flags,
        methods: vec![raw::method_noargs(
            c"get_span_context",
            get_span_context,
            c"get_span_context($self)\n--\n\nThe span's context.",
        )],
        attributes: fields::attributes(),
        dict_and_weaklist: Some((std::mem::offset_of!(SpanObject, dict), std::mem::offset_of!(SpanObject, weaklist))),
        slots: vec![
            (ffi::Py_tp_new, new as *mut c_void),
            (ffi::Py_tp_dealloc, dealloc as *mut c_void),
            (ffi::Py_tp_traverse, traverse as *mut c_void),
            (ffi::Py_tp_clear, clear as *mut c_void),
        ],
        doc: c"What ReadableSpan stands on: a handle to the engine's record of a span.",
    }
    .make(py, None)?;
    READABLE_BASE.store(readable.as_ptr().cast(), Ordering::Relaxed);
    let span = Spec {
        name: c"ferrotel._native.SpanBase",
        size: size_of::<SpanObject>(),
        // The collector's part is inherited.
        flags: ffi::Py_TPFLAGS_BASETYPE,
        methods: vec![
            raw::method_noargs(
                c"get_span_context",
                get_span_context,
                c"get_span_context($self)\n--\n\nThe span's context.",
            ),
            raw::method(c"set_attribute", set_attribute, c"set_attribute($self, key, value)\n--\n\nSets one attribute."),
            raw::method(c"set_attributes", set_attributes, c"set_attributes($self, attributes)\n--\n\nSets several attributes."),
            raw::method(c"add_event", add_event, c"add_event($self, name, attributes=None, timestamp=None)\n--\n\nAdds an event; timestamp in nanoseconds since the epoch."),
            raw::method(c"add_link", add_link, c"add_link($self, context, attributes=None)\n--\n\nAdds a link to another span."),
            raw::method(c"update_name", update_name, c"update_name($self, name)\n--\n\nRenames the span."),
            raw::method_noargs(c"is_recording", is_recording, c"is_recording($self)\n--\n\nWhether the span has not ended yet."),
            raw::method_noargs(c"_readable_span", readable_span, c"_readable_span($self)\n--\n\nThe span as processors and exporters see it."),
            raw::method(c"start", start, c"start($self, start_time=None, parent_context=None)\n--\n\nStarts the span, once."),
            raw::method(c"end", end, c"end($self, end_time=None)\n--\n\nEnds the span, once; end_time in nanoseconds since the epoch."),
            raw::method_noargs(c"__enter__", enter, c"__enter__($self)\n--\n\nThe span itself."),
        ],
        attributes: vec![],
        dict_and_weaklist: None,
        slots: vec![],
        doc: c"What Span stands on: a span that records.",
    }
    .make(py, Some(&readable))?;
    module.add("ReadableSpanBase", readable)?;
    module.add("SpanBase", span)
}
