//! `SimpleSpanCore`: the engine's simple span processor, as Python holds it.

use std::sync::Arc;

use ferrotel::sdk::trace::SimpleSpanProcessor;
use pyo3::prelude::*;

use super::otlp::OtlpSpanExporter;
use crate::diagnostics;

/// The engine's half of `SimpleSpanProcessor`.
#[pyclass(frozen, module = "ferrotel._native")]
pub struct SimpleSpanCore {
    processor: Arc<SimpleSpanProcessor>,
}

impl SimpleSpanCore {
    /// The engine's processor, to be fed without Python.
    pub fn processor(&self) -> &Arc<SimpleSpanProcessor> {
        &self.processor
    }
}

#[pymethods]
impl SimpleSpanCore {
    #[new]
    fn new(exporter: &OtlpSpanExporter) -> Self {
        SimpleSpanCore { processor: Arc::new(SimpleSpanProcessor::new(exporter.exporter())) }
    }

    /// Ends the exporter; spans that end later are refused.
    fn shutdown(&self, py: Python<'_>) {
        py.detach(|| self.processor.shutdown());
        diagnostics::deliver(py);
    }
}
