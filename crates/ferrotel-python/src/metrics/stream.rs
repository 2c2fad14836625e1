//! `MetricStream`: one of the engine's streams, as Python holds it; `Observer`: the streams that an observable
//! instrument's callbacks feed.

use std::sync::Arc;

use ferrotel::common::Text;
use ferrotel::sdk::metrics::{
    Aggregation, AttributeFilter, ExemplarOffer, Stream, StreamConfig, Temporality, check_boundaries,
};
use parking_lot::Mutex;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::exemplar;
use super::instrument::kind_named;
use super::recorder::{Converted, Recorded, Recorder};
use super::{amount, points};
use crate::error::{interruption, log_exception};
use crate::late_threads;
use crate::raw::Raw;

/// The engine's stream for one instrument, view and reader.
#[pyclass(frozen, module = "ferrotel._native")]
pub struct MetricStream {
    stream: Arc<Stream>,
}

impl MetricStream {
    /// The engine's.
    pub fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }
}

#[pymethods]
impl MetricStream {
    #[new]
    #[pyo3(signature = (
        *, name, description, unit, kind, aggregation, temporality, cardinality_limit, included=None, excluded=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "one keyword argument per setting")]
    fn new(
        name: &str,
        description: &str,
        unit: &str,
        kind: &str,
        aggregation: &Bound<'_, PyTuple>,
        temporality: &str,
        cardinality_limit: usize,
        included: Option<Vec<String>>,
        excluded: Option<Vec<String>>,
    ) -> PyResult<Self> {
        let kind = kind_named(kind).ok_or_else(|| PyValueError::new_err(format!("no kind of instrument: {kind:?}")))?;
        let temporality = match temporality {
            "delta" => Temporality::Delta,
            "cumulative" => Temporality::Cumulative,
            other => return Err(PyValueError::new_err(format!("no temporality: {other:?}"))),
        };
        let mut config = StreamConfig::new(name, kind, temporality);
        config.description = Text::from(description);
        config.unit = Text::from(unit);
        config.aggregation = aggregation_from_py(aggregation)?;
        config.cardinality_limit = cardinality_limit;
        config.attribute_filter = match (included, excluded) {
            (Some(included), _) => AttributeFilter::keep(included),
            (None, Some(excluded)) => AttributeFilter::exclude(excluded),
            (None, None) => AttributeFilter::All,
        };
        Ok(MetricStream { stream: Arc::new(Stream::new(config)) })
    }

    /// Whether all measurements are ignored.
    #[getter]
    fn drops(&self) -> bool {
        self.stream.drops()
    }

    /// Takes a measurement that Python code has dealt with; `sampled` ones may become exemplars.
    fn consume(
        &self,
        py: Python<'_>,
        value: &Bound<'_, PyAny>,
        attributes: &Bound<'_, PyAny>,
        time_unix_nano: u64,
        context: &Bound<'_, PyAny>,
        sampled: bool,
    ) -> PyResult<()> {
        let Some(number) = amount::number(py, value.as_ptr())? else { return Ok(()) };
        let span = if sampled { exemplar::span_of(py, context.as_ptr()) } else { None };
        let attributes = Converted::new(py, attributes.as_ptr()).attributes;
        let offer = sampled.then_some(ExemplarOffer {
            time: time_unix_nano,
            span: span.map(|(trace, span, _)| (trace, span)),
            attributes: &attributes,
            host: None,
        });
        self.stream.record(&attributes, number, offer.as_ref());
        interruption().map_or(Ok(()), Err)
    }

    /// The stream's `Metric` up to `now`, in nanoseconds since the Unix epoch; None where there is no point.
    fn collect<'py>(&self, py: Python<'py>, now: u64) -> PyResult<Option<Bound<'py, PyAny>>> {
        late_threads::protect();
        match py.detach(|| self.stream.collect(now)) {
            Some(metric) => points::metric_to_py(py, metric).map(Some),
            None => Ok(None),
        }
    }

    /// In a forked child: forgets what its parent measured.
    fn restart(&self) {
        self.stream.restart();
    }
}

fn aggregation_from_py(aggregation: &Bound<'_, PyTuple>) -> PyResult<Aggregation> {
    let name: String = aggregation.get_item(0)?.extract()?;
    let made = match &*name {
        "drop" => Aggregation::Drop,
        "sum" => Aggregation::Sum,
        "last_value" => Aggregation::LastValue,
        "explicit" => {
            let (_, boundaries, record_min_max): (String, Vec<f64>, bool) = aggregation.extract()?;
            check_boundaries(&boundaries).map_err(|error| PyValueError::new_err(error.to_string()))?;
            Aggregation::ExplicitBucketHistogram { boundaries: Some(boundaries.into()), record_min_max }
        }
        "exponential" => {
            let (_, max_size, max_scale, record_min_max): (String, u32, i32, bool) = aggregation.extract()?;
            Aggregation::ExponentialBucketHistogram { max_size, max_scale, record_min_max }
        }
        other => return Err(PyValueError::new_err(format!("no aggregation: {other:?}"))),
    };
    made.check().map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(made)
}

/// Asks an observable instrument's callbacks, for the streams of one reader.
#[pyclass(frozen, module = "ferrotel._native")]
struct Observer {
    /// Locked for moments in which no Python code runs.
    recorder: Mutex<Recorder>,
}

#[pymethods]
impl Observer {
    #[new]
    fn new(resolved: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Observer { recorder: Mutex::new(Recorder::new(resolved)?) })
    }

    /// Calls the callbacks. One that raises loses what it had still to say, and is reported.
    fn observe(&self, instrument: &Bound<'_, PyAny>, options: &Bound<'_, PyAny>) -> PyResult<()> {
        late_threads::protect();
        let py = instrument.py();
        let callbacks = instrument.getattr(intern!(py, "_callbacks"))?;
        let callbacks = PyList::new(py, callbacks.try_iter()?.collect::<PyResult<Vec<_>>>()?)?;
        for callback in callbacks.iter() {
            if let Err(error) = self.ask(instrument, &callback, options) {
                let name = instrument.getattr(intern!(py, "name")).map(|name| name.to_string()).unwrap_or_default();
                let message = format!("Callback failed for instrument {name}.");
                log_exception(py, error, "opentelemetry.sdk.metrics._internal.instrument", &message)?;
            }
            interruption().map_or(Ok(()), Err)?;
        }
        Ok(())
    }
}

impl Observer {
    fn ask(
        &self,
        instrument: &Bound<'_, PyAny>,
        callback: &Bound<'_, PyAny>,
        options: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let py = instrument.py();
        for observation in callback.call1((options,))?.try_iter()? {
            let observation = observation?;
            let value = observation.getattr(intern!(py, "value"))?;
            let Some(number) = amount::number(py, value.as_ptr())? else {
                instrument.call_method1(intern!(py, "_refuse"), (value,))?;
                continue;
            };
            let attributes = observation.getattr(intern!(py, "attributes"))?;
            let context = observation.getattr(intern!(py, "context"))?;
            let filter = self.recorder.lock().filter;
            let offered = exemplar::offered(py, filter, context.as_ptr());
            let raw: Raw = attributes.as_ptr();
            // SAFETY: attached, and alive; no Python code runs while the lock is held.
            unsafe {
                if matches!(self.recorder.lock().record(number, raw, offered), Recorded::Unknown) {
                    let converted = Converted::new(py, raw);
                    self.recorder.lock().learn(number, raw, converted, offered);
                }
            }
        }
        Ok(())
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<MetricStream>()?;
    module.add_class::<Observer>()
}
