//! From the bytes of a request to its items, for each signal.

use std::fmt;

use prost::Message;

use crate::json;
use crate::log::ReceivedLog;
use crate::metric::ReceivedPoint;
use crate::origin::Protocol;
use crate::proto::{
    ExportLogsServiceRequest, ExportMetricsServiceRequest, ExportResponse, ExportTraceServiceRequest, PartialSuccess,
};
use crate::signal::Signal;
use crate::span::ReceivedSpan;
use crate::store::Store;

/// The request of one signal.
pub trait Request: Message + Default + 'static {
    /// Which signal's.
    const SIGNAL: Signal;
    /// What it consists of.
    type Item;

    /// Reads the JSON form; an error names the field.
    #[doc(hidden)]
    fn from_json(document: &serde_json::Value) -> Result<Self, String>;

    /// Takes a decoded request apart. Items that can't be used are counted, the others are kept.
    fn into_received(self, protocol: Protocol) -> Received<Self::Item>;

    /// Puts the items where they are kept.
    fn keep(received: Received<Self::Item>, store: &Store);
}

/// The items of one request, and those that could not be used.
#[derive(Clone, Debug)]
pub struct Received<T> {
    /// Spans, data points or log records.
    pub items: Vec<T>,
    /// How many were refused.
    pub rejected: usize,
    /// What was wrong with the first refused one.
    pub reason: Option<String>,
}

impl<T> Default for Received<T> {
    fn default() -> Self {
        Self { items: Vec::new(), rejected: 0, reason: None }
    }
}

impl<T> Received<T> {
    /// The answer to the sender: empty when all was taken.
    pub fn response(&self, signal: Signal) -> ExportResponse {
        let partial_success = self.reason.as_ref().map(|reason| PartialSuccess {
            rejected: i64::try_from(self.rejected).unwrap_or(i64::MAX),
            error_message: format!("{} were refused, the first because {reason}", signal.items()),
        });
        ExportResponse { partial_success }
    }

    pub(crate) fn push(&mut self, item: Result<T, String>) {
        match item {
            Ok(item) => self.items.push(item),
            Err(reason) => {
                self.rejected += 1;
                self.reason.get_or_insert(reason);
            }
        }
    }
}

/// A request whose bytes are not what its address says; the text says where and why.
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
pub fn decode_protobuf<R: Request>(bytes: &[u8]) -> Result<Received<R::Item>, DecodeError> {
    let request = R::decode(bytes).map_err(|error| refusal::<R>("protobuf", &error.to_string()))?;
    Ok(request.into_received(Protocol::HttpProtobuf))
}

/// Decodes the JSON form: lowerCamelCase keys, identifiers in hexadecimal, 64-bit numbers as text or number, unknown
/// keys ignored (OTLP specification, "JSON Protobuf Encoding").
///
/// # Errors
/// When the bytes are not JSON, or a field has a value that its type can't hold.
pub fn decode_json<R: Request>(bytes: &[u8]) -> Result<Received<R::Item>, DecodeError> {
    let document: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|error| DecodeError(format!("the body is not JSON: {error}")))?;
    let request = R::from_json(&document).map_err(|error| refusal::<R>("JSON", &error))?;
    Ok(request.into_received(Protocol::HttpJson))
}

fn refusal<R: Request>(format: &str, error: &str) -> DecodeError {
    DecodeError(format!("the body is not an OTLP request of {} in {format}: {error}", R::SIGNAL.as_str()))
}

impl Request for ExportTraceServiceRequest {
    const SIGNAL: Signal = Signal::Traces;
    type Item = ReceivedSpan;

    fn from_json(document: &serde_json::Value) -> Result<Self, String> {
        json::export_trace(document)
    }

    fn into_received(self, protocol: Protocol) -> Received<ReceivedSpan> {
        ReceivedSpan::all_of(self, protocol)
    }

    fn keep(received: Received<ReceivedSpan>, store: &Store) {
        store.add_spans(received.items, received.rejected);
    }
}

impl Request for ExportMetricsServiceRequest {
    const SIGNAL: Signal = Signal::Metrics;
    type Item = ReceivedPoint;

    fn from_json(document: &serde_json::Value) -> Result<Self, String> {
        json::export_metrics(document)
    }

    fn into_received(self, protocol: Protocol) -> Received<ReceivedPoint> {
        ReceivedPoint::all_of(self, protocol)
    }

    fn keep(received: Received<ReceivedPoint>, store: &Store) {
        store.add_points(received.items, received.rejected);
    }
}

impl Request for ExportLogsServiceRequest {
    const SIGNAL: Signal = Signal::Logs;
    type Item = ReceivedLog;

    fn from_json(document: &serde_json::Value) -> Result<Self, String> {
        json::export_logs(document)
    }

    fn into_received(self, protocol: Protocol) -> Received<ReceivedLog> {
        ReceivedLog::all_of(self, protocol)
    }

    fn keep(received: Received<ReceivedLog>, store: &Store) {
        store.add_logs(received.items);
    }
}
