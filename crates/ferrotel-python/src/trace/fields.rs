//! The reference's private attributes of a span (`_name`, `_attributes`, ...): consumers read and write them.
//!
//! A value that the engine has room for goes there, so that every exporter sees it; anything else is kept beside it.

use std::ffi::{c_int, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use ferrotel::api::trace::{SpanContext, SpanId, SpanKind, Status};
use ferrotel::common::{Scope, Text};
use ferrotel::resource::Resource;
use ferrotel::sdk::trace::{Bounded, Event, Link, SpanData, SpanLimits};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use pyo3::{IntoPyObjectExt, ffi, intern};

use super::attribute_store::AttributeStore;
use super::span::{CALL_AT_END, RECORD_EXCEPTION, SET_STATUS_ON_EXCEPTION, SpanObject, span_of};
use super::tracer::limits_from_py;
use super::{from_py, to_py};
use crate::convert::{attributes_from_py, attributes_to_py, text_from_py};
use crate::raw::{self, Raw, guard};
use crate::types;

#[derive(Clone, Copy)]
#[repr(usize)]
enum Field {
    Name,
    Context,
    Kind,
    Parent,
    StartTime,
    EndTime,
    Attributes,
    Events,
    Links,
    Status,
    Resource,
    Scope,
    SpanProcessor,
    RecordException,
    SetStatusOnException,
    Limits,
    EndMetrics,
}

use Field as F;

const FIELDS: [(Field, &std::ffi::CStr); 17] = [
    (F::Name, c"_name"),
    (F::Context, c"_context"),
    (F::Kind, c"_kind"),
    (F::Parent, c"_parent"),
    (F::StartTime, c"_start_time"),
    (F::EndTime, c"_end_time"),
    (F::Attributes, c"_attributes"),
    (F::Events, c"_events"),
    (F::Links, c"_links"),
    (F::Status, c"_status"),
    (F::Resource, c"_resource"),
    (F::Scope, c"_instrumentation_scope"),
    (F::SpanProcessor, c"_span_processor"),
    (F::RecordException, c"_record_exception"),
    (F::SetStatusOnException, c"_set_status_on_exception"),
    (F::Limits, c"_limits"),
    (F::EndMetrics, c"_record_end_metrics"),
];

/// The attributes of `ReadableSpanBase`.
pub fn attributes() -> Vec<ffi::PyGetSetDef> {
    let doc = c"As in the reference.";
    FIELDS.iter().map(|(field, name)| raw::attribute(name, get, Some(set), doc, *field as usize)).collect()
}

fn name_of(field: usize) -> &'static str {
    FIELDS[field].1.to_str().unwrap_or_default()
}

unsafe extern "C" fn get(this: Raw, field: *mut c_void) -> Raw {
    let field = field as usize;
    // SAFETY: called by the interpreter on an instance, with a field's number.
    unsafe {
        guard(|py| {
            let span = span_of(this);
            for dict in [span.foreign, span.kept] {
                if let Some(dict) = Bound::from_borrowed_ptr_or_opt(py, dict)
                    && let Some(value) = dict.cast_into_unchecked::<PyDict>().get_item(name_of(field))?
                {
                    return Ok(value.into_ptr());
                }
            }
            if !matches!(FIELDS[field].0, F::Attributes | F::Status | F::Events | F::Links) {
                return read(py, span, FIELDS[field].0);
            }
            READING.fetch_add(1, Ordering::Relaxed);
            let before = FORGOTTEN.load(Ordering::Relaxed);
            let made = read(py, span, FIELDS[field].0);
            let same = FORGOTTEN.load(Ordering::Relaxed) == before;
            READING.fetch_sub(1, Ordering::Relaxed);
            let made = Bound::from_owned_ptr(py, made?);
            if same {
                keep(py, span, field, &made)?;
            }
            Ok(made.into_ptr())
        })
    }
}

