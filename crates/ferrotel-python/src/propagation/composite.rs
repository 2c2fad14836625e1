//! `CompositePropagator`: the overlay's own propagators run without a call into Python, all others as usual.

use ferrotel::propagation::baggage::Limits;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};
use pyo3::{ffi, intern};

use super::carrier::{Getter, Setter, propagator_failed, write};
use super::known::{BAGGAGE, TRACE_CONTEXT, baggage_key};
use super::trace_context::{self, Names};
use crate::raw::{self, Raw, Spec, given, guard};

/// A context that is still being made: the span goes on top of the rest when all of that is known, because putting it
/// there costs nothing, and adding something below it again would.
struct Extracted<'py> {
    context: Option<Bound<'py, PyAny>>,
    span: Option<Bound<'py, PyAny>>,
}

impl<'py> Extracted<'py> {
    fn finish(&mut self, py: Python<'py>) -> PyResult<Option<&Bound<'py, PyAny>>> {
        if let Some(span) = self.span.take() {
            self.context = Some(crate::context::with_span(py, self.context.as_ref(), &span)?.into_bound(py));
        }
        Ok(self.context.as_ref())
    }
}

unsafe extern "C" fn extract(this: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    // SAFETY: called by the interpreter; what `arguments` returns is borrowed from the caller.
    unsafe {
        guard(|py| {
            let [carrier, context, getter] =
                raw::arguments(py, "extract", &["carrier", "context", "getter"], 1, args, count, names)?;
            let this = Bound::from_borrowed_ptr(py, this);
            let carrier = Bound::from_borrowed_ptr(py, carrier);
            let getter = given(py, getter);
            let extracted = extract_all(&this, &carrier, given(py, context), Getter::new(getter.as_ref()))?;
            // Without propagators, and without a context, there is nothing to return; the reference does the same.
            Ok(extracted.map_or_else(|| raw::none(py), Bound::into_ptr))
        })
    }
}

/// Runs the propagators' `extract` in order, each on the context that the one before it returned.
///
/// # Errors
/// Only what is not to be caught.
pub fn extract_all<'py>(
    composite: &Bound<'py, PyAny>,
    carrier: &Bound<'py, PyAny>,
    context: Option<Bound<'py, PyAny>>,
    getter: Getter<'_, 'py>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = carrier.py();
    let mut extracted = Extracted { context, span: None };
    each(composite, |propagator| {
        if TRACE_CONTEXT.is_behind(&propagator, 0) {
            extract_trace_context(carrier, getter, &mut extracted)
        } else if BAGGAGE.is_behind(&propagator, 0) {
            extract_baggage(carrier, getter, &mut extracted)
        } else {
            let keywords = PyDict::new(py);
            keywords.set_item(intern!(py, "getter"), getter.object(py)?)?;
            let arguments = (carrier, extracted.finish(py)?);
            match propagator.call_method(intern!(py, "extract"), arguments, Some(&keywords)) {
                Ok(context) => {
                    extracted.context = Some(context);
                    Ok(())
                }
                Err(error) => propagator_failed(&propagator, error),
            }
        }
    })?;
    extracted.finish(py)?;
    Ok(extracted.context)
}

#[inline]
fn extract_trace_context<'py>(
    carrier: &Bound<'py, PyAny>,
    getter: Getter<'_, 'py>,
    extracted: &mut Extracted<'py>,
) -> PyResult<()> {
    let py = carrier.py();
    if extracted.context.is_none() {
        extracted.context = Some(trace_context::empty_context(py)?);
    }
    let names = Names { traceparent: intern!(py, "traceparent"), tracestate: intern!(py, "tracestate") };
    if let Some(span) = trace_context::extract_span(carrier, getter, &names)? {
        extracted.span = Some(span);
    }
    Ok(())
}

#[inline]
fn extract_baggage<'py>(
    carrier: &Bound<'py, PyAny>,
    getter: Getter<'_, 'py>,
    extracted: &mut Extracted<'py>,
) -> PyResult<()> {
    let py = carrier.py();
    let base = match extracted.context.take() {
        Some(context) => context,
        None => crate::context::current(py)?,
    };
    let Some(entries) = crate::baggage::extract(carrier, getter, intern!(py, "baggage"), Limits::default())? else {
        extracted.context = Some(base);
        return Ok(());
    };
    let key = baggage_key(py)?;
    let entries = match baggage_in(&base, &key)? {
        Some(known) => {
            let both = known.copy()?;
            both.update(entries.as_mapping())?;
            both
        }
        None => entries,
    };
    extracted.context = Some(crate::context::with_value(py, Some(&base), &key, &entries)?.into_bound(py));
    Ok(())
}

