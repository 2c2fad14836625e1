//! One unary call over OTLP/gRPC: HTTP/2 with five bytes in front of the message and the status in the trailers.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Request, Version};
use http_body_util::Full;
use hyper::body::Bytes;
use percent_encoding::percent_decode;

use super::answer::{self, Body, Partial, readable};
use super::http::content_type;
use super::session::Client;
use super::trouble::{Retry, SEE_ITS_LOG, SEND_LESS, Trouble, other_protocol};
use super::{Settings, retry, status};

/// `message` as the body of a call.
pub(super) fn frame(message: &[u8], compressed: bool) -> Bytes {
    let mut body = Vec::with_capacity(message.len() + 5);
    body.push(u8::from(compressed));
    body.extend_from_slice(&u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    body.extend_from_slice(message);
    body.into()
}

/// Calls with `body` and understands the answer.
pub(super) async fn attempt(
    client: &Client,
    settings: &Settings,
    headers: &HeaderMap,
    body: Bytes,
    remaining: Duration,
) -> Result<Option<Partial>, Trouble> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = settings.uri.clone();
    *request.headers_mut() = headers.clone();
    // At most eight digits.
    let timeout = remaining.as_millis().clamp(1, 99_999_999) as u64;
    if let Ok(timeout) = HeaderValue::try_from(format!("{timeout}m")) {
        request.headers_mut().insert("grpc-timeout", timeout);
    }
    let broken = |error: &(dyn std::error::Error + 'static)| {
        Trouble::connection(error, settings.protocol, &settings.uri, client.seen())
    };
    let response = client.request(request).await.map_err(|error| broken(&error))?;
    let (head, body) = response.into_parts();
    let body = match answer::read(body).await {
        Ok(body) => body,
        // A status among the headers is the whole answer.
        Err(_) if head.headers.contains_key(STATUS) => Body { bytes: Vec::new(), cut: false, trailers: None },
        Err(error) => return Err(broken(&error)),
    };
    let trailers = if head.headers.contains_key(STATUS) { Some(&head.headers) } else { body.trailers.as_ref() };
    match trailers.and_then(|trailers| Some((trailers, code(trailers)?))) {
        Some((_, 0)) => Ok(message(&body.bytes).and_then(answer::partial_success)),
        Some((trailers, code)) => Err(refusal(settings, trailers, code)),
        None if body.cut => Err(Trouble {
            code: Some(status::RESOURCE_EXHAUSTED),
            reason: "the answer is far too long".to_owned(),
            remedy: other_protocol(settings.protocol),
            retry: Retry::Never,
            connection: true,
        }),
        None => Err(no_status(settings, head.status.as_u16(), content_type(&head.headers))),
    }
}

const STATUS: &str = "grpc-status";

pub(super) fn code(trailers: &HeaderMap) -> Option<i32> {
    Some(trailers.get(STATUS)?.to_str().ok()?.parse().unwrap_or(status::UNKNOWN))
}

/// The first message of a body, where it is whole and not compressed.
pub(super) fn message(body: &[u8]) -> Option<&[u8]> {
    let (&[0, a, b, c, d], rest) = body.split_first_chunk::<5>()? else { return None };
    rest.get(..u32::from_be_bytes([a, b, c, d]) as usize)
}

/// The server's words, fit for a log line.
pub(super) fn status_text(trailers: &HeaderMap) -> String {
    let text = trailers.get("grpc-message");
    text.map_or(String::new(), |text| readable(&percent_decode(text.as_bytes()).decode_utf8_lossy()))
}

fn refusal(settings: &Settings, trailers: &HeaderMap, code: i32) -> Trouble {
    let text = status_text(trailers);
    let when = answer::retry_info(trailers);
    let again = match &settings.retryable {
        Some(codes) => codes.contains(&code),
        None => retry::is_retryable_grpc(code, when.is_some()),
    };
    let retry = match when {
        _ if !again => Retry::Never,
        Some(wait) => Retry::After(wait),
        None => Retry::Backoff,
    };
    let remedy = match code {
        status::UNAUTHENTICATED | status::PERMISSION_DENIED => {
            "Look at the credentials: OTEL_EXPORTER_OTLP_HEADERS or the exporter's headers.".to_owned()
        }
        status::UNIMPLEMENTED => format!("The server has no OTLP service for {} on this port.", settings.signal.name),
        status::RESOURCE_EXHAUSTED if !again => {
            format!("Lower {} where the server finds the message too large.", settings.signal.smaller)
        }
        status::RESOURCE_EXHAUSTED => SEND_LESS.to_owned(),
        _ => SEE_ITS_LOG.to_owned(),
    };
    Trouble { code: Some(code), reason: text, remedy, retry, connection: false }
}

/// An answer over HTTP/2 that is none of gRPC's.
fn no_status(settings: &Settings, http: u16, content_type: &str) -> Trouble {
    let code = status::of_http(http);
    let grpc = content_type.starts_with("application/grpc");
    Trouble {
        code: Some(code),
        reason: format!("an answer without grpc-status, HTTP status {http}, content type {content_type:?}"),
        remedy: if grpc { String::new() } else { other_protocol(settings.protocol) },
        retry: if retry::is_retryable_grpc(code, false) { Retry::Backoff } else { Retry::Never },
        connection: false,
    }
}
