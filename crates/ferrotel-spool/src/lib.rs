//! Batches of telemetry that wait on disk until they can be sent.
//!
//! A [`Spool`] is the place of one destination in a directory that several processes share, at the same time and one
//! after another. One batch is one file:
//!
//! * It is written under another name, and gets its own only when it is whole. A process that is killed loses at most the
//!   batch that it is writing. Nothing is synced: a power failure may cost what the system had not written yet, and a
//!   file that is damaged by it is recognised by its checksum.
//! * Who sends it holds a lock of the system's on it, which ends with the process at the latest: nothing is sent by two
//!   at a time, and what a dead process has left is anybody's.
//! * It is removed after it was accepted. A process that is killed in between leaves it to be sent once more.
//! * The directory's size is bounded: the oldest batches make room for new ones, and are counted.
//!
//! Only the content of batches is written, no header and no endpoint.

mod claim;
mod format;
mod listing;
mod name;
mod spool;

pub use claim::Claim;
pub use format::{Content, Signal};
pub use spool::{Backlog, Drain, Found, Lost, Spool};
