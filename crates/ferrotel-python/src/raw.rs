//! Types made with CPython's own API, for the objects of the hot path: PyO3's checks cost a third of a span there.
//!
//! Functions written for this module run attached, and turn panics into a log line: see [`guard`].

use std::ffi::{CStr, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use parking_lot::Mutex;
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple, PyType};

/// `PyObject*`, as the C API hands it around.
pub type Raw = *mut ffi::PyObject;
/// A `METH_FASTCALL | METH_KEYWORDS` function.
pub type Fast = unsafe extern "C" fn(Raw, *const Raw, ffi::Py_ssize_t, Raw) -> Raw;
/// A getter.
pub type Get = unsafe extern "C" fn(Raw, *mut c_void) -> Raw;
/// A setter.
pub type Set = unsafe extern "C" fn(Raw, Raw, *mut c_void) -> c_int;

/// Runs `body` with the interpreter attached. An error becomes the pending Python exception; a panic is logged and
/// answered with `None`, because an unwinding panic would end the host program.
///
/// # Safety
/// The caller is attached, and was called by the interpreter.
#[inline]
pub unsafe fn guard(body: impl for<'py> FnOnce(Python<'py>) -> PyResult<Raw>) -> Raw {
    // SAFETY: the caller's promise.
    let py = unsafe { Python::assume_attached() };
    crate::late_threads::protect();
    let calls = CALLS.load(Ordering::Relaxed);
    CALLS.store(calls.wrapping_add(1), Ordering::Relaxed);
    if calls.is_multiple_of(SETTLED_EVERY) {
        settle();
    }
    match catch_unwind(AssertUnwindSafe(|| body(py))) {
        Ok(Ok(object)) => match crate::error::interruption() {
            None => object,
            Some(interruption) => interrupted(py, object, interruption),
        },
        Ok(Err(error)) => raise(py, error),
        Err(_) => panicked(py),
    }
}

/// Counts calls, roughly: only ever touched while attached.
static CALLS: AtomicU32 = AtomicU32::new(0);
const SETTLED_EVERY: u32 = 512;
/// [`settle_references`] as Python sees it; null before the module is made.
static SETTLE: AtomicPtr<ffi::PyObject> = AtomicPtr::new(std::ptr::null_mut());

/// What is dropped in raw functions (errors above all), PyO3 keeps until one of its own functions is called, since it
/// does not know that the interpreter is attached. A program may never call one. Every path of errors comes by here, too.
///
/// Attached, without a pending exception. Not `Python::attach`, which panics while the interpreter goes down.
#[cold]
pub fn settle() {
    let function = SETTLE.load(Ordering::Relaxed);
    // SAFETY: attached, as the caller of `guard` promised; the function is never given back, and its result is.
    unsafe {
        if !function.is_null() {
            let done = ffi::PyObject_CallObject(function, std::ptr::null_mut());
            if done.is_null() {
                ffi::PyErr_Clear();
            }
            ffi::Py_XDECREF(done);
        }
    }
}

/// Does nothing; being called is what settles the references that PyO3 keeps.
#[pyfunction]
fn settle_references() {}

/// Prepares what the raw functions need.
///
/// # Errors
/// Out of memory.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    SETTLE.store(wrap_pyfunction!(settle_references, module)?.into_ptr().cast(), Ordering::Relaxed);
    Ok(())
}

#[cold]
fn interrupted(py: Python<'_>, object: Raw, interruption: PyErr) -> Raw {
    // SAFETY: a new reference, which nobody gets.
    unsafe { ffi::Py_XDECREF(object) };
    raise(py, interruption)
}

#[cold]
fn raise(py: Python<'_>, error: PyErr) -> Raw {
    error.restore(py);
    std::ptr::null_mut()
}

#[cold]
fn panicked(py: Python<'_>) -> Raw {
    crate::error::warn(py, "ferrotel", "a defect in ferrotel was caught; the call had no effect. Please report it.");
    none(py)
}

/// A new reference to `None`.
#[inline]
pub fn none(py: Python<'_>) -> Raw {
    py.None().into_ptr()
}

/// A new reference to `object`, which may be null.
///
/// # Safety
/// `object` is null or alive.
#[inline]
pub unsafe fn share(object: Raw) -> Raw {
    // SAFETY: the caller's promise.
    unsafe { ffi::Py_XINCREF(object) };
    object
}

