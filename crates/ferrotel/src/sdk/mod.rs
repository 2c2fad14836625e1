//! The SDK: what happens to telemetry between the API call and the exporter.

pub mod batch;
pub mod trace;
