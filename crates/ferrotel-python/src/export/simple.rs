//! `SimpleSpanCore`, `SimpleLogRecordCore`: the engine's simple processors, as Python holds them.

use std::sync::Arc;

use ferrotel::sdk::logs::SimpleLogRecordProcessor;
use ferrotel::sdk::trace::SimpleSpanProcessor;
use pyo3::prelude::*;

use super::otlp::{OtlpLogRecordExporter, OtlpSpanExporter};
use crate::diagnostics;

/// One class per signal: PyO3 knows no generic ones.
macro_rules! core {
    ($(#[doc = $doc:literal])+ $name:ident, $processor:ident, $exporter:ident) => {
        $(#[doc = $doc])+
        #[pyclass(frozen, module = "ferrotel._native")]
        pub struct $name {
            processor: Arc<$processor>,
        }

        impl $name {
            /// The engine's processor, to be fed without Python.
            pub fn processor(&self) -> &Arc<$processor> {
                &self.processor
            }
        }

        #[pymethods]
        impl $name {
            #[new]
            fn new(exporter: &$exporter) -> Self {
                $name { processor: Arc::new($processor::new(exporter.exporter())) }
            }

            /// Ends the exporter; what comes later is refused.
            fn shutdown(&self, py: Python<'_>) {
                py.detach(|| self.processor.shutdown());
                diagnostics::deliver(py);
            }
        }
    };
}

core! {
    /// The engine's half of `SimpleSpanProcessor`.
    SimpleSpanCore, SimpleSpanProcessor, OtlpSpanExporter
}
core! {
    /// The engine's half of `SimpleLogRecordProcessor`.
    SimpleLogRecordCore, SimpleLogRecordProcessor, OtlpLogRecordExporter
}
