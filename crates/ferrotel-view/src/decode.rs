//! From the bytes of a request to spans.

use std::fmt;

use prost::Message;

use crate::json;
use crate::proto::ExportTraceServiceRequest;
use crate::span::{Protocol, Received};

/// A request whose bytes are not an `ExportTraceServiceRequest`; the text says where and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(String);

impl fmt::Display for DecodeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for DecodeError {}

/// Decodes the protobuf form.
///
/// # Errors
/// When the bytes are not a valid message, for example cut short, or with a text that is not UTF-8.
pub fn decode_protobuf(bytes: &[u8]) -> Result<Received, DecodeError> {
    let request = ExportTraceServiceRequest::decode(bytes)
        .map_err(|error| DecodeError(format!("the body is not an OTLP trace request in protobuf: {error}")))?;
    Ok(Received::from_request(request, Protocol::HttpProtobuf))
}

/// Decodes the JSON form: lowerCamelCase keys, identifiers in hexadecimal, 64-bit numbers as text or number, unknown
/// keys ignored (OTLP specification, "JSON Protobuf Encoding").
///
/// # Errors
/// When the bytes are not JSON, or a field has a value that its type can't hold.
pub fn decode_json(bytes: &[u8]) -> Result<Received, DecodeError> {
    let document: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|error| DecodeError(format!("the body is not JSON: {error}")))?;
    let request = json::request(&document)
        .map_err(|error| DecodeError(format!("the body is not an OTLP trace request in JSON: {error}")))?;
    Ok(Received::from_request(request, Protocol::HttpJson))
}
