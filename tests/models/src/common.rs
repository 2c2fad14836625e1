#[path = "../../../crates/ferrotel/src/common/fork_lock.rs"]
pub mod fork_lock;

/// The engine's module of this name, for the model checker.
pub mod sync {
    pub use loom::hint;
    pub use loom::sync::{Condvar, Mutex, MutexGuard, atomic};

    pub mod thread {
        pub use loom::thread::{Builder, yield_now};

        /// Time does not pass here: who would sleep lets others go on.
        pub fn sleep(_: std::time::Duration) {
            loom::thread::yield_now();
        }
    }
}

/// Forks that a test makes up.
pub mod fork {
    use std::sync::atomic::{AtomicU32, Ordering};

    static GENERATION: AtomicU32 = AtomicU32::new(0);

    pub fn watch() {}

    pub fn generation() -> u32 {
        GENERATION.load(Ordering::Relaxed)
    }

    /// From now on this is the child of another fork. For a moment at which one thread runs, as it is in a child.
    pub fn forked() {
        GENERATION.fetch_add(1, Ordering::Relaxed);
    }
}

/// Nobody listens.
pub mod diagnostics {
    pub enum Level {
        Info,
        Warning,
        Error,
    }

    pub fn log(_: Level, _: &'static str, _: &str) {}
}
