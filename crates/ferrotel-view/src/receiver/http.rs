//! OTLP over HTTP: `POST` to `/v1/traces`, `/v1/metrics` or `/v1/logs` with a protobuf or JSON body, and answers in the
//! body's own format (OTLP specification, "OTLP/HTTP").

use std::io::Read;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use prost::Message;
use serde_json::json;
use tonic::body::Body;

use super::{Export, MAX_BODY, PATIENCE, Receiver, content_type};
use crate::decode::{decode_json, decode_protobuf};
use crate::origin::Protocol;
use crate::proto::{
    ExportLogsServiceRequest, ExportMetricsServiceRequest, ExportResponse, ExportTraceServiceRequest, RpcStatus,
};
use crate::signal::Signal;

pub(super) async fn answer(receiver: &Receiver, request: Request<Incoming>) -> Response<Body> {
    let format = Format::of(&content_type(request.headers()));
    let answer = match check_target(receiver, &request) {
        Ok(Signal::Traces) => export::<ExportTraceServiceRequest>(receiver, format, request).await,
        Ok(Signal::Metrics) => export::<ExportMetricsServiceRequest>(receiver, format, request).await,
        Ok(Signal::Logs) => export::<ExportLogsServiceRequest>(receiver, format, request).await,
        Err(refusal) => Err(refusal),
    };
    answer.unwrap_or_else(|refusal| refusal.into_response(format))
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

async fn export<R: Export>(
    receiver: &Receiver,
    format: Format,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refusal> {
    if format == Format::Other {
        let text = "the content type must be application/x-protobuf or application/json";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    let gzip = is_gzip(&request)?;
    let (head, body) = request.into_parts();
    let body = collect(body).await?;
    let body = if gzip { unzip(&body)?.into() } else { body };
    let decoded = if format == Format::Json { decode_json::<R>(&body) } else { decode_protobuf::<R>(&body) };
    let received = decoded.map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    let protocol = if format == Format::Json { Protocol::HttpJson } else { Protocol::HttpProtobuf };
    let response = receiver.take::<R>(protocol, R::SIGNAL.http_path(), &head.headers, received);
    Ok(success(format, R::SIGNAL, &response))
}

fn check_target(receiver: &Receiver, request: &Request<Incoming>) -> Result<Signal, Refusal> {
    let path = request.uri().path();
    match Signal::ALL.into_iter().find(|signal| signal.http_path() == path) {
        Some(signal) if request.method() == Method::POST => Ok(signal),
        Some(signal) => {
            let text = format!("{} are sent with POST", signal.as_str());
            let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, text);
            Err(Refusal { header: Some((header::ALLOW, "POST")), ..refusal })
        }
        None if matches!(path, "/v1/profiles" | "/v1development/profiles") => {
            Err(Refusal::new(StatusCode::NOT_FOUND, receiver.refuse_profiles()))
        }
        None => {
            let text = "send traces with POST to /v1/traces, metrics to /v1/metrics, logs to /v1/logs";
            Err(Refusal::new(StatusCode::NOT_FOUND, text))
        }
    }
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

fn success(format: Format, signal: Signal, message: &ExportResponse) -> Response<Body> {
    let body = match (format, message.partial_success.as_ref()) {
        (Format::Json, None) => b"{}".to_vec(),
        (Format::Json, Some(partial)) => json!({"partialSuccess": {
            signal.rejected_key(): partial.rejected.to_string(),
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
