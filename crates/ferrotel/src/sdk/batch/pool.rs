//! Blocks of memory that go round between the threads that fill them and the worker that is done with them.
//!
//! Freeing on one thread what another one allocated costs more than the rest of making a small item, so blocks go back
//! to where they are needed, with the memory that they hold.

use std::cell::RefCell;
use std::sync::{Arc, Mutex};

/// How many blocks of one kind wait at most: a full queue of the default size, twice.
const POOLED: usize = 4096;
/// How many a thread takes at once.
const TAKEN: usize = 64;

/// What waits for use, over all threads.
pub(in crate::sdk) type Shared<T> = Mutex<Vec<Arc<T>>>;
/// What waits for one thread.
pub(in crate::sdk) type Mine<T> = RefCell<Vec<Arc<T>>>;

/// A kind of block.
pub(in crate::sdk) trait Pooled: Default + 'static {
    /// The pool of all threads.
    fn shared() -> &'static Shared<Self>;

    /// Works on the calling thread's own; `None` where the thread is about to end.
    fn with_mine<R>(work: impl FnOnce(&Mine<Self>) -> R) -> Option<R>;

    /// Forgets what it holds, and keeps the memory.
    fn clear(&mut self);
}

/// A block that nobody else has, used before or not: what it holds is as [`Pooled::clear`] leaves it.
#[inline]
pub(in crate::sdk) fn acquire<T: Pooled>() -> Arc<T> {
    T::with_mine(|mine| {
        let mut mine = mine.borrow_mut();
        if mine.is_empty() {
            refill(&mut mine);
        }
        mine.pop()
    })
    .flatten()
    .unwrap_or_default()
}

/// Gives one block back to the calling thread, if nobody else has it.
#[inline]
pub(in crate::sdk) fn release<T: Pooled>(mut block: Arc<T>) {
    if let Some(unshared) = Arc::get_mut(&mut block) {
        unshared.clear();
        T::with_mine(|mine| {
            let mut mine = mine.borrow_mut();
            if mine.len() < TAKEN {
                mine.push(block);
            }
        });
    }
}

/// Gives blocks back. Those that somebody still has are simply let go.
pub(in crate::sdk) fn recycle<T: Pooled>(blocks: impl Iterator<Item = Arc<T>>) {
    let mut free: Vec<_> = blocks
        .filter_map(|mut block| {
            Arc::get_mut(&mut block)?.clear();
            Some(block)
        })
        .collect();
    // Never waited for: the lock may have been inherited, locked, through a fork.
    if let Ok(mut pool) = T::shared().try_lock() {
        let room = POOLED.saturating_sub(pool.len());
        free.truncate(room);
        pool.append(&mut free);
    }
}

#[cold]
fn refill<T: Pooled>(mine: &mut Vec<Arc<T>>) {
    if let Ok(mut pool) = T::shared().try_lock() {
        let keep = pool.len().saturating_sub(TAKEN);
        mine.extend(pool.drain(keep..));
    }
}
