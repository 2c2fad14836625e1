//! Memory of the hot path's objects, kept for the next ones: CPython does the same for its own.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::ffi;

use crate::raw::Raw;

#[cfg(Py_GIL_DISABLED)]
compile_error!("the free lists count on the GIL: ferrotel has no build for free-threaded CPython");

const KEPT: usize = 64;

/// Freed objects of one type: of its size, with a collector's header, untracked and without references.
pub struct FreeList(UnsafeCell<(usize, [Raw; KEPT])>);

// SAFETY: only touched while attached, by the functions below, which run no Python code.
unsafe impl Sync for FreeList {}

impl FreeList {
    /// Nothing kept yet.
    pub const fn new() -> Self {
        FreeList(UnsafeCell::new((0, [std::ptr::null_mut(); KEPT])))
    }

    /// An object of `kind` with one reference, whose fields are as they were when it was kept; null when there is none.
    ///
    /// # Safety
    /// Attached; everything that [`keep`](Self::keep) got was of `kind`.
    #[inline]
    pub unsafe fn take(&self, kind: *mut ffi::PyTypeObject) -> Raw {
        // SAFETY: the caller's promise.
        unsafe {
            let (count, kept) = &mut *self.0.get();
            if *count == 0 {
                return std::ptr::null_mut();
            }
            *count -= 1;
            let object = ffi::PyObject_Init(kept[*count], kind);
            ffi::PyObject_GC_Track(object.cast());
            object
        }
    }

    /// Keeps a dying object; returns false when there is no room. The reference to its type is given back here.
    ///
    /// # Safety
    /// Attached; the object is untracked, its fields hold nothing that must be let go.
    #[inline]
    pub unsafe fn keep(&self, object: Raw) -> bool {
        // SAFETY: the caller's promise.
        unsafe {
            let (count, kept) = &mut *self.0.get();
            if *count == KEPT {
                return false;
            }
            kept[*count] = object;
            *count += 1;
            ffi::Py_DECREF(ffi::Py_TYPE(object).cast());
            true
        }
    }
}

/// The `__dict__` that an object of the hot path begins with. CPython 3.11 looks a method up without its general machinery
/// only where the object has a dict, later ones where it has none yet; earlier ones always search. Null for none.
///
/// # Safety
/// Attached.
#[inline]
pub unsafe fn empty_dict() -> Raw {
    if cfg!(not(all(Py_3_11, not(Py_3_12)))) {
        return std::ptr::null_mut();
    }
    // SAFETY: attached. Without memory, the object has none.
    unsafe {
        let dict = ffi::PyDict_New();
        if dict.is_null() {
            ffi::PyErr_Clear();
        }
        dict
    }
}

/// Takes the dict of a dying object out of its slot, where it is as [`empty_dict`] made it and nobody else has it; null,
/// and left there, otherwise.
///
/// # Safety
/// Attached; the slot holds null or an owned dict.
#[inline]
pub unsafe fn keep_dict(slot: &mut Raw) -> Raw {
    if cfg!(not(all(Py_3_11, not(Py_3_12)))) || slot.is_null() {
        return std::ptr::null_mut();
    }
    // SAFETY: the caller's promise.
    unsafe {
        let is_as_new = ffi::Py_REFCNT(*slot) == 1 && is_untouched(*slot);
        if is_as_new { std::mem::replace(slot, std::ptr::null_mut()) } else { std::ptr::null_mut() }
    }
}

/// Whether a dict shares the keys of all dicts that nobody put anything into.
///
/// # Safety
/// Attached; `dict` is a dict.
#[inline]
unsafe fn is_untouched(dict: Raw) -> bool {
    static KEYS: AtomicPtr<std::ffi::c_void> = AtomicPtr::new(std::ptr::null_mut());
    // SAFETY: the caller's promise; only the address is looked at.
    let keys_of = |dict: Raw| unsafe { (*dict.cast::<ffi::PyDictObject>()).ma_keys.cast::<std::ffi::c_void>() };
    if KEYS.load(Ordering::Relaxed).is_null() {
        // SAFETY: attached.
        unsafe {
            let empty = ffi::PyDict_New();
            if empty.is_null() {
                ffi::PyErr_Clear();
                return false;
            }
            KEYS.store(keys_of(empty), Ordering::Relaxed);
            ffi::Py_DECREF(empty);
        }
    }
    keys_of(dict) == KEYS.load(Ordering::Relaxed)
}