/// Puts `new` (a reference given away) into `slot` and drops what was there, in the order that reentrancy asks for.
///
/// # Safety
/// `slot` holds null or an owned reference.
#[inline]
pub unsafe fn replace(slot: &mut Raw, new: Raw) {
    let old = std::mem::replace(slot, new);
    // SAFETY: the slot owned it.
    unsafe { ffi::Py_XDECREF(old) };
}

/// The parameters of a function, known by the addresses of their names too: those of a call's keywords are interned.
pub struct Parameters<const N: usize> {
    names: [&'static str; N],
    interned: [AtomicPtr<ffi::PyObject>; N],
}

impl<const N: usize> Parameters<N> {
    /// Of these names.
    pub const fn new(names: [&'static str; N]) -> Self {
        Parameters { names, interned: [const { AtomicPtr::new(std::ptr::null_mut()) }; N] }
    }

    /// The place of a parameter; `None` for a name that is none.
    ///
    /// # Errors
    /// A name that is no text.
    ///
    /// # Safety
    /// `name` is a live str.
    #[inline]
    pub unsafe fn position(&self, py: Python<'_>, name: Raw) -> PyResult<Option<usize>> {
        match self.interned.iter().position(|known| known.load(Ordering::Relaxed) == name) {
            // SAFETY: the caller's promise.
            None => unsafe {
                self.interned(py);
                position(py, &self.names, name)
            },
            found => Ok(found),
        }
    }

    /// The names as Python has them.
    #[inline]
    pub fn interned(&self, py: Python<'_>) -> &[AtomicPtr<ffi::PyObject>; N] {
        if self.interned.last().is_none_or(|last| last.load(Ordering::Relaxed).is_null()) {
            self.intern(py);
        }
        &self.interned
    }

    #[cold]
    fn intern(&self, py: Python<'_>) {
        // Kept for the life of the process, so that no other string can get the address.
        for (known, name) in self.interned.iter().zip(self.names) {
            known.store(PyString::intern(py, name).into_ptr(), Ordering::Relaxed);
        }
    }
}

/// # Safety
/// `name` is a live str.
#[cold]
unsafe fn position(py: Python<'_>, parameters: &[&str], name: Raw) -> PyResult<Option<usize>> {
    // SAFETY: the caller's promise.
    let name = unsafe { Bound::from_borrowed_ptr(py, name).cast_into_unchecked::<PyString>() };
    let name = name.to_str()?;
    Ok(parameters.iter().position(|parameter| *parameter == name))
}

/// The arguments of a fast call, laid out by name; null where one is absent.
///
/// # Errors
/// TypeError, worded as Python words it.
///
/// # Safety
/// `args`, `count` and `names` are what the interpreter passed.
#[inline]
pub unsafe fn arguments<const N: usize>(
    py: Python<'_>,
    function: &str,
    parameters: &[&str; N],
    required: usize,
    args: *const Raw,
    count: ffi::Py_ssize_t,
    names: Raw,
) -> PyResult<[Raw; N]> {
    // SAFETY: the caller's promise.
    unsafe { lay_out(function, parameters, required, args, count, names, |name| position(py, parameters, name)) }
}

/// As [`arguments`], for a function that is often called with keywords.
///
/// # Errors
/// TypeError, worded as Python words it.
///
/// # Safety
/// `args`, `count` and `names` are what the interpreter passed.
#[inline]
pub unsafe fn keyword_arguments<const N: usize>(
    py: Python<'_>,
    function: &str,
    parameters: &Parameters<N>,
    required: usize,
    args: *const Raw,
    count: ffi::Py_ssize_t,
    names: Raw,
) -> PyResult<[Raw; N]> {
    // SAFETY: the caller's promise.
    unsafe { lay_out(function, &parameters.names, required, args, count, names, |name| parameters.position(py, name)) }
}

/// # Safety
/// `args`, `count` and `names` are what the interpreter passed.
#[inline]
unsafe fn lay_out<const N: usize>(
    function: &str,
    parameters: &[&str; N],
    required: usize,
    args: *const Raw,
    count: ffi::Py_ssize_t,
    names: Raw,
    position: impl Fn(Raw) -> PyResult<Option<usize>>,
) -> PyResult<[Raw; N]> {
    let mut found: [Raw; N] = [std::ptr::null_mut(); N];
    let count = count.cast_unsigned();
    if count > N {
        return Err(PyTypeError::new_err(format!("{function}() takes at most {N} arguments ({count} given)")));
    }
    // SAFETY: `args` has `count` members, and one more for each of `names`.
    unsafe {
        for (i, slot) in found.iter_mut().enumerate().take(count) {
            *slot = *args.add(i);
        }
        if !names.is_null() {
            for i in 0..ffi::PyTuple_GET_SIZE(names) {
                let name = ffi::PyTuple_GET_ITEM(names, i);
                let Some(at) = position(name)? else { return Err(unexpected(function, name)) };
                if !found[at].is_null() {
                    let name = parameters[at];
                    return Err(PyTypeError::new_err(format!(
                        "{function}() got multiple values for argument '{name}'"
                    )));
                }
                found[at] = *args.add(count + i.cast_unsigned());
            }
        }
    }
    for (slot, name) in found.iter().zip(parameters).take(required) {
        if slot.is_null() {
            return Err(PyTypeError::new_err(format!("{function}() missing required argument: '{name}'")));
        }
    }
    Ok(found)
}

/// What Python says of a keyword that no parameter has the name of.
///
/// # Safety
/// Attached; `name` is a live str.
#[cold]
pub unsafe fn unexpected(function: &str, name: Raw) -> PyErr {
    // SAFETY: the caller's promise.
    let name = unsafe { Bound::from_borrowed_ptr(Python::assume_attached(), name) };
    PyTypeError::new_err(format!("{function}() got an unexpected keyword argument '{name}'"))
}

/// Shows the collector the reference that an instance has to its type: the instances' business since 3.9.
///
/// # Safety
/// Called by a `tp_traverse`, with what it was given.
#[inline]
pub unsafe fn visit_type(this: Raw, visit: ffi::visitproc, arg: *mut c_void) -> c_int {
    // SAFETY: the caller's promise.
    if cfg!(Py_3_9) { unsafe { visit(ffi::Py_TYPE(this).cast(), arg) } } else { 0 }
}

/// A string of UTF-8, mostly ASCII: for that it takes a third of what `PyString::new` does.
///
/// # Errors
/// Out of memory.
#[inline]
pub fn text<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyString>> {
    if !text.is_ascii() {
        return Ok(PyString::new(py, &String::from_utf8_lossy(text)));
    }
    // SAFETY: a new string of that length whose greatest character is ASCII has its characters, one a byte, behind the
    // head; they may be written as long as nobody else has it, and nobody else has a string that is not empty.
    unsafe {
        let made = ffi::PyUnicode_New(text.len().cast_signed(), 127);
        let made = Bound::from_owned_ptr_or_err(py, made)?;
        if !text.is_empty() {
            let characters = made.as_ptr().cast::<u8>().add(size_of::<ffi::PyASCIIObject>());
            std::ptr::copy_nonoverlapping(text.as_ptr(), characters, text.len());
        }
        Ok(made.cast_into_unchecked())
    }
}

/// The version of a dict that is no object's `__dict__`: another one with every change, and none is used twice. 0: there
/// are no versions, which is so from 3.14 on.
///
/// # Safety
/// `dict` is alive, and a dict.
#[inline]
#[cfg_attr(all(Py_3_12, not(Py_3_14)), expect(deprecated, reason = "deprecated, and whole up to 3.13"))]
pub unsafe fn dict_version(dict: Raw) -> u64 {
    #[cfg(not(Py_3_14))]
    // SAFETY: the caller's promise; only written while attached.
    unsafe {
        (*dict.cast::<ffi::PyDictObject>()).ma_version_tag
    }
    #[cfg(Py_3_14)]
    {
        let _ = dict;
        0
    }
}

/// Whether two strings differ, as far as their hashes say, where both were asked for one already.
///
/// # Safety
/// Both are alive, and strings.
#[inline]
pub unsafe fn differ(a: Raw, b: Raw) -> bool {
    // SAFETY: the caller's promise; every string begins like this. A subclass may be equal to whatever it likes.
    unsafe {
        let hash = |text: Raw| (*text.cast::<ffi::PyASCIIObject>()).hash;
        ffi::PyUnicode_CheckExact(a) != 0
            && ffi::PyUnicode_CheckExact(b) != 0
            && hash(a) != hash(b)
            && hash(a) != -1
            && hash(b) != -1
    }
}

/// `object`, unless it is null or `None`.
///
/// # Safety
/// `object` is null or alive for `'a`.
#[inline]
pub unsafe fn given<'py>(py: Python<'py>, object: Raw) -> Option<Bound<'py, PyAny>> {
    // SAFETY: the caller's promise.
    unsafe {
        if object.is_null() || object == ffi::Py_None() {
            return None;
        }
        Some(Bound::from_borrowed_ptr(py, object))
    }
}

