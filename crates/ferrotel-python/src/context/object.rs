//! The context object: a dict whose entries may not be there yet.
//!
//! Entering a span makes a context that differs from its base in the span alone, a request's headers one that differs in
//! the span and the baggage, and hardly anybody ever looks at the rest. The entries are copied when somebody does.
//! A context without a span has all its entries from the start: some C code, `json` for example, looks into a dict
//! without asking its type.

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicIsize, AtomicPtr, Ordering};

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::path::Path;
use crate::free_list::FreeList;
use crate::raw::{self, Raw, Spec, guard};
use crate::types::Slot;

pub(super) static CONTEXT_TYPE: AtomicPtr<ffi::PyTypeObject> = AtomicPtr::new(std::ptr::null_mut());
pub(super) static FREE: FreeList = FreeList::new();
/// The key of the current span, interned.
pub(super) static KEY: AtomicPtr<ffi::PyObject> = AtomicPtr::new(std::ptr::null_mut());
/// Where [`Lazy`] stands in an instance: behind whatever this CPython's dict has.
static LAZY_OFFSET: AtomicIsize = AtomicIsize::new(0);

/// What a context has beyond its dict.
#[repr(C)]
pub(super) struct Lazy {
    /// The span in this context, where the dict may not have it yet.
    pub(super) span: Raw,
    /// A complete context whose entries, but for the span and the one below, are this one's; null once the dict is filled.
    pub(super) base: Raw,
    /// The key of the one entry that stands neither in the base nor in the dict: exactly a string. Null where there is
    /// no such entry; only ever there together with a base and a span.
    pub(super) key: Raw,
    /// That entry's value, or what [`make`](Self::make) makes it from.
    pub(super) value: Raw,
    /// Makes the value, when somebody wants it.
    pub(super) make: Option<Make>,
    /// The path that this context is the value in; owned by somebody else, who owns the context. Mostly null.
    pub(super) path: *mut Path,
}

/// Makes the value of an entry from what was kept for it.
pub type Make = for<'py> fn(&Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>>;

impl Lazy {
    /// Empties all fields. What is let go may run Python code.
    ///
    /// # Safety
    /// Each field is null or owned.
    #[inline]
    unsafe fn clear(&mut self) {
        self.make = None;
        for slot in [&mut self.span, &mut self.base, &mut self.key, &mut self.value] {
            if !slot.is_null() {
                // SAFETY: the caller's promise.
                unsafe { raw::replace(slot, std::ptr::null_mut()) };
            }
        }
    }
}

#[inline]
pub(super) fn is_context(object: Raw) -> bool {
    // SAFETY: `object` is alive; reads its type.
    unsafe { ffi::Py_TYPE(object) == CONTEXT_TYPE.load(Ordering::Relaxed) }
}

/// # Safety
/// `context` is an instance of the context type or of a subclass.
#[inline]
pub(super) unsafe fn lazy<'a>(context: Raw) -> &'a mut Lazy {
    // SAFETY: instances are that large, and the fields are only touched while attached.
    unsafe { &mut *context.byte_offset(LAZY_OFFSET.load(Ordering::Relaxed)).cast::<Lazy>() }
}

/// The value of the entry that stands neither in the base nor in the dict: borrowed from the context, null with an
/// exception.
///
/// # Safety
/// `context` is an instance that has such an entry, and is kept alive by the caller.
pub(super) unsafe fn own_value(context: Raw) -> Raw {
    // SAFETY: the caller's promise.
    unsafe {
        let fields = lazy(context);
        let Some(make) = fields.make else { return fields.value };
        let made = guard(|py| make(&Bound::from_borrowed_ptr(py, fields.value)).map(Bound::into_ptr));
        if made.is_null() {
            return made;
        }
        // Allocating may have run the collector, and the collector somebody's code that asked, too.
        if lazy(context).make.take().is_some() {
            raw::replace(&mut lazy(context).value, made);
        } else {
            ffi::Py_DECREF(made);
        }
        lazy(context).value
    }
}

