//! The OpenTelemetry API's data types.

pub mod trace;
