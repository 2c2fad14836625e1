//! `opentelemetry.sdk._logs.Logger`: `LoggerBase` takes log records.

use std::ffi::{c_int, c_void};
use std::sync::Arc;

use ferrotel::common::Scope;
use ferrotel::common::clock::now_unix_nanos;
use ferrotel::resource::Resource;
use ferrotel::sdk::logs::{FinishedLogRecord, LogRecordLimits, ReadWriteLogRecord};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict};
use pyo3::{ffi, intern};

use super::processor_list::{Plan, on_emit_other, plan_of};
use super::silence::Silence;
use super::{LOGGER, fields, logging_record};
use crate::convert::value_from_py;
use crate::export::Origins;
use crate::raw::{self, Parameters, Raw, Spec, arguments, given, guard, keyword_arguments};
use crate::trace::{resource_from_py, scope_from_py};
use crate::types::{LOG_RECORD, MAKE_LOG_RECORD};

#[derive(Clone, Copy)]
#[repr(usize)]
enum Part {
    Resource,
    Processor,
    Scope,
    Metrics,
    Config,
    Limits,
}

const PARTS: [(Part, &std::ffi::CStr); 6] = [
    (Part::Resource, c"_resource"),
    (Part::Processor, c"_multi_log_record_processor"),
    (Part::Scope, c"_instrumentation_scope"),
    (Part::Metrics, c"_logger_metrics"),
    (Part::Config, c"_logger_config"),
    (Part::Limits, c"_log_record_limits"),
];

/// The engine's side of a logger's parts.
struct Core {
    resource: Arc<Resource>,
    scope: Arc<Scope>,
    limits: LogRecordLimits,
    enabled: bool,
    /// Whether every record is to be counted.
    counted: bool,
}

#[repr(C)]
struct LoggerObject {
    object: ffi::PyObject,
    dict: Raw,
    weaklist: Raw,
    parts: [Raw; PARTS.len()],
    core: *mut Core,
}

unsafe fn logger_of<'a>(this: Raw) -> &'a mut LoggerObject {
    // SAFETY: the callers pass an instance.
    unsafe { &mut *this.cast::<LoggerObject>() }
}

impl LoggerObject {
    fn core(&mut self) -> &mut Core {
        // SAFETY: made with the instance, freed with it, and only touched while attached.
        unsafe { &mut *self.core }
    }

    fn part<'py>(&self, py: Python<'py>, part: Part) -> Bound<'py, PyAny> {
        // SAFETY: null or owned by the logger.
        unsafe { Bound::from_borrowed_ptr_or_opt(py, self.parts[part as usize]) }
            .unwrap_or_else(|| py.None().into_bound(py))
    }

    /// A record of this logger's that is yet to be filled.
    #[inline]
    fn blank(&mut self) -> ReadWriteLogRecord {
        let core = self.core();
        ReadWriteLogRecord::blank(&core.resource, &core.scope)
    }
}

