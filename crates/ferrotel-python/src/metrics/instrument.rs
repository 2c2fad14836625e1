//! What the SDK's synchronous instruments stand on: `add`, `record` and `set` without Python.

use std::ffi::{CStr, c_int, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};

use ferrotel::sdk::metrics::{InstrumentKind, Number};
use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyo3::{ffi, intern};

use super::recorder::{Converted, Recorded, Recorder};
use super::{amount, exemplar, generation};
use crate::error::log_exception;
use crate::raw::{self, Raw, Spec, arguments, guard};

const LOGGER: &str = "opentelemetry.sdk.metrics._internal.instrument";

/// A Python instrument.
#[repr(C)]
struct InstrumentObject {
    object: ffi::PyObject,
    dict: Raw,
    weaklist: Raw,
    /// Where Python says that measurements go.
    consumer: Raw,
    /// The [`generation`] in which that was resolved; 0 before.
    resolved: u32,
    target: Target,
}

/// What becomes of measurements.
pub enum Target {
    /// `_measure` is called: a part written in Python has a say.
    Python,
    /// Nothing: the meter is disabled, nobody collects, or all views drop the instrument.
    Nowhere,
    /// The engine has them.
    Engine(Box<Recorder>),
}

/// # Safety
/// `this` is an instance of one of the bases.
#[inline]
unsafe fn instrument_of<'a>(this: Raw) -> &'a mut InstrumentObject {
    // SAFETY: the caller's promise.
    unsafe { &mut *this.cast::<InstrumentObject>() }
}

/// One measurement: `self._measure(amount, attributes, context)` without Python, where that is possible.
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
            let null = std::ptr::null_mut();
            let [amount, attributes, context] = match (names.is_null(), count) {
                (true, 1) => [*args, null, null],
                (true, 2) => [*args, *args.add(1), null],
                _ => arguments(py, function, &["amount", "attributes", "context"], 1, args, count, names)?,
            };
            if instrument_of(this).resolved != generation() {
                resolve(py, this)?;
            }
            // No reference to the recorder is held while Python code may run, which may replace it.
            let filter = match &instrument_of(this).target {
                Target::Engine(recorder) => recorder.filter,
                Target::Nowhere => return Ok(raw::none(py)),
                Target::Python => return ask_python(py, this, amount, attributes, context),
            };
            let Some(number) = amount::number(py, amount)?.filter(|number| !monotonic || *number >= Number::ZERO)
            else {
                return refuse(py, this, amount);
            };
            let offered = exemplar::offered(py, filter, context);
            if let Target::Engine(recorder) = &mut instrument_of(this).target
                && matches!(recorder.record(number, attributes, offered), Recorded::Done)
            {
                return Ok(raw::none(py));
            }
            let converted = Converted::new(py, attributes);
            if let Target::Engine(recorder) = &mut instrument_of(this).target {
                recorder.learn(number, attributes, converted, offered);
            }
            Ok(raw::none(py))
        })
    }
}

/// What becomes of an instrument's measurements. The reference must not be held while Python code may run.
///
/// # Errors
/// As [`resolve`].
///
/// # Safety
/// `this` is an instance of one of the bases, alive for `'a`.
pub unsafe fn target<'a>(py: Python<'_>, this: Raw) -> PyResult<&'a Target> {
    // SAFETY: the caller's promise.
    unsafe {
        if instrument_of(this).resolved != generation() {
            resolve(py, this)?;
        }
        Ok(&instrument_of(this).target)
    }
}

/// Whether `object` is an instance of one of the bases.
pub fn is_instrument(object: Raw) -> bool {
    BASES.iter().any(|base| {
        let base = base.load(Ordering::Relaxed);
        // SAFETY: both are types; the bases live as long as the process.
        !base.is_null() && unsafe { ffi::PyType_IsSubtype(ffi::Py_TYPE(object), base) != 0 }
    })
}

static BASES: [AtomicPtr<ffi::PyTypeObject>; 4] = [const { AtomicPtr::new(std::ptr::null_mut()) }; 4];

