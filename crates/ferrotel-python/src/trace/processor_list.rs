//! Whom a span's start and end are told: native processors without any Python object, Python ones with the reference's.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ferrotel::sdk::trace::{BatchSpanProcessor, FinishedSpan, SimpleSpanProcessor};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyo3::{PyTraverseError, PyVisit};
use pyo3::{ffi, intern};

use super::span::{SpanObject, readable};
use crate::attached::Attached;
use crate::error::log_exception_once;
use crate::greenlets::wait;
use crate::types::{DESCRIBE_PROCESSOR, SDK_MULTI_PROCESSOR};

const LOGGER: &str = "opentelemetry.sdk.trace";

/// As [`Entry::failed`], for the processors of spans that are in no list of ours.
static OTHER_FAILED: AtomicBool = AtomicBool::new(false);

/// A processor that needs no Python.
#[derive(Clone)]
pub enum NativeProcessor {
    /// Queues spans for a native exporter.
    Batch(Arc<BatchSpanProcessor>),
    /// Exports each span at once.
    Simple(Arc<SimpleSpanProcessor>),
}

enum OnEnd {
    Nothing,
    Native(NativeProcessor),
    Python,
}

struct Entry {
    processor: Py<PyAny>,
    start: bool,
    ending: bool,
    end: OnEnd,
    /// Whether one of its exceptions was logged with its traceback.
    failed: AtomicBool,
}

/// The processors of one list, and what they need of a span.
#[derive(Default)]
struct Plan {
    /// The tuple that the reference has; `None` for an empty one.
    processors: Option<Py<PyTuple>>,
    entries: Vec<Entry>,
    start: bool,
    ending: bool,
    /// Whether any `on_end` is Python's.
    python_end: bool,
}

/// What `SynchronousMultiSpanProcessor` stands on: the tuple of processors that the reference has, and a plan made of it.
#[pyclass(subclass, frozen, module = "ferrotel._native")]
pub struct ProcessorListBase {
    plan: Attached<Arc<Plan>>,
}

#[pymethods]
impl ProcessorListBase {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, pyo3::types::PyDict>>) -> Self {
        ProcessorListBase { plan: Attached::default() }
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

    #[getter(_span_processors)]
    fn processors(&self, py: Python<'_>) -> Py<PyTuple> {
        let plan = self.plan.get(py);
        plan.processors.as_ref().map_or_else(|| PyTuple::empty(py).unbind(), |processors| processors.clone_ref(py))
    }

    #[setter(_span_processors)]
    fn set_processors(&self, processors: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = processors.py();
        let tuple = PyTuple::new(py, processors.try_iter()?.collect::<PyResult<Vec<_>>>()?)?;
        let mut entries = Vec::new();
        for processor in &tuple {
            let (start, ending, end, core): (bool, bool, bool, Bound<'_, PyAny>) =
                DESCRIBE_PROCESSOR.get(py)?.call1((&processor,))?.extract()?;
            let end = match crate::export::native_processor(&core) {
                Some(native) => OnEnd::Native(native),
                None if end => OnEnd::Python,
                None => OnEnd::Nothing,
            };
            entries.push(Entry { processor: processor.unbind(), start, ending, end, failed: AtomicBool::new(false) });
        }
        let plan = Plan {
            start: entries.iter().any(|entry| entry.start),
            ending: entries.iter().any(|entry| entry.ending),
            python_end: entries.iter().any(|entry| matches!(entry.end, OnEnd::Python)),
            entries,
            processors: Some(tuple.unbind()),
        };
        drop(self.plan.replace(py, Arc::new(plan)));
        Ok(())
    }
}

/// The list behind a span's processor, where it is exactly the overlay's; `None` for any other processor.
#[inline]
fn list_of<'a, 'py>(processor: &'a Bound<'py, PyAny>) -> Option<&'a Bound<'py, ProcessorListBase>> {
    // SAFETY: the overlay's class derives from the base.
    unsafe {
        (ffi::Py_TYPE(processor.as_ptr()).cast() == SDK_MULTI_PROCESSOR.as_ptr())
            .then(|| processor.cast_unchecked::<ProcessorListBase>())
    }
}

/// What a processor raises stays here: telemetry never raises into the program.
#[cold]
fn failed(py: Python<'_>, error: PyErr, what: &str, reported: &AtomicBool) -> PyResult<()> {
    log_exception_once(py, error, LOGGER, &format!("Exception in {what} of a span processor"), reported)
}

fn processor_of<'py>(py: Python<'py>, span: &SpanObject) -> Option<Bound<'py, PyAny>> {
    // SAFETY: null or owned by the span.
    unsafe { Bound::from_borrowed_ptr_or_opt(py, span.processor) }.filter(|processor| !processor.is_none())
}

