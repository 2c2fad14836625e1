//! From the engine's data to OTLP's two encodings.
//!
//! The protobuf encoders are written by hand, because encoding is on the path of everything that is exported: no
//! intermediate structs, no allocation per span, point or record. They write the bytes that a generated encoder writes
//! for the same data (fields in the order of their numbers, lengths in the fewest bytes); property tests hold them to
//! that.

mod group;
pub mod json;
pub mod logs;
pub mod metrics;
mod number;
mod origin;
pub mod traces;
mod value;
mod wire;

/// How deep lists and maps may stand inside each other in an attribute value; a deeper value is sent as empty.
///
/// Protobuf decoders refuse a request as a whole when messages are nested more than 100 deep; one level here is up to
/// three messages, and the request around an attribute takes up to seven.
pub const MAX_DEPTH: usize = 24;

/// `SpanFlags`: whether the parent (or the link's target) is remote is known.
const HAS_IS_REMOTE: u32 = 0x100;
/// `SpanFlags`: it is remote.
const IS_REMOTE: u32 = 0x200;

/// The `flags` field of a span or link: what is known about where the other span is.
///
/// The low eight bits, for the W3C trace flags, stay zero as in the reference.
fn flags(other: Option<&ferrotel::api::trace::SpanContext>) -> u32 {
    match other {
        Some(context) if context.is_remote => HAS_IS_REMOTE | IS_REMOTE,
        _ => HAS_IS_REMOTE,
    }
}