/// Copies the base's entries into the dict, once.
pub(super) unsafe fn fill(context: Raw) -> c_int {
    // SAFETY: the callers pass an instance; the dict functions only look at the dict part.
    unsafe {
        let fields = lazy(context);
        if fields.base.is_null() {
            return 0;
        }
        // The base goes last: keys that are no strings may run Python code while they are put in, and whoever looks at
        // this context meanwhile has to find all of it.
        let base = raw::share(fields.base);
        let mut at = 0;
        let (mut key, mut value) = (std::ptr::null_mut(), std::ptr::null_mut());
        let mut failed = 0;
        while failed == 0 && ffi::PyDict_Next(base, &raw mut at, &raw mut key, &raw mut value) != 0 {
            failed = ffi::PyDict_SetItem(context, key, value);
        }
        if failed == 0 && !fields.key.is_null() {
            let value = own_value(context);
            // Asking may have had it filled already.
            if fields.key.is_null() {
                failed = 0;
            } else if value.is_null() {
                failed = -1;
            } else {
                failed = ffi::PyDict_SetItem(context, fields.key, value);
            }
        }
        if failed == 0 && !fields.span.is_null() {
            failed = ffi::PyDict_SetItem(context, KEY.load(Ordering::Relaxed), fields.span);
        }
        if failed == 0 {
            let fields = lazy(context);
            let (key, value) = (fields.key, fields.value);
            (fields.key, fields.value) = (std::ptr::null_mut(), std::ptr::null_mut());
            raw::replace(&mut fields.base, std::ptr::null_mut());
            // The dict has both.
            ffi::Py_XDECREF(key);
            ffi::Py_XDECREF(value);
        }
        ffi::Py_DECREF(base);
        failed
    }
}

pub(super) unsafe fn new_instance() -> Raw {
    let kind = CONTEXT_TYPE.load(Ordering::Relaxed);
    // SAFETY: dict's own constructor, which looks at neither arguments nor keywords; the fields behind it are zeroed.
    unsafe {
        match ffi::PyDict_Type.tp_new {
            Some(new) => new(kind, std::ptr::null_mut(), std::ptr::null_mut()),
            None => std::ptr::null_mut(),
        }
    }
}

unsafe extern "C" fn context_init(this: Raw, args: Raw, kwargs: Raw) -> c_int {
    // SAFETY: dict's own initialiser on a dict, then the span is looked up in what it left.
    unsafe {
        let result = match ffi::PyDict_Type.tp_init {
            Some(init) => init(this, args, kwargs),
            None => -1,
        };
        if result == 0 {
            let span = ffi::PyDict_GetItemWithError(this, KEY.load(Ordering::Relaxed));
            raw::replace(&mut lazy(this).span, raw::share(span));
        }
        result
    }
}

unsafe extern "C" fn context_dealloc(this: Raw) {
    // SAFETY: the type's own deallocation: fields first, then the dict's, then the reference to the heap type.
    unsafe {
        ffi::PyObject_GC_UnTrack(this.cast());
        let kind = ffi::Py_TYPE(this);
        let fields = lazy(this);
        // With a base, nothing was ever put into the dict, and it can serve again as it is.
        let pristine = !fields.base.is_null() && is_context(this) && ffi::PyDict_Size(this) == 0;
        fields.clear();
        if pristine && FREE.keep(this) {
            return;
        }
        free_entries(this, kind);
    }
}

/// Frees a context's dict, not deeper than the stack allows: contexts that hold contexts (a program that keeps the one
/// before under a key of its own) may be nested without end, and dict's own guard does not count for derived types.
unsafe fn free_entries(this: Raw, kind: *mut ffi::PyTypeObject) {
    const DEEPEST: usize = 50;
    thread_local! {
        static NESTED: Cell<usize> = const { Cell::new(0) };
        static LATER: RefCell<Vec<(Raw, *mut ffi::PyTypeObject)>> = const { RefCell::new(Vec::new()) };
    }
    let free = |this: Raw, kind: *mut ffi::PyTypeObject| {
        // SAFETY: the caller's promise: a dying context without its own fields, and its type, whose reference it gives back.
        unsafe {
            if let Some(dealloc) = ffi::PyDict_Type.tp_dealloc {
                dealloc(this);
            }
            ffi::Py_DECREF(kind.cast());
        }
    };
    let depth = NESTED.get();
    if depth == DEEPEST && LATER.try_with(|later| later.borrow_mut().push((this, kind))).is_ok() {
        return;
    }
    NESTED.set(depth + 1);
    free(this, kind);
    if depth == 0 {
        while let Ok(Some((this, kind))) = LATER.try_with(|later| later.borrow_mut().pop()) {
            free(this, kind);
        }
    }
    NESTED.set(depth);
}

unsafe extern "C" fn context_traverse(this: Raw, visit: ffi::visitproc, arg: *mut c_void) -> c_int {
    // SAFETY: called by the collector on a live instance.
    unsafe {
        let fields = lazy(this);
        for object in [fields.span, fields.base, fields.key, fields.value] {
            if !object.is_null() {
                let result = visit(object, arg);
                if result != 0 {
                    return result;
                }
            }
        }
        let result = ffi::PyDict_Type.tp_traverse.map_or(0, |traverse| traverse(this, visit, arg));
        if result != 0 { result } else { raw::visit_type(this, visit, arg) }
    }
}

