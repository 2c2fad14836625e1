//! Metrics of Python's (`MetricsData`) for the engine's exporters.

use std::sync::Arc;

use ferrotel::api::trace::{SpanId, TraceId};
use ferrotel::sdk::metrics::{
    Buckets, Exemplar, ExponentialHistogramPoint, HistogramPoint, Metric, MetricData, MetricsData, Number, NumberPoint,
    ResourceMetrics, ScopeMetrics, Temporality,
};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyInt, PyString};

use super::origin::Origins;
use crate::convert::{attributes_from_py, text_from_py};
use crate::error::{log_exception, warn_with};

const LOGGER: &str = "opentelemetry.exporter.otlp.proto.common._internal.metrics_encoder";

/// The engine's metrics for Python's. A metric or a point that can't be read is reported and left out.
///
/// # Errors
/// What is no `MetricsData`: no lists of resources, scopes and metrics.
pub fn from_py(data: &Bound<'_, PyAny>) -> PyResult<MetricsData> {
    let py = data.py();
    let mut origins = Origins::default();
    let mut read = MetricsData::default();
    for of_resource in list(data, intern!(py, "resource_metrics"))? {
        let mut scope_metrics = Vec::new();
        for of_scope in list(&of_resource, intern!(py, "scope_metrics"))? {
            let mut metrics = Vec::new();
            for metric in list(&of_scope, intern!(py, "metrics"))? {
                match metric_from_py(&metric) {
                    Ok(metric) => metrics.extend(metric),
                    Err(error) => log_exception(py, error, LOGGER, "A metric that can't be read is left out")?,
                }
            }
            let scope = origins.scope(of_scope.getattr(intern!(py, "scope"))?)?;
            scope_metrics.push(ScopeMetrics { scope, metrics });
        }
        let resource = origins.resource(of_resource.getattr(intern!(py, "resource"))?)?;
        read.resource_metrics.push(ResourceMetrics { resource, scope_metrics });
    }
    Ok(read)
}

fn list<'py>(object: &Bound<'py, PyAny>, name: &Bound<'py, PyString>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    object.getattr(name)?.try_iter()?.collect()
}

/// None for a kind of data that OTLP's exporters do not know.
fn metric_from_py(metric: &Bound<'_, PyAny>) -> PyResult<Option<Metric>> {
    let py = metric.py();
    let text = |name| -> PyResult<_> {
        let text = metric.getattr(name)?;
        Ok(if text.is_none() { Default::default() } else { text_from_py(&text) })
    };
    let Some(data) = data_from_py(&metric.getattr(intern!(py, "data"))?)? else { return Ok(None) };
    Ok(Some(Metric {
        name: text(intern!(py, "name"))?,
        description: text(intern!(py, "description"))?,
        unit: text(intern!(py, "unit"))?,
        data,
    }))
}

/// The kind shows in the attributes that it has, so that any implementation's classes will do.
fn data_from_py(data: &Bound<'_, PyAny>) -> PyResult<Option<MetricData>> {
    let py = data.py();
    let Some(points) = data.getattr_opt(intern!(py, "data_points"))? else {
        warn_with(py, LOGGER, "unsupported data type %s", data.get_type().name()?);
        return Ok(None);
    };
    let points: Vec<_> = points.try_iter()?.collect::<PyResult<_>>()?;
    let Some(temporality) = data.getattr_opt(intern!(py, "aggregation_temporality"))? else {
        return Ok(Some(MetricData::Gauge { points: each(py, &points, |point| number_point(point, false))? }));
    };
    let temporality = temporality_from_py(&temporality)?;
    if let Some(monotonic) = data.getattr_opt(intern!(py, "is_monotonic"))? {
        let points = each(py, &points, |point| number_point(point, true))?;
        return Ok(Some(MetricData::Sum { points, temporality, monotonic: monotonic.is_truthy()? }));
    }
    if let Some(first) = points.first()
        && first.hasattr(intern!(py, "scale"))?
    {
        let points = each(py, &points, exponential_histogram_point)?;
        return Ok(Some(MetricData::ExponentialHistogram { points, temporality }));
    }
    Ok(Some(MetricData::Histogram { points: each(py, &points, histogram_point)?, temporality }))
}

