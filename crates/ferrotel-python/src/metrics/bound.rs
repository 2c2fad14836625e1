//! Bound instruments: an instrument with attributes that are converted, and whose series are found, beforehand.

use std::ffi::{CStr, c_int, c_void};

use ferrotel::common::Attributes;
use ferrotel::sdk::metrics::{BoundSeries, ExemplarFilter, ExemplarOffer, Number};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyo3::{ffi, intern};

use super::instrument::{self, Target};
use super::recorder::Converted;
use super::{amount, exemplar, generation};
use crate::convert::attributes_to_py;
use crate::raw::{self, Raw, Spec, arguments, guard};

/// A Python bound instrument.
#[repr(C)]
struct BoundObject {
    object: ffi::PyObject,
    /// An instance of one of the instruments' bases; null after the collector's clearing.
    instrument: Raw,
    attributes: Attributes,
    /// The [`generation`] in which the target was found; 0 before.
    resolved: u32,
    target: BoundTarget,
}

/// What becomes of measurements.
enum BoundTarget {
    /// What becomes of the instrument's.
    AsInstrument,
    /// Nothing.
    Nowhere,
    /// The engine has them.
    Engine(ExemplarFilter, Box<[BoundSeries]>),
}

/// # Safety
/// `this` is an instance of one of the bases.
#[inline]
unsafe fn bound_of<'a>(this: Raw) -> &'a mut BoundObject {
    // SAFETY: the caller's promise.
    unsafe { &mut *this.cast::<BoundObject>() }
}

#[inline]
unsafe fn measure(
    this: Raw,
    function: &str,
    monotonic: bool,
    args: *const Raw,
    count: ffi::Py_ssize_t,
    names: Raw,
) -> Raw {
    // SAFETY: called by the interpreter on an instance.
    unsafe {
        guard(|py| {
            let [amount, context] = if names.is_null() && count == 1 {
                [*args, std::ptr::null_mut()]
            } else {
                arguments(py, function, &["amount", "context"], 1, args, count, names)?
            };
            if bound_of(this).instrument.is_null() {
                return Ok(raw::none(py));
            }
            if bound_of(this).resolved != generation() {
                resolve(py, this)?;
            }
            let filter = match &bound_of(this).target {
                BoundTarget::Engine(filter, _) => *filter,
                BoundTarget::Nowhere => return Ok(raw::none(py)),
                BoundTarget::AsInstrument => {
                    let attributes = attributes_to_py(py, &bound_of(this).attributes)?;
                    let amount = Bound::from_borrowed_ptr(py, amount);
                    let context = Bound::from_borrowed_ptr_or_opt(py, context);
                    let instrument = Bound::from_borrowed_ptr(py, bound_of(this).instrument);
                    return instrument
                        .call_method1(intern!(py, "_measure"), (amount, attributes, context))
                        .map(Bound::into_ptr);
                }
            };
            let Some(number) = amount::number(py, amount)?.filter(|number| !monotonic || *number >= Number::ZERO)
            else {
                return instrument::refuse(py, bound_of(this).instrument, amount);
            };
            let offered = exemplar::offered(py, filter, context);
            let bound = bound_of(this);
            if let BoundTarget::Engine(_, series) = &bound.target {
                let attributes = &bound.attributes;
                let offer = offered.map(|offered| ExemplarOffer {
                    time: offered.time,
                    span: offered.span,
                    attributes,
                    host: None,
                });
                for series in &**series {
                    series.record(number, offer.as_ref());
                }
            }
            Ok(raw::none(py))
        })
    }
}

#[cold]
fn resolve(py: Python<'_>, this: Raw) -> PyResult<()> {
    // SAFETY: a live instance, whose instrument is of one of the instruments' bases.
    unsafe {
        let resolved = generation();
        let found = instrument::target(py, bound_of(this).instrument)?;
        let bound = bound_of(this);
        bound.target = match found {
            Target::Python => BoundTarget::AsInstrument,
            Target::Nowhere => BoundTarget::Nowhere,
            Target::Engine(recorder) => {
                let series = recorder.streams().iter().map(|stream| stream.bind(&bound.attributes)).collect();
                BoundTarget::Engine(recorder.filter, series)
            }
        };
        bound.resolved = resolved;
    }
    Ok(())
}

macro_rules! measuring {
    ($function:ident, $name:literal, $monotonic:literal) => {
        unsafe extern "C" fn $function(this: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
            // SAFETY: called by the interpreter on an instance.
            unsafe { measure(this, $name, $monotonic, args, count, names) }
        }
    };
}

