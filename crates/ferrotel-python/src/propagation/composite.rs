//! `CompositePropagator`: the overlay's own propagators run without a call into Python, all others as usual.

use ferrotel::propagation::baggage::Limits;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};
use pyo3::{ffi, intern};

use super::carrier::{Getter, Setter, propagator_failed, read_plain, write};
use super::known::{BAGGAGE, COMPOSITE, TRACE_CONTEXT, are_w3c, baggage_key, propagators_of};
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
            Ok(extracted.into_ptr())
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
) -> PyResult<Bound<'py, PyAny>> {
    let py = carrier.py();
    let spelling = getter.spelling();
    if (getter.is_default() || spelling.is_some())
        && let Ok(carrier) = carrier.cast_exact::<PyDict>()
        && COMPOSITE.is_behind(composite, 1)
        && propagators_of(composite).is_some_and(|propagators| are_w3c(&propagators))
    {
        let names = [intern!(py, "traceparent"), intern!(py, "tracestate"), intern!(py, "baggage")];
        let headers = spelling.map_or_else(|| read_plain(carrier, names), |spelling| spelling.read_w3c(carrier));
        if let Some(headers) = headers {
            return extract_w3c(py, headers, context);
        }
    }
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
    // Without propagators, too: who attaches the answer needs a context. The reference answers None.
    Ok(extracted.context.unwrap_or_else(|| crate::context::empty(py)))
}

/// Both W3C propagators at once, for headers that are plain strings.
fn extract_w3c<'py>(
    py: Python<'py>,
    [traceparent, tracestate, baggage]: [Option<Bound<'py, PyString>>; 3],
    context: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let base = context.unwrap_or_else(|| crate::context::empty(py));
    let span_context = match &traceparent {
        Some(header) => trace_context::read_plain(header, tracestate.as_ref()),
        None => None,
    };
    let span = match span_context {
        Some(span_context) => Some(crate::trace::non_recording(py, span_context)?.into_bound(py)),
        None => None,
    };
    let Some(baggage) = baggage.filter(|header| crate::baggage::check(header, Limits::default())) else {
        return match span {
            Some(span) => crate::context::with_span(py, Some(&base), &span).map(|made| made.into_bound(py)),
            None => Ok(base),
        };
    };
    let key = baggage_key(py)?;
    if let Some(span) = &span
        && crate::context::is_empty(&base)
    {
        // Most programs never look at it.
        let make = crate::baggage::read_checked;
        return crate::context::with_span_and_value(&base, span, &key, &baggage, make).map(|made| made.into_bound(py));
    }
    let entries = merged(&base, &key, crate::baggage::read_checked(&baggage)?.cast_into()?)?;
    let base = crate::context::with_value(py, Some(&base), &key, &entries)?.into_bound(py);
    match span {
        Some(span) => crate::context::with_span(py, Some(&base), &span).map(|made| made.into_bound(py)),
        None => Ok(base),
    }
}

/// The baggage of a context with these entries added.
fn merged<'py>(
    context: &Bound<'py, PyAny>,
    key: &Bound<'py, PyString>,
    entries: Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyDict>> {
    let Some(known) = baggage_in(context, key)? else { return Ok(entries) };
    let both = known.copy()?;
    both.update(entries.as_mapping())?;
    Ok(both)
}

#[inline]
fn extract_trace_context<'py>(
    carrier: &Bound<'py, PyAny>,
    getter: Getter<'_, 'py>,
    extracted: &mut Extracted<'py>,
) -> PyResult<()> {
    let py = carrier.py();
    if extracted.context.is_none() {
        extracted.context = Some(crate::context::empty(py));
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
    let entries = merged(&base, &key, entries)?;
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
    write(carrier, setter, intern!(py, "baggage"), raw::text(py, header.as_bytes())?.as_any())
}

/// The baggage of a context that is not empty.
fn baggage_in<'py>(context: &Bound<'py, PyAny>, key: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyDict>>> {
    let py = context.py();
    let found = crate::context::get_value(py, Some(context), key.as_any())?;
    Ok(found.and_then(|found| found.into_bound(py).cast_into::<PyDict>().ok()).filter(|known| !known.is_empty()))
}

#[inline]
fn each<'py>(composite: &Bound<'py, PyAny>, mut visit: impl FnMut(Bound<'py, PyAny>) -> PyResult<()>) -> PyResult<()> {
    let list = if COMPOSITE.is_behind(composite, 1) { propagators_of(composite) } else { None };
    let list = match list {
        Some(list) => list,
        None => {
            let propagators = composite.getattr(intern!(composite.py(), "_propagators"))?;
            match propagators.cast_into_exact::<PyList>() {
                Ok(list) => list,
                Err(other) => {
                    for propagator in other.into_inner().try_iter()? {
                        visit(propagator?)?;
                    }
                    return Ok(());
                }
            }
        }
    };
    // By index: a propagator may change the list.
    let mut at = 0;
    while at < list.len() {
        visit(list.get_item(at)?)?;
        at += 1;
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