/// A method of a raw type; `doc` begins with the text signature.
pub fn method(name: &'static CStr, function: Fast, doc: &'static CStr) -> ffi::PyMethodDef {
    ffi::PyMethodDef {
        ml_name: name.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: function },
        ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
        ml_doc: doc.as_ptr(),
    }
}

/// Adds functions to a module; their table lives as long as the process.
///
/// # Errors
/// Out of memory.
pub fn add_functions(module: &Bound<'_, PyModule>, mut functions: Vec<ffi::PyMethodDef>) -> PyResult<()> {
    functions.push(ffi::PyMethodDef::zeroed());
    // SAFETY: the table ends with a zero entry and was leaked.
    let failed = unsafe { ffi::PyModule_AddFunctions(module.as_ptr(), functions.leak().as_mut_ptr()) };
    if failed == 0 { Ok(()) } else { Err(PyErr::fetch(module.py())) }
}

/// A method without arguments.
pub fn method_noargs(
    name: &'static CStr,
    function: unsafe extern "C" fn(Raw, Raw) -> Raw,
    doc: &'static CStr,
) -> ffi::PyMethodDef {
    ffi::PyMethodDef {
        ml_name: name.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunction: function },
        ml_flags: ffi::METH_NOARGS,
        ml_doc: doc.as_ptr(),
    }
}

