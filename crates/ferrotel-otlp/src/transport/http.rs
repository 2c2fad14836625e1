//! One request over OTLP/HTTP.

use std::time::{Duration, Instant, SystemTime};

use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, Method, Request, Response};
use http_body_util::Full;
use hyper::body::Bytes;

use super::answer::{self, Partial, readable};
use super::session::Client;
use super::trouble::{Retry, SEE_ITS_LOG, SEND_LESS, Trouble, other_protocol};
use super::{Settings, retry};
use crate::config::shown;

/// Sends `body` and understands the answer.
pub(super) async fn attempt(
    client: &Client,
    settings: &Settings,
    headers: &HeaderMap,
    body: Bytes,
    deadline: Instant,
) -> Result<Option<Partial>, Trouble> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = settings.uri.clone();
    *request.headers_mut() = headers.clone();
    let broken = |error: &(dyn std::error::Error + 'static)| {
        Trouble::connection(error, settings.protocol, &settings.uri, client.seen())
    };
    let response = client.request(request).await.map_err(|error| broken(&error))?;
    let (head, body) = response.into_parts();
    // The status has settled what becomes of the batch (OTLP specification: "Full Success"): what was accepted stays
    // accepted when the rest of the answer does not arrive, or never ends.
    let patience = PATIENCE.min(deadline.saturating_duration_since(Instant::now()) / 2);
    let body = tokio::time::timeout(patience, answer::read(body)).await;
    let body = body.ok().and_then(Result::ok).map(|body| body.bytes).unwrap_or_default();
    if head.status.is_success() {
        return Ok(match content_type(&head.headers) {
            json if json.starts_with("application/json") => answer::partial_success_json(&body),
            protobuf if protobuf.starts_with("application/x-protobuf") => answer::partial_success(&body),
            _ => None,
        });
    }
    Err(refusal(settings, Response::from_parts(head, ()), &body))
}

/// How long an answer's body may take after its head.
const PATIENCE: Duration = Duration::from_secs(1);

fn refusal(settings: &Settings, response: Response<()>, body: &[u8]) -> Trouble {
    let status = response.status();
    let mut reason = status.canonical_reason().unwrap_or("unknown").to_owned();
    if let Some(text) = answer::error_text(content_type(response.headers()), body) {
        reason = format!("{reason} ({text})");
    }
    let retry = if retry::is_retryable_http(status.as_u16()) {
        retry::retry_after(response.headers(), SystemTime::now()).map_or(Retry::Backoff, Retry::After)
    } else {
        Retry::Never
    };
    let remedy = remedy(settings, &response);
    Trouble { code: Some(status.as_u16().into()), reason, remedy, retry, connection: false }
}

fn remedy(settings: &Settings, response: &Response<()>) -> String {
    match response.status().as_u16() {
        300..=399 => {
            let place = response.headers().get(LOCATION).map_or(String::new(), |place| {
                format!(" to {}", shown(&readable(&String::from_utf8_lossy(place.as_bytes()))))
            });
            format!("Redirects are not followed: point the endpoint{place} itself.")
        }
        401 | 403 => "Look at the credentials: OTEL_EXPORTER_OTLP_HEADERS or the exporter's headers.".to_owned(),
        404 | 405 => {
            let (signal, path) = (settings.signal.name, settings.uri.path());
            let usual = settings.signal.http_path;
            let question = if path.strip_prefix('/') == Some(usual) {
                "is this its port for OTLP over HTTP (4318 on most collectors)?".to_owned()
            } else {
                format!("the path is usually /{usual}.")
            };
            format!("The server does not take OTLP {signal} at {path}: {question}")
        }
        413 => format!("The server takes no batch of this size: lower {}.", settings.signal.smaller),
        415 if content_type(response.headers()).starts_with("application/grpc") => other_protocol(settings.protocol),
        415 => {
            "The server does not take this encoding: use the protocol http/protobuf, without compression.".to_owned()
        }
        429 => SEND_LESS.to_owned(),
        _ => SEE_ITS_LOG.to_owned(),
    }
}

pub(super) fn content_type(headers: &HeaderMap) -> &str {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
