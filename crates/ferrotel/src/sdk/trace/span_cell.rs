//! One span's block of memory, and the pool that such blocks come from.
//!
//! A span is made on the program's thread and let go on the exporter's. Freeing there what was allocated here costs more
//! than the rest of a span's start, so blocks go back to the threads that make spans, with the memory that they hold.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::SpanData;

/// Blocks that wait for use, over all threads.
static POOL: Mutex<Vec<Arc<SpanCell>>> = Mutex::new(Vec::new());
/// How many wait at most: a full queue of the default size, twice.
const POOLED: usize = 4096;
/// How many a thread takes at once.
const TAKEN: usize = 64;

thread_local! {
    static MINE: RefCell<Vec<Arc<SpanCell>>> = const { RefCell::new(Vec::new()) };
}

/// One span's data, shared by the program's handle and the export queue.
#[derive(Debug, Default)]
pub struct SpanCell {
    data: Mutex<SpanData>,
}

impl SpanCell {
    /// A block that holds `data`.
    pub fn new(data: SpanData) -> Self {
        SpanCell { data: Mutex::new(data) }
    }

    /// A block that nobody else has, used before or not; its data is for the caller to fill through
    /// [`Arc::get_mut`] and [`get_mut`](Self::get_mut): what it holds is empty, but for scope and resource.
    #[inline]
    pub fn acquire() -> Arc<Self> {
        MINE.try_with(|mine| {
            let mut mine = mine.borrow_mut();
            if mine.is_empty() {
                refill(&mut mine);
            }
            mine.pop()
        })
        .ok()
        .flatten()
        .unwrap_or_default()
    }

    /// Gives one block back to the calling thread, if nobody else has it.
    #[inline]
    pub fn release(mut cell: Arc<Self>) {
        if let Some(unshared) = Arc::get_mut(&mut cell) {
            unshared.get_mut().clear();
            let _ = MINE.try_with(|mine| {
                let mut mine = mine.borrow_mut();
                if mine.len() < TAKEN {
                    mine.push(cell);
                }
            });
        }
    }

    /// Gives blocks back. Those that somebody still has are simply let go.
    pub fn recycle(cells: impl Iterator<Item = Arc<Self>>) {
        let mut free: Vec<_> = cells
            .filter_map(|mut cell| {
                Arc::get_mut(&mut cell)?.get_mut().clear();
                Some(cell)
            })
            .collect();
        // Never waited for: the lock may have been inherited, locked, through a fork.
        if let Ok(mut pool) = POOL.try_lock() {
            let room = POOLED.saturating_sub(pool.len());
            free.truncate(room);
            pool.append(&mut free);
        }
    }

    /// The data, locked. Never run foreign code (Python's above all) while holding the guard.
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, SpanData> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The data, without a lock, where nobody else can hold it.
    #[inline]
    pub fn get_mut(&mut self) -> &mut SpanData {
        self.data.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cold]
fn refill(mine: &mut Vec<Arc<SpanCell>>) {
    if let Ok(mut pool) = POOL.try_lock() {
        let keep = pool.len().saturating_sub(TAKEN);
        mine.extend(pool.drain(keep..));
    }
}

/// A span that has ended, on its way to an exporter. Cheap to clone.
#[derive(Clone, Debug)]
pub struct FinishedSpan(pub Arc<SpanCell>);

impl FinishedSpan {
    /// From data that is complete.
    pub fn new(data: SpanData) -> Self {
        FinishedSpan(Arc::new(SpanCell::new(data)))
    }

    /// The data, for reading. Hold the guard for the one span that is being read.
    #[inline]
    pub fn read(&self) -> MutexGuard<'_, SpanData> {
        self.0.lock()
    }
}
