//! Log records of Python's (`ReadableLogRecord`) for the engine's exporters.

use ferrotel::api::trace::{SpanId, TraceFlags, TraceId};
use ferrotel::sdk::logs::{FinishedLogRecord, LogRecordData};
use pyo3::prelude::*;
use pyo3::{Bound, intern};

use super::origin::Origins;
use crate::convert::{attributes_from_py, text_from_py, value_from_py};
use crate::error::log_exception;

const LOGGER: &str = "opentelemetry.sdk._logs._internal.export";

/// The engine's records for Python's. One that can't be read is reported and left out.
///
/// # Errors
/// What iterating raises.
pub fn from_py(records: &Bound<'_, PyAny>) -> PyResult<Vec<FinishedLogRecord>> {
    let mut batch = Vec::with_capacity(records.len().unwrap_or(0));
    let mut origins = Origins::default();
    for record in records.try_iter()? {
        match record_from_py(&record?, &mut origins) {
            Ok(record) => batch.push(FinishedLogRecord::new(record)),
            Err(error) => log_exception(records.py(), error, LOGGER, "A log record that can't be read is left out")?,
        }
    }
    Ok(batch)
}

fn record_from_py<'py>(readable: &Bound<'py, PyAny>, origins: &mut Origins<'py>) -> PyResult<LogRecordData> {
    let py = readable.py();
    let record = readable.getattr(intern!(py, "log_record"))?;
    let optional = |name| -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(record.getattr_opt(name)?.filter(|value: &Bound<'py, PyAny>| !value.is_none()))
    };
    let time = |name| optional(name)?.map_or(Ok(0), |time| time.extract::<u64>());
    let text = |name| PyResult::Ok(optional(name)?.map(|text| text_from_py(&text)).unwrap_or_default());
    let mut attributes = attributes_from_py(optional(intern!(py, "attributes"))?.as_ref(), None, None);
    let dropped = readable.getattr_opt(intern!(py, "dropped_attributes"))?;
    attributes.set_dropped(dropped.and_then(|dropped| dropped.extract().ok()).unwrap_or(0));
    let scope = readable.getattr_opt(intern!(py, "instrumentation_scope"))?.unwrap_or_else(|| py.None().into_bound(py));
    Ok(LogRecordData {
        timestamp: time(intern!(py, "timestamp"))?,
        observed_timestamp: time(intern!(py, "observed_timestamp"))?,
        trace_id: TraceId(optional(intern!(py, "trace_id"))?.map_or(Ok(0), |id| id.extract())?),
        span_id: SpanId(optional(intern!(py, "span_id"))?.map_or(Ok(0), |id| id.extract())?),
        trace_flags: TraceFlags(optional(intern!(py, "trace_flags"))?.map_or(Ok(0), |flags| flags.extract())?),
        severity_number: match optional(intern!(py, "severity_number"))? {
            Some(number) => number.getattr_opt(intern!(py, "value"))?.unwrap_or(number).extract()?,
            None => 0,
        },
        severity_text: text(intern!(py, "severity_text"))?,
        body: optional(intern!(py, "body"))?.map(|body| value_from_py(&body, None)).unwrap_or_default(),
        event_name: text(intern!(py, "event_name"))?,
        attributes,
        resource: origins.resource(readable.getattr(intern!(py, "resource"))?)?,
        scope: origins.scope(scope)?,
    })
}