unsafe extern "C" fn context_clear(this: Raw) -> c_int {
    // SAFETY: called by the collector on a live instance.
    unsafe {
        lazy(this).clear();
        ffi::PyDict_Type.tp_clear.map_or(0, |clear| clear(this))
    }
}

/// A slot of dict's that reads: fill first, then dict's own.
macro_rules! reading {
    ($name:ident($($arg:ident: $kind:ty),*) -> $result:ty, $failed:expr, $own:expr) => {
        unsafe extern "C" fn $name(this: Raw $(, $arg: $kind)*) -> $result {
            // SAFETY: called by the interpreter with a context; dict has this slot.
            unsafe {
                if fill(this) != 0 {
                    return $failed;
                }
                match $own {
                    Some(own) => own(this $(, $arg)*),
                    None => $failed,
                }
            }
        }
    };
}

reading!(context_iter() -> Raw, std::ptr::null_mut(), ffi::PyDict_Type.tp_iter);
reading!(context_repr() -> Raw, std::ptr::null_mut(), ffi::PyDict_Type.tp_repr);
reading!(context_len() -> ffi::Py_ssize_t, -1, (*ffi::PyDict_Type.tp_as_mapping).mp_length);
reading!(context_subscript(key: Raw) -> Raw, std::ptr::null_mut(), (*ffi::PyDict_Type.tp_as_mapping).mp_subscript);
reading!(context_contains(key: Raw) -> c_int, -1, (*ffi::PyDict_Type.tp_as_sequence).sq_contains);

unsafe extern "C" fn context_compare(this: Raw, other: Raw, op: c_int) -> Raw {
    // SAFETY: called by the interpreter with a context; the other side may be one too.
    unsafe {
        if fill(this) != 0 || (is_context(other) && fill(other) != 0) {
            return std::ptr::null_mut();
        }
        match ffi::PyDict_Type.tp_richcompare {
            Some(compare) => compare(this, other, op),
            None => std::ptr::null_mut(),
        }
    }
}

unsafe extern "C" fn context_assign(_this: Raw, _key: Raw, _value: Raw) -> c_int {
    // SAFETY: attached; raising has no condition.
    unsafe { guard(|_| Err(immutable())) };
    -1
}

fn immutable() -> PyErr {
    PyValueError::new_err("a context is immutable: use opentelemetry.context.set_value, which returns a new one")
}

unsafe extern "C" fn context_inplace_or(_this: Raw, _other: Raw) -> Raw {
    // SAFETY: attached; raising has no condition.
    unsafe { guard(|_| Err(immutable())) }
}

unsafe extern "C" fn context_immutable(_: Raw, _: *const Raw, _: ffi::Py_ssize_t, _: Raw) -> Raw {
    // SAFETY: attached; raising has no condition.
    unsafe { guard(|_| Err(immutable())) }
}

/// dict's method of this name, after filling. `args` are passed on as they are.
macro_rules! dict_method {
    ($function:ident, $name:literal) => {
        unsafe extern "C" fn $function(this: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
            // SAFETY: called by the interpreter with a context and `count` arguments.
            unsafe {
                guard(|py| {
                    if fill(this) != 0 {
                        return Err(PyErr::fetch(py));
                    }
                    static METHOD: Slot = Slot::unbound($name);
                    let method = METHOD.dict_method(py)?;
                    let mut all = vec![this];
                    let names_len = if names.is_null() { 0 } else { ffi::PyTuple_GET_SIZE(names) };
                    // Without arguments, some versions pass null, which no slice may be made of.
                    if count + names_len > 0 {
                        all.extend_from_slice(std::slice::from_raw_parts(args, (count + names_len).cast_unsigned()));
                    }
                    let positional = PyTuple::new(
                        py,
                        all[..=count.cast_unsigned()].iter().map(|raw| Bound::from_borrowed_ptr(py, *raw)),
                    )?;
                    if names_len > 0 {
                        return Err(pyo3::exceptions::PyTypeError::new_err(concat!(
                            $name,
                            "() takes no keyword arguments"
                        )));
                    }
                    method.call1(positional).map(Bound::into_ptr)
                })
            }
        }
    };
}

dict_method!(context_get, "get");
dict_method!(context_keys, "keys");
dict_method!(context_values, "values");
dict_method!(context_items, "items");
dict_method!(context_copy, "copy");
dict_method!(context_reversed, "__reversed__");

