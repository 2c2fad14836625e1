//! What servers answer: as little of OTLP's and Google's messages as is looked at.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use prost::Message;
use std::time::Duration;

/// No more of an answer's body is read: it is a few hundred bytes, except from a hostile or mistaken server.
const MAX_BODY: usize = 64 * 1024;

/// No more of a server's text is put into a log line.
const MAX_TEXT: usize = 300;

/// An answer's body, up to a limit, and what follows it.
pub(super) struct Body {
    /// The body; cut where it was too long.
    pub bytes: Vec<u8>,
    /// It was cut.
    pub cut: bool,
    /// The trailers, where the body was read to its end.
    pub trailers: Option<HeaderMap>,
}

/// Reads a body.
pub(super) async fn read(mut body: Incoming) -> Result<Body, hyper::Error> {
    let mut read = Body { bytes: Vec::new(), cut: false, trailers: None };
    while let Some(frame) = body.frame().await {
        match frame?.into_data() {
            Ok(data) if read.bytes.len() + data.len() > MAX_BODY => {
                read.cut = true;
                return Ok(read);
            }
            Ok(data) => read.bytes.extend_from_slice(&data),
            Err(frame) => read.trailers = frame.into_trailers().ok(),
        }
    }
    Ok(read)
}

/// A batch that was accepted in part, or wholly with a warning (`ExportTracePartialSuccess` and its sisters).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Partial {
    /// How many items were rejected.
    pub rejected: i64,
    /// Why, in the server's words.
    pub message: String,
}

/// The same message for all signals.
#[derive(Clone, PartialEq, Message)]
struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

/// From a protobuf answer; `None` where all was accepted, and for what is no such answer.
pub(super) fn partial_success(body: impl AsRef<[u8]>) -> Option<Partial> {
    let partial = ExportResponse::decode(body.as_ref()).ok()?.partial_success?;
    worth_telling(partial.rejected, &partial.error_message)
}

/// The same from JSON.
pub(super) fn partial_success_json(body: &[u8]) -> Option<Partial> {
    let answer: serde_json::Value = serde_json::from_slice(body).ok()?;
    let partial = answer.get("partialSuccess")?;
    let rejected = ["rejectedSpans", "rejectedDataPoints", "rejectedLogRecords"].iter().find_map(|name| {
        let count = partial.get(name)?;
        count.as_i64().or_else(|| count.as_str()?.parse().ok())
    });
    let message = partial.get("errorMessage").and_then(|message| message.as_str());
    worth_telling(rejected.unwrap_or(0), message.unwrap_or_default())
}

fn worth_telling(rejected: i64, message: &str) -> Option<Partial> {
    (rejected != 0 || !message.is_empty()).then(|| Partial { rejected, message: readable(message) })
}

/// `google.rpc.Status`, the body of an error over HTTP and the content of `grpc-status-details-bin`.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "bytes", tag = "2")]
    value: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Seconds>,
}