/// Asks Python where measurements go. What that raises is logged, and they go nowhere.
#[cold]
fn resolve(py: Python<'_>, this: Raw) -> PyResult<()> {
    let resolved = generation();
    // SAFETY: a live instance.
    let instrument = unsafe { Bound::from_borrowed_ptr(py, this) };
    let found = instrument.call_method0(intern!(py, "_resolve")).and_then(|answer| {
        if answer.is_none() {
            Ok(Target::Python)
        } else if !answer.is_truthy()? {
            Ok(Target::Nowhere)
        } else {
            Recorder::new(&answer).map(|recorder| Target::Engine(Box::new(recorder)))
        }
    });
    let target = match found {
        Ok(target) => target,
        Err(error) => {
            log_exception(py, error, LOGGER, "Nothing is measured, since the instrument's streams cannot be made")?;
            Target::Nowhere
        }
    };
    // SAFETY: as above; dropping the old recorder runs no Python code.
    let object = unsafe { instrument_of(this) };
    object.target = target;
    object.resolved = resolved;
    Ok(())
}

#[cold]
fn ask_python(py: Python<'_>, this: Raw, amount: Raw, attributes: Raw, context: Raw) -> PyResult<Raw> {
    // SAFETY: alive, or null for what was not given.
    unsafe {
        let or_none = |object| Bound::from_borrowed_ptr_or_opt(py, object);
        let arguments = (or_none(amount), or_none(attributes), or_none(context));
        Bound::from_borrowed_ptr(py, this).call_method1(intern!(py, "_measure"), arguments).map(Bound::into_ptr)
    }
}

