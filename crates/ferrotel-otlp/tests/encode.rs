//! The encoders against the generated code of the crate `opentelemetry-proto`: same fields, same bytes.

#[path = "encode/generated.rs"]
mod generated;
#[path = "encode/logs.rs"]
mod logs;
#[path = "encode/metrics.rs"]
mod metrics;
#[path = "encode/random.rs"]
mod random;
#[path = "encode/traces.rs"]
mod traces;

use prost::Message;

/// A request's bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The message, from its bytes.
fn decode<M: Message + Default>(bytes: &[u8]) -> M {
    M::decode(bytes).unwrap()
}
