//! `opentelemetry.sdk.trace.Tracer`: `TracerBase` starts spans.

use std::ffi::{c_int, c_void};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ferrotel::api::trace::{SpanContext, SpanKind, TraceFlags};
use ferrotel::common::Scope;
use ferrotel::common::clock::now_unix_nanos;
use ferrotel::resource::Resource;
use ferrotel::sdk::trace::{
    Bounded, BuiltinSampler, Decision, IdGenerator, Link, RandomIdGenerator, SpanCell, SpanLimits,
};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{ffi, intern};

use super::fields::{self, link_from_py, resource_from_py, scope_from_py};
use super::scope::{END_ON_EXIT, deferred, flags_of};
use super::span::{RECORD_EXCEPTION, SET_STATUS_ON_EXCEPTION, make_span, span_of};
use super::{PySpanContext, context_object_of, non_recording, processor_list};
use crate::context;
use crate::convert::{attributes_from_py, text_from_py};
use crate::error::or_put_off;
use crate::hooks::{id_generator, sampler};
use crate::raw::{self, Raw, Spec, arguments, given, guard};
use crate::types::SDK_TRACER;

const LOGGER: &str = "opentelemetry.sdk.trace";

/// What a span is started with: borrowed, or owned references, as the holder says; null where not given.
#[repr(C)]
pub struct Start {
    pub name: Raw,
    pub context: Raw,
    pub kind: Raw,
    pub attributes: Raw,
    pub links: Raw,
    pub start_time: Raw,
}

impl Start {
    /// The same with references of its own.
    ///
    /// # Safety
    /// What is held is null or alive.
    pub unsafe fn shared(&self) -> Start {
        // SAFETY: the caller's promise.
        unsafe {
            Start {
                name: raw::share(self.name),
                context: raw::share(self.context),
                kind: raw::share(self.kind),
                attributes: raw::share(self.attributes),
                links: raw::share(self.links),
                start_time: raw::share(self.start_time),
            }
        }
    }
}

#[derive(Clone, Copy)]
#[repr(usize)]
enum Part {
    Sampler,
    Resource,
    SpanProcessor,
    IdGenerator,
    SpanLimits,
    Scope,
    /// Counts the tracer's spans; null or `None` unless somebody asked for that.
    Metrics,
}

const PARTS: [(Part, &std::ffi::CStr); 7] = [
    (Part::Sampler, c"sampler"),
    (Part::Resource, c"resource"),
    (Part::SpanProcessor, c"span_processor"),
    (Part::IdGenerator, c"id_generator"),
    (Part::SpanLimits, c"_span_limits"),
    (Part::Scope, c"_instrumentation_scope"),
    (Part::Metrics, c"_tracer_metrics"),
];

/// The engine's side of a tracer's parts.
struct Core {
    /// `None`: ask the Python sampler.
    sampler: Option<BuiltinSampler>,
    /// Whether to ask the Python generator.
    python_ids: bool,
    resource: Arc<Resource>,
    scope: Arc<Scope>,
    limits: Arc<SpanLimits>,
    enabled: bool,
}

#[repr(C)]
struct TracerObject {
    object: ffi::PyObject,
    dict: Raw,
    weaklist: Raw,
    parts: [Raw; PARTS.len()],
    core: *mut Core,
}

unsafe fn tracer_of<'a>(this: Raw) -> &'a mut TracerObject {
    // SAFETY: the callers pass an instance.
    unsafe { &mut *this.cast::<TracerObject>() }
}

impl TracerObject {
    fn core(&mut self) -> &mut Core {
        // SAFETY: made with the instance, freed with it, and only touched while attached.
        unsafe { &mut *self.core }
    }

    fn part<'py>(&self, py: Python<'py>, part: Part) -> Bound<'py, PyAny> {
        // SAFETY: null or owned by the tracer.
        unsafe { Bound::from_borrowed_ptr_or_opt(py, self.parts[part as usize]) }
            .unwrap_or_else(|| py.None().into_bound(py))
    }
}

