//! One span's block of memory.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::SpanData;
use crate::sdk::batch::pool::{self, Mine, Pooled, Shared};

thread_local! {
    static MINE: Mine<SpanCell> = const { RefCell::new(Vec::new()) };
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
        pool::acquire()
    }

    /// Gives one block back to the calling thread, if nobody else has it.
    #[inline]
    pub fn release(cell: Arc<Self>) {
        pool::release(cell);
    }

    /// Gives blocks back. Those that somebody still has are simply let go.
    pub fn recycle(cells: impl Iterator<Item = Arc<Self>>) {
        pool::recycle(cells);
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

impl Pooled for SpanCell {
    fn shared() -> &'static Shared<Self> {
        static POOL: Shared<SpanCell> = Mutex::new(Vec::new());
        &POOL
    }

    #[inline]
    fn with_mine<R>(work: impl FnOnce(&Mine<Self>) -> R) -> Option<R> {
        MINE.try_with(work).ok()
    }

    #[inline]
    fn clear(&mut self) {
        self.get_mut().clear();
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
