//! What threads meet at, for the parts whose every interleaving is tried: `tests/models` compiles their files with a model
//! checker's types in the place of these.

pub(crate) use std::hint;
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, atomic};
pub(crate) use std::thread;