unsafe extern "C" fn new(kind: *mut ffi::PyTypeObject, _: Raw, _: Raw) -> Raw {
    // SAFETY: the ordinary allocation, zeroed; the core is put in before anybody looks.
    unsafe {
        let made = (*kind).tp_alloc.map_or(std::ptr::null_mut(), |alloc| alloc(kind, 0));
        if !made.is_null() {
            tracer_of(made).core = Box::into_raw(Box::new(Core {
                sampler: Some(BuiltinSampler::AlwaysOn),
                python_ids: false,
                resource: Arc::default(),
                scope: Arc::default(),
                limits: Arc::default(),
                enabled: true,
            }));
        }
        made
    }
}

unsafe extern "C" fn dealloc(this: Raw) {
    // SAFETY: the type's own deallocation.
    unsafe {
        let kind = ffi::Py_TYPE(this);
        ffi::PyObject_GC_UnTrack(this.cast());
        if !tracer_of(this).weaklist.is_null() {
            ffi::PyObject_ClearWeakRefs(this);
        }
        clear(this);
        drop(Box::from_raw(tracer_of(this).core));
        if let Some(free) = (*kind).tp_free {
            free(this.cast());
        }
        ffi::Py_DECREF(kind.cast());
    }
}

unsafe extern "C" fn clear(this: Raw) -> c_int {
    // SAFETY: called on an instance; each slot owns what it holds.
    unsafe {
        let tracer = tracer_of(this);
        raw::replace(&mut tracer.dict, std::ptr::null_mut());
        for part in &mut tracer.parts {
            raw::replace(part, std::ptr::null_mut());
        }
    }
    0
}

unsafe extern "C" fn traverse(this: Raw, visit: ffi::visitproc, arg: *mut c_void) -> c_int {
    // SAFETY: called by the collector on a live instance.
    unsafe {
        let tracer = tracer_of(this);
        for object in tracer.parts.iter().chain([&tracer.dict]) {
            if !object.is_null() {
                let result = visit(*object, arg);
                if result != 0 {
                    return result;
                }
            }
        }
        raw::visit_type(this, visit, arg)
    }
}

unsafe extern "C" fn get_part(this: Raw, part: *mut c_void) -> Raw {
    // SAFETY: called by the interpreter on an instance, with a part's number.
    unsafe { guard(|py| Ok(tracer_of(this).part(py, PARTS[part as usize].0).into_ptr())) }
}

unsafe extern "C" fn set_part(this: Raw, value: Raw, part: *mut c_void) -> c_int {
    // SAFETY: called by the interpreter on an instance, with a part's number.
    unsafe {
        let done = guard(|py| {
            let value = Bound::from_borrowed_ptr_or_opt(py, value).unwrap_or_else(|| py.None().into_bound(py));
            adopt(tracer_of(this), PARTS[part as usize].0, &value)?;
            raw::replace(&mut tracer_of(this).parts[part as usize], value.into_ptr());
            Ok(raw::none(py))
        });
        if done.is_null() {
            return -1;
        }
        ffi::Py_DECREF(done);
        0
    }
}

/// Makes the engine's side of a part. What the engine cannot read (a test's mock) is left as it was there.
fn adopt(tracer: &mut TracerObject, part: Part, value: &Bound<'_, PyAny>) -> PyResult<()> {
    match part {
        Part::Sampler => {
            let sampler = sampler::builtin(value)?;
            tracer.core().sampler = sampler;
        }
        Part::Resource => {
            // Out first, dropped last: what is dropped owns a Python object, whose end may start a span of this tracer.
            if let Ok(resource) = resource_from_py(value) {
                let old = std::mem::replace(&mut tracer.core().resource, resource);
                drop(old);
            }
        }
        Part::Scope => {
            if let Ok(scope) = scope_from_py(value) {
                let old = std::mem::replace(&mut tracer.core().scope, scope);
                drop(old);
            }
        }
        Part::SpanLimits => {
            if let Ok(limits) = limits_from_py(value) {
                tracer.core().limits = Arc::new(limits);
            }
        }
        Part::IdGenerator => {
            let foreign = id_generator::is_foreign(value)?;
            tracer.core().python_ids = foreign;
        }
        Part::SpanProcessor | Part::Metrics => {}
    }
    Ok(())
}

