//! A value that only attached threads touch: the interpreter's lock is its lock.

use std::cell::UnsafeCell;

use pyo3::prelude::*;

/// Hands out copies, so that nothing is borrowed, and no lock is held, while Python code may run: such code may come
/// back to the same value, on the same thread too (a finalizer, a signal handler).
#[derive(Default)]
pub struct Attached<T>(UnsafeCell<T>);

// SAFETY: only touched while attached, by functions that run no Python code between their first and last look.
unsafe impl<T: Send + Sync> Sync for Attached<T> {}

impl<T: Clone> Attached<T> {
    /// The value, whose `clone` runs no Python code.
    #[inline]
    pub fn get(&self, _: Python<'_>) -> T {
        // SAFETY: attached, so nobody else has access until the copy is made.
        unsafe { (*self.0.get()).clone() }
    }

    /// Puts `value` in place, and returns what was there: letting that go may run Python code.
    #[must_use]
    pub fn replace(&self, _: Python<'_>, value: T) -> T {
        // SAFETY: attached, so nobody else has access until the exchange is made.
        unsafe { std::mem::replace(&mut *self.0.get(), value) }
    }

    /// The value, for the collector.
    ///
    /// # Safety
    /// Attached, and no Python code runs while the reference lives.
    pub unsafe fn peek(&self) -> &T {
        // SAFETY: the caller's promise.
        unsafe { &*self.0.get() }
    }
}
