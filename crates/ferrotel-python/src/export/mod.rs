//! Exporters and the processors that feed them without the interpreter.

use pyo3::prelude::*;

pub mod batch;
pub mod encode;
mod log_records;
mod metrics_data;
mod origin;
pub mod otlp;
pub mod simple;
mod spans;
mod zipkin;

pub use origin::Origins;

use crate::trace::NativeProcessor;

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    encode::register(module)?;
    zipkin::register(module)?;
    otlp::register(module)?;
    module.add_class::<simple::SimpleSpanCore>()?;
    module.add_class::<batch::BatchSpanCore>()?;
    module.add_class::<simple::SimpleLogRecordCore>()?;
    module.add_class::<batch::BatchLogRecordCore>()
}

/// The native processor behind a Python processor's `_native_core`, where that is one of ours.
pub fn native_processor(core: &Bound<'_, PyAny>) -> Option<NativeProcessor> {
    if let Ok(core) = core.cast::<batch::BatchSpanCore>() {
        return Some(NativeProcessor::Batch(core.get().processor().clone()));
    }
    let core = core.cast::<simple::SimpleSpanCore>().ok()?;
    Some(NativeProcessor::Simple(core.get().processor().clone()))
}

/// The native processor behind a Python log record processor's `_native_core`, where that is one of ours.
pub fn native_log_record_processor(core: &Bound<'_, PyAny>) -> Option<crate::logs::NativeProcessor> {
    if let Ok(core) = core.cast::<batch::BatchLogRecordCore>() {
        return Some(crate::logs::NativeProcessor::Batch(core.get().processor().clone()));
    }
    let core = core.cast::<simple::SimpleLogRecordCore>().ok()?;
    Some(crate::logs::NativeProcessor::Simple(core.get().processor().clone()))
}