/// The limits of a Python `SpanLimits`.
pub fn limits_from_py(limits: &Bound<'_, PyAny>) -> PyResult<SpanLimits> {
    let limit = |name: &str| limits.getattr(name)?.extract::<Option<usize>>();
    Ok(SpanLimits {
        max_span_attributes: limit("max_span_attributes")?,
        max_event_attributes: limit("max_event_attributes")?,
        max_link_attributes: limit("max_link_attributes")?,
        max_events: limit("max_events")?,
        max_links: limit("max_links")?,
        max_attribute_length: limit("max_attribute_length")?,
        max_span_attribute_length: limit("max_span_attribute_length")?,
    })
}

unsafe extern "C" fn start_span(this: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    const PARAMETERS: &[&str; 8] = &[
        "name",
        "context",
        "kind",
        "attributes",
        "links",
        "start_time",
        "record_exception",
        "set_status_on_exception",
    ];
    // SAFETY: called by the interpreter on an instance.
    unsafe {
        guard(|py| {
            let [name, context, kind, attributes, links, start_time, record, status] =
                arguments(py, "start_span", PARAMETERS, 1, args, count, names)?;
            let start = Start { name, context, kind, attributes, links, start_time };
            let flags = flags_of(truth(py, record)?, truth(py, status)?, false);
            start_native(&Bound::from_borrowed_ptr(py, this), &start, flags).map(Bound::into_ptr)
        })
    }
}

unsafe extern "C" fn start_as_current_span(this: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    const PARAMETERS: &[&str; 9] = &[
        "name",
        "context",
        "kind",
        "attributes",
        "links",
        "start_time",
        "record_exception",
        "set_status_on_exception",
        "end_on_exit",
    ];
    // SAFETY: called by the interpreter on an instance.
    unsafe {
        guard(|py| {
            let [name, context, kind, attributes, links, start_time, record, status, end] =
                arguments(py, "start_as_current_span", PARAMETERS, 1, args, count, names)?;
            let start = Start { name, context, kind, attributes, links, start_time };
            let flags = flags_of(truth(py, record)?, truth(py, status)?, truth(py, end)?);
            deferred(py, this, &start, flags)
        })
    }
}

/// An option that is on unless something false is given.
fn truth(py: Python<'_>, object: Raw) -> PyResult<bool> {
    if object.is_null() {
        return Ok(true);
    }
    // SAFETY: an argument of the call under way.
    unsafe { Bound::from_borrowed_ptr(py, object) }.is_truthy()
}

/// Starts a span for a block: through the subclass's `start_span` where there is one.
#[inline]
pub fn start<'py>(tracer: &Bound<'py, PyAny>, start: &Start, flags: u8) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: reads the type.
    if unsafe { ffi::Py_TYPE(tracer.as_ptr()) }.cast() == SDK_TRACER.as_ptr() {
        return start_native(tracer, start, flags);
    }
    let py = tracer.py();
    let kwargs = PyDict::new(py);
    let given = [
        ("name", start.name),
        ("context", start.context),
        ("kind", start.kind),
        ("attributes", start.attributes),
        ("links", start.links),
        ("start_time", start.start_time),
    ];
    for (name, value) in given {
        // SAFETY: null or owned by the scope.
        if let Some(value) = unsafe { Bound::from_borrowed_ptr_or_opt(py, value) } {
            kwargs.set_item(name, value)?;
        }
    }
    kwargs.set_item("record_exception", flags & RECORD_EXCEPTION != 0)?;
    kwargs.set_item("set_status_on_exception", flags & SET_STATUS_ON_EXCEPTION != 0)?;
    tracer.call_method("start_span", (), Some(&kwargs))
}

