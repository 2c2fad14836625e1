//! `use_span` and `start_as_current_span`: a context manager that is also a decorator.

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyo3::{ffi, intern};

use super::non_recording;
use super::scope_method::{self, Method};
use super::span::{self, RECORD_EXCEPTION, SET_STATUS_ON_EXCEPTION};
use super::tracer::{self, Start};
use crate::context::Entered;
use crate::free_list::FreeList;
use crate::raw::{self, Raw, Spec, arguments, given, guard};
use crate::types::{DECORATE, SDK_SPAN, SPAN, SPAN_PATCHED};

static TYPE: AtomicPtr<ffi::PyTypeObject> = AtomicPtr::new(std::ptr::null_mut());

static FREE: FreeList = FreeList::new();

/// End the span when the block is left.
pub const END_ON_EXIT: u8 = 4;

/// The slots of [`Scope`] that hold Python objects.
const OBJECTS: usize = 8;

/// One `with` block, or the recipe for the blocks of a decorated function.
#[repr(C)]
struct Scope {
    object: ffi::PyObject,
    /// The span of this block, or the one given to `use_span`.
    span: Raw,
    /// What leaving the block takes back.
    entered: Entered,
    /// Who starts the span; null for `use_span`.
    tracer: Raw,
    start: Start,
    flags: u8,
}

impl Scope {
    fn objects(&mut self) -> [&mut Raw; OBJECTS] {
        let start = &mut self.start;
        [
            &mut self.span,
            &mut self.tracer,
            &mut start.name,
            &mut start.context,
            &mut start.kind,
            &mut start.attributes,
            &mut start.links,
            &mut start.start_time,
        ]
    }
}

/// Whether `object` is one of the scopes made here.
#[inline]
pub fn is_scope(object: &Bound<'_, PyAny>) -> bool {
    object.get_type_ptr() == TYPE.load(Ordering::Relaxed)
}

unsafe fn scope_of<'a>(this: Raw) -> &'a mut Scope {
    // SAFETY: the callers pass an instance.
    unsafe { &mut *this.cast::<Scope>() }
}

unsafe fn allocate(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let kind = TYPE.load(Ordering::Relaxed);
    // SAFETY: the ordinary allocation; every slot is null.
    unsafe {
        let mut made = FREE.take(kind);
        if made.is_null() {
            made = (*kind).tp_alloc.map_or(std::ptr::null_mut(), |alloc| alloc(kind, 0));
        }
        Bound::from_owned_ptr_or_err(py, made)
    }
}

/// The context manager of `start_as_current_span`: nothing starts before the block is entered.
///
/// # Safety
/// `start` holds null or live objects; their references are shared here.
#[inline]
pub unsafe fn deferred(py: Python<'_>, tracer: Raw, start: &Start, flags: u8) -> PyResult<Raw> {
    // SAFETY: the caller's promise.
    unsafe {
        let made = allocate(py)?;
        let scope = scope_of(made.as_ptr());
        scope.tracer = raw::share(tracer);
        scope.start = start.shared();
        scope.flags = flags;
        Ok(made.into_ptr())
    }
}

fn use_span_raw(py: Python<'_>, span: Raw, flags: u8) -> PyResult<Raw> {
    // SAFETY: `span` is an argument of the call under way.
    unsafe {
        let made = allocate(py)?;
        let scope = scope_of(made.as_ptr());
        scope.span = raw::share(span);
        scope.flags = flags;
        Ok(made.into_ptr())
    }
}

/// Makes a span current in a `with` block, or in each call of a decorated function.
///
/// Args:
///     span: The span.
///     end_on_exit: End it when the block is left.
///     record_exception: Record an exception that leaves the block as an event.
///     set_status_on_exception: Set the status to ERROR then.
#[pyfunction]
#[pyo3(
    signature = (span, end_on_exit=Truth(false), record_exception=Truth(true), set_status_on_exception=Truth(true)),
    text_signature = "(span, end_on_exit=False, record_exception=True, set_status_on_exception=True)",
)]
fn use_span<'py>(
    py: Python<'py>,
    span: &Bound<'py, PyAny>,
    end_on_exit: Truth,
    record_exception: Truth,
    set_status_on_exception: Truth,
) -> PyResult<Bound<'py, PyAny>> {
    let flags = flags_of(record_exception.0, set_status_on_exception.0, end_on_exit.0);
    let made = use_span_raw(py, span.as_ptr(), flags)?;
    // SAFETY: a new reference.
    Ok(unsafe { Bound::from_owned_ptr(py, made) })
}