fn each<'py, T>(
    py: Python<'py>,
    points: &[Bound<'py, PyAny>],
    read: impl Fn(&Bound<'py, PyAny>) -> PyResult<T>,
) -> PyResult<Vec<T>> {
    let mut kept = Vec::with_capacity(points.len());
    for point in points {
        match read(point) {
            Ok(point) => kept.push(point),
            Err(error) => log_exception(py, error, LOGGER, "A data point that can't be read is left out")?,
        }
    }
    Ok(kept)
}

fn temporality_from_py(temporality: &Bound<'_, PyAny>) -> PyResult<Temporality> {
    match temporality.extract::<i32>()? {
        1 => Ok(Temporality::Delta),
        2 => Ok(Temporality::Cumulative),
        _ => Err(PyTypeError::new_err("an aggregation temporality is DELTA or CUMULATIVE")),
    }
}

fn number_point(point: &Bound<'_, PyAny>, has_start: bool) -> PyResult<NumberPoint> {
    let py = point.py();
    Ok(NumberPoint {
        attributes: attributes(point, intern!(py, "attributes"))?,
        start_time: if has_start { Some(time(point, intern!(py, "start_time_unix_nano"))?) } else { None },
        time: time(point, intern!(py, "time_unix_nano"))?,
        value: number_from_py(&point.getattr(intern!(py, "value"))?)?,
        exemplars: exemplars(point)?,
    })
}

fn histogram_point(point: &Bound<'_, PyAny>) -> PyResult<HistogramPoint> {
    let py = point.py();
    let bounds: Vec<f64> = point.getattr(intern!(py, "explicit_bounds"))?.extract()?;
    Ok(HistogramPoint {
        attributes: attributes(point, intern!(py, "attributes"))?,
        start_time: time(point, intern!(py, "start_time_unix_nano"))?,
        time: time(point, intern!(py, "time_unix_nano"))?,
        count: point.getattr(intern!(py, "count"))?.extract()?,
        sum: number_from_py(&point.getattr(intern!(py, "sum"))?)?,
        min: optional_number(point, intern!(py, "min"))?,
        max: optional_number(point, intern!(py, "max"))?,
        bounds: bounds.into(),
        bucket_counts: point.getattr(intern!(py, "bucket_counts"))?.extract()?,
        exemplars: exemplars(point)?,
    })
}

fn exponential_histogram_point(point: &Bound<'_, PyAny>) -> PyResult<ExponentialHistogramPoint> {
    let py = point.py();
    let threshold = point.getattr_opt(intern!(py, "zero_threshold"))?;
    Ok(ExponentialHistogramPoint {
        attributes: attributes(point, intern!(py, "attributes"))?,
        start_time: time(point, intern!(py, "start_time_unix_nano"))?,
        time: time(point, intern!(py, "time_unix_nano"))?,
        count: point.getattr(intern!(py, "count"))?.extract()?,
        sum: number_from_py(&point.getattr(intern!(py, "sum"))?)?,
        min: optional_number(point, intern!(py, "min"))?,
        max: optional_number(point, intern!(py, "max"))?,
        scale: point.getattr(intern!(py, "scale"))?.extract()?,
        zero_count: point.getattr(intern!(py, "zero_count"))?.extract()?,
        zero_threshold: threshold.map_or(Ok(0.0), |threshold| threshold.extract())?,
        flags: point.getattr_opt(intern!(py, "flags"))?.map_or(Ok(0), |flags| flags.extract())?,
        positive: buckets(&point.getattr(intern!(py, "positive"))?)?,
        negative: buckets(&point.getattr(intern!(py, "negative"))?)?,
        exemplars: exemplars(point)?,
    })
}

fn buckets(buckets: &Bound<'_, PyAny>) -> PyResult<Buckets> {
    if buckets.is_none() {
        return Ok(Buckets::default());
    }
    let py = buckets.py();
    Ok(Buckets {
        offset: buckets.getattr(intern!(py, "offset"))?.extract()?,
        counts: buckets.getattr(intern!(py, "bucket_counts"))?.extract()?,
    })
}

fn exemplars(point: &Bound<'_, PyAny>) -> PyResult<Vec<Exemplar>> {
    match point.getattr_opt(intern!(point.py(), "exemplars"))? {
        Some(exemplars) if !exemplars.is_none() => {
            exemplars.try_iter()?.map(|exemplar| exemplar_from_py(&exemplar?)).collect()
        }
        _ => Ok(Vec::new()),
    }
}

fn exemplar_from_py(exemplar: &Bound<'_, PyAny>) -> PyResult<Exemplar> {
    let py = exemplar.py();
    let trace_id: Option<u128> = exemplar.getattr(intern!(py, "trace_id"))?.extract()?;
    let span_id: Option<u64> = exemplar.getattr(intern!(py, "span_id"))?.extract()?;
    Ok(Exemplar {
        filtered_attributes: attributes_from_py(
            Some(&exemplar.getattr(intern!(py, "filtered_attributes"))?),
            None,
            None,
        ),
        value: number_from_py(&exemplar.getattr(intern!(py, "value"))?)?,
        time: time(exemplar, intern!(py, "time_unix_nano"))?,
        span: trace_id.zip(span_id).map(|(trace_id, span_id)| (TraceId(trace_id), SpanId(span_id))),
    })
}

fn attributes(point: &Bound<'_, PyAny>, name: &Bound<'_, PyString>) -> PyResult<Arc<ferrotel::common::Attributes>> {
    Ok(Arc::new(attributes_from_py(Some(&point.getattr(name)?), None, None)))
}

/// Nanoseconds since the epoch; 0, OTLP's word for an unknown time, for None.
fn time(object: &Bound<'_, PyAny>, name: &Bound<'_, PyString>) -> PyResult<u64> {
    Ok(object.getattr(name)?.extract::<Option<u64>>()?.unwrap_or(0))
}

fn optional_number(point: &Bound<'_, PyAny>, name: &Bound<'_, PyString>) -> PyResult<Option<Number>> {
    let number = point.getattr(name)?;
    if number.is_none() { Ok(None) } else { number_from_py(&number).map(Some) }
}

/// The engine's number for an `int`, a `float`, or what can be made a float.
fn number_from_py(number: &Bound<'_, PyAny>) -> PyResult<Number> {
    if number.is_instance_of::<PyFloat>() {
        return Ok(Number::Double(number.extract()?));
    }
    if number.is_instance_of::<PyInt>() {
        if let Ok(small) = number.extract::<i64>() {
            return Ok(Number::Int(small));
        }
        if let Ok(large) = number.extract::<i128>() {
            return Ok(Number::Big(large));
        }
    }
    Ok(Number::Double(number.extract()?))
}