unsafe extern "C" fn set(this: Raw, value: Raw, field: *mut c_void) -> c_int {
    let field = field as usize;
    // SAFETY: called by the interpreter on an instance, with a field's number; a null value means deletion.
    unsafe {
        let done = guard(|py| {
            if value.is_null() {
                return Err(PyTypeError::new_err(format!("{} cannot be deleted", name_of(field))));
            }
            let value = Bound::from_borrowed_ptr(py, value);
            let span = span_of(this);
            let place = match write(py, span, FIELDS[field].0, &value) {
                Ok(()) => {
                    remove(py, &mut span.foreign, name_of(field));
                    if matches!(FIELDS[field].0, F::Attributes | F::Limits) {
                        forget(py, span, "_attributes");
                    }
                    if !matches!(FIELDS[field].0, F::Parent | F::Status | F::Events | F::Links | F::EndMetrics)
                        || (value.is_none() && matches!(FIELDS[field].0, F::EndMetrics))
                    {
                        return Ok(raw::none(py));
                    }
                    &mut span.kept
                }
                Err(error) => {
                    drop(error);
                    crate::raw::settle();
                    &mut span.foreign
                }
            };
            dict_in(py, place).set_item(name_of(field), value)?;
            Ok(raw::none(py))
        });
        if done.is_null() {
            return -1;
        }
        ffi::Py_DECREF(done);
        0
    }
}

/// Keeps the object that was made for a field, so that the next reader gets the same one, as in the reference.
fn keep(py: Python<'_>, span: &mut SpanObject, field: usize, made: &Bound<'_, PyAny>) -> PyResult<()> {
    // SAFETY: `kept` is null or a dict that the span owns.
    unsafe {
        let current = {
            let data = span.cell().lock();
            match FIELDS[field].0 {
                F::Events => Some((data.events.items.len(), data.events.dropped)),
                F::Links => Some((data.links.items.len(), data.links.dropped)),
                _ => None,
            }
        };
        // Another thread may have added one while the list was made.
        if let Some((count, dropped)) = current
            && (made.len()? != count || made.getattr(intern!(py, "dropped"))?.ne(dropped)?)
        {
            return Ok(());
        }
        dict_in(py, &mut span.kept).set_item(name_of(field), made)
    }
}

/// One of the two dicts of a span, made where it is not there.
///
/// # Safety
/// Attached; `place` is null or holds a dict that the span owns.
unsafe fn dict_in<'py>(py: Python<'py>, place: *mut Raw) -> Bound<'py, PyDict> {
    // SAFETY: the caller's promise. Making a dict may run the collector, and that code that makes this one: hence the
    // second look, through a pointer, which takes nothing for known.
    unsafe {
        if (*place).is_null() {
            let made = PyDict::new(py);
            if (*place).is_null() {
                *place = made.into_ptr();
            }
        }
        Bound::from_borrowed_ptr(py, *place).cast_into_unchecked()
    }
}

/// Takes a name out of one of the two dicts of a span.
fn remove(py: Python<'_>, dict: &mut Raw, name: &str) {
    // SAFETY: null, or a dict that the span owns.
    unsafe {
        if let Some(names) = Bound::from_borrowed_ptr_or_opt(py, *dict) {
            let names = names.cast_into_unchecked::<PyDict>();
            let _ = names.del_item(name);
            // What was taken out may have put something in as it died.
            if names.is_empty() && *dict == names.as_ptr() {
                raw::replace(dict, std::ptr::null_mut());
            }
        }
    }
}

/// How many threads make objects of what the engine has, to be kept. That may let others run, up to 3.11 at any allocation.
static READING: AtomicU32 = AtomicU32::new(0);
/// How often [`forget`] was called meanwhile, for any span: what is made from before such a call is not kept.
static FORGOTTEN: AtomicU32 = AtomicU32::new(0);

/// Forgets the object that was set as `name`: the engine has changed since.
#[inline]
pub fn forget(py: Python<'_>, span: &mut SpanObject, name: &str) {
    if READING.load(Ordering::Relaxed) != 0 {
        FORGOTTEN.fetch_add(1, Ordering::Relaxed);
    }
    if !span.kept.is_null() {
        remove(py, &mut span.kept, name);
    }
}

/// The `SpanContext` of a span, made once.
pub fn context(py: Python<'_>, span: &mut SpanObject) -> PyResult<Raw> {
    if span.context.is_null() {
        if !span.foreign.is_null() {
            // SAFETY: a dict, owned by the span.
            let foreign = unsafe { Bound::from_borrowed_ptr(py, span.foreign).cast_into_unchecked::<PyDict>() };
            if let Some(value) = foreign.get_item("_context")? {
                return Ok(value.into_ptr());
            }
        }
        let context = span.cell().lock().context.clone();
        let made = to_py(py, context)?.into_ptr();
        // SAFETY: the span owns what it holds: making the object may have run Python code that asked, too.
        unsafe { raw::replace(&mut span.context, made) };
    }
    // SAFETY: owned by the span.
    Ok(unsafe { raw::share(span.context) })
}