/// Any object, asked whether it is true.
struct Truth(bool);

impl<'py> FromPyObject<'_, 'py> for Truth {
    type Error = PyErr;

    fn extract(object: pyo3::Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        object.is_truthy().map(Truth)
    }
}

/// The three options as flags.
pub const fn flags_of(record_exception: bool, set_status_on_exception: bool, end_on_exit: bool) -> u8 {
    (record_exception as u8 * RECORD_EXCEPTION)
        | (set_status_on_exception as u8 * SET_STATUS_ON_EXCEPTION)
        | (end_on_exit as u8 * END_ON_EXIT)
}

static ENTER: Method = Method { name: c"__enter__", doc: c"Makes the span current and returns it.", function: enter };

unsafe extern "C" fn enter(this: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    // SAFETY: called by the interpreter on an instance; what the scope keeps is owned by it.
    unsafe {
        guard(|py| {
            if count != 0 || !names.is_null() {
                arguments(py, "__enter__", &[], 0, args, count, names)?;
            }
            let scope = scope_of(this);
            if scope.entered.is_active() {
                return Err(PyRuntimeError::new_err("this span's block was entered already"));
            }
            if !scope.tracer.is_null() {
                let tracer = Bound::from_borrowed_ptr(py, scope.tracer);
                let started = tracer::start(&tracer, &scope.start, scope.flags)?;
                raw::replace(&mut scope.span, started.into_ptr());
            }
            let span = Bound::from_borrowed_ptr(py, scope.span);
            scope.entered.enter(py, &span)?;
            Ok(span.into_ptr())
        })
    }
}

static EXIT: Method = Method {
    name: c"__exit__",
    doc: c"Makes the span before it current again. Takes what `with` passes: exc_type, exc_value, traceback.",
    function: exit,
};

unsafe extern "C" fn exit(this: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    // SAFETY: called by the interpreter on an instance.
    unsafe {
        guard(|py| {
            let [_, exception, _] = if count == 3 && names.is_null() {
                [*args, *args.add(1), *args.add(2)]
            } else {
                arguments(py, "__exit__", &["exc_type", "exc_value", "traceback"], 0, args, count, names)?
            };
            let scope = scope_of(this);
            let flags = scope.flags;
            if !scope.entered.is_active() {
                return Ok(raw::share(ffi::Py_False()));
            }
            let span = Bound::from_borrowed_ptr(py, scope.span);
            scope.entered.leave(py)?;
            // Only what derives from Exception is an error: not GeneratorExit, not CancelledError.
            if let Some(exception) = given(py, exception)
                && exception.is_instance_of::<pyo3::exceptions::PyException>()
            {
                failure(&span, &exception, flags)?;
            }
            if flags & END_ON_EXIT != 0 {
                if ffi::Py_TYPE(span.as_ptr()).cast() == SDK_SPAN.as_ptr() && !SPAN_PATCHED.load(Ordering::Relaxed) {
                    span::end_span(&span, None)?;
                } else if !non_recording::is_own(&span) {
                    span.call_method0(intern!(py, "end"))?;
                }
            }
            Ok(raw::share(ffi::Py_False()))
        })
    }
}