#[derive(Clone, PartialEq, Message)]
struct Seconds {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// What an error's body says, if anything that a person can read.
pub(super) fn error_text(content_type: &str, body: &[u8]) -> Option<String> {
    let text = if content_type.starts_with("application/x-protobuf") {
        Status::decode(body).ok()?.message
    } else if content_type.starts_with("application/json") {
        let answer: serde_json::Value = serde_json::from_slice(body).ok()?;
        answer.get("message")?.as_str()?.to_owned()
    } else if content_type.starts_with("text/plain") {
        String::from_utf8_lossy(body).into_owned()
    } else {
        return None;
    };
    let text = readable(&text);
    (!text.is_empty()).then_some(text)
}

/// When to try again, from a gRPC error's trailers: `RetryInfo` in the status details, or alone as the reference's
/// server side sends it.
pub(super) fn retry_info(trailers: &HeaderMap) -> Option<Duration> {
    let details = binary(trailers, "grpc-status-details-bin").and_then(|bytes| {
        let status = Status::decode(bytes.as_slice()).ok()?;
        let info = status.details.into_iter().find(|any| any.type_url.ends_with("/google.rpc.RetryInfo"))?;
        RetryInfo::decode(info.value).ok()
    });
    let alone =
        || binary(trailers, "google.rpc.retryinfo-bin").and_then(|bytes| RetryInfo::decode(bytes.as_slice()).ok());
    let delay = details.or_else(alone)?.retry_delay.unwrap_or_default();
    let (seconds, nanos) = (u64::try_from(delay.seconds).ok()?, u32::try_from(delay.nanos).ok()?);
    Duration::from_secs(seconds).checked_add(Duration::from_nanos(nanos.into()))
}

fn binary(headers: &HeaderMap, name: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    LENIENT.decode(headers.get(name)?.as_bytes()).ok()
}

/// A line without a secret (ASCII), nor the beginning of it that [`readable`] left where it cut a text short.
pub(super) fn without(line: String, secret: &str) -> String {
    const HIDDEN: &str = "***";
    let mut line = if line.contains(secret) { line.replace(secret, HIDDEN) } else { line };
    if let Some(cut) = line.find(CUT) {
        // What is shorter tells nothing, and would be found at the end of other words.
        let left = (3..secret.len()).rev().find(|&length| line[..cut].ends_with(&secret[..length]));
        if let Some(left) = left {
            line.replace_range(cut - left..cut, HIDDEN);
        }
    }
    line
}

/// Ends a text that was longer.
const CUT: char = '…';

/// A server's text made fit for one log line.
pub(super) fn readable(text: &str) -> String {
    let mut line: String = text.trim().chars().take(MAX_TEXT).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.trim().chars().nth(MAX_TEXT).is_some() {
        line.push(CUT);
    }
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_a_server_answers_is_read_without_harm(
            body in proptest::collection::vec(any::<u8>(), 0..200),
            header in "[ -~]{0,80}",
        ) {
            partial_success(&body);
            partial_success_json(&body);
            for content_type in ["application/x-protobuf", "application/json", "text/plain", ""] {
                if let Some(text) = error_text(content_type, &body) {
                    prop_assert!(text.chars().count() <= MAX_TEXT + 1 && !text.contains('\n'));
                }
            }
            for name in ["grpc-status-details-bin", "google.rpc.retryinfo-bin"] {
                for value in [header.clone(), base64::engine::general_purpose::STANDARD.encode(&body)] {
                    let trailers = HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
                    retry_info(&trailers);
                }
            }
        }

        #[test]
        fn partial_success_is_read_from_protobuf_and_from_json(rejected in any::<i64>(), message in "[a-z ]{0,20}") {
            let partial_success = PartialSuccess { rejected, error_message: message.clone() };
            let protobuf = ExportResponse { partial_success: Some(partial_success) }.encode_to_vec();
            let fields = format!(r#""rejectedLogRecords":"{rejected}","errorMessage":"{message}""#);
            let json = format!(r#"{{"partialSuccess":{{{fields}}}}}"#);
            prop_assert_eq!(partial_success_json(json.as_bytes()), super::partial_success(&protobuf));
            prop_assert_eq!(super::partial_success(&protobuf).is_some(), rejected != 0 || !message.is_empty());
        }
    }

    #[test]
    fn a_secret_is_not_told_nor_its_beginning() {
        for (line, told) in [
            ("no Bearer sesame here, sesame", "no Bearer *** here, ***"),
            ("unknown: sesa…", "unknown: ***…"),
            ("unknown: ses… (see sesame)", "unknown: ***… (see ***)"),
            ("these…", "these…"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(without(line.to_owned(), "sesame"), told);
        }
        let long = readable(&format!("{}sesame", "x".repeat(MAX_TEXT - 3)));
        assert!(!without(long, "sesame").contains("ses"));
    }

    #[test]
    fn retry_info_with_absurd_delays_is_ignored() {
        for (seconds, nanos, expected) in [
            (1, 500_000_000, Some(Duration::from_millis(1500))),
            (0, 0, Some(Duration::ZERO)),
            (-1, 0, None),
            (1, -1, None),
            (i64::MAX, i32::MAX, Some(Duration::new(i64::MAX as u64 + 2, 147_483_647))),
        ] {
            let info = RetryInfo { retry_delay: Some(Seconds { seconds, nanos }) }.encode_to_vec();
            let value = base64::engine::general_purpose::STANDARD.encode(info).parse().unwrap();
            let trailers = HeaderMap::from_iter([("google.rpc.retryinfo-bin".parse().unwrap(), value)]);
            assert_eq!(retry_info(&trailers), expected);
        }
    }
}
