//! A log record's fields, as Python gives them.

use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering};

use ferrotel::api::trace::{SpanId, TraceFlags, TraceId};
use ferrotel::common::clock::now_unix_nanos;
use ferrotel::common::{Attributes, Text};
use ferrotel::sdk::logs::{LogRecordData, LogRecordLimits};
use pyo3::prelude::*;
use pyo3::{ffi, intern};

use crate::convert::{add_from_py, attributes_from_py, text_from_py, value_from_py};
use crate::export::Origins;
use crate::types::{EXCEPTION_ATTRIBUTES, SEVERITY_NUMBER, WARN_OF_DROPPED_ATTRIBUTES};

/// Nanoseconds since the epoch; 0 for what is no time. Fractions are cut, and what lies outside of the range is brought
/// to its end.
#[inline]
pub fn time(time: &Bound<'_, PyAny>) -> u64 {
    let mut overflow = 0;
    // SAFETY: an int, so no foreign code runs and no exception is set but for the overflow that is asked for.
    unsafe {
        if ffi::PyLong_CheckExact(time.as_ptr()) != 0 {
            let nanos = ffi::PyLong_AsLongLongAndOverflow(time.as_ptr(), &raw mut overflow);
            if overflow == 0 && nanos >= 0 {
                return nanos.cast_unsigned();
            }
        }
    }
    odd_time(time)
}

#[cold]
fn odd_time(time: &Bound<'_, PyAny>) -> u64 {
    if let Ok(nanos) = time.extract::<u64>() {
        return nanos;
    }
    // A huge integer has no float; the conversion of a float saturates.
    match time.extract::<f64>() {
        Ok(number) => number as u64,
        Err(_) if time.gt(0).unwrap_or(false) => u64::MAX,
        Err(_) => 0,
    }
}

/// A member of `SeverityNumber`, and its number.
struct Severity {
    member: AtomicPtr<ffi::PyObject>,
    number: AtomicI32,
}

/// Those that were met, in the order in which they were; only touched while attached, and each is kept for the life of
/// the process.
static SEVERITIES: [Severity; 25] =
    [const { Severity { member: AtomicPtr::new(std::ptr::null_mut()), number: AtomicI32::new(0) } }; 25];

/// The number of a `SeverityNumber`; 0 for what has none.
#[inline]
pub fn severity_number(severity: &Bound<'_, PyAny>) -> i32 {
    for known in &SEVERITIES {
        let member = known.member.load(Ordering::Relaxed);
        if member == severity.as_ptr() {
            return known.number.load(Ordering::Relaxed);
        }
        if member.is_null() {
            break;
        }
    }
    new_severity(severity)
}

#[cold]
fn new_severity(severity: &Bound<'_, PyAny>) -> i32 {
    let py = severity.py();
    // SAFETY: reads the type of a live object.
    if unsafe { ffi::PyLong_CheckExact(severity.as_ptr()) } != 0 {
        return severity.extract().unwrap_or(0);
    }
    // Past the enumeration's descriptor, which costs more than all of the record's other fields.
    let value = severity.getattr(intern!(py, "_value_")).or_else(|_| severity.getattr(intern!(py, "value")));
    let number = value.and_then(|value| value.extract()).unwrap_or(0);
    if SEVERITY_NUMBER.get(py).is_ok_and(|kind| severity.get_type().is(&*kind)) {
        let free = SEVERITIES.iter().find(|known| known.member.load(Ordering::Relaxed).is_null());
        if let Some(free) = free {
            free.number.store(number, Ordering::Relaxed);
            free.member.store(severity.clone().into_ptr(), Ordering::Relaxed);
        }
    }
    number
}

/// A text that may be left out.
#[inline]
pub fn text(text: &Bound<'_, PyAny>) -> Text {
    if text.is_none() { Text::default() } else { text_from_py(text) }
}

/// Adds the attributes within the limits, with those of an exception where there is one.
///
/// # Errors
/// What reading the exception, or a warning that the program has turned into an error, raises.
#[inline]
pub fn add_attributes<'py>(
    py: Python<'py>,
    attributes: Option<&Bound<'py, PyAny>>,
    exception: Option<&Bound<'py, PyAny>>,
    limits: LogRecordLimits,
    record: &mut LogRecordData,
) -> PyResult<()> {
    let merged;
    let attributes = match exception {
        None => attributes,
        Some(exception) => {
            merged = EXCEPTION_ATTRIBUTES.get(py)?.call1((attributes, exception))?;
            Some(&merged)
        }
    };
    if let Some(attributes) = attributes {
        add_from_py(attributes, limits.max_attributes, limits.max_attribute_length, &mut record.attributes);
        tell_dropped(py, &record.attributes)?;
    }
    Ok(())
}