unsafe extern "C" fn context_reduce(this: Raw, _: Raw) -> Raw {
    // SAFETY: called by the interpreter with a context.
    unsafe {
        guard(|py| {
            if fill(this) != 0 {
                return Err(PyErr::fetch(py));
            }
            let this = Bound::from_borrowed_ptr(py, this);
            let entries = py.get_type::<PyDict>().call_method1("copy", (&this,))?;
            Ok((this.get_type(), (entries,)).into_pyobject(py)?.into_ptr())
        })
    }
}

unsafe extern "C" fn context_or(left: Raw, right: Raw) -> Raw {
    // SAFETY: called by the interpreter; either side may be the context.
    unsafe {
        guard(|py| {
            let plain = |object: Raw| {
                let object = Bound::from_borrowed_ptr(py, object);
                if is_context(object.as_ptr()) {
                    if fill(object.as_ptr()) != 0 {
                        return Err(PyErr::fetch(py));
                    }
                    return py.get_type::<PyDict>().call_method1("copy", (&object,));
                }
                Ok(object)
            };
            let (left, right) = (plain(left)?, plain(right)?);
            if !left.is_instance_of::<PyDict>() || !right.is_instance_of::<PyDict>() {
                return Ok(py.NotImplemented().into_ptr());
            }
            let merged = left.call_method0("copy")?;
            merged.call_method1("update", (right,))?;
            Ok(merged.into_ptr())
        })
    }
}

/// The type `Context`.
///
/// # Errors
/// Out of memory.
pub(super) fn make_context_type(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let dict = py.get_type::<PyDict>();
    // SAFETY: reads dict's own type object, which never changes.
    let offset = unsafe { ffi::PyDict_Type.tp_basicsize };
    LAZY_OFFSET.store(offset, Ordering::Relaxed);
    let immutable = |name, doc| raw::method(name, context_immutable, doc);
    Spec {
        name: c"opentelemetry.context.context.Context",
        size: offset.cast_unsigned() + size_of::<Lazy>(),
        flags: ffi::Py_TPFLAGS_HAVE_GC | ffi::Py_TPFLAGS_BASETYPE,
        methods: vec![
            raw::method(c"get", context_get, c"get($self, key, default=None, /)\n--\n\nThe value under key, or default."),
            raw::method(c"keys", context_keys, c"keys($self, /)\n--\n\nThe keys."),
            raw::method(c"values", context_values, c"values($self, /)\n--\n\nThe values."),
            raw::method(c"items", context_items, c"items($self, /)\n--\n\nThe entries."),
            raw::method(c"copy", context_copy, c"copy($self, /)\n--\n\nA plain dict of the entries."),
            raw::method(c"__reversed__", context_reversed, c"__reversed__($self, /)\n--\n\nThe keys, newest first."),
            raw::method_noargs(c"__reduce__", context_reduce, c"__reduce__($self, /)\n--\n\nFor pickle and copy."),
            immutable(c"setdefault", c"setdefault($self, key, default=None)\n--\n\nRaises ValueError: a context is immutable."),
            immutable(c"pop", c"pop($self, key, *args)\n--\n\nRaises ValueError: a context is immutable."),
            immutable(c"popitem", c"popitem($self)\n--\n\nRaises ValueError: a context is immutable."),
            immutable(c"clear", c"clear($self)\n--\n\nRaises ValueError: a context is immutable."),
            immutable(c"update", c"update($self, *args, **kwargs)\n--\n\nRaises ValueError: a context is immutable."),
        ],
        attributes: vec![],
        dict_and_weaklist: None,
        slots: vec![
            (ffi::Py_tp_init, context_init as *mut c_void),
            (ffi::Py_tp_dealloc, context_dealloc as *mut c_void),
            (ffi::Py_tp_traverse, context_traverse as *mut c_void),
            (ffi::Py_tp_clear, context_clear as *mut c_void),
            (ffi::Py_tp_iter, context_iter as *mut c_void),
            (ffi::Py_tp_repr, context_repr as *mut c_void),
            (ffi::Py_tp_richcompare, context_compare as *mut c_void),
            (ffi::Py_mp_length, context_len as *mut c_void),
            (ffi::Py_mp_subscript, context_subscript as *mut c_void),
            (ffi::Py_mp_ass_subscript, context_assign as *mut c_void),
            (ffi::Py_sq_contains, context_contains as *mut c_void),
            (ffi::Py_nb_or, context_or as *mut c_void),
            (ffi::Py_nb_inplace_or, context_inplace_or as *mut c_void),
        ],
        doc: c"Context(*args, **kwargs)\n--\n\nAn immutable mapping of what belongs to one execution unit (specification: context).",
    }
    .make(py, Some(&dict))
}
