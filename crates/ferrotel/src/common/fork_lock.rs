//! A lock of four bytes for what is written in tens of nanoseconds, and that a fork cannot leave held.

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::mem::{forget, replace};
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use super::fork;
use super::sync::atomic::{AtomicU32, Ordering};
use super::sync::{hint, thread};

const FREE: u32 = 0;

/// Guards a value with one word, which names the fork generation of its holder: a lock that was held by another thread
/// at the moment of a fork counts as free in the child.
///
/// The thread that held it was in the middle of a change, so the child does not use what it finds: it puts a new value
/// in its place, and leaks the old one. Waiting spins, then yields, then sleeps: for critical sections without
/// allocations of any size, system calls or foreign code.
///
/// ```
/// use ferrotel::common::fork_lock::ForkLock;
///
/// let lock = ForkLock::new(1);
/// *lock.lock(|| 0) += 1;
/// assert_eq!(*lock.lock(|| 0), 2);
/// ```
#[derive(Debug, Default)]
pub struct ForkLock<T> {
    holder: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached by one thread at a time, the one that put its generation into `holder`.
unsafe impl<T: Send> Sync for ForkLock<T> {}

impl<T> ForkLock<T> {
    /// Guards `value`.
    pub fn new(value: T) -> Self {
        ForkLock { holder: AtomicU32::new(FREE), value: UnsafeCell::new(value) }
    }

    /// Takes the lock. `renew` makes the value anew where a fork interrupted its last holder.
    #[inline]
    pub fn lock(&self, renew: impl FnOnce() -> T) -> ForkGuard<'_, T> {
        let me = me();
        match self.holder.compare_exchange(FREE, me, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => ForkGuard { lock: self, value: PhantomData },
            Err(_) => self.wait(me, renew),
        }
    }

    #[cold]
    fn wait(&self, me: u32, renew: impl FnOnce() -> T) -> ForkGuard<'_, T> {
        let mut waiting = Waiting::default();
        loop {
            let holder = self.holder.load(Ordering::Relaxed);
            if holder == me {
                waiting.pause();
            } else if self.holder.compare_exchange(holder, me, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                let mut guard = ForkGuard { lock: self, value: PhantomData };
                if holder != FREE {
                    forget(replace(&mut *guard, renew()));
                }
                return guard;
            }
        }
    }

    /// The value, where nobody else can have the lock.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

/// The mark of this process's threads: never [`FREE`].
#[inline]
fn me() -> u32 {
    fork::generation().wrapping_add(1)
}

/// Waiting for another thread, with more patience the longer it takes.
#[derive(Default)]
pub(super) struct Waiting(u32);

impl Waiting {
    pub fn pause(&mut self) {
        self.0 = self.0.saturating_add(1);
        match self.0 {
            0..=100 => hint::spin_loop(),
            101..=200 => thread::yield_now(),
            // A holder of lower priority gets the processor only while this thread sleeps.
            _ => thread::sleep(Duration::from_micros(50)),
        }
    }
}

/// Access to the value of a [`ForkLock`], until it is dropped.
#[derive(Debug)]
pub struct ForkGuard<'a, T> {
    lock: &'a ForkLock<T>,
    /// Shared between threads only where the value may be.
    value: PhantomData<&'a mut T>,
}

impl<T> Deref for ForkGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this thread holds the lock.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for ForkGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: this thread holds the lock, and the guard is borrowed exclusively.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for ForkGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.holder.store(FREE, Ordering::Release);
    }
}
