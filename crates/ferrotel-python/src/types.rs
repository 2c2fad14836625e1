//! The Python classes and functions that the overlay hands to the native code, and the ones that it looks up itself.

use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyType;
use pyo3::{Borrowed, ffi};

/// One object, given by `register_types` or imported on first use. It lives as long as the process.
pub struct Slot {
    object: AtomicPtr<ffi::PyObject>,
    home: (&'static str, &'static str),
}

impl Slot {
    const fn new(module: &'static str, name: &'static str) -> Self {
        Slot { object: AtomicPtr::new(std::ptr::null_mut()), home: (module, name) }
    }

    /// A slot for one of dict's methods.
    pub const fn unbound(name: &'static str) -> Self {
        Slot::new("builtins", name)
    }

    /// `dict.<name>`.
    ///
    /// # Errors
    /// dict has no such method.
    pub fn dict_method<'py>(&self, py: Python<'py>) -> PyResult<Borrowed<'static, 'py, PyAny>> {
        if self.as_ptr().is_null() {
            self.set(&py.get_type::<pyo3::types::PyDict>().getattr(self.home.1)?);
        }
        self.get(py)
    }

    /// The object's address, null before it is known.
    #[inline]
    pub fn as_ptr(&self) -> *mut ffi::PyObject {
        self.object.load(Ordering::Relaxed)
    }

    /// Keeps `object` for ever, in place of an earlier one.
    pub fn set(&self, object: &Bound<'_, PyAny>) {
        self.object.store(object.clone().into_ptr(), Ordering::Relaxed);
    }

    /// The object.
    ///
    /// # Errors
    /// Its module cannot be imported.
    #[inline]
    pub fn get<'py>(&self, py: Python<'py>) -> PyResult<Borrowed<'static, 'py, PyAny>> {
        if self.as_ptr().is_null() {
            self.import(py)?;
        }
        // SAFETY: a slot that is not null owns a reference that is never given back.
        Ok(unsafe { Borrowed::from_ptr(py, self.as_ptr()) })
    }

    #[cold]
    fn import(&self, py: Python<'_>) -> PyResult<()> {
        let (module, name) = self.home;
        let module = py.import(module)?;
        if self.as_ptr().is_null() {
            self.set(&module.getattr(name)?);
        }
        Ok(())
    }
}

macro_rules! slots {
    ($($slot:ident = $module:literal $name:literal),+ $(,)?) => {
        $(#[doc = concat!("`", $module, ".", $name, "`")] pub static $slot: Slot = Slot::new($module, $name);)+

        fn slot(name: &str) -> Option<&'static Slot> {
            Some(match name { $($name => &$slot,)+ _ => return None })
        }
    };
}

