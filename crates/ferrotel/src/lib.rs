//! ferrotel: the OpenTelemetry API and SDK as an engine of its own.
//!
//! No network and no async runtime: exporters are traits, and the crate `ferrotel-otlp` implements them.
//! Modules depend on each other in one direction:
//! `common <- context <- baggage <- api <- propagation <- resource <- config <- sdk`.

pub mod api;
pub mod baggage;
pub mod common;
pub mod config;
pub mod context;
pub mod propagation;
pub mod resource;
pub mod sdk;
