//! The one bounded queue with its worker thread, shared by every signal.
//!
//! A producer pays for one uncontended lock and one push; everything else happens on the worker. Locks here are the
//! standard library's: they keep no process-wide table that a fork could leave locked in the child.

mod counts;
mod live;
mod notice;
mod per_process;
pub(in crate::sdk) mod pool;
mod processor;
mod queue;
mod worker;

pub use counts::{BatchCounts, ExportOperation};
pub use live::{begin_delivery, deliver_now, on_worker_start, resume};
pub(super) use notice::Repeats;
pub use per_process::PerProcess;
pub use processor::{BatchConfig, BatchItem, BatchProcessor, BatchSink, Refusal};
pub(super) use worker::panic_text;
pub use worker::without_signals;
