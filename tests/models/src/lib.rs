//! The engine's own files with [loom](https://docs.rs/loom)'s types where threads meet: each test of this crate runs in
//! every order that the memory model allows, as far as the bound on preemptions goes.

#![expect(missing_docs, reason = "most of what is here is the engine's, documented there")]

pub mod common;
pub mod config;
pub mod sdk;
