//! The SDK: what happens to telemetry between the API call and the exporter.

pub mod batch;
pub mod export;
pub mod logs;
pub mod metrics;
pub mod trace;
