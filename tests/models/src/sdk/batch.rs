//! The queue, its processor and its worker.

#[path = "../../../../crates/ferrotel/src/sdk/batch/counts.rs"]
pub mod counts;
#[path = "../../../../crates/ferrotel/src/sdk/batch/notice.rs"]
mod notice;
#[path = "../../../../crates/ferrotel/src/sdk/batch/per_process.rs"]
pub mod per_process;
#[path = "../../../../crates/ferrotel/src/sdk/batch/processor.rs"]
pub mod processor;
#[path = "../../../../crates/ferrotel/src/sdk/batch/queue.rs"]
mod queue;
#[path = "../../../../crates/ferrotel/src/sdk/batch/worker.rs"]
mod worker;

/// The list of all processors lives longer than one run of a test.
pub mod live {
    use std::sync::Weak;
    use std::time::Instant;

    pub trait Live: Send + Sync {
        fn begin(&self, last_chance: bool) -> Begun;
        fn finish(&self, begun: Begun, deadline: Instant) -> bool;
        fn resume(&self);
    }

    pub struct Begun {
        pub until: u64,
        pub failed: u64,
    }

    pub fn prepare() {}

    pub fn enlist(_: Weak<dyn Live>) {}
}