fn read(py: Python<'_>, span: &mut SpanObject, field: Field) -> PyResult<Raw> {
    // What is needed is copied out first, in a statement of its own that ends the guard's life: making Python objects
    // may run Python code, on this thread or another, that needs the lock.
    let data = || span.cell().lock();
    let object = match field {
        F::Name => data().name.clone().as_str().into_py_any(py)?,
        F::Context => return context(py, span),
        F::Kind => {
            let kind = data().kind;
            kind_to_py(py, kind)?
        }
        // SAFETY: owned by the span.
        F::Parent if !span.parent.is_null() => unsafe { Bound::from_borrowed_ptr(py, span.parent) }.unbind(),
        F::Parent => {
            let parent = data().parent.clone();
            parent.map_or_else(|| Ok(py.None()), |parent| to_py(py, parent))?
        }
        F::StartTime => data().start_time.into_py_any(py)?,
        F::EndTime => data().end_time.into_py_any(py)?,
        F::Attributes => {
            let store = AttributeStore::new(span.cell().clone(), span.limits());
            types::MAKE_SPAN_ATTRIBUTES.get(py)?.call1((store,))?.unbind()
        }
        F::Events => {
            let events = data().events.clone();
            events_to_py(py, &events, span.limits().max_events)?.unbind()
        }
        F::Links => {
            let links = data().links.clone();
            links_to_py(py, &links, span.limits().max_links)?.unbind()
        }
        F::Status => {
            let status = data().status.clone();
            status_to_py(py, &status)?.unbind()
        }
        F::Resource => {
            let resource = data().resource.clone();
            resource_to_py(py, &resource)?.unbind()
        }
        F::Scope => {
            let scope = data().scope.clone();
            scope_to_py(py, &scope)?.unbind()
        }
        F::SpanProcessor => {
            // SAFETY: null or owned by the span.
            let processor = unsafe { Bound::from_borrowed_ptr_or_opt(py, span.processor) };
            processor.map_or_else(|| py.None(), Bound::unbind)
        }
        F::RecordException => (span.flags & RECORD_EXCEPTION != 0).into_py_any(py)?,
        F::SetStatusOnException => (span.flags & SET_STATUS_ON_EXCEPTION != 0).into_py_any(py)?,
        F::Limits => limits_to_py(py, &span.limits())?.unbind(),
        F::EndMetrics => py.None(),
    };
    Ok(object.into_ptr())
}

/// Writes a field; an error means that the engine has no room for the value.
fn write(py: Python<'_>, span: &mut SpanObject, field: Field, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let unfit = || PyTypeError::new_err("kept as it is");
    match field {
        F::Name => {
            let name = text_from_py(value);
            span.cell().lock().name = name;
            if !value.is_instance_of::<pyo3::types::PyString>() {
                return Err(unfit());
            }
        }
        F::Context => {
            let context = if value.is_none() { Default::default() } else { from_py(value)? };
            span.cell().lock().context = context;
            // SAFETY: the span owns what it shares.
            unsafe { raw::replace(&mut span.context, raw::share(value.as_ptr())) };
        }
        F::Kind => span.cell().lock().kind = kind_from_py(value)?,
        F::Parent => {
            let parent = if value.is_none() { None } else { Some(from_py(value)?) };
            span.cell().lock().parent = parent;
            // SAFETY: the span owns what it shares.
            unsafe { raw::replace(&mut span.parent, std::ptr::null_mut()) };
        }
        F::StartTime | F::EndTime => {
            let time = if value.is_none() { None } else { Some(nanos(value).ok_or_else(unfit)?) };
            let mut data = span.cell().lock();
            if matches!(field, F::StartTime) {
                data.start_time = time;
            } else {
                data.end_time = time;
            }
        }
        F::Attributes => {
            if !value.is_none() && !value.is_instance(&*types::MAPPING.get(py)?)? {
                return Err(unfit());
            }
            let mut attributes = attributes_from_py(Some(value), None, None);
            attributes.set_dropped(value.getattr("dropped").and_then(|d| d.extract()).unwrap_or(0));
            span.cell().lock().attributes = attributes;
        }
        F::Events => {
            let events = bounded(value, event_from_py)?;
            span.cell().lock().events = events;
        }
        F::Links => {
            let links = bounded(value, link_from_py)?;
            span.cell().lock().links = links;
        }
        F::Status => {
            let status = status_from_py(value)?;
            span.cell().lock().status = status;
        }
        F::Resource => {
            let resource = resource_from_py(value)?;
            // The old one owns a Python object, which must not die under the lock.
            let old = std::mem::replace(&mut span.cell().lock().resource, resource);
            drop(old);
        }
        F::Scope => {
            let scope = if value.is_none() { Err(unfit()) } else { scope_from_py(value) };
            let scope = scope?;
            let old = std::mem::replace(&mut span.cell().lock().scope, scope);
            drop(old);
        }
        // SAFETY: the span owns what it shares.
        F::SpanProcessor => unsafe { raw::replace(&mut span.processor, raw::share(value.as_ptr())) },
        F::RecordException => set_flag(&mut span.flags, RECORD_EXCEPTION, value.is_truthy()?),
        F::SetStatusOnException => set_flag(&mut span.flags, SET_STATUS_ON_EXCEPTION, value.is_truthy()?),
        F::Limits => span.set_limits(Arc::new(limits_from_py(value)?)),
        F::EndMetrics => set_flag(&mut span.flags, CALL_AT_END, !value.is_none()),
    }
    Ok(())
}

