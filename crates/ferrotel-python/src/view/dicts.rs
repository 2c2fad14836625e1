//! What the view has received, as dicts for Python.

use ferrotel_view::proto::{AnyValue, Event, KeyValue, Link, Value};
use ferrotel_view::{Counts, Hex, Kind, Measure, Origin, ReceivedLog, ReceivedRequest, ReceivedSpan, Series, Signal};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};

/// A span with its resource and scope.
pub(super) fn span<'py>(py: Python<'py>, received: &ReceivedSpan) -> PyResult<Bound<'py, PyDict>> {
    let (span, origin) = (&received.span, &received.origin);
    let dict = PyDict::new(py);
    dict.set_item("trace_id", Hex(&received.trace_id).to_string())?;
    dict.set_item("span_id", Hex(&received.span_id).to_string())?;
    dict.set_item("parent_span_id", received.parent_span_id.map(|id| Hex(&id).to_string()))?;
    dict.set_item("trace_state", &span.trace_state)?;
    dict.set_item("flags", span.flags)?;
    dict.set_item("name", &span.name)?;
    dict.set_item("kind", span.kind)?;
    dict.set_item("start_time_unix_nano", span.start_time_unix_nano)?;
    dict.set_item("end_time_unix_nano", span.end_time_unix_nano)?;
    dict.set_item("attributes", pairs_dict(py, &span.attributes)?)?;
    dict.set_item("dropped_attributes_count", span.dropped_attributes_count)?;
    let events = span.events.iter().map(|one| event(py, one)).collect::<PyResult<Vec<_>>>()?;
    dict.set_item("events", events)?;
    dict.set_item("dropped_events_count", span.dropped_events_count)?;
    let links = span.links.iter().map(|one| link(py, one)).collect::<PyResult<Vec<_>>>()?;
    dict.set_item("links", links)?;
    dict.set_item("dropped_links_count", span.dropped_links_count)?;
    dict.set_item("status_code", span.status.as_ref().map_or(0, |status| status.code))?;
    dict.set_item("status_message", span.status.as_ref().map_or("", |status| &status.message))?;
    put_origin(py, &dict, origin)?;
    Ok(dict)
}

/// A log record with its resource and scope.
pub(super) fn log<'py>(py: Python<'py>, received: &ReceivedLog) -> PyResult<Bound<'py, PyDict>> {
    let record = &received.record;
    let dict = PyDict::new(py);
    dict.set_item("trace_id", received.trace_id.map(|id| Hex(&id).to_string()))?;
    dict.set_item("span_id", received.span_id.map(|id| Hex(&id).to_string()))?;
    dict.set_item("flags", record.flags)?;
    dict.set_item("time_unix_nano", record.time_unix_nano)?;
    dict.set_item("observed_time_unix_nano", record.observed_time_unix_nano)?;
    dict.set_item("severity_number", record.severity_number)?;
    dict.set_item("severity_text", &record.severity_text)?;
    dict.set_item("event_name", &record.event_name)?;
    dict.set_item("body", any_value(py, record.body.as_ref())?)?;
    dict.set_item("attributes", pairs_dict(py, &record.attributes)?)?;
    dict.set_item("dropped_attributes_count", record.dropped_attributes_count)?;
    put_origin(py, &dict, &received.origin)?;
    Ok(dict)
}

/// The last state of a series with its resource and scope.
pub(super) fn series<'py>(py: Python<'py>, series: &Series) -> PyResult<Bound<'py, PyDict>> {
    let metric = &series.metric;
    let dict = PyDict::new(py);
    dict.set_item("name", &metric.name)?;
    dict.set_item("description", &metric.description)?;
    dict.set_item("unit", &metric.unit)?;
    dict.set_item("kind", kind(metric.kind))?;
    dict.set_item("temporality", if metric.is_delta { "delta" } else { "cumulative" })?;
    dict.set_item("attributes", pairs_dict(py, &series.attributes)?)?;
    dict.set_item("time_unix_nano", series.time())?;
    dict.set_item("value", measure(py, &series.measure)?)?;
    dict.set_item("rate", series.rate)?;
    put_origin(py, &dict, &series.origin)?;
    Ok(dict)
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Gauge => "gauge",
        Kind::Counter => "counter",
        Kind::UpDownCounter => "up_down_counter",
        Kind::Histogram => "histogram",
        Kind::ExponentialHistogram => "exponential_histogram",
        Kind::Summary => "summary",
    }
}