/// An attribute of a raw type; without `set` it is read-only. `closure` reaches both functions.
pub fn attribute(
    name: &'static CStr,
    get: Get,
    set: Option<Set>,
    doc: &'static CStr,
    closure: usize,
) -> ffi::PyGetSetDef {
    ffi::PyGetSetDef { name: name.as_ptr(), get: Some(get), set, doc: doc.as_ptr(), closure: closure as *mut c_void }
}

/// What a raw type is made of.
pub struct Spec {
    /// `module.name`.
    pub name: &'static CStr,
    /// The size of an instance, in bytes.
    pub size: usize,
    /// `Py_TPFLAGS_*` beyond the default ones.
    pub flags: std::ffi::c_ulong,
    /// The methods.
    pub methods: Vec<ffi::PyMethodDef>,
    /// The attributes.
    pub attributes: Vec<ffi::PyGetSetDef>,
    /// Offsets of `__dict__` and `__weakref__`, where there are any.
    pub dict_and_weaklist: Option<(usize, usize)>,
    /// Everything else.
    pub slots: Vec<(c_int, *mut c_void)>,
    /// The docstring; empty where `__doc__` is one of the attributes.
    pub doc: &'static CStr,
}

impl Spec {
    /// Makes the type. Its tables live as long as the process.
    ///
    /// # Errors
    /// What CPython raises for an unusable definition.
    pub fn make<'py>(mut self, py: Python<'py>, base: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
        let mut slots: Vec<ffi::PyType_Slot> = Vec::new();
        let mut slot = |slot: c_int, pfunc: *mut c_void| slots.push(ffi::PyType_Slot { slot, pfunc });
        let mut table: *mut ffi::PyMethodDef = std::ptr::null_mut();
        if !self.methods.is_empty() {
            self.methods.push(ffi::PyMethodDef::zeroed());
            table = self.methods.leak().as_mut_ptr();
            slot(ffi::Py_tp_methods, table.cast());
        }
        if let Some((dict, weaklist)) = self.dict_and_weaklist {
            self.attributes.push(ffi::PyGetSetDef {
                name: c"__dict__".as_ptr(),
                get: Some(ffi::PyObject_GenericGetDict),
                set: Some(ffi::PyObject_GenericSetDict),
                doc: std::ptr::null(),
                closure: std::ptr::null_mut(),
            });
            let member = |name: &'static CStr, offset: usize| ffi::PyMemberDef {
                name: name.as_ptr(),
                type_code: ffi::Py_T_PYSSIZET,
                offset: offset.cast_signed(),
                flags: ffi::Py_READONLY,
                doc: std::ptr::null(),
            };
            let members = vec![
                member(c"__dictoffset__", dict),
                member(c"__weaklistoffset__", weaklist),
                ffi::PyMemberDef::default(),
            ];
            slot(ffi::Py_tp_members, members.leak().as_mut_ptr().cast());
        }
        if !self.attributes.is_empty() {
            self.attributes.push(ffi::PyGetSetDef::default());
            slot(ffi::Py_tp_getset, self.attributes.leak().as_mut_ptr().cast());
        }
        if !self.doc.is_empty() {
            slot(ffi::Py_tp_doc, self.doc.as_ptr().cast_mut().cast());
        }
        for (number, function) in self.slots {
            slot(number, function);
        }
        slot(0, std::ptr::null_mut());
        let mut spec = ffi::PyType_Spec {
            name: self.name.as_ptr().cast::<c_char>(),
            basicsize: c_int::try_from(self.size).unwrap_or(c_int::MAX),
            itemsize: 0,
            flags: (ffi::Py_TPFLAGS_DEFAULT | self.flags) as std::ffi::c_uint,
            slots: slots.as_mut_ptr(),
        };
        // SAFETY: the spec is complete, ends with a zero slot, and its tables were leaked.
        unsafe {
            let bases = base.map(|base| PyTuple::new(py, [base])).transpose()?;
            let made =
                ffi::PyType_FromSpecWithBases(&raw mut spec, bases.map_or(std::ptr::null_mut(), Bound::into_ptr));
            let made = Bound::from_owned_ptr_or_err(py, made)?;
            // Before 3.9 a spec cannot say where these are; classes made from now on inherit them.
            #[cfg(not(Py_3_9))]
            if let Some((dict, weaklist)) = self.dict_and_weaklist {
                let kind = made.as_ptr().cast::<ffi::PyTypeObject>();
                (*kind).tp_dictoffset = dict.cast_signed();
                (*kind).tp_weaklistoffset = weaklist.cast_signed();
            }
            if !table.is_null() {
                METHODS.lock().push(Methods { owner: made.as_ptr(), table });
            }
            Ok(made)
        }
    }
}