fn set_flag(flags: &mut u8, flag: u8, on: bool) {
    *flags = if on { *flags | flag } else { *flags & !flag };
}

/// Everything of a span, read through its public properties.
///
/// # Errors
/// What they raise.
pub fn read_public(span: &Bound<'_, PyAny>) -> PyResult<SpanData> {
    let py = span.py();
    let attribute = |name: &str| span.getattr(name);
    let optional = |name: &str| span.getattr(name).ok().filter(|value| !value.is_none());
    let count = |name: &str| optional(name).and_then(|count| count.extract().ok()).unwrap_or(0);
    let mut data = SpanData {
        context: match optional("context") {
            Some(context) => from_py(&context)?,
            None => Default::default(),
        },
        parent: optional("parent").and_then(|parent| parent_from_py(&parent)),
        name: text_from_py(&attribute("name")?),
        kind: optional("kind").and_then(|kind| kind_from_py(&kind).ok()).unwrap_or_default(),
        start_time: optional("start_time").and_then(|time| nanos(&time)),
        end_time: optional("end_time").and_then(|time| nanos(&time)),
        attributes: attributes_from_py(optional("attributes").as_ref(), None, None),
        events: match optional("events") {
            Some(events) => bounded(&events, event_from_py)?,
            None => Bounded::default(),
        },
        links: match optional("links") {
            Some(links) => bounded(&links, link_from_py)?,
            None => Bounded::default(),
        },
        status: optional("status").and_then(|status| status_from_py(&status).ok()).unwrap_or_default(),
        scope: match optional("instrumentation_scope") {
            Some(scope) => scope_from_py(&scope)?,
            None => Arc::default(),
        },
        resource: match span.getattr(intern!(py, "resource")).ok().filter(|r| !r.is_none()) {
            Some(resource) => resource_from_py(&resource)?,
            None => Arc::default(),
        },
    };
    data.attributes.set_dropped(count("dropped_attributes"));
    data.events.dropped = count("dropped_events");
    data.links.dropped = count("dropped_links");
    Ok(data)
}

/// A parent's context. Of one that is no whole context the span id alone still says which span it is.
fn parent_from_py(parent: &Bound<'_, PyAny>) -> Option<SpanContext> {
    from_py(parent).ok().or_else(|| {
        let span_id = parent.getattr(intern!(parent.py(), "span_id")).ok()?.extract().ok()?;
        let is_remote = parent.getattr(intern!(parent.py(), "is_remote")).and_then(|remote| remote.is_truthy());
        Some(SpanContext {
            span_id: SpanId(span_id),
            is_remote: is_remote.unwrap_or_default(),
            ..SpanContext::default()
        })
    })
}

/// Nanoseconds since the epoch. Fractions are cut, what lies before the epoch becomes 0; both are told once.
pub fn nanos(time: &Bound<'_, PyAny>) -> Option<u64> {
    if let Ok(nanos) = time.extract::<u64>() {
        return Some(nanos);
    }
    odd_nanos(time)
}

#[cold]
fn odd_nanos(time: &Bound<'_, PyAny>) -> Option<u64> {
    use std::sync::atomic::AtomicBool;
    static TOLD: AtomicBool = AtomicBool::new(false);
    crate::raw::settle();
    if !TOLD.swap(true, Ordering::Relaxed) {
        crate::error::warn_with(
            time.py(),
            "opentelemetry.sdk.trace",
            "A timestamp must be an int of nanoseconds since the epoch, got %s: the nearest such time is used, or the \
             current one where there is none.",
            crate::error::shown(time),
        );
    }
    if let Ok(number) = time.extract::<f64>() {
        // The conversion saturates; not-a-number is no time at all.
        return (!number.is_nan()).then_some(number as u64);
    }
    let positive = time.gt(0).ok()?;
    Some(if positive { u64::MAX } else { 0 })
}

