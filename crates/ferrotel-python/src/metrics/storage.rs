//! `MetricStorage`: the engine's streams of one reader, for exporters that need no Python objects.

use std::sync::Arc;

use ferrotel::common::Scope;
use ferrotel::resource::Resource;
use ferrotel::sdk::metrics::{MetricsData, ReaderStorage};
use parking_lot::Mutex;
use pyo3::prelude::*;

use super::stream::MetricStream;
use crate::diagnostics;
use crate::export::otlp::OtlpMetricExporter;
use crate::greenlets::wait;
use crate::late_threads;
use crate::trace::{resource_from_py, scope_from_py};

/// The streams of one reader.
#[pyclass(frozen, module = "ferrotel._native")]
struct MetricStorage {
    storage: ReaderStorage,
    /// Scopes and the resource, by the Python object that they were read from. Locked for moments in which no Python
    /// code runs.
    scopes: Mutex<Vec<(Py<PyAny>, Arc<Scope>)>>,
    resource: Mutex<Option<(Py<PyAny>, Arc<Resource>)>>,
}

#[pymethods]
impl MetricStorage {
    #[new]
    fn new() -> Self {
        MetricStorage { storage: ReaderStorage::new(), scopes: Mutex::default(), resource: Mutex::default() }
    }

    /// Adds a stream to those of its scope.
    fn add(&self, scope: &Bound<'_, PyAny>, stream: &MetricStream) -> PyResult<()> {
        let known = self.scopes.lock().iter().find(|(known, _)| known.is(scope)).map(|(_, scope)| scope.clone());
        let read = match known {
            Some(known) => known,
            None => {
                let read = scope_from_py(scope)?;
                self.scopes.lock().push((scope.clone().unbind(), read.clone()));
                read
            }
        };
        self.storage.add(read, stream.stream().clone());
        Ok(())
    }

    /// Everything that was measured up to `now`, in nanoseconds since the Unix epoch; None where there is no point.
    fn collect(&self, py: Python<'_>, resource: &Bound<'_, PyAny>, now: u64) -> PyResult<Option<CollectedMetrics>> {
        late_threads::protect();
        let known = self.resource.lock().as_ref().filter(|(known, _)| known.is(resource)).map(|(_, read)| read.clone());
        let read = match known {
            Some(known) => known,
            None => {
                let read = resource_from_py(resource)?;
                let old = self.resource.lock().replace((resource.clone().unbind(), read.clone()));
                drop(old);
                read
            }
        };
        Ok(py.detach(|| self.storage.collect(&read, now)).map(|data| CollectedMetrics { data: Arc::new(data) }))
    }
}

/// A collection that was not made into Python objects.
#[pyclass(frozen, module = "ferrotel._native")]
struct CollectedMetrics {
    data: Arc<MetricsData>,
}

#[pymethods]
impl CollectedMetrics {
    /// Sends the collection. None when it was accepted, else the logger and the line for it; an empty line where there is
    /// nothing to say.
    fn export(&self, py: Python<'_>, exporter: &OtlpMetricExporter) -> PyResult<Option<(&'static str, String)>> {
        late_threads::protect();
        let exporter = exporter.exporter();
        let (target, data) = (exporter.log_target(), self.data.clone());
        let result = wait(py, move || exporter.export(&data))?;
        diagnostics::deliver(py);
        Ok(result.err().map(|error| (target, if error.is_shutdown() { String::new() } else { error.to_string() })))
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<MetricStorage>()?;
    module.add_class::<CollectedMetrics>()
}
