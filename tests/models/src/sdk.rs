#[path = "sdk/batch.rs"]
pub mod batch;