/// The number of a `SpanKind`.
pub fn kind_from_py(kind: &Bound<'_, PyAny>) -> PyResult<SpanKind> {
    let known = KINDS.iter().position(|slot| slot.load(Ordering::Relaxed) == kind.as_ptr());
    let number = match known {
        Some(number) => number as u8,
        None => kind.getattr(intern!(kind.py(), "value"))?.extract()?,
    };
    SpanKind::from_number(number).ok_or_else(|| PyValueError::new_err("no span kind"))
}

static KINDS: [AtomicPtr<ffi::PyObject>; 5] = [const { AtomicPtr::new(std::ptr::null_mut()) }; 5];

/// The `SpanKind` of a number.
pub fn kind_to_py(py: Python<'_>, kind: SpanKind) -> PyResult<Py<PyAny>> {
    let slot = &KINDS[kind as usize];
    if slot.load(Ordering::Relaxed).is_null() {
        slot.store(types::SPAN_KIND.get(py)?.call1((kind as u8,))?.into_ptr(), Ordering::Relaxed);
    }
    // SAFETY: a reference that is never given back.
    Ok(unsafe { Bound::from_borrowed_ptr(py, slot.load(Ordering::Relaxed)) }.unbind())
}

fn status_to_py<'py>(py: Python<'py>, status: &Status) -> PyResult<Bound<'py, PyAny>> {
    let code = types::STATUS_CODE.get(py)?.call1((status.code(),))?;
    let description = match status {
        Status::Error(Some(description)) => Some(description.as_str()),
        _ => None,
    };
    types::STATUS.get(py)?.call1((code, description))
}

fn status_from_py(status: &Bound<'_, PyAny>) -> PyResult<Status> {
    let code: u8 = status.getattr("status_code")?.getattr("value")?.extract()?;
    let description = status.getattr("description")?;
    Ok(match code {
        1 => Status::Ok,
        2 => Status::Error(if description.is_none() { None } else { Some(text_from_py(&description)) }),
        _ => Status::Unset,
    })
}

fn bounded<T>(items: &Bound<'_, PyAny>, read: impl Fn(&Bound<'_, PyAny>) -> PyResult<T>) -> PyResult<Bounded<T>> {
    let mut list = Bounded::default();
    if items.is_none() {
        return Ok(list);
    }
    for item in items.try_iter()? {
        list.items.push(read(&item?)?);
    }
    list.dropped = items.getattr("dropped").and_then(|dropped| dropped.extract()).unwrap_or(0);
    Ok(list)
}

fn event_from_py(event: &Bound<'_, PyAny>) -> PyResult<Event> {
    let attributes = event.getattr("attributes")?;
    let mut attributes = attributes_from_py(Some(&attributes), None, None);
    attributes.set_dropped(event.getattr("dropped_attributes").and_then(|d| d.extract()).unwrap_or(0));
    Ok(Event {
        name: text_from_py(&event.getattr("name")?),
        timestamp: nanos(&event.getattr("timestamp")?).ok_or_else(|| PyTypeError::new_err("no timestamp"))?,
        attributes,
    })
}

/// A link, whose attributes are bounded already.
pub fn link_from_py(link: &Bound<'_, PyAny>) -> PyResult<Link> {
    let attributes = link.getattr("attributes")?;
    let mut bounded = attributes_from_py(Some(&attributes), None, None);
    bounded.set_dropped(attributes.getattr("dropped").and_then(|d| d.extract()).unwrap_or(0));
    Ok(Link { context: from_py(&link.getattr("context")?)?, attributes: bounded })
}

fn events_to_py<'py>(py: Python<'py>, events: &Bounded<Event>, limit: Option<usize>) -> PyResult<Bound<'py, PyAny>> {
    let list = PyList::empty(py);
    for event in &events.items {
        let attributes = attributes_to_py(py, &event.attributes)?;
        let arguments = (event.name.as_str(), attributes, event.attributes.dropped(), event.timestamp);
        list.append(types::MAKE_EVENT.get(py)?.call1(arguments)?)?;
    }
    types::MAKE_LIST.get(py)?.call1((list, limit, events.dropped))
}

