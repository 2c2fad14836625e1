//! A log record's fields, as Python gives them.

use ferrotel::api::trace::{SpanId, TraceFlags, TraceId};
use ferrotel::common::clock::now_unix_nanos;
use ferrotel::common::{Attributes, Text};
use ferrotel::sdk::logs::{LogRecordData, LogRecordLimits};
use pyo3::prelude::*;
use pyo3::{ffi, intern};

use crate::convert::{attributes_from_py, text_from_py, value_from_py};
use crate::export::Origins;
use crate::types::{EXCEPTION_ATTRIBUTES, WARN_OF_DROPPED_ATTRIBUTES};

/// Nanoseconds since the epoch; 0 for what is no time. Fractions are cut, and what lies outside of the range is brought
/// to its end.
pub fn time(time: &Bound<'_, PyAny>) -> u64 {
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

/// The number of a `SeverityNumber`; 0 for what has none.
#[inline]
pub fn severity_number(severity: &Bound<'_, PyAny>) -> i32 {
    let py = severity.py();
    // SAFETY: reads the type of a live object.
    if unsafe { ffi::PyLong_CheckExact(severity.as_ptr()) } != 0 {
        return severity.extract().unwrap_or(0);
    }
    // Past the enumeration's descriptor, which costs more than all of the record's other fields.
    let value = severity.getattr(intern!(py, "_value_")).or_else(|_| severity.getattr(intern!(py, "value")));
    value.and_then(|value| value.extract()).unwrap_or(0)
}

/// A text that may be left out.
#[inline]
pub fn text(text: &Bound<'_, PyAny>) -> Text {
    if text.is_none() { Text::default() } else { text_from_py(text) }
}

/// The attributes within the limits, with those of an exception where there is one.
///
/// # Errors
/// What reading the exception, or a warning that the program has turned into an error, raises.
pub fn attributes<'py>(
    py: Python<'py>,
    attributes: Option<&Bound<'py, PyAny>>,
    exception: Option<&Bound<'py, PyAny>>,
    limits: LogRecordLimits,
) -> PyResult<Attributes> {
    let mut bounded = match exception {
        None => attributes_from_py(attributes, limits.max_attributes, limits.max_attribute_length),
        Some(exception) => {
            let merged = EXCEPTION_ATTRIBUTES.get(py)?.call1((attributes, exception))?;
            attributes_from_py(Some(&merged), limits.max_attributes, limits.max_attribute_length)
        }
    };
    tell_dropped(py, &mut bounded)?;
    Ok(bounded)
}

/// Warns of attributes that did not fit, as the reference does.
///
/// # Errors
/// The warning, where the program has turned it into an error.
#[inline]
pub fn tell_dropped(py: Python<'_>, attributes: &mut Attributes) -> PyResult<()> {
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
        None => crate::trace::current_span_context(py, None)?,
        Some(context) => match crate::trace::current_span_context(py, Some(context))? {
            None if !context.is_truthy()? => crate::trace::current_span_context(py, None)?,
            found => found,
        },
    };
    if let Some(span) = span {
        record.trace_id = span.trace_id;
        record.span_id = span.span_id;
        record.trace_flags = span.trace_flags;
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
    data.attributes = attributes(py, given.as_ref(), exception.as_ref(), limits)?;
    Ok(())
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