/// Has Python say why the amount cannot be measured.
#[cold]
pub fn refuse(py: Python<'_>, this: Raw, amount: Raw) -> PyResult<Raw> {
    // SAFETY: alive.
    unsafe {
        let amount = Bound::from_borrowed_ptr(py, amount);
        Bound::from_borrowed_ptr(py, this).call_method1(intern!(py, "_check"), (amount,))?;
    }
    Ok(raw::none(py))
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

unsafe extern "C" fn new(kind: *mut ffi::PyTypeObject, _: Raw, _: Raw) -> Raw {
    // SAFETY: the ordinary allocation is zeroed; the field that zero does not stand for is written at once.
    unsafe {
        let made = (*kind).tp_alloc.map_or(std::ptr::null_mut(), |alloc| alloc(kind, 0));
        if !made.is_null() {
            (&raw mut (*made.cast::<InstrumentObject>()).target).write(Target::Python);
        }
        made
    }
}

unsafe extern "C" fn dealloc(this: Raw) {
    // SAFETY: the type's own deallocation: nobody else has the object.
    unsafe {
        let kind = ffi::Py_TYPE(this);
        ffi::PyObject_GC_UnTrack(this.cast());
        if !instrument_of(this).weaklist.is_null() {
            ffi::PyObject_ClearWeakRefs(this);
        }
        clear(this);
        (&raw mut instrument_of(this).target).drop_in_place();
        if let Some(free) = (*kind).tp_free {
            free(this.cast());
        }
        ffi::Py_DECREF(kind.cast());
    }
}

unsafe extern "C" fn clear(this: Raw) -> c_int {
    // SAFETY: called on an instance; each slot owns what it holds.
    unsafe {
        raw::replace(&mut instrument_of(this).dict, std::ptr::null_mut());
        raw::replace(&mut instrument_of(this).consumer, std::ptr::null_mut());
    }
    0
}

unsafe extern "C" fn traverse(this: Raw, visit: ffi::visitproc, arg: *mut c_void) -> c_int {
    // SAFETY: called by the collector on a live instance. What the recorder holds is of types without references.
    unsafe {
        for object in [instrument_of(this).dict, instrument_of(this).consumer] {
            if !object.is_null() {
                let result = visit(object, arg);
                if result != 0 {
                    return result;
                }
            }
        }
        raw::visit_type(this, visit, arg)
    }
}

unsafe extern "C" fn get_consumer(this: Raw, _: *mut c_void) -> Raw {
    // SAFETY: called by the interpreter on an instance.
    unsafe {
        guard(|_| match raw::share(instrument_of(this).consumer) {
            null if null.is_null() => Err(PyAttributeError::new_err("_measurement_consumer")),
            consumer => Ok(consumer),
        })
    }
}

unsafe extern "C" fn set_consumer(this: Raw, value: Raw, _: *mut c_void) -> c_int {
    // SAFETY: called by the interpreter on an instance; `value` is null when the attribute is deleted.
    unsafe {
        instrument_of(this).resolved = 0;
        raw::replace(&mut instrument_of(this).consumer, raw::share(value));
    }
    0
}

fn base(py: Python<'_>, name: &'static CStr, method: ffi::PyMethodDef, doc: &'static CStr) -> PyResult<Py<PyAny>> {
    Spec {
        name,
        size: size_of::<InstrumentObject>(),
        flags: ffi::Py_TPFLAGS_HAVE_GC | ffi::Py_TPFLAGS_BASETYPE,
        methods: vec![method],
        attributes: vec![raw::attribute(
            c"_measurement_consumer",
            get_consumer,
            Some(set_consumer),
            c"Where measurements go.",
            0,
        )],
        dict_and_weaklist: Some((
            std::mem::offset_of!(InstrumentObject, dict),
            std::mem::offset_of!(InstrumentObject, weaklist),
        )),
        slots: vec![
            (ffi::Py_tp_new, new as *mut c_void),
            (ffi::Py_tp_dealloc, dealloc as *mut c_void),
            (ffi::Py_tp_traverse, traverse as *mut c_void),
            (ffi::Py_tp_clear, clear as *mut c_void),
        ],
        doc,
    }
    .make(py, None)
    .map(Bound::unbind)
}

/// Gives the classes that meters make descriptors of their own.
///
/// # Errors
/// A class that does not stand on one of the bases.
#[pyfunction]
#[pyo3(signature = (*classes))]
fn register_instruments(classes: &Bound<'_, PyTuple>) -> PyResult<()> {
    classes.iter().try_for_each(|class| raw::own_methods(&class))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add_function(wrap_pyfunction!(register_instruments, module)?)?;
    let add = |function| {
        raw::method(
            c"add",
            function,
            c"add($self, amount, attributes=None, context=None)\n--\n\nAdds amount. One that is no finite number, or that the kind does not take, is refused with a warning.",
        )
    };
    let record = raw::method(
        c"record",
        histogram_record,
        c"record($self, amount, attributes=None, context=None)\n--\n\nTakes amount. A negative one, or one that is no finite number, is refused with a warning.",
    );
    let set = raw::method(
        c"set",
        gauge_set,
        c"set($self, amount, attributes=None, context=None)\n--\n\nMakes amount the last value. One that is no finite number is refused with a warning.",
    );
    let all: [(&str, &CStr, ffi::PyMethodDef, &CStr); 4] = [
        ("CounterBase", c"ferrotel._native.CounterBase", add(counter_add), c"What Counter stands on."),
        (
            "UpDownCounterBase",
            c"ferrotel._native.UpDownCounterBase",
            add(up_down_counter_add),
            c"What UpDownCounter stands on.",
        ),
        ("HistogramBase", c"ferrotel._native.HistogramBase", record, c"What Histogram stands on."),
        ("GaugeBase", c"ferrotel._native.GaugeBase", set, c"What Gauge stands on."),
    ];
    for ((name, full_name, method, doc), slot) in all.into_iter().zip(&BASES) {
        let made = base(py, full_name, method, doc)?;
        // Never given back: the types are compared with for as long as the process lives.
        slot.store(made.clone_ref(py).into_ptr().cast(), Ordering::Relaxed);
        module.add(name, made)?;
    }
    Ok(())
}

/// The kind that goes by this name of an API class.
pub fn kind_named(name: &str) -> Option<InstrumentKind> {
    InstrumentKind::ALL.into_iter().find(|kind| kind.name() == name)
}
