//! What a collection yields, as the objects of `opentelemetry.sdk.metrics._internal.point`.

use ferrotel::common::Attributes;
use ferrotel::sdk::metrics::{
    Buckets, Exemplar, ExponentialHistogramPoint, HistogramPoint, Metric, MetricData, Number, NumberPoint, Temporality,
};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple, PyType};
use pyo3::{IntoPyObjectExt, ffi, intern};

use crate::convert::attributes_to_py;
use crate::types::{self, Slot};

/// After so many points, other threads get a chance: making them holds the GIL.
const CHUNK: usize = 256;

/// A `Metric`.
///
/// # Errors
/// Out of memory.
pub fn metric_to_py(py: Python<'_>, metric: Metric) -> PyResult<Bound<'_, PyAny>> {
    let Metric { name, description, unit, data } = metric;
    let data = data_to_py(py, data)?;
    let metric = Instance::new(py, &types::METRIC)?;
    metric.set(intern!(py, "name"), name.as_str())?;
    metric.set(intern!(py, "description"), description.as_str())?;
    metric.set(intern!(py, "unit"), unit.as_str())?;
    metric.set(intern!(py, "data"), data)?;
    Ok(metric.object)
}

fn data_to_py(py: Python<'_>, data: MetricData) -> PyResult<Bound<'_, PyAny>> {
    let (class, points, temporality, monotonic) = match data {
        MetricData::Sum { points, temporality, monotonic } => {
            (&types::SUM, list(py, points, number_point)?, Some(temporality), Some(monotonic))
        }
        MetricData::Gauge { points } => (&types::GAUGE, list(py, points, number_point)?, None, None),
        MetricData::Histogram { points, temporality } => {
            (&types::HISTOGRAM, list(py, points, histogram_point)?, Some(temporality), None)
        }
        MetricData::ExponentialHistogram { points, temporality } => {
            (&types::EXPONENTIAL_HISTOGRAM, list(py, points, exponential_histogram_point)?, Some(temporality), None)
        }
    };
    let data = Instance::new(py, class)?;
    data.set(intern!(py, "data_points"), points)?;
    if let Some(temporality) = temporality {
        let number = match temporality {
            Temporality::Delta => 1,
            Temporality::Cumulative => 2,
        };
        let temporality = types::AGGREGATION_TEMPORALITY.get(py)?.call1((number,))?;
        data.set(intern!(py, "aggregation_temporality"), temporality)?;
    }
    if let Some(monotonic) = monotonic {
        data.set(intern!(py, "is_monotonic"), monotonic)?;
    }
    Ok(data.object)
}

fn list<'py, T>(
    py: Python<'py>,
    points: Vec<T>,
    to_py: impl Fn(Python<'py>, T) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let list = PyList::empty(py);
    for (at, point) in points.into_iter().enumerate() {
        if at % CHUNK == CHUNK - 1 {
            py.detach(|| ());
        }
        list.append(to_py(py, point)?)?;
    }
    Ok(list.into_any())
}

fn number_point(py: Python<'_>, point: NumberPoint) -> PyResult<Bound<'_, PyAny>> {
    let made = Instance::new(py, &types::NUMBER_DATA_POINT)?;
    made.stamp(&point.attributes, point.start_time, point.time)?;
    made.set(intern!(py, "value"), number_to_py(py, point.value)?)?;
    made.exemplars(&point.attributes, point.exemplars)?;
    Ok(made.object)
}

fn histogram_point(py: Python<'_>, point: HistogramPoint) -> PyResult<Bound<'_, PyAny>> {
    let made = Instance::new(py, &types::HISTOGRAM_DATA_POINT)?;
    made.stamp(&point.attributes, Some(point.start_time), point.time)?;
    made.set(intern!(py, "count"), point.count)?;
    made.set(intern!(py, "sum"), number_to_py(py, point.sum)?)?;
    made.set(intern!(py, "bucket_counts"), PyTuple::new(py, point.bucket_counts)?)?;
    made.set(intern!(py, "explicit_bounds"), PyTuple::new(py, point.bounds.iter())?)?;
    made.extremes(point.min, point.max)?;
    made.exemplars(&point.attributes, point.exemplars)?;
    Ok(made.object)
}

fn exponential_histogram_point(py: Python<'_>, point: ExponentialHistogramPoint) -> PyResult<Bound<'_, PyAny>> {
    let made = Instance::new(py, &types::EXPONENTIAL_HISTOGRAM_DATA_POINT)?;
    made.stamp(&point.attributes, Some(point.start_time), point.time)?;
    made.set(intern!(py, "count"), point.count)?;
    made.set(intern!(py, "sum"), number_to_py(py, point.sum)?)?;
    made.set(intern!(py, "scale"), point.scale)?;
    made.set(intern!(py, "zero_count"), point.zero_count)?;
    made.set(intern!(py, "positive"), buckets(py, point.positive)?)?;
    made.set(intern!(py, "negative"), buckets(py, point.negative)?)?;
    made.set(intern!(py, "flags"), 0)?;
    made.extremes(point.min, point.max)?;
    made.exemplars(&point.attributes, point.exemplars)?;
    Ok(made.object)
}

fn buckets(py: Python<'_>, buckets: Buckets) -> PyResult<Bound<'_, PyAny>> {
    let made = Instance::new(py, &types::BUCKETS)?;
    made.set(intern!(py, "offset"), buckets.offset)?;
    made.set(intern!(py, "bucket_counts"), PyList::new(py, buckets.counts)?)?;
    Ok(made.object)
}

fn exemplar<'py>(py: Python<'py>, point: &Attributes, exemplar: Exemplar) -> PyResult<Bound<'py, PyAny>> {
    let made = Instance::new(py, &types::EXEMPLAR)?;
    // As in the reference: None for a measurement that had no attributes at all.
    let filtered = if exemplar.filtered_attributes.is_empty() && point.is_empty() {
        py.None().into_bound(py)
    } else {
        attributes_to_py(py, &exemplar.filtered_attributes)?.into_any()
    };
    made.set(intern!(py, "filtered_attributes"), filtered)?;
    made.set(intern!(py, "value"), number_to_py(py, exemplar.value)?)?;
    made.set(intern!(py, "time_unix_nano"), exemplar.time)?;
    made.set(intern!(py, "span_id"), exemplar.span.map(|(_, span)| span.0))?;
    made.set(intern!(py, "trace_id"), exemplar.span.map(|(trace, _)| trace.0))?;
    Ok(made.object)
}

/// An int or a float.
///
/// # Errors
/// Out of memory.
pub fn number_to_py(py: Python<'_>, number: Number) -> PyResult<Bound<'_, PyAny>> {
    match number {
        Number::Int(value) => value.into_bound_py_any(py),
        Number::Double(value) => value.into_bound_py_any(py),
        Number::Big(value) => value.into_bound_py_any(py),
    }
}

/// A new object of one of the dataclasses, whose constructor would set the frozen fields one by one.
struct Instance<'py> {
    object: Bound<'py, PyAny>,
    fields: Bound<'py, PyDict>,
}

impl<'py> Instance<'py> {
    fn new(py: Python<'py>, class: &Slot) -> PyResult<Self> {
        let class = class.get(py)?;
        let class = class.cast::<PyType>()?;
        // SAFETY: an ordinary class of Python, whose instances have a dict, and which `object.__new__` makes.
        unsafe {
            let arguments = PyTuple::empty(py);
            let object = ffi::PyType_GenericNew(class.as_type_ptr(), arguments.as_ptr(), std::ptr::null_mut());
            let object = Bound::from_owned_ptr_or_err(py, object)?;
            let fields = ffi::PyObject_GenericGetDict(object.as_ptr(), std::ptr::null_mut());
            let fields = Bound::from_owned_ptr_or_err(py, fields)?.cast_into_unchecked::<PyDict>();
            Ok(Instance { object, fields })
        }
    }

    fn set(&self, name: &Bound<'py, PyString>, value: impl IntoPyObject<'py>) -> PyResult<()> {
        self.fields.set_item(name, value)
    }

    fn stamp(&self, attributes: &Attributes, start: Option<u64>, time: u64) -> PyResult<()> {
        let py = self.object.py();
        self.set(intern!(py, "attributes"), attributes_to_py(py, attributes)?)?;
        self.set(intern!(py, "start_time_unix_nano"), start)?;
        self.set(intern!(py, "time_unix_nano"), time)
    }

    fn extremes(&self, min: Option<Number>, max: Option<Number>) -> PyResult<()> {
        let py = self.object.py();
        // What is not recorded reads as in the reference.
        self.set(intern!(py, "min"), number_to_py(py, min.unwrap_or(Number::Double(f64::INFINITY)))?)?;
        self.set(intern!(py, "max"), number_to_py(py, max.unwrap_or(Number::Double(f64::NEG_INFINITY)))?)
    }

    fn exemplars(&self, attributes: &Attributes, exemplars: Vec<Exemplar>) -> PyResult<()> {
        let py = self.object.py();
        let list = PyList::empty(py);
        for each in exemplars {
            list.append(exemplar(py, attributes, each)?)?;
        }
        self.set(intern!(py, "exemplars"), list)
    }
}
