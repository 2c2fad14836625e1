//! Whom a log record is told: native processors without any Python object, Python ones with the reference's.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ferrotel::sdk::logs::{BatchLogRecordProcessor, FinishedLogRecord, SimpleLogRecordProcessor};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{PyTraverseError, PyVisit, ffi, intern};

use super::silence::Silence;
use super::{LOGGER, read_object};
use crate::attached::Attached;
use crate::error::log_exception_once;
use crate::export::Origins;
use crate::greenlets::wait;
use crate::types::{DESCRIBE_LOG_RECORD_PROCESSOR, SDK_MULTI_LOG_RECORD_PROCESSOR};

/// As [`Entry::failed`], for processors that are in no list of ours.
static OTHER_FAILED: AtomicBool = AtomicBool::new(false);

/// A processor that needs no Python.
#[derive(Clone)]
pub enum NativeProcessor {
    /// Queues records for a native exporter.
    Batch(Arc<BatchLogRecordProcessor>),
    /// Exports each record at once.
    Simple(Arc<SimpleLogRecordProcessor>),
}

impl NativeProcessor {
    /// Hands a record over.
    ///
    /// # Errors
    /// What ends a greenlet's waiting.
    #[inline]
    pub fn on_emit(&self, py: Python<'_>, record: FinishedLogRecord) -> PyResult<()> {
        match self {
            NativeProcessor::Batch(batch) => {
                batch.on_emit(record);
                Ok(())
            }
            // Blocks for as long as the exporter takes, so other Python threads go on meanwhile.
            NativeProcessor::Simple(simple) => {
                let simple = simple.clone();
                wait(py, move || simple.on_emit(record))
            }
        }
    }
}

struct Entry {
    processor: Py<PyAny>,
    /// What stands for its `on_emit`.
    native: Option<NativeProcessor>,
    /// Whether its `enabled` is more than a yes.
    asks: bool,
    /// Whether one of its exceptions was logged with its traceback.
    failed: AtomicBool,
}

/// The processors of one list.
#[derive(Default)]
pub struct Plan {
    /// The tuple that the reference has; `None` for an empty one.
    processors: Option<Py<PyTuple>>,
    entries: Vec<Entry>,
}

impl Plan {
    /// Whether no record needs a Python object. A list without processors needs none either.
    #[inline]
    pub fn is_native(&self) -> bool {
        self.entries.iter().all(|entry| entry.native.is_some())
    }

    /// Hands a record to each processor of a plan that is native.
    ///
    /// # Errors
    /// What ends a greenlet's waiting.
    #[inline]
    pub fn on_emit(&self, py: Python<'_>, record: FinishedLogRecord) -> PyResult<()> {
        if let [Entry { native: Some(native), .. }] = &self.entries[..] {
            return native.on_emit(py, record);
        }
        for entry in &self.entries {
            if let Some(native) = &entry.native {
                native.on_emit(py, record.clone())?;
            }
        }
        Ok(())
    }

