//! Memory of the hot path's objects, kept for the next ones: CPython does the same for its own.

use std::cell::UnsafeCell;

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