fn start_native<'py>(object: &Bound<'py, PyAny>, start: &Start, flags: u8) -> PyResult<Bound<'py, PyAny>> {
    let py = object.py();
    // SAFETY: the callers pass an instance of the base; `start` holds null or live objects.
    unsafe {
        let tracer = tracer_of(object.as_ptr());
        let parent_context = given(py, start.context);
        let parent = match context::span_in(py, parent_context.as_ref())? {
            Some(span) => context_object_of(&span)?,
            None => None,
        };
        if !tracer.core().enabled {
            let context = parent.map_or_else(SpanContext::default, |parent| parent.get().inner.clone());
            return non_recording(py, context).map(|span| span.into_bound(py));
        }
        let parent_object = parent.filter(|parent| parent.get().inner.is_valid());
        let parent = parent_object.as_ref().map(|parent| parent.get().inner.clone());
        let python_ids = tracer.core().python_ids;
        let (trace_id, random) = match &parent {
            Some(parent) => (parent.trace_id, parent.trace_flags.is_random()),
            None if python_ids => id_generator::trace_id(&tracer.part(py, Part::IdGenerator))?,
            None => (RandomIdGenerator.generate_trace_id(), true),
        };
        let (decision, attributes, trace_state) = match &tracer.core().sampler {
            Some(sampler) => (
                sampler.decide(parent.as_ref(), trace_id),
                given(py, start.attributes),
                parent.as_ref().map(|parent| parent.trace_state.clone()).unwrap_or_default(),
            ),
            None => sampler::decide(&tracer.part(py, Part::Sampler), start, trace_id, parent.as_ref())?,
        };
        let span_id = if python_ids {
            id_generator::span_id(&tracer.part(py, Part::IdGenerator))?
        } else {
            RandomIdGenerator.generate_span_id()
        };
        let mut trace_flags = if decision == Decision::RecordAndSample { TraceFlags::SAMPLED } else { TraceFlags(0) };
        if random {
            trace_flags.0 |= TraceFlags::RANDOM.0;
        }
        let context = SpanContext { trace_id, span_id, trace_flags, is_remote: false, trace_state };
        let counted = match given(py, tracer.parts[Part::Metrics as usize]) {
            Some(metrics) => count_start(&metrics, parent_object.as_ref(), decision)?,
            None => None,
        };
        if decision == Decision::Drop {
            return non_recording(py, context).map(|span| span.into_bound(py));
        }
        let limits = tracer.core().limits.clone();
        // Everything that may run Python code comes before the cell is filled.
        let attributes = attributes.map(|attributes| {
            attributes_from_py(Some(&attributes), limits.max_span_attributes, limits.max_span_attribute_length)
        });
        let kind = match given(py, start.kind) {
            Some(kind) => fields::kind_from_py(&kind).unwrap_or_else(|error| {
                drop(error);
                crate::raw::settle();
                SpanKind::Internal
            }),
            None => SpanKind::Internal,
        };
        let name = text_from_py(&Bound::from_borrowed_ptr(py, start.name));
        let links = given(py, start.links).map(|links| links_from_py(&links, &limits));
        let start_time = given(py, start.start_time).and_then(|t| fields::nanos(&t));
        let mut cell = SpanCell::acquire();
        if let Some(cell) = Arc::get_mut(&mut cell) {
            let data = cell.get_mut();
            let core = tracer.core();
            data.context = context;
            data.parent = parent;
            data.name = name;
            data.kind = kind;
            if let Some(attributes) = attributes {
                data.attributes = attributes;
            }
            if let Some(links) = links {
                data.links = links;
            }
            if !Arc::ptr_eq(&data.scope, &core.scope) {
                data.scope = core.scope.clone();
            }
            if !Arc::ptr_eq(&data.resource, &core.resource) {
                data.resource = core.resource.clone();
            }
            data.start_time = Some(start_time.unwrap_or_else(now_unix_nanos));
        }
        let processor = tracer.part(py, Part::SpanProcessor);
        let span = make_span(py, cell, limits, &processor, parent_object, flags & !END_ON_EXIT)?;
        if let Some(counted) = counted {
            span.setattr(intern!(py, "_record_end_metrics"), counted)?;
        }
        processor_list::on_start(&span, span_of(span.as_ptr()), parent_context.as_ref())?;
        Ok(span)
    }
}