fn links_to_py<'py>(py: Python<'py>, links: &Bounded<Link>, limit: Option<usize>) -> PyResult<Bound<'py, PyAny>> {
    let list = PyList::empty(py);
    for link in &links.items {
        let attributes = attributes_to_py(py, &link.attributes)?;
        let arguments = (to_py(py, link.context.clone())?, attributes, link.attributes.dropped());
        list.append(types::MAKE_LINK.get(py)?.call1(arguments)?)?;
    }
    types::MAKE_LIST.get(py)?.call1((list, limit, links.dropped))
}

/// The Python object that an engine object was made from, kept in its slot.
struct Origin(Py<PyAny>);

/// The engine's resource for a Python one.
///
/// # Errors
/// An object that has no attributes.
pub fn resource_from_py(resource: &Bound<'_, PyAny>) -> PyResult<Arc<Resource>> {
    let attributes = resource.getattr("attributes")?;
    if !attributes.is_instance(&*types::MAPPING.get(resource.py())?)? {
        return Err(PyTypeError::new_err("a resource's attributes must be a mapping"));
    }
    let schema_url = resource.getattr("schema_url").map(|url| optional_text(&url)).unwrap_or_default();
    let made =
        Resource { attributes: attributes_from_py(Some(&attributes), None, None), schema_url, ..Resource::default() };
    made.host.fill(Arc::new(Origin(resource.clone().unbind())));
    Ok(Arc::new(made))
}

/// The Python resource that an engine's was made from, or one made of it.
///
/// # Errors
/// Out of memory.
pub fn resource_to_py<'py>(py: Python<'py>, resource: &Arc<Resource>) -> PyResult<Bound<'py, PyAny>> {
    if let Some(origin) = resource.host.object::<Origin>() {
        return Ok(origin.0.bind(py).clone());
    }
    types::MAKE_RESOURCE.get(py)?.call1((attributes_to_py(py, &resource.attributes)?, resource.schema_url.as_str()))
}

/// The engine's scope for a Python one.
///
/// # Errors
/// An object that has no name.
pub fn scope_from_py(scope: &Bound<'_, PyAny>) -> PyResult<Arc<Scope>> {
    let attribute = |name: &str| scope.getattr(name).map(|value| optional_text(&value)).unwrap_or_default();
    let made = Scope {
        name: optional_text(&scope.getattr("name")?),
        version: attribute("version"),
        schema_url: attribute("schema_url"),
        attributes: attributes_from_py(scope.getattr("attributes").ok().as_ref(), None, None),
        ..Scope::default()
    };
    made.host.fill(Arc::new(Origin(scope.clone().unbind())));
    Ok(Arc::new(made))
}

/// The Python scope that an engine's was made from, or one made of it.
///
/// # Errors
/// Out of memory.
pub fn scope_to_py<'py>(py: Python<'py>, scope: &Arc<Scope>) -> PyResult<Bound<'py, PyAny>> {
    if let Some(origin) = scope.host.object::<Origin>() {
        return Ok(origin.0.bind(py).clone());
    }
    if **scope == Scope::default() {
        return Ok(py.None().into_bound(py));
    }
    let attributes = attributes_to_py(py, &scope.attributes)?;
    types::MAKE_SCOPE.get(py)?.call1((
        scope.name.as_str(),
        scope.version.as_str(),
        scope.schema_url.as_str(),
        attributes,
    ))
}

fn optional_text(object: &Bound<'_, PyAny>) -> Text {
    if object.is_none() { Text::default() } else { text_from_py(object) }
}

fn limits_to_py<'py>(py: Python<'py>, limits: &SpanLimits) -> PyResult<Bound<'py, PyAny>> {
    // The class reads None as "from the environment" and -1 as "no limit".
    let limit = |limit: Option<usize>| limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
    let arguments = [
        ("max_events", limits.max_events),
        ("max_links", limits.max_links),
        ("max_span_attributes", limits.max_span_attributes),
        ("max_event_attributes", limits.max_event_attributes),
        ("max_link_attributes", limits.max_link_attributes),
        ("max_attribute_length", limits.max_attribute_length),
        ("max_span_attribute_length", limits.max_span_attribute_length),
    ];
    let kwargs = PyDict::new(py);
    for (name, value) in arguments {
        kwargs.set_item(name, limit(value))?;
    }
    types::SPAN_LIMITS.get(py)?.call((), Some(&kwargs))
}
