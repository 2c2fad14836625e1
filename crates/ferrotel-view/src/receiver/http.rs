//! OTLP over HTTP: `POST /v1/traces` with a protobuf or JSON body, and answers in the body's own format
//! (OTLP specification, "OTLP/HTTP").

use std::io::Read;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use prost::Message;
use serde_json::json;
use tonic::body::Body;

use super::{MAX_BODY, PATIENCE, Receiver, Signal, content_type};
use crate::decode::{decode_json, decode_protobuf};
use crate::proto::RpcStatus;
use crate::span::{Protocol, Received};

const PATH: &str = "/v1/traces";

pub(super) async fn answer(receiver: &Receiver, request: Request<Incoming>) -> Response<Body> {
    let format = Format::of(&content_type(request.headers()));
    match export(receiver, format, request).await {
        Ok(received) => success(format, &received),
        Err(refusal) => refusal.into_response(format),
    }
}

/// HTTP on the port for gRPC: refused, because a collector would refuse it too.
pub(super) fn wrong_port(receiver: &Receiver, request: &Request<Incoming>) -> Response<Body> {
    let (grpc, http) = (receiver.grpc_port, receiver.http_port);
    let text = format!("port {grpc} is for OTLP over gRPC; OTLP over HTTP is on port {http}");
    if request.method() == Method::POST {
        receiver.store.note_once("http on the grpc port", || format!("a program sends HTTP to the wrong port: {text}"));
    }
    Refusal::new(StatusCode::NOT_FOUND, text).into_response(Format::of(&content_type(request.headers())))
}

/// The format of a request, and so of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Protobuf,
    Json,
    Other,
}

impl Format {
    fn of(content_type: &str) -> Self {
        match content_type {
            "application/x-protobuf" => Self::Protobuf,
            "application/json" => Self::Json,
            _ => Self::Other,
        }
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
            Self::Other => "text/plain; charset=utf-8",
        })
    }
}

struct Refusal {
    status: StatusCode,
    text: String,
    header: Option<(header::HeaderName, &'static str)>,
}

async fn export(receiver: &Receiver, format: Format, request: Request<Incoming>) -> Result<Received, Refusal> {
    check_target(receiver, &request)?;
    if format == Format::Other {
        let text = "the content type must be application/x-protobuf or application/json";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    let gzip = is_gzip(&request)?;
    let (head, body) = request.into_parts();
    let body = collect(body).await?;
    let body = if gzip { unzip(&body)?.into() } else { body };
    let decoded = if format == Format::Json { decode_json(&body) } else { decode_protobuf(&body) };
    let received = decoded.map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    let protocol = if format == Format::Json { Protocol::HttpJson } else { Protocol::HttpProtobuf };
    let answer = Received { spans: Vec::new(), rejected: received.rejected, reason: received.reason.clone() };
    receiver.take(protocol, PATH, &head.headers, received);
    Ok(answer)
}

fn check_target(receiver: &Receiver, request: &Request<Incoming>) -> Result<(), Refusal> {
    let signal = match request.uri().path() {
        PATH if request.method() == Method::POST => return Ok(()),
        PATH => {
            let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "traces are sent with POST");
            return Err(Refusal { header: Some((header::ALLOW, "POST")), ..refusal });
        }
        "/v1/metrics" => Signal::Metrics,
        "/v1/logs" => Signal::Logs,
        "/v1/profiles" | "/v1development/profiles" => Signal::Profiles,
        _ => return Err(Refusal::new(StatusCode::NOT_FOUND, "send traces with POST to /v1/traces")),
    };
    receiver.note_signal(signal);
    let text = format!("this receiver takes traces only, not {}", signal.name());
    Err(Refusal::new(StatusCode::NOT_FOUND, text))
}

fn is_gzip(request: &Request<Incoming>) -> Result<bool, Refusal> {
    let encoding = request.headers().get(header::CONTENT_ENCODING).map_or(b"".as_slice(), HeaderValue::as_bytes);
    match encoding.to_ascii_lowercase().as_slice() {
        b"" | b"identity" => Ok(false),
        b"gzip" => Ok(true),
        _ => {
            let refusal = Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the content encoding must be gzip or none");
            Err(Refusal { header: Some((header::ACCEPT_ENCODING, "gzip")), ..refusal })
        }
    }
}

async fn collect(body: Incoming) -> Result<Bytes, Refusal> {
    match tokio::time::timeout(PATIENCE, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::too_large()),
        Ok(Err(error)) => Err(Refusal::new(StatusCode::BAD_REQUEST, format!("the body could not be read: {error}"))),
        Err(_) => Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")),
    }
}

fn unzip(body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut out = Vec::new();
    let bound = MAX_BODY as u64 + 1;
    match MultiGzDecoder::new(body).take(bound).read_to_end(&mut out) {
        Ok(_) if out.len() > MAX_BODY => Err(Refusal::too_large()),
        Ok(_) => Ok(out),
        Err(error) => Err(Refusal::new(StatusCode::BAD_REQUEST, format!("the body is not valid gzip: {error}"))),
    }
}

fn success(format: Format, received: &Received) -> Response<Body> {
    let message = received.response();
    let body = match (format, message.partial_success.as_ref()) {
        (Format::Json, None) => b"{}".to_vec(),
        (Format::Json, Some(partial)) => json!({"partialSuccess": {
            "rejectedSpans": partial.rejected_spans.to_string(),
            "errorMessage": partial.error_message,
        }})
        .to_string()
        .into_bytes(),
        _ => message.encode_to_vec(),
    };
    response(StatusCode::OK, format, body)
}

impl Refusal {
    fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), header: None }
    }

    fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {} MiB", MAX_BODY >> 20))
    }

    /// The specification wants a `google.rpc.Status` in the request's format; who sent another format gets text.
    fn into_response(self, format: Format) -> Response<Body> {
        let code = match self.status {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => tonic::Code::Unimplemented,
            StatusCode::PAYLOAD_TOO_LARGE => tonic::Code::ResourceExhausted,
            StatusCode::REQUEST_TIMEOUT => tonic::Code::DeadlineExceeded,
            _ => tonic::Code::InvalidArgument,
        };
        let body = match format {
            Format::Json => json!({"code": code as i32, "message": self.text}).to_string().into_bytes(),
            Format::Protobuf => RpcStatus { code: code as i32, message: self.text }.encode_to_vec(),
            Format::Other => format!("{}\n", self.text).into_bytes(),
        };
        let mut response = response(self.status, format, body);
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

fn response(status: StatusCode, format: Format, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(Bytes::from(body))));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, format.content_type());
    response
}
