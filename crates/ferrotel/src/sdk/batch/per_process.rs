//! State that a fork must not hand on.

use std::marker::PhantomData;

use crate::common::fork;
use crate::common::sync::atomic::{AtomicPtr, Ordering};

struct Slot<T> {
    generation: u32,
    value: T,
}

/// A value that is made anew in a forked child.
///
/// The parent's value may hold a lock that was taken at the moment of the fork, or stand for threads that the child
/// does not have, so the child neither uses nor frees it: it is leaked there.
pub struct PerProcess<T> {
    slot: AtomicPtr<Slot<T>>,
    owned: PhantomData<Slot<T>>,
}

impl<T: Send + Sync> PerProcess<T> {
    /// Holds `value` until the next fork.
    pub fn new(value: T) -> Self {
        fork::watch();
        PerProcess { slot: AtomicPtr::new(boxed(value)), owned: PhantomData }
    }

    /// This process's value; `renew` makes it where a fork has happened since the last call.
    #[inline]
    pub fn get(&self, renew: impl FnOnce() -> T) -> &T {
        let current = self.slot.load(Ordering::Acquire);
        // SAFETY: `slot` always points to a box of `new` or `renewed`; it is freed only by `drop`, which has `&mut self`.
        let slot = unsafe { &*current };
        if slot.generation == fork::generation() { &slot.value } else { self.renewed(current, renew()) }
    }

    #[cold]
    fn renewed(&self, stale: *mut Slot<T>, value: T) -> &T {
        let fresh = boxed(value);
        let current = match self.slot.compare_exchange(stale, fresh, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => fresh,
            Err(winner) => {
                // SAFETY: `fresh` was made above and was never shared.
                drop(unsafe { Box::from_raw(fresh) });
                winner
            }
        };
        // SAFETY: as in `get`; `winner` was put there by another thread's `renewed`.
        unsafe { &(*current).value }
    }
}

fn boxed<T>(value: T) -> *mut Slot<T> {
    Box::into_raw(Box::new(Slot { generation: fork::generation(), value }))
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        let slot = self.slot.load(Ordering::Relaxed);
        // SAFETY: nobody else has access any more, and the pointer came from `Box::into_raw`.
        unsafe {
            if (*slot).generation == fork::generation() {
                drop(Box::from_raw(slot));
            }
        }
    }
}