unsafe extern "C" fn new(kind: *mut ffi::PyTypeObject, _: Raw, _: Raw) -> Raw {
    // SAFETY: the ordinary allocation, zeroed; the core is put in before anybody looks.
    unsafe {
        let made = (*kind).tp_alloc.map_or(std::ptr::null_mut(), |alloc| alloc(kind, 0));
        if !made.is_null() {
            logger_of(made).core = Box::into_raw(Box::new(Core {
                resource: Arc::default(),
                scope: Arc::default(),
                limits: LogRecordLimits::default(),
                enabled: true,
                counted: false,
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
        if !logger_of(this).weaklist.is_null() {
            ffi::PyObject_ClearWeakRefs(this);
        }
        clear(this);
        drop(Box::from_raw(logger_of(this).core));
        if let Some(free) = (*kind).tp_free {
            free(this.cast());
        }
        ffi::Py_DECREF(kind.cast());
    }
}

unsafe extern "C" fn clear(this: Raw) -> c_int {
    // SAFETY: called on an instance; each slot owns what it holds.
    unsafe {
        let logger = logger_of(this);
        raw::replace(&mut logger.dict, std::ptr::null_mut());
        for part in &mut logger.parts {
            raw::replace(part, std::ptr::null_mut());
        }
    }
    0
}

unsafe extern "C" fn traverse(this: Raw, visit: ffi::visitproc, arg: *mut c_void) -> c_int {
    // SAFETY: called by the collector on a live instance.
    unsafe {
        let logger = logger_of(this);
        for object in logger.parts.iter().chain([&logger.dict]) {
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
    unsafe { guard(|py| Ok(logger_of(this).part(py, PARTS[part as usize].0).into_ptr())) }
}

unsafe extern "C" fn set_part(this: Raw, value: Raw, part: *mut c_void) -> c_int {
    // SAFETY: called by the interpreter on an instance, with a part's number.
    unsafe {
        let done = guard(|py| {
            let value = Bound::from_borrowed_ptr_or_opt(py, value).unwrap_or_else(|| py.None().into_bound(py));
            adopt(logger_of(this), PARTS[part as usize].0, &value)?;
            raw::replace(&mut logger_of(this).parts[part as usize], value.into_ptr());
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
fn adopt(logger: &mut LoggerObject, part: Part, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = value.py();
    match part {
        Part::Resource => {
            // Out first, dropped last: what is dropped owns a Python object, whose end may log with this logger.
            if let Ok(resource) = resource_from_py(value) {
                let old = std::mem::replace(&mut logger.core().resource, resource);
                drop(old);
            }
        }
        Part::Scope => {
            if let Ok(scope) = scope_from_py(value) {
                let old = std::mem::replace(&mut logger.core().scope, scope);
                drop(old);
            }
        }
        Part::Limits => {
            if let Ok(limits) = fields::limits_from_py(value) {
                logger.core().limits = limits;
            }
        }
        Part::Config => logger.core().enabled = value.getattr(intern!(py, "is_enabled"))?.is_truthy()?,
        Part::Metrics => {
            let idle = value.getattr(intern!(py, "_no_operation")).is_ok_and(|idle| idle.is(PyBool::new(py, true)));
            logger.core().counted = !idle && !value.is_none();
        }
        Part::Processor => {}
    }
    Ok(())
}

const FIELDS: [&str; 9] = [
    "timestamp",
    "observed_timestamp",
    "context",
    "severity_number",
    "severity_text",
    "body",
    "attributes",
    "event_name",
    "exception",
];

unsafe extern "C" fn emit(this: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    static PARAMETERS: Parameters<10> = Parameters::new([
        "record",
        "timestamp",
        "observed_timestamp",
        "context",
        "severity_number",
        "severity_text",
        "body",
        "attributes",
        "event_name",
        "exception",
    ]);
    // SAFETY: called by the interpreter on an instance.
    unsafe {
        guard(|py| {
            if count > 1 {
                let message = format!("emit() takes from 1 to 2 positional arguments but {} were given", count + 1);
                return Err(pyo3::exceptions::PyTypeError::new_err(message));
            }
            let [record, fields @ ..] = keyword_arguments(py, "emit", &PARAMETERS, 0, args, count, names)?;
            let logger = logger_of(this);
            if logger.core().enabled {
                emit_fields(&Bound::from_borrowed_ptr(py, this), given(py, record), fields)?;
            }
            Ok(raw::none(py))
        })
    }
}

/// Emits a record, or one that is made of the fields, named as in [`FIELDS`]; null for one that is left out.
unsafe fn emit_fields<'py>(
    this: &Bound<'py, PyAny>,
    record: Option<Bound<'py, PyAny>>,
    fields: [Raw; FIELDS.len()],
) -> PyResult<()> {
    let py = this.py();
    // SAFETY: the callers pass an instance.
    let logger = unsafe { logger_of(this.as_ptr()) };
    let processor = logger.part(py, Part::Processor);
    let plan = plan_of(&processor);
    if let Some(plan) = plan.as_deref()
        && plan.is_native()
    {
        // Read before any lock is taken: that may run the program's code.
        let read = match &record {
            // SAFETY: the arguments of the call under way.
            None => unsafe { read_fields(py, logger, fields) },
            Some(record) => read_record(logger, record),
        };
        return match read {
            Ok(record) => hand_over(this, plan, record),
            Err(error) => unreadable(py, error),
        };
    }
    // SAFETY: as above.
    let made = unsafe { make_object(this, record, fields) };
    match made {
        Ok(object) => emit_object(this, &processor, plan.as_deref(), &object),
        Err(error) => unreadable(py, error),
    }
}

/// # Safety
/// The fields are null or alive.
unsafe fn read_fields(
    py: Python<'_>,
    logger: &mut LoggerObject,
    raw_fields: [Raw; FIELDS.len()],
) -> PyResult<FinishedLogRecord> {
    // SAFETY: the caller's promise.
    let [time, observed, context, severity, severity_text, body, attributes, event_name, exception] =
        raw_fields.map(|field| unsafe { given(py, field) });
    let mut record = logger.blank();
    let data = &mut *record;
    data.timestamp = time.map_or(0, |time| fields::time(&time));
    data.observed_timestamp = observed.map_or_else(now_unix_nanos, |time| fields::time(&time));
    fields::correlate(py, data, context.as_ref())?;
    data.severity_number = severity.map_or(0, |severity| fields::severity_number(&severity));
    if let Some(severity_text) = severity_text {
        data.severity_text = fields::text(&severity_text);
    }
    if let Some(body) = body {
        data.body = value_from_py(&body, None);
    }
    if let Some(event_name) = event_name {
        data.event_name = fields::text(&event_name);
    }
    fields::add_attributes(py, attributes.as_ref(), exception.as_ref(), logger.core().limits, data)?;
    Ok(record.finish())
}

/// An API record is this logger's; one that has a resource and a scope already keeps them.
fn read_record(logger: &mut LoggerObject, record: &Bound<'_, PyAny>) -> PyResult<FinishedLogRecord> {
    let is_plain = record.get_type_ptr().cast() == LOG_RECORD.get(record.py())?.as_ptr();
    if !is_plain && record.hasattr(intern!(record.py(), "log_record"))? {
        let object = MAKE_LOG_RECORD.get(record.py())?.call1((record.py().None(), record))?;
        return fields::read_object(&object, &mut Origins::default()).map(FinishedLogRecord::new);
    }
    let mut data = logger.blank();
    // The limits are copied: reading may run Python code, which may change them.
    let limits = logger.core().limits;
    fields::read(record, limits, &mut data)?;
    Ok(data.finish())
}

/// The object that processors in Python get.
///
/// # Safety
/// The fields are null or alive.
unsafe fn make_object<'py>(
    this: &Bound<'py, PyAny>,
    record: Option<Bound<'py, PyAny>>,
    fields: [Raw; FIELDS.len()],
) -> PyResult<Bound<'py, PyAny>> {
    let py = this.py();
    let kwargs = PyDict::new(py);
    for (name, field) in FIELDS.iter().zip(fields) {
        // SAFETY: the caller's promise.
        if let Some(field) = unsafe { given(py, field) } {
            kwargs.set_item(*name, field)?;
        }
    }
    MAKE_LOG_RECORD.get(py)?.call((this, record), Some(&kwargs))
}

fn emit_object<'py>(
    this: &Bound<'py, PyAny>,
    processor: &Bound<'py, PyAny>,
    plan: Option<&Plan>,
    object: &Bound<'py, PyAny>,
) -> PyResult<()> {
    count(this)?;
    match plan {
        Some(plan) => {
            // SAFETY: the callers pass an instance.
            let logger = unsafe { logger_of(this.as_ptr()) };
            let resource = (logger.part(this.py(), Part::Resource), logger.core().resource.clone());
            let scope = (logger.part(this.py(), Part::Scope), logger.core().scope.clone());
            plan.on_emit_object(object, &mut Origins::knowing(resource, scope))
        }
        None => on_emit_other(processor, object),
    }
}

#[inline]
fn hand_over(this: &Bound<'_, PyAny>, plan: &Plan, record: FinishedLogRecord) -> PyResult<()> {
    count(this)?;
    plan.on_emit(this.py(), record)
}

/// A record that cannot be read is lost; the program goes on.
#[cold]
fn unreadable(py: Python<'_>, error: PyErr) -> PyResult<()> {
    if error.is_instance_of::<pyo3::exceptions::PyWarning>(py) {
        // The program has asked for warnings to be errors.
        return Err(error);
    }
    let _silence = Silence::new(py, "engine");
    crate::error::log_exception(py, error, LOGGER, "A log record that can't be read is left out")
}

/// Counts a record, where somebody wants that.
#[inline]
fn count(this: &Bound<'_, PyAny>) -> PyResult<()> {
    // SAFETY: the callers pass an instance.
    let logger = unsafe { logger_of(this.as_ptr()) };
    if logger.core().counted { count_with(&logger.part(this.py(), Part::Metrics)) } else { Ok(()) }
}

#[cold]
fn count_with(metrics: &Bound<'_, PyAny>) -> PyResult<()> {
    static REPORTED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    let py = metrics.py();
    let counted = metrics.call_method0(intern!(py, "emit_log")).map(drop);
    counted
        .or_else(|error| crate::error::log_exception_once(py, error, LOGGER, "The SDK's own metrics failed", &REPORTED))
}

unsafe extern "C" fn enabled(this: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    const PARAMETERS: &[&str; 3] = &["context", "severity_number", "event_name"];
    // SAFETY: called by the interpreter on an instance.
    unsafe {
        guard(|py| {
            if count > 0 {
                let message = format!("enabled() takes 1 positional argument but {} were given", count + 1);
                return Err(pyo3::exceptions::PyTypeError::new_err(message));
            }
            let fields = arguments(py, "enabled", PARAMETERS, 0, args, count, names)?;
            let logger = logger_of(this);
            if !logger.core().enabled {
                return Ok(raw::share(ffi::Py_False()));
            }
            let processor = logger.part(py, Part::Processor);
            let scope = logger.part(py, Part::Scope);
            let question = || {
                let question = PyDict::new(py);
                for (name, field) in PARAMETERS.iter().zip(fields) {
                    question.set_item(*name, given(py, field))?;
                }
                question.set_item("instrumentation_scope", &scope)?;
                Ok(question.unbind())
            };
            let answer = match plan_of(&processor) {
                Some(plan) => plan.enabled(py, question)?,
                None => {
                    let question = question()?;
                    processor.call_method(intern!(py, "enabled"), (), Some(question.bind(py)))?.is_truthy()?
                }
            };
            Ok(raw::share(if answer { ffi::Py_True() } else { ffi::Py_False() }))
        })
    }
}

unsafe extern "C" fn emit_logging_record(this: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    // SAFETY: called by the interpreter on an instance.
    unsafe {
        guard(|py| {
            let [record, format, options] =
                arguments(py, "_emit_logging_record", &["record", "format", "options"], 3, args, count, names)?;
            let this = Bound::from_borrowed_ptr(py, this);
            let logger = logger_of(this.as_ptr());
            let done = if logging_record::is_silenced(py)? || !logger.core().enabled {
                true
            } else {
                match plan_of(&logger.part(py, Part::Processor)) {
                    Some(plan) if plan.is_native() => {
                        let options = Bound::from_borrowed_ptr(py, options).extract()?;
                        let record = Bound::from_borrowed_ptr(py, record);
                        let format = given(py, format);
                        let limits = logger.core().limits;
                        let mut data = logger.blank();
                        match logging_record::read(&record, format.as_ref(), options, limits, &mut data)? {
                            logging_record::Read::Done => {
                                hand_over(&this, &plan, data.finish())?;
                                true
                            }
                            logging_record::Read::TooDeep => true,
                            logging_record::Read::Odd => false,
                        }
                    }
                    _ => false,
                }
            };
            Ok(raw::share(if done { ffi::Py_True() } else { ffi::Py_False() }))
        })
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let doc = c"As in the reference.";
    let attributes =
        PARTS.iter().map(|(part, name)| raw::attribute(name, get_part, Some(set_part), doc, *part as usize)).collect();
    let kind = Spec {
        name: c"ferrotel._native.LoggerBase",
        size: size_of::<LoggerObject>(),
        flags: ffi::Py_TPFLAGS_HAVE_GC | ffi::Py_TPFLAGS_BASETYPE,
        methods: vec![
            raw::method(
                c"emit",
                emit,
                c"emit($self, record=None, *, timestamp=None, observed_timestamp=None, context=None, severity_number=None, severity_text=None, body=None, attributes=None, event_name=None, exception=None)\n--\n\nTakes a record, or one that is made of the other arguments. Times in nanoseconds since the epoch.",
            ),
            raw::method(
                c"enabled",
                enabled,
                c"enabled($self, *, context=None, severity_number=None, event_name=None)\n--\n\nWhether such a record would go anywhere now: to be asked before one that is dear to make.",
            ),
            raw::method(
                c"_emit_logging_record",
                emit_logging_record,
                c"_emit_logging_record($self, record, format, options)\n--\n\nTakes a record of logging, whose text is format(record) where a function is given. False: it was left to Python.",
            ),
        ],
        attributes,
        dict_and_weaklist: Some((
            std::mem::offset_of!(LoggerObject, dict),
            std::mem::offset_of!(LoggerObject, weaklist),
        )),
        slots: vec![
            (ffi::Py_tp_new, new as *mut c_void),
            (ffi::Py_tp_dealloc, dealloc as *mut c_void),
            (ffi::Py_tp_traverse, traverse as *mut c_void),
            (ffi::Py_tp_clear, clear as *mut c_void),
        ],
        doc: c"What Logger stands on.",
    }
    .make(module.py(), None)?;
    module.add("LoggerBase", kind)
}