/// The exception on its way through the block goes on: what recording it raises is logged.
#[cold]
fn failure(span: &Bound<'_, PyAny>, exception: &Bound<'_, PyAny>, flags: u8) -> PyResult<()> {
    let py = span.py();
    let recorded = (|| {
        // SAFETY: reads the type.
        let is_usual =
            unsafe { ffi::Py_TYPE(span.as_ptr()) }.cast() == SDK_SPAN.as_ptr() && !SPAN_PATCHED.load(Ordering::Relaxed);
        if is_usual && span::record_usual_failure(span, exception, flags)? {
            return Ok(());
        }
        if span.is_instance(&*SPAN.get(py)?)? && span.call_method0(intern!(py, "is_recording"))?.is_truthy()? {
            span::record_failure(span, exception, flags)?;
        }
        Ok(())
    })();
    recorded
        .or_else(|error| crate::error::log_exception(py, error, "opentelemetry.trace", "Failed to record an exception"))
}

/// A scope like this one, not yet entered.
unsafe extern "C" fn recreate(this: Raw, _: Raw) -> Raw {
    // SAFETY: called by the interpreter on an instance.
    unsafe {
        guard(|py| {
            let scope = scope_of(this);
            if scope.tracer.is_null() {
                use_span_raw(py, scope.span, scope.flags)
            } else {
                deferred(py, scope.tracer, &scope.start, scope.flags)
            }
        })
    }
}

unsafe extern "C" fn call(this: Raw, args: Raw, kwargs: Raw) -> Raw {
    // SAFETY: called by the interpreter on an instance.
    unsafe {
        guard(|py| {
            let args = Bound::from_borrowed_ptr(py, args).cast_into_unchecked::<PyTuple>();
            if args.len() != 1 || !kwargs.is_null() {
                return Err(pyo3::exceptions::PyTypeError::new_err("a span decorates one function"));
            }
            let this = Bound::from_borrowed_ptr(py, this);
            DECORATE.get(py)?.call1((this, args.get_item(0)?)).map(Bound::into_ptr)
        })
    }
}

unsafe extern "C" fn dealloc(this: Raw) {
    // SAFETY: the type's own deallocation.
    unsafe {
        let kind = ffi::Py_TYPE(this);
        ffi::PyObject_GC_UnTrack(this.cast());
        clear(this);
        if FREE.keep(this) {
            return;
        }
        if let Some(free) = (*kind).tp_free {
            free(this.cast());
        }
        ffi::Py_DECREF(kind.cast());
    }
}

unsafe extern "C" fn clear(this: Raw) -> c_int {
    // SAFETY: called on an instance; each slot owns what it holds.
    unsafe {
        scope_of(this).entered.clear();
        for slot in scope_of(this).objects() {
            if !slot.is_null() {
                raw::replace(slot, std::ptr::null_mut());
            }
        }
    }
    0
}

unsafe extern "C" fn traverse(this: Raw, visit: ffi::visitproc, arg: *mut c_void) -> c_int {
    // SAFETY: called by the collector on a live instance.
    unsafe {
        for slot in scope_of(this).objects() {
            if !slot.is_null() {
                let result = visit(*slot, arg);
                if result != 0 {
                    return result;
                }
            }
        }
        scope_of(this).entered.traverse(visit, arg)
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let kind = Spec {
        name: c"ferrotel._native.SpanScope",
        size: size_of::<Scope>(),
        flags: ffi::Py_TPFLAGS_HAVE_GC,
        methods: vec![
            raw::method_noargs(c"_recreate_cm", recreate, c"_recreate_cm($self)\n--\n\nA scope like this one, not yet entered."),
        ],
        attributes: vec![],
        dict_and_weaklist: None,
        slots: vec![
            (ffi::Py_tp_dealloc, dealloc as *mut c_void),
            (ffi::Py_tp_traverse, traverse as *mut c_void),
            (ffi::Py_tp_clear, clear as *mut c_void),
            (ffi::Py_tp_call, call as *mut c_void),
        ],
        doc: c"A block in which a span is current: a context manager, and a decorator of functions and coroutine functions.",
    }
    .make(module.py(), None)?;
    TYPE.store(kind.clone().into_ptr().cast(), Ordering::Relaxed);
    scope_method::register(module)?;
    scope_method::add(&kind, &ENTER)?;
    scope_method::add(&kind, &EXIT)?;
    module.add("SpanScope", kind)?;
    module.add_function(wrap_pyfunction!(use_span, module)?)?;
    Ok(())
}