/// A number, `None`, or a dict of a distribution; its buckets are tuples of lower bound, upper bound and count.
fn measure<'py>(py: Python<'py>, measure: &Measure) -> PyResult<Bound<'py, PyAny>> {
    Ok(match measure {
        Measure::Nothing => py.None().into_bound(py),
        Measure::Int(int) => int.into_pyobject(py)?.into_any(),
        Measure::Double(double) => double.into_pyobject(py)?.into_any(),
        Measure::Distribution(distribution) => {
            let dict = PyDict::new(py);
            dict.set_item("count", distribution.count)?;
            dict.set_item("sum", distribution.sum)?;
            dict.set_item("min", distribution.min)?;
            dict.set_item("max", distribution.max)?;
            let buckets = distribution.buckets().into_iter().map(|one| (one.lower, one.upper, one.count));
            dict.set_item("buckets", buckets.collect::<Vec<_>>())?;
            dict.into_any()
        }
        Measure::Summary { count, sum, quantiles } => {
            let dict = PyDict::new(py);
            dict.set_item("count", count)?;
            dict.set_item("sum", sum)?;
            dict.set_item("quantiles", quantiles)?;
            dict.into_any()
        }
    })
}

/// A request, without its body.
pub(super) fn request(py: Python<'_>, request: ReceivedRequest) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("signal", request.signal.as_str())?;
    dict.set_item("protocol", request.protocol.as_str())?;
    dict.set_item("path", request.path)?;
    dict.set_item("headers", request.headers)?;
    let items = match request.signal {
        Signal::Traces => "spans",
        Signal::Metrics => "data_points",
        Signal::Logs => "log_records",
    };
    dict.set_item(items, request.items)?;
    Ok(dict)
}

/// The store's counts.
pub(super) fn counts<'py>(py: Python<'py>, counts: &Counts) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("traces", counts.traces)?;
    dict.set_item("spans", counts.spans)?;
    dict.set_item("series", counts.series)?;
    dict.set_item("logs", counts.logs)?;
    dict.set_item("received_spans", counts.received_spans)?;
    dict.set_item("received_points", counts.received_points)?;
    dict.set_item("received_logs", counts.received_logs)?;
    dict.set_item("rejected_spans", counts.rejected_spans)?;
    dict.set_item("rejected_points", counts.rejected_points)?;
    dict.set_item("dropped_spans", counts.dropped_spans)?;
    dict.set_item("dropped_traces", counts.dropped_traces)?;
    dict.set_item("dropped_series", counts.dropped_series)?;
    dict.set_item("dropped_logs", counts.dropped_logs)?;
    Ok(dict)
}

fn put_origin(py: Python<'_>, dict: &Bound<'_, PyDict>, origin: &Origin) -> PyResult<()> {
    dict.set_item("resource", pairs_dict(py, &origin.producer.resource.attributes)?)?;
    dict.set_item("resource_schema_url", &origin.producer.schema_url)?;
    dict.set_item("scope_name", &origin.scope.name)?;
    dict.set_item("scope_version", &origin.scope.version)?;
    dict.set_item("scope_attributes", pairs_dict(py, &origin.scope.attributes)?)?;
    dict.set_item("scope_schema_url", &origin.schema_url)?;
    dict.set_item("protocol", origin.protocol.as_str())
}

fn event<'py>(py: Python<'py>, event: &Event) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("name", &event.name)?;
    dict.set_item("time_unix_nano", event.time_unix_nano)?;
    dict.set_item("attributes", pairs_dict(py, &event.attributes)?)?;
    dict.set_item("dropped_attributes_count", event.dropped_attributes_count)?;
    Ok(dict)
}

fn link<'py>(py: Python<'py>, link: &Link) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("trace_id", Hex(&link.trace_id).to_string())?;
    dict.set_item("span_id", Hex(&link.span_id).to_string())?;
    dict.set_item("trace_state", &link.trace_state)?;
    dict.set_item("flags", link.flags)?;
    dict.set_item("attributes", pairs_dict(py, &link.attributes)?)?;
    dict.set_item("dropped_attributes_count", link.dropped_attributes_count)?;
    Ok(dict)
}

fn pairs_dict<'py>(py: Python<'py>, pairs: &[KeyValue]) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for pair in pairs {
        dict.set_item(&pair.key, any_value(py, pair.value.as_ref())?)?;
    }
    Ok(dict)
}

/// Recursion is bounded: the decoders refuse values nested deeper than about a hundred levels.
fn any_value<'py>(py: Python<'py>, any: Option<&AnyValue>) -> PyResult<Bound<'py, PyAny>> {
    Ok(match any.and_then(|any| any.value.as_ref()) {
        None => py.None().into_bound(py),
        Some(Value::String(text)) => PyString::new(py, text).into_any(),
        Some(Value::Bool(flag)) => flag.into_pyobject(py)?.to_owned().into_any(),
        Some(Value::Int(int)) => int.into_pyobject(py)?.into_any(),
        Some(Value::Double(double)) => double.into_pyobject(py)?.into_any(),
        Some(Value::Bytes(bytes)) => PyBytes::new(py, bytes).into_any(),
        Some(Value::Array(array)) => {
            let items = array.values.iter().map(|item| any_value(py, Some(item))).collect::<PyResult<Vec<_>>>()?;
            PyList::new(py, items)?.into_any()
        }
        Some(Value::Kvlist(list)) => pairs_dict(py, &list.values)?.into_any(),
    })
}
