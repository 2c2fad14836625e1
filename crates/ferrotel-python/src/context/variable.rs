//! Setting a context variable so that nothing else happens meanwhile.
//!
//! Up to 3.11 CPython collects garbage in the middle of an allocation. When it does that while it sets a variable, it uses
//! the table of variables without holding it: a finalizer that sets one, too, as every span that is made current does,
//! would free that table, and with it the process. See `tests/stress`.

use std::ffi::c_int;

use pyo3::ffi;

use crate::raw::Raw;

/// `PyContextVar_Set`.
///
/// # Safety
/// Attached; `variable` is a `ContextVar`, `value` is alive.
#[inline]
pub unsafe fn set(variable: Raw, value: Raw) -> Raw {
    // SAFETY: the caller's promise.
    unsafe {
        let _calm = Calm::new();
        ffi::PyContextVar_Set(variable, value)
    }
}

/// `PyContextVar_Reset`.
///
/// # Safety
/// Attached; `variable` is a `ContextVar`, `token` is alive.
#[inline]
pub unsafe fn reset(variable: Raw, token: Raw) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        let _calm = Calm::new();
        ffi::PyContextVar_Reset(variable, token)
    }
}

/// While it lives there is no collection. 3.8 and 3.9 have no function for that.
struct Calm(#[cfg(all(Py_3_10, not(Py_3_12)))] c_int);

#[cfg(not(all(Py_3_10, not(Py_3_12))))]
impl Calm {
    /// Nothing to do from 3.12 on: a collection waits until the interpreter is between two instructions.
    #[inline]
    const unsafe fn new() -> Self {
        Calm()
    }
}

#[cfg(all(Py_3_10, not(Py_3_12)))]
impl Calm {
    #[inline]
    unsafe fn new() -> Self {
        // SAFETY: attached.
        Calm(unsafe { ffi::PyGC_Disable() })
    }
}

#[cfg(all(Py_3_10, not(Py_3_12)))]
impl Drop for Calm {
    #[inline]
    fn drop(&mut self) {
        if self.0 == 1 {
            // SAFETY: attached, as when it was made.
            unsafe { ffi::PyGC_Enable() };
        }
    }
}