/// Warns of attributes that did not fit, as the reference does.
///
/// # Errors
/// The warning, where the program has turned it into an error.
#[inline]
pub fn tell_dropped(py: Python<'_>, attributes: &Attributes) -> PyResult<()> {
    if attributes.dropped() > 0 {
        WARN_OF_DROPPED_ATTRIBUTES.get(py)?.call0()?;
    }
    Ok(())
}

/// The span that a record belongs to: that of `context`, by default (and for an empty one) of the current context.
///
/// # Errors
/// What a foreign span's `get_span_context` raises.
pub fn correlate<'py>(
    py: Python<'py>,
    record: &mut LogRecordData,
    context: Option<&Bound<'py, PyAny>>,
) -> PyResult<()> {
    let span = match context {
        None => crate::trace::current_span(py, None)?,
        Some(context) => match crate::trace::current_span(py, Some(context))? {
            None if !context.is_truthy()? => crate::trace::current_span(py, None)?,
            found => found,
        },
    };
    if let Some(span) = span {
        (record.trace_id, record.span_id, record.trace_flags) = span;
    }
    Ok(())
}

/// What an API `LogRecord` holds. Resource and scope are left as they are.
///
/// # Errors
/// An object that is none, or what its exception's attributes raise.
pub fn read(record: &Bound<'_, PyAny>, limits: LogRecordLimits, data: &mut LogRecordData) -> PyResult<()> {
    let py = record.py();
    let exception = record.getattr(intern!(py, "exception")).ok().filter(|exception| !exception.is_none());
    read_plain(record, data)?;
    let given = record.getattr(intern!(py, "attributes"))?;
    let given = Some(given).filter(|given| !given.is_none());
    add_attributes(py, given.as_ref(), exception.as_ref(), limits, data)
}

/// All of a record but its attributes.
fn read_plain(record: &Bound<'_, PyAny>, data: &mut LogRecordData) -> PyResult<()> {
    let py = record.py();
    let given = |name| record.getattr_opt(name).map(|value| value.filter(|value| !value.is_none()));
    data.timestamp = given(intern!(py, "timestamp"))?.map_or(0, |at| time(&at));
    data.observed_timestamp = given(intern!(py, "observed_timestamp"))?.map_or_else(now_unix_nanos, |at| time(&at));
    let trace_id = given(intern!(py, "trace_id"))?.and_then(|id| id.extract().ok());
    let span_id = given(intern!(py, "span_id"))?.and_then(|id| id.extract().ok());
    let flags = given(intern!(py, "trace_flags"))?.and_then(|flags| flags.extract().ok());
    data.trace_id = TraceId(trace_id.unwrap_or(0));
    data.span_id = SpanId(span_id.unwrap_or(0));
    data.trace_flags = TraceFlags(flags.unwrap_or(0));
    data.severity_number = given(intern!(py, "severity_number"))?.map_or(0, |number| severity_number(&number));
    data.severity_text = given(intern!(py, "severity_text"))?.map_or_else(Text::default, |words| text(&words));
    data.body = given(intern!(py, "body"))?.map_or_else(Default::default, |body| value_from_py(&body, None));
    data.event_name = given(intern!(py, "event_name"))?.map_or_else(Text::default, |name| text(&name));
    Ok(())
}

/// What a `ReadWriteLogRecord` or `ReadableLogRecord` holds, whose attributes are within their limits already.
///
/// # Errors
/// An object that is none.
pub fn read_object<'py>(object: &Bound<'py, PyAny>, origins: &mut Origins<'py>) -> PyResult<LogRecordData> {
    let py = object.py();
    let record = object.getattr(intern!(py, "log_record"))?;
    let mut data = LogRecordData::default();
    read_plain(&record, &mut data)?;
    // The exception is among them.
    data.attributes = attributes_from_py(Some(&record.getattr(intern!(py, "attributes"))?), None, None);
    let dropped = object.getattr(intern!(py, "dropped_attributes")).and_then(|dropped| dropped.extract());
    data.attributes.set_dropped(dropped.unwrap_or(0));
    let optional = |name| object.getattr_opt(name).map(|value| value.unwrap_or_else(|| py.None().into_bound(py)));
    data.resource = origins.resource(optional(intern!(py, "resource"))?)?;
    data.scope = origins.scope(optional(intern!(py, "instrumentation_scope"))?)?;
    Ok(data)
}

/// The limits of a Python `LogRecordLimits`.
///
/// # Errors
/// An object that is none.
pub fn limits_from_py(limits: &Bound<'_, PyAny>) -> PyResult<LogRecordLimits> {
    let limit = |name: &str| limits.getattr(name)?.extract::<Option<usize>>();
    Ok(LogRecordLimits {
        max_attributes: limit("max_log_record_attributes")?,
        max_attribute_length: limit("max_log_record_attribute_length")?,
    })
}