/// Links that point nowhere and say nothing are left out; one that cannot be read costs itself alone.
fn links_from_py(links: &Bound<'_, PyAny>, limits: &SpanLimits) -> Bounded<Link> {
    let mut kept = Bounded::default();
    let py = links.py();
    let Some(links) = or_put_off(py, links.try_iter()) else { return kept };
    for link in links.map_while(|link| or_put_off(py, link)).filter(|link| !link.is_none()) {
        match link_from_py(&link) {
            Ok(link) => {
                if link.is_worth_keeping() {
                    kept.push(link.within(limits), limits.max_links);
                }
            }
            Err(error) => {
                let logged = crate::error::log_exception(py, error, "opentelemetry.sdk.trace", "Ignoring a link");
                or_put_off(py, logged);
            }
        }
    }
    kept
}

/// Counts a span that starts; returns what to call when it ends.
#[cold]
fn count_start<'py>(
    metrics: &Bound<'py, PyAny>,
    parent: Option<&Bound<'py, PySpanContext>>,
    decision: Decision,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    static REPORTED: AtomicBool = AtomicBool::new(false);
    let py = metrics.py();
    let counted = py
        .import("opentelemetry.sdk.trace.sampling")
        .and_then(|sampling| sampling.getattr("Decision")?.call1((decision as u8,)))
        .and_then(|decision| metrics.call_method1("start_span", (parent, decision)));
    match counted {
        Ok(counted) => Ok(Some(counted)),
        Err(error) => {
            crate::error::log_exception_once(py, error, LOGGER, "The SDK's own metrics failed", &REPORTED)?;
            Ok(None)
        }
    }
}

unsafe extern "C" fn get_enabled(this: Raw, _: *mut c_void) -> Raw {
    // SAFETY: called by the interpreter on an instance.
    unsafe { raw::share(if tracer_of(this).core().enabled { ffi::Py_True() } else { ffi::Py_False() }) }
}

unsafe extern "C" fn set_enabled(this: Raw, value: Raw, _: *mut c_void) -> c_int {
    // SAFETY: called by the interpreter on an instance.
    unsafe {
        let truth = if value.is_null() { -1 } else { ffi::PyObject_IsTrue(value) };
        tracer_of(this).core().enabled = truth == 1;
        if truth < 0 { -1 } else { 0 }
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let doc = c"As in the reference.";
    let mut attributes: Vec<_> =
        PARTS.iter().map(|(part, name)| raw::attribute(name, get_part, Some(set_part), doc, *part as usize)).collect();
    attributes.push(raw::attribute(c"_enabled", get_enabled, Some(set_enabled), c"Whether spans record.", 0));
    let kind = Spec {
        name: c"ferrotel._native.TracerBase",
        size: size_of::<TracerObject>(),
        flags: ffi::Py_TPFLAGS_HAVE_GC | ffi::Py_TPFLAGS_BASETYPE,
        methods: vec![
            raw::method(
                c"start_span",
                start_span,
                c"start_span($self, name, context=None, kind=None, attributes=None, links=(), start_time=None, record_exception=True, set_status_on_exception=True)\n--\n\nStarts a span; it is the caller's to end it. start_time in nanoseconds since the epoch.",
            ),
            raw::method(
                c"start_as_current_span",
                start_as_current_span,
                c"start_as_current_span($self, name, context=None, kind=None, attributes=None, links=(), start_time=None, record_exception=True, set_status_on_exception=True, end_on_exit=True)\n--\n\nA context manager, or decorator, in which a new span is current.",
            ),
        ],
        attributes,
        dict_and_weaklist: Some((std::mem::offset_of!(TracerObject, dict), std::mem::offset_of!(TracerObject, weaklist))),
        slots: vec![
            (ffi::Py_tp_new, new as *mut c_void),
            (ffi::Py_tp_dealloc, dealloc as *mut c_void),
            (ffi::Py_tp_traverse, traverse as *mut c_void),
            (ffi::Py_tp_clear, clear as *mut c_void),
        ],
        doc: c"What Tracer stands on.",
    }
    .make(module.py(), None)?;
    module.add("TracerBase", kind)
}