    /// Hands a Python record to each processor. What one raises is logged, and the others get it all the same.
    ///
    /// # Errors
    /// Only KeyboardInterrupt and SystemExit.
    pub fn on_emit_object<'py>(&self, record: &Bound<'py, PyAny>, origins: &mut Origins<'py>) -> PyResult<()> {
        let py = record.py();
        let _silence = Silence::new(py, "processor");
        for entry in &self.entries {
            let told = match &entry.native {
                Some(native) => {
                    read_object(record, origins).and_then(|read| native.on_emit(py, FinishedLogRecord::new(read)))
                }
                None => entry.processor.bind(py).call_method1(intern!(py, "on_emit"), (record,)).map(drop),
            };
            told.or_else(|error| failed(py, error, &entry.failed))?;
        }
        Ok(())
    }

    /// Whether some processor has a use for such a record.
    ///
    /// # Errors
    /// Only KeyboardInterrupt and SystemExit.
    pub fn enabled(&self, py: Python<'_>, question: impl Fn() -> PyResult<Py<PyDict>>) -> PyResult<bool> {
        if self.entries.iter().any(|entry| !entry.asks) {
            return Ok(true);
        }
        for entry in &self.entries {
            let question = question()?;
            let answer = entry
                .processor
                .bind(py)
                .call_method(intern!(py, "enabled"), (), Some(question.bind(py)))
                .and_then(|answer| answer.is_truthy());
            match answer {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(error) => {
                    // Who cannot say so may well have a use for it.
                    failed(py, error, &entry.failed)?;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// The plan of a processor that is exactly the overlay's list; `None` for any other processor.
#[inline]
pub fn plan_of(processor: &Bound<'_, PyAny>) -> Option<Arc<Plan>> {
    // SAFETY: the overlay's class derives from the base.
    let list = unsafe {
        if ffi::Py_TYPE(processor.as_ptr()).cast() != SDK_MULTI_LOG_RECORD_PROCESSOR.as_ptr() {
            return None;
        }
        processor.cast_unchecked::<LogRecordProcessorListBase>()
    };
    Some(list.get().plan.get(processor.py()))
}

/// Hands a Python record to a processor that is in no list of ours.
///
/// # Errors
/// Only KeyboardInterrupt and SystemExit.
pub fn on_emit_other(processor: &Bound<'_, PyAny>, record: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = record.py();
    let _silence = Silence::new(py, "processor");
    let told = processor.call_method1(intern!(py, "on_emit"), (record,)).map(drop);
    told.or_else(|error| failed(py, error, &OTHER_FAILED))
}

/// What a processor raises stays here: telemetry never raises into the program.
#[cold]
fn failed(py: Python<'_>, error: PyErr, reported: &AtomicBool) -> PyResult<()> {
    log_exception_once(py, error, LOGGER, "Exception in a log record processor", reported)
}

/// What `SynchronousMultiLogRecordProcessor` stands on: the tuple of processors that the reference has, and a plan made
/// of it.
#[pyclass(subclass, frozen, module = "ferrotel._native")]
pub struct LogRecordProcessorListBase {
    plan: Attached<Arc<Plan>>,
}

#[pymethods]
impl LogRecordProcessorListBase {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        LogRecordProcessorListBase { plan: Attached::default() }
    }

    /// Processors often know their provider, which knows them through this list.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // SAFETY: called by the collector, which is attached and runs no Python code meanwhile.
        let plan = unsafe { self.plan.peek() };
        visit.call(&plan.processors)?;
        plan.entries.iter().try_for_each(|entry| visit.call(&entry.processor))
    }

    fn __clear__(&self, py: Python<'_>) {
        drop(self.plan.replace(py, Arc::default()));
    }

    #[getter(_log_record_processors)]
    fn processors(&self, py: Python<'_>) -> Py<PyTuple> {
        let plan = self.plan.get(py);
        plan.processors.as_ref().map_or_else(|| PyTuple::empty(py).unbind(), |processors| processors.clone_ref(py))
    }

    #[setter(_log_record_processors)]
    fn set_processors(&self, processors: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = processors.py();
        let tuple = PyTuple::new(py, processors.try_iter()?.collect::<PyResult<Vec<_>>>()?)?;
        let mut entries = Vec::new();
        for processor in &tuple {
            let (asks, core): (bool, Bound<'_, PyAny>) =
                DESCRIBE_LOG_RECORD_PROCESSOR.get(py)?.call1((&processor,))?.extract()?;
            let native = crate::export::native_log_record_processor(&core);
            entries.push(Entry { processor: processor.unbind(), native, asks, failed: AtomicBool::new(false) });
        }
        let plan = Plan { processors: Some(tuple.unbind()), entries };
        drop(self.plan.replace(py, Arc::new(plan)));
        Ok(())
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<LogRecordProcessorListBase>()
}