/// Runs the `__del__` that somebody may have given a class, as CPython's own deallocator does before all else; whether
/// it brought the object back.
///
/// # Safety
/// Called by a `tp_dealloc`, with what it was given, still tracked.
#[inline]
pub unsafe fn finalize(this: Raw) -> bool {
    // SAFETY: the caller's promise.
    unsafe { (*ffi::Py_TYPE(this)).tp_finalize.is_some() && ffi::PyObject_CallFinalizerFromDealloc(this) < 0 }
}

/// Lets a Python class that adds nothing to its raw base free its objects as the base does: CPython's deallocator for
/// Python classes looks for what the class might have added first. The base has to call [`finalize`].
///
/// Classes that derive from `class` are not touched: each got a deallocator when it was made.
pub fn own_dealloc(class: &Bound<'_, PyType>, base: &Bound<'_, PyType>) {
    // SAFETY: two types that are alive; instances are of one size, so the class has no slots and no dict of its own.
    unsafe {
        let (class, base) = (class.as_type_ptr(), base.as_type_ptr());
        if (*class).tp_basicsize == (*base).tp_basicsize {
            (*class).tp_dealloc = (*base).tp_dealloc;
        }
    }
}

/// The methods of one raw type.
#[derive(Clone, Copy)]
struct Methods {
    owner: Raw,
    table: *mut ffi::PyMethodDef,
}

// SAFETY: the addresses of objects that live as long as the process, used only while attached.
unsafe impl Send for Methods {}

static METHODS: Mutex<Vec<Methods>> = Mutex::new(Vec::new());

/// Gives a Python class descriptors of its own for the methods that it inherits from raw types.
///
/// CPython 3.11 and later call a method without its general machinery where the object's class is the one that the
/// descriptor belongs to: 8 to 17 percent of a span.
///
/// # Errors
/// Out of memory.
pub fn own_methods(class: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = class.py();
    let all = METHODS.lock().clone();
    for Methods { owner, table } in all {
        // SAFETY: `class` is a type; the tables end with a zero entry.
        unsafe {
            if ffi::PyType_IsSubtype(class.as_ptr().cast(), owner.cast()) == 0 {
                continue;
            }
            let mut definition = table;
            while !(*definition).ml_name.is_null() {
                let name = CStr::from_ptr((*definition).ml_name).to_str().unwrap_or_default();
                let inherited = class.getattr(name)?;
                if inherited.getattr("__objclass__").is_ok_and(|owns| owns.as_ptr() == owner) {
                    let descriptor = ffi::PyDescr_NewMethod(class.as_ptr().cast(), definition);
                    let descriptor = Bound::from_owned_ptr_or_err(py, descriptor)?;
                    // Past the metaclass, which takes such an assignment for somebody's patch.
                    py.get_type::<PyType>().call_method1("__setattr__", (class, name, descriptor))?;
                }
                definition = definition.add(1);
            }
        }
    }
    Ok(())
}