unsafe extern "C" fn inject(this: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    // SAFETY: called by the interpreter; what `arguments` returns is borrowed from the caller.
    unsafe {
        guard(|py| {
            let [carrier, context, setter] =
                raw::arguments(py, "inject", &["carrier", "context", "setter"], 1, args, count, names)?;
            let this = Bound::from_borrowed_ptr(py, this);
            let carrier = Bound::from_borrowed_ptr(py, carrier);
            let setter = given(py, setter);
            inject_all(&this, &carrier, given(py, context).as_ref(), Setter::new(setter.as_ref()))?;
            Ok(raw::none(py))
        })
    }
}

/// Runs the propagators' `inject` in order.
///
/// # Errors
/// Only what is not to be caught.
pub fn inject_all<'py>(
    composite: &Bound<'py, PyAny>,
    carrier: &Bound<'py, PyAny>,
    context: Option<&Bound<'py, PyAny>>,
    setter: Setter<'_, 'py>,
) -> PyResult<()> {
    let py = carrier.py();
    each(composite, |propagator| {
        let injected = if TRACE_CONTEXT.is_behind(&propagator, 0) {
            inject_trace_context(carrier, context, setter)
        } else if BAGGAGE.is_behind(&propagator, 0) {
            inject_baggage(carrier, context, setter)
        } else {
            let keywords = PyDict::new(py);
            let called = keywords.set_item(intern!(py, "setter"), setter.object(py)?);
            called.and_then(|()| {
                propagator.call_method(intern!(py, "inject"), (carrier, context), Some(&keywords)).map(drop)
            })
        };
        injected.or_else(|error| propagator_failed(&propagator, error))
    })
}

#[inline]
fn inject_trace_context<'py>(
    carrier: &Bound<'py, PyAny>,
    context: Option<&Bound<'py, PyAny>>,
    setter: Setter<'_, 'py>,
) -> PyResult<()> {
    let py = carrier.py();
    let Some(span_context) = crate::trace::current_span_context(py, context)? else { return Ok(()) };
    let names = Names { traceparent: intern!(py, "traceparent"), tracestate: intern!(py, "tracestate") };
    trace_context::inject(&span_context, carrier, setter, &names)
}

#[inline]
fn inject_baggage<'py>(
    carrier: &Bound<'py, PyAny>,
    context: Option<&Bound<'py, PyAny>>,
    setter: Setter<'_, 'py>,
) -> PyResult<()> {
    let py = carrier.py();
    let key = baggage_key(py)?;
    let Some(entries) = crate::context::get_value(py, context, key.as_any())? else { return Ok(()) };
    let Ok(entries) = entries.into_bound(py).cast_into::<PyDict>() else { return Ok(()) };
    let header = crate::baggage::header(&entries, Limits::default())?;
    if header.is_empty() {
        return Ok(());
    }
    write(carrier, setter, intern!(py, "baggage"), PyString::new(py, &header).as_any())
}

/// The baggage of a context that is not empty.
fn baggage_in<'py>(context: &Bound<'py, PyAny>, key: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyDict>>> {
    let py = context.py();
    let found = crate::context::get_value(py, Some(context), key.as_any())?;
    Ok(found.and_then(|found| found.into_bound(py).cast_into::<PyDict>().ok()).filter(|known| !known.is_empty()))
}

#[inline]
fn each<'py>(composite: &Bound<'py, PyAny>, mut visit: impl FnMut(Bound<'py, PyAny>) -> PyResult<()>) -> PyResult<()> {
    let propagators = composite.getattr(intern!(composite.py(), "_propagators"))?;
    if let Ok(list) = propagators.cast_exact::<PyList>() {
        // By index: a propagator may change the list.
        let mut at = 0;
        while at < list.len() {
            visit(list.get_item(at)?)?;
            at += 1;
        }
        return Ok(());
    }
    for propagator in propagators.try_iter()? {
        visit(propagator?)?;
    }
    Ok(())
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let kind = Spec {
        name: c"ferrotel._native.CompositePropagatorBase",
        size: size_of::<ffi::PyObject>(),
        flags: ffi::Py_TPFLAGS_BASETYPE,
        methods: vec![
            raw::method(
                c"extract",
                extract,
                c"extract($self, carrier, context=None, getter=None)\n--\n\nExtracts with each propagator, each from the \
                  context that the one before it returned.",
            ),
            raw::method(
                c"inject",
                inject,
                c"inject($self, carrier, context=None, setter=None)\n--\n\nInjects with each propagator.",
            ),
        ],
        attributes: Vec::new(),
        dict_and_weaklist: None,
        slots: Vec::new(),
        doc: c"The base of CompositePropagator: runs what its _propagators hold.",
    }
    .make(module.py(), None)?;
    module.add("CompositePropagatorBase", kind)
}