fn call_start<'py>(
    processor: &Bound<'py, PyAny>,
    span: &Bound<'py, PyAny>,
    parent: Option<&Bound<'py, PyAny>>,
) -> PyResult<()> {
    let py = span.py();
    let kwargs = pyo3::types::PyDict::new(py);
    kwargs.set_item(intern!(py, "parent_context"), parent)?;
    processor.call_method(intern!(py, "on_start"), (span,), Some(&kwargs)).map(drop)
}

/// Tells the processors that a span has started.
///
/// # Errors
/// Only KeyboardInterrupt and SystemExit.
#[inline]
pub fn on_start<'py>(
    object: &Bound<'py, PyAny>,
    span: &SpanObject,
    parent: Option<&Bound<'py, PyAny>>,
) -> PyResult<()> {
    let py = object.py();
    let Some(processor) = processor_of(py, span) else { return Ok(()) };
    if let Some(list) = list_of(&processor) {
        // A copy: a processor may make spans, or change the list.
        let plan = list.get().plan.get(py);
        if !plan.start {
            return Ok(());
        }
        for entry in plan.entries.iter().filter(|entry| entry.start) {
            call_start(entry.processor.bind(py), object, parent)
                .or_else(|e| failed(py, e, "on_start", &entry.failed))?;
        }
        return Ok(());
    }
    call_start(&processor, object, parent).or_else(|e| failed(py, e, "on_start", &OTHER_FAILED))
}

/// Tells the processors that a span is ending, and hands it over.
///
/// # Errors
/// Only KeyboardInterrupt and SystemExit.
#[inline]
pub fn on_end(object: &Bound<'_, PyAny>, span: &SpanObject, sampled: bool) -> PyResult<()> {
    let py = object.py();
    let Some(processor) = processor_of(py, span) else { return Ok(()) };
    if let Some(list) = list_of(&processor) {
        // A copy here too: a span that falls out of a full queue may be the last to hold a Python object.
        let plan = list.get().plan.get(py);
        if let [Entry { end: OnEnd::Native(NativeProcessor::Batch(native)), ending: false, .. }] = &plan.entries[..]
            && span.foreign.is_null()
        {
            if sampled {
                native.on_end(FinishedSpan(span.cell().clone()));
            }
            return Ok(());
        }
        return end_planned(object, span, sampled, &plan);
    }
    processor
        .getattr(intern!(py, "_on_ending"))
        .and_then(|method| method.call1((object,)))
        .map(drop)
        .or_else(|e| failed(py, e, "_on_ending", &OTHER_FAILED))?;
    let readable = readable(py, span)?;
    processor
        .call_method1(intern!(py, "on_end"), (readable,))
        .map(drop)
        .or_else(|e| failed(py, e, "on_end", &OTHER_FAILED))
}

fn end_planned(object: &Bound<'_, PyAny>, span: &SpanObject, sampled: bool, plan: &Plan) -> PyResult<()> {
    let py = object.py();
    if plan.ending {
        for entry in plan.entries.iter().filter(|entry| entry.ending) {
            let called = entry.processor.bind(py).call_method1(intern!(py, "_on_ending"), (object,));
            called.map(drop).or_else(|e| failed(py, e, "_on_ending", &entry.failed))?;
        }
    }
    let python = if plan.python_end || !span.foreign.is_null() { Some(readable(py, span)?) } else { None };
    for entry in &plan.entries {
        match (&entry.end, &python) {
            (OnEnd::Nothing, _) => {}
            (OnEnd::Native(_), _) if !sampled => {}
            (OnEnd::Native(native), python) => {
                let finished = match python {
                    Some(readable) => super::finished_span(readable),
                    None => Ok(FinishedSpan(span.cell().clone())),
                };
                match finished {
                    Ok(finished) => hand_over(py, native, finished)?,
                    Err(error) => failed(py, error, "on_end", &entry.failed)?,
                }
            }
            (OnEnd::Python, Some(readable)) => {
                let called = entry.processor.bind(py).call_method1(intern!(py, "on_end"), (readable,));
                called.map(drop).or_else(|e| failed(py, e, "on_end", &entry.failed))?;
            }
            (OnEnd::Python, None) => {}
        }
    }
    Ok(())
}

/// # Errors
/// What ends a greenlet's waiting.
fn hand_over(py: Python<'_>, native: &NativeProcessor, span: FinishedSpan) -> PyResult<()> {
    match native {
        NativeProcessor::Batch(batch) => {
            batch.on_end(span);
            Ok(())
        }
        // Blocks for as long as the exporter takes, so other Python threads go on meanwhile.
        NativeProcessor::Simple(simple) => {
            let simple = simple.clone();
            wait(py, move || simple.on_end(span))
        }
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<ProcessorListBase>()
}
