//! A lock that a fork takes itself before it happens, for tables that must neither be lost nor found half changed.

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use super::fork_lock::Waiting;

const FREE: u32 = 0;
const HELD: u32 = 1;
/// Held by the fork that is under way.
const FORKING: u32 = 2;

/// How long a fork waits for one holder. Longer than any critical section: only a fork from inside of one, which
/// nothing here does, would wait at all.
const PATIENCE: Duration = Duration::from_secs(1);

/// Guards a value so that a forked child finds it whole and the lock free.
///
/// As with the C library's own locks, the fork waits until nobody is in a critical section. That is why a thread must not
/// hold two of these at once, nor make or drop one while it holds another, and why critical sections are short and
/// call no foreign code.
#[derive(Debug)]
pub struct ForkMutex<T> {
    /// Shared with the list of those that a fork takes.
    word: Arc<AtomicU32>,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached by one thread at a time, the one that put HELD into `word`.
unsafe impl<T: Send> Sync for ForkMutex<T> {}

impl<T> ForkMutex<T> {
    /// Guards `value`.
    pub fn new(value: T) -> Self {
        watch();
        let word = Arc::new(AtomicU32::new(FREE));
        let listed = Arc::clone(&word);
        words(|words| words.push(listed));
        ForkMutex { word, value: UnsafeCell::new(value) }
    }

    /// Takes the lock.
    #[inline]
    pub fn lock(&self) -> ForkMutexGuard<'_, T> {
        hold(&self.word, HELD);
        ForkMutexGuard { mutex: self, value: PhantomData }
    }
}

impl<T: Default> Default for ForkMutex<T> {
    fn default() -> Self {
        ForkMutex::new(T::default())
    }
}

impl<T> Drop for ForkMutex<T> {
    fn drop(&mut self) {
        words(|words| {
            if let Some(at) = words.iter().rposition(|known| Arc::ptr_eq(known, &self.word)) {
                words.swap_remove(at);
            }
        });
    }
}

/// Access to the value of a [`ForkMutex`], until it is dropped.
#[derive(Debug)]
pub struct ForkMutexGuard<'a, T> {
    mutex: &'a ForkMutex<T>,
    /// Shared between threads only where the value may be.
    value: PhantomData<&'a mut T>,
}

impl<T> Deref for ForkMutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this thread holds the lock.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T> DerefMut for ForkMutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: this thread holds the lock, and the guard is borrowed exclusively.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T> Drop for ForkMutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.mutex.word.store(FREE, Ordering::Release);
    }
}

/// The words of all locks of this kind, under a word of their own.
struct Words {
    word: AtomicU32,
    known: UnsafeCell<Vec<Arc<AtomicU32>>>,
}

// SAFETY: `known` is reached by one thread at a time, the one that changed `word` from FREE.
unsafe impl Sync for Words {}

static WORDS: Words = Words { word: AtomicU32::new(FREE), known: UnsafeCell::new(Vec::new()) };

fn words<R>(change: impl FnOnce(&mut Vec<Arc<AtomicU32>>) -> R) -> R {
    hold(&WORDS.word, HELD);
    // SAFETY: this thread holds `WORDS.word`.
    let result = change(unsafe { &mut *WORDS.known.get() });
    WORDS.word.store(FREE, Ordering::Release);
    result
}

fn hold(word: &AtomicU32, how: u32) {
    let mut waiting = Waiting::default();
    while word.compare_exchange_weak(FREE, how, Ordering::Acquire, Ordering::Relaxed).is_err() {
        waiting.pause();
    }
}

/// Has forks take these locks from now on (idempotent).
fn watch() {
    static REGISTERED: Once = Once::new();
    // SAFETY: the handlers allocate nothing, and wait for no longer than `PATIENCE` for each lock.
    REGISTERED.call_once(|| unsafe {
        libc::pthread_atfork(Some(before), Some(after_in_parent), Some(after_in_child));
    });
}

extern "C" fn before() {
    // Two threads may fork at once: the second one waits here for the first.
    hold(&WORDS.word, FORKING);
    // SAFETY: this thread holds `WORDS.word`, until one of the two handlers below.
    for word in unsafe { &*WORDS.known.get() } {
        hold_for_a_while(word);
    }
}

fn hold_for_a_while(word: &AtomicU32) {
    let mut waiting = Waiting::default();
    let mut since = None;
    while word.compare_exchange(FREE, FORKING, Ordering::Acquire, Ordering::Relaxed).is_err() {
        waiting.pause();
        if since.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
            return;
        }
    }
}

extern "C" fn after_in_parent() {
    release(|word| {
        let _ = word.compare_exchange(FORKING, FREE, Ordering::Release, Ordering::Relaxed);
    });
}

extern "C" fn after_in_child() {
    // There is no other thread here that could hold one.
    release(|word| word.store(FREE, Ordering::Release));
}

fn release(free: impl Fn(&AtomicU32)) {
    // SAFETY: this thread has held `WORDS.word` since `before`.
    for word in unsafe { &*WORDS.known.get() } {
        free(word);
    }
    WORDS.word.store(FREE, Ordering::Release);
}
