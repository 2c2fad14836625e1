//! Knowing that this process is a fork of the one in which an object was made, without a system call per question.

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

static GENERATION: AtomicU32 = AtomicU32::new(0);
static REGISTERED: Once = Once::new();

extern "C" fn after_fork_in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// Starts counting forks in this process (idempotent). Whatever remembers a [`generation`] calls this first.
pub fn watch() {
    // SAFETY: the handler only adds to an atomic, which is async-signal-safe.
    REGISTERED.call_once(|| unsafe {
        libc::pthread_atfork(None, None, Some(after_fork_in_child));
    });
}

/// How many forks lie between the first process and this one. Threads, locks and connections made under an earlier
/// generation belong to the parent: they must be made anew, never used.
#[inline]
pub fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}