slots! {
    SPAN = "opentelemetry.trace.span" "Span",
    NON_RECORDING_SPAN = "opentelemetry.trace.span" "NonRecordingSpan",
    INVALID_SPAN = "opentelemetry.trace.span" "INVALID_SPAN",
    TRACE_FLAGS = "opentelemetry.trace.span" "TraceFlags",
    DEFAULT_GETTER = "opentelemetry.propagators.textmap" "default_getter",
    DEFAULT_SETTER = "opentelemetry.propagators.textmap" "default_setter",
    LINK = "opentelemetry.trace" "Link",
    SPAN_KIND = "opentelemetry.trace" "SpanKind",
    STATUS = "opentelemetry.trace.status" "Status",
    STATUS_CODE = "opentelemetry.trace.status" "StatusCode",
    SDK_SPAN = "opentelemetry.sdk.trace" "_Span",
    SDK_READABLE_SPAN = "opentelemetry.sdk.trace" "ReadableSpan",
    SPAN_LIMITS = "opentelemetry.sdk.trace" "SpanLimits",
    SDK_TRACER = "opentelemetry.sdk.trace" "Tracer",
    SDK_MULTI_PROCESSOR = "opentelemetry.sdk.trace" "SynchronousMultiSpanProcessor",
    MAKE_EVENT = "opentelemetry.sdk.trace" "_make_event",
    MAKE_LIST = "opentelemetry.sdk.trace" "_make_list",
    MAKE_LINK = "opentelemetry.sdk.trace" "_make_link",
    MAKE_SPAN_ATTRIBUTES = "opentelemetry.sdk.trace" "_make_span_attributes",
    MAKE_RESOURCE = "opentelemetry.sdk.trace" "_make_resource",
    MAKE_SCOPE = "opentelemetry.sdk.trace" "_make_scope",
    DESCRIBE_SAMPLER = "opentelemetry.sdk.trace" "_describe_sampler",
    DESCRIBE_PROCESSOR = "opentelemetry.sdk.trace" "_describe_processor",
    SEVERITY_NUMBER = "opentelemetry._logs.severity" "SeverityNumber",
    SDK_LOGGER = "opentelemetry.sdk._logs._internal" "Logger",
    SDK_MULTI_LOG_RECORD_PROCESSOR = "opentelemetry.sdk._logs._internal" "SynchronousMultiLogRecordProcessor",
    DESCRIBE_LOG_RECORD_PROCESSOR = "opentelemetry.sdk._logs._internal" "_describe_log_record_processor",
    EXCEPTION_ATTRIBUTES = "opentelemetry.sdk._logs._internal" "_get_attributes_with_exception",
    MAKE_LOG_RECORD = "opentelemetry.sdk._logs._internal" "_make_log_record",
    WARN_OF_DROPPED_ATTRIBUTES = "opentelemetry.sdk._logs._internal" "_warn_of_dropped_attributes",
    SAY_THAT_IT_LOOPS = "opentelemetry.sdk._logs._internal.export" "_say_that_it_loops",
    METRIC = "opentelemetry.sdk.metrics._internal.point" "Metric",
    SUM = "opentelemetry.sdk.metrics._internal.point" "Sum",
    GAUGE = "opentelemetry.sdk.metrics._internal.point" "Gauge",
    HISTOGRAM = "opentelemetry.sdk.metrics._internal.point" "Histogram",
    EXPONENTIAL_HISTOGRAM = "opentelemetry.sdk.metrics._internal.point" "ExponentialHistogram",
    NUMBER_DATA_POINT = "opentelemetry.sdk.metrics._internal.point" "NumberDataPoint",
    HISTOGRAM_DATA_POINT = "opentelemetry.sdk.metrics._internal.point" "HistogramDataPoint",
    EXPONENTIAL_HISTOGRAM_DATA_POINT = "opentelemetry.sdk.metrics._internal.point" "ExponentialHistogramDataPoint",
    BUCKETS = "opentelemetry.sdk.metrics._internal.point" "Buckets",
    EXEMPLAR = "opentelemetry.sdk.metrics._internal.exemplar.exemplar" "Exemplar",
    AGGREGATION_TEMPORALITY = "opentelemetry.sdk.metrics._internal._aggregation_base" "AggregationTemporality",
    TIME_NS = "time" "time_ns",
    GET_LOGGER = "logging" "getLogger",
    LOGGING_RECORD = "logging" "LogRecord",
    FORMAT_EXCEPTION = "traceback" "format_exception",
    SEQUENCE = "collections.abc" "Sequence",
    MAPPING = "collections.abc" "Mapping",
    DECORATE = "ferrotel._scope" "decorate",
}

/// The API's `LogRecord`; `logging` has a class of that name too, so it cannot be given by name.
pub static LOG_RECORD: Slot = Slot::new("opentelemetry._logs._internal", "LogRecord");

/// Hands Python objects to the native code by name.
///
/// # Errors
/// RuntimeError for a name that the native code does not know.
#[pyfunction]
#[pyo3(signature = (**types))]
pub fn register_types(types: Option<&Bound<'_, pyo3::types::PyDict>>) -> PyResult<()> {
    for (name, object) in types.into_iter().flatten() {
        let name: String = name.extract()?;
        let slot = slot(&name).ok_or_else(|| PyRuntimeError::new_err(format!("no native use for the type {name}")))?;
        let base = match &*name {
            "_Span" | "ReadableSpan" => Some("ReadableSpanBase"),
            "Tracer" => Some("TracerBase"),
            "NonRecordingSpan" => Some("NonRecordingSpanBase"),
            "SynchronousMultiSpanProcessor" => Some("ProcessorListBase"),
            "Logger" => Some("LoggerBase"),
            "SynchronousMultiLogRecordProcessor" => Some("LogRecordProcessorListBase"),
            _ => None,
        };
        if let Some(base) = base {
            // The native code reads the objects of these classes without asking again.
            let base = object.py().import("ferrotel._native")?.getattr(base)?.cast_into::<PyType>()?;
            if !object.cast::<PyType>()?.is_subclass(&base)? {
                return Err(PyRuntimeError::new_err(format!("{name} must derive from {base}")));
            }
            crate::raw::own_methods(&object)?;
            if matches!(&*name, "_Span" | "NonRecordingSpan") {
                crate::raw::own_dealloc(object.cast::<PyType>()?, &base);
            }
        }
        slot.set(&object);
    }
    Ok(())
}

/// Whether somebody replaced a method of the SDK's span class: from then on nothing is called past the class.
pub static SPAN_PATCHED: AtomicBool = AtomicBool::new(false);

/// Says that a method of the SDK's span class was replaced.
#[pyfunction]
pub fn span_patched() {
    SPAN_PATCHED.store(true, Ordering::Relaxed);
}