measuring!(counter_add, "add", true);
measuring!(up_down_counter_add, "add", false);
measuring!(histogram_record, "record", true);
measuring!(gauge_set, "set", false);

unsafe extern "C" fn new(kind: *mut ffi::PyTypeObject, args: Raw, _: Raw) -> Raw {
    // SAFETY: called by the interpreter with a tuple; the allocation is zeroed, and what zero does not stand for is
    // written at once.
    unsafe {
        guard(|py| {
            let args = Bound::from_borrowed_ptr(py, args).cast_into_unchecked::<PyTuple>();
            let (instrument, attributes): (Bound<'_, PyAny>, Bound<'_, PyAny>) = args.extract()?;
            if !instrument::is_instrument(instrument.as_ptr()) {
                return Err(PyTypeError::new_err("a bound instrument needs one of the SDK's synchronous instruments"));
            }
            let attributes = Converted::new(py, attributes.as_ptr()).attributes;
            let made = (*kind).tp_alloc.map_or(std::ptr::null_mut(), |alloc| alloc(kind, 0));
            if made.is_null() {
                return Err(PyErr::fetch(py));
            }
            let bound = made.cast::<BoundObject>();
            (&raw mut (*bound).attributes).write(attributes);
            (&raw mut (*bound).target).write(BoundTarget::Nowhere);
            (*bound).instrument = instrument.into_ptr();
            Ok(made)
        })
    }
}

unsafe extern "C" fn dealloc(this: Raw) {
    // SAFETY: the type's own deallocation: nobody else has the object.
    unsafe {
        let kind = ffi::Py_TYPE(this);
        ffi::PyObject_GC_UnTrack(this.cast());
        clear(this);
        (&raw mut bound_of(this).target).drop_in_place();
        (&raw mut bound_of(this).attributes).drop_in_place();
        if let Some(free) = (*kind).tp_free {
            free(this.cast());
        }
        ffi::Py_DECREF(kind.cast());
    }
}

unsafe extern "C" fn clear(this: Raw) -> c_int {
    // SAFETY: called on an instance; the slot owns what it holds.
    unsafe { raw::replace(&mut bound_of(this).instrument, std::ptr::null_mut()) };
    0
}

unsafe extern "C" fn traverse(this: Raw, visit: ffi::visitproc, arg: *mut c_void) -> c_int {
    // SAFETY: called by the collector on a live instance.
    unsafe {
        if !bound_of(this).instrument.is_null() {
            let result = visit(bound_of(this).instrument, arg);
            if result != 0 {
                return result;
            }
        }
        raw::visit_type(this, visit, arg)
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let add = c"add($self, amount, context=None)\n--\n\nAs the instrument's, with the attributes that were bound.";
    let record =
        c"record($self, amount, context=None)\n--\n\nAs the instrument's, with the attributes that were bound.";
    let set = c"set($self, amount, context=None)\n--\n\nAs the instrument's, with the attributes that were bound.";
    let all: [(&str, &CStr, ffi::PyMethodDef); 4] = [
        ("BoundCounterBase", c"ferrotel._native.BoundCounterBase", raw::method(c"add", counter_add, add)),
        (
            "BoundUpDownCounterBase",
            c"ferrotel._native.BoundUpDownCounterBase",
            raw::method(c"add", up_down_counter_add, add),
        ),
        (
            "BoundHistogramBase",
            c"ferrotel._native.BoundHistogramBase",
            raw::method(c"record", histogram_record, record),
        ),
        ("BoundGaugeBase", c"ferrotel._native.BoundGaugeBase", raw::method(c"set", gauge_set, set)),
    ];
    for (name, full_name, method) in all {
        let made = Spec {
            name: full_name,
            size: size_of::<BoundObject>(),
            flags: ffi::Py_TPFLAGS_HAVE_GC | ffi::Py_TPFLAGS_BASETYPE,
            methods: vec![method],
            attributes: vec![],
            dict_and_weaklist: None,
            slots: vec![
                (ffi::Py_tp_new, new as *mut c_void),
                (ffi::Py_tp_dealloc, dealloc as *mut c_void),
                (ffi::Py_tp_traverse, traverse as *mut c_void),
                (ffi::Py_tp_clear, clear as *mut c_void),
            ],
            doc: c"What a bound instrument of the SDK stands on: made of the instrument and the attributes.",
        }
        .make(module.py(), None)?;
        module.add(name, made)?;
    }
    Ok(())
}
