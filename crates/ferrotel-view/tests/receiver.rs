//! Real requests over real sockets, made with hyper's client and gRPC framing written here.

mod common;

use std::io::Write;
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::logs::{log_record, logs_of, logs_request};
use common::metrics::{histogram, histogram_point, metrics_of, metrics_request, number_point, sum};
use common::{request, service, span, take};
use ferrotel_view::{Options, Protocol, Signal, StartError, View};
use flate2::write::GzEncoder;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    trailers: HeaderMap,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// `grpc-status` and `grpc-message`, which stand in the headers of an answer without a message.
    fn grpc(&self) -> (String, String) {
        let read = |name: &str| {
            let value = self.trailers.get(name).or_else(|| self.headers.get(name));
            value.map(|value| String::from_utf8_lossy(value.as_bytes()).replace("%20", " ")).unwrap_or_default()
        };
        (read("grpc-status"), read("grpc-message"))
    }
}

fn view() -> View {
    View::start(Options { grpc_port: 0, http_port: 0, ..Options::default() }).expect("free ports")
}

fn send(port: u16, is_http2: bool, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect("the view listens");
        let mut request = Request::builder().method(method).header("host", "127.0.0.1");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Full::new(Bytes::from(body));
        let response = if is_http2 {
            let request = request.uri(format!("http://127.0.0.1:{port}{path}")).body(body).expect("a request");
            let (mut sender, connection) =
                http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
            tokio::spawn(connection);
            sender.send_request(request).await.expect("an answer")
        } else {
            let request = request.uri(path).body(body).expect("a request");
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1");
            tokio::spawn(connection);
            sender.send_request(request).await.expect("an answer")
        };
        let (head, body) = response.into_parts();
        let whole = body.collect().await.expect("a body");
        let trailers = whole.trailers().cloned().unwrap_or_default();
        Answer { status: head.status, headers: head.headers, body: whole.to_bytes().to_vec(), trailers }
    })
}

fn post(view: &View, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
    send(view.http_address().port(), false, Method::POST, path, headers, body)
}

fn call(port: u16, path: &str, headers: &[(&str, &str)], message: &[u8], compressed: bool) -> Answer {
    let mut frame = vec![u8::from(compressed)];
    frame.extend((message.len() as u32).to_be_bytes());
    frame.extend(message);
    let all = [&[("content-type", "application/grpc"), ("te", "trailers")], headers].concat();
    send(port, true, Method::POST, path, &all, frame)
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body).expect("memory");
    encoder.finish().expect("memory")
}

fn one_span() -> Vec<u8> {
    request(vec![service("shop", vec![span(1, 0, "work", 0, 5)])])
}

fn names(view: &View) -> Vec<String> {
    view.store().spans().into_iter().map(|span| span.span.name.clone()).collect()
}

#[test]
fn protobuf_over_http() {
    let view = view();
    let answer = post(&view, "/v1/traces", &[PROTOBUF, ("authorization", "Bearer x")], one_span());
    assert_eq!((answer.status, answer.body.as_slice()), (StatusCode::OK, b"".as_slice()));
    assert_eq!(answer.headers["content-type"], "application/x-protobuf");
    assert_eq!(names(&view), ["work"]);
    let requests = view.store().requests();
    assert_eq!((requests[0].protocol, requests[0].items), (Protocol::HttpProtobuf, 1));
    assert!(requests[0].headers.contains(&("authorization".to_owned(), "Bearer x".to_owned())));

    let answer = post(&view, "/v1/traces", &[PROTOBUF, ("content-encoding", "gzip")], gzip(&one_span()));
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(view.store().requests().len(), 2);
}

#[test]
fn json_over_http() {
    let view = view();
    let body = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[
        {"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"from json"},
        {"traceId":"5b8e","spanId":"eee19b7ec3c1b174","name":"short id"}]}]}]}"#;
    let answer = post(&view, "/v1/traces", &[("content-type", "application/json; charset=utf-8")], body.to_vec());
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["content-type"], "application/json");
    let partial: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(partial["partialSuccess"]["rejectedSpans"], "1");
    assert!(partial["partialSuccess"]["errorMessage"].as_str().expect("text").contains("trace_id has 2 bytes"));
    assert_eq!(names(&view), ["from json"]);
    assert_eq!(view.store().counts().rejected_spans, 1);
    let answer = post(&view, "/v1/traces", &[JSON], b"{}".to_vec());
    assert_eq!(answer.text(), "{}");
}

#[test]
fn what_http_refuses_and_how() {
    let view = view();
    let refuse = |path: &str, headers: &[(&str, &str)], body: &[u8], status: u16, text: &str| {
        let answer = post(&view, path, headers, body.to_vec());
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
        assert!(answer.text().contains(text), "{}", answer.text());
        answer
    };
    refuse("/v1/trace", &[PROTOBUF], b"", 404, "POST to /v1/traces");
    refuse("/v1/profiles", &[PROTOBUF], b"", 404, "traces, metrics and logs only, not profiles");
    refuse("/v1development/profiles", &[JSON], b"{}", 404, "traces, metrics and logs only, not profiles");
    refuse("/v1/traces", &[("content-type", "text/plain")], b"", 415, "application/x-protobuf or application/json\n");
    refuse("/v1/traces", &[], b"", 415, "application/x-protobuf or application/json\n");
    let zstd = refuse("/v1/traces", &[PROTOBUF, ("content-encoding", "zstd")], b"", 415, "must be gzip or none");
    assert_eq!(zstd.headers["accept-encoding"], "gzip");
    refuse("/v1/traces", &[PROTOBUF, ("content-encoding", "gzip")], b"no", 400, "not valid gzip");
    refuse("/v1/traces", &[PROTOBUF], b"\xff\xff", 400, "not an OTLP request of traces");
    refuse("/v1/metrics", &[PROTOBUF], b"\xff\xff", 400, "not an OTLP request of metrics");
    refuse("/v1/logs", &[PROTOBUF], b"\xff\xff", 400, "not an OTLP request of logs");
    let json = refuse("/v1/traces", &[JSON], b"{", 400, "not JSON");
    let status: serde_json::Value = serde_json::from_slice(&json.body).expect("a Status in JSON");
    assert_eq!(status["code"], 3);
    let get = send(view.http_address().port(), false, Method::GET, "/v1/traces", &[], Vec::new());
    assert_eq!((get.status.as_u16(), &get.headers["allow"]), (405, &http::HeaderValue::from_static("POST")));
    assert!(names(&view).is_empty());
    let notices = take(view.store(), Duration::ZERO, Duration::ZERO).notices;
    assert_eq!(notices.len(), 1, "{notices:?}");
}

#[test]
fn bodies_are_bounded_compressed_or_not() {
    let view = view();
    let large = vec![0; (16 << 20) + 1];
    let bomb = gzip(&large);
    assert_eq!(post(&view, "/v1/traces", &[PROTOBUF], large).status, StatusCode::PAYLOAD_TOO_LARGE);
    let answer = post(&view, "/v1/traces", &[PROTOBUF, ("content-encoding", "gzip")], bomb.clone());
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.text().contains("larger than 16 MiB"), "{}", answer.text());
    let grpc = view.grpc_address().port();
    let (status, message) = call(grpc, EXPORT, &[("grpc-encoding", "gzip")], &bomb, true).grpc();
    assert_ne!(status, "0", "{message}");
    assert_eq!(post(&view, "/v1/traces", &[PROTOBUF], one_span()).status, StatusCode::OK, "the view goes on");
}

#[test]
fn grpc() {
    let view = view();
    let port = view.grpc_address().port();
    let answer = call(port, EXPORT, &[], &one_span(), false);
    assert_eq!((answer.status, answer.grpc().0.as_str()), (StatusCode::OK, "0"));
    let message = ExportTraceServiceResponse::decode(&answer.body[5..]).expect("a response");
    assert_eq!(message.partial_success, None);
    assert_eq!(names(&view), ["work"]);
    assert_eq!(view.store().spans()[0].origin.protocol, Protocol::Grpc);

    let answer = call(port, EXPORT, &[("grpc-encoding", "gzip")], &gzip(&one_span()), true);
    assert_eq!(answer.grpc().0, "0");
    assert_eq!(view.store().requests().len(), 2);

    let mut short = span(2, 0, "short", 0, 1);
    short.span_id = vec![1];
    let answer = call(port, EXPORT, &[], &request(vec![service("shop", vec![short])]), false);
    let partial = ExportTraceServiceResponse::decode(&answer.body[5..]).expect("a response").partial_success;
    assert_eq!(partial.map(|partial| partial.rejected_spans), Some(1));
}

#[test]
fn metrics_and_logs_come_the_same_ways() {
    let view = view();
    let (grpc, store) = (view.grpc_address().port(), view.store());
    let point = number_point(1, 1, vec![]);
    let metrics = metrics_request(vec![metrics_of("shop", vec![sum("orders", "{order}", true, 2, vec![point])])]);
    let logs = logs_request(vec![logs_of("shop", vec![log_record(1, 9, "hello")])]);
    for (path, method, body) in
        [("/v1/metrics", Signal::Metrics.grpc_path(), metrics), ("/v1/logs", Signal::Logs.grpc_path(), logs)]
    {
        let answer = post(&view, path, &[PROTOBUF, ("content-encoding", "gzip")], gzip(&body));
        assert_eq!((answer.status, answer.body.as_slice()), (StatusCode::OK, b"".as_slice()));
        assert_eq!(call(grpc, method, &[("grpc-encoding", "gzip")], &gzip(&body), true).grpc().0, "0");
        assert_eq!(call(grpc, method, &[], &body, false).grpc().0, "0");
        assert_eq!(post(&view, path, &[JSON], b"{}".to_vec()).text(), "{}");
        let get = send(view.http_address().port(), false, Method::GET, path, &[], Vec::new());
        assert_eq!(get.status, StatusCode::METHOD_NOT_ALLOWED);
    }
    let counts = store.counts();
    assert_eq!((counts.received_points, counts.series, counts.received_logs, counts.logs), (3, 1, 3, 3));
    let seen: Vec<_> = store.requests().iter().map(|one| (one.signal, one.protocol, one.items)).collect();
    let of = |signal| {
        [
            (signal, Protocol::HttpProtobuf, 1),
            (signal, Protocol::Grpc, 1),
            (signal, Protocol::Grpc, 1),
            (signal, Protocol::HttpJson, 0),
        ]
    };
    assert_eq!(seen, [of(Signal::Metrics), of(Signal::Logs)].concat());
}

#[test]
fn a_point_that_is_refused_is_told_in_the_answer() {
    let view = view();
    let mut bad = histogram_point(1, 3.0, vec![1, 2], vec![5.0]);
    bad.bucket_counts.push(7);
    let good = histogram_point(1, 3.0, vec![1, 2], vec![5.0]);
    let body = metrics_request(vec![metrics_of("shop", vec![histogram("size", "By", 2, vec![bad, good])])]);
    let answer = post(&view, "/v1/metrics", &[PROTOBUF], body);
    let partial = ExportMetricsServiceResponse::decode(answer.body.as_slice()).expect("a response").partial_success;
    let partial = partial.expect("a partial success");
    assert_eq!(partial.rejected_data_points, 1);
    assert_eq!(
        partial.error_message,
        "data points were refused, the first because its 3 bucket counts do not fit its 1 bounds"
    );
    let json = br#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"size","histogram":{"dataPoints":[
        {"bucketCounts":["1"],"explicitBounds":[1]}]}}]}]}]}"#;
    let partial: serde_json::Value =
        serde_json::from_slice(&post(&view, "/v1/metrics", &[JSON], json.to_vec()).body).expect("JSON");
    assert_eq!(partial["partialSuccess"]["rejectedDataPoints"], "1");
    let notices = take(view.store(), Duration::ZERO, Duration::ZERO).notices;
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].starts_with("some data points were refused"), "{notices:?}");
    assert_eq!(view.store().counts().rejected_points, 2);
}

#[test]
fn what_grpc_refuses_and_how() {
    let view = view();
    let port = view.grpc_address().port();
    let profiles = "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export";
    let unimplemented = "12".to_owned();
    for _ in 0..3 {
        let (status, message) = call(port, profiles, &[], b"", false).grpc();
        assert_eq!(status, unimplemented);
        assert!(message.contains("not profiles"), "{message}");
    }
    assert_eq!(call(port, "/some.Service/Method", &[], b"", false).grpc().0, unimplemented);
    assert_eq!(call(port, EXPORT, &[("grpc-encoding", "zstd")], b"x", true).grpc().0, unimplemented);
    assert_ne!(call(port, EXPORT, &[], b"\xff\xff", false).grpc().0, "0");
    let notices = take(view.store(), Duration::ZERO, Duration::ZERO).notices;
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].contains("profiles"), "{notices:?}");
}

#[test]
fn the_wrong_port_says_which_is_right() {
    let view = view();
    let (grpc, http) = (view.grpc_address().port(), view.http_address().port());
    let (status, message) = call(http, EXPORT, &[], &one_span(), false).grpc();
    assert_eq!(status, "12");
    assert!(message.contains(&format!("gRPC is on port {grpc}")), "{message}");
    let answer = send(grpc, false, Method::POST, "/v1/traces", &[JSON], b"{}".to_vec());
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.text().contains(&format!("OTLP over HTTP is on port {http}")), "{}", answer.text());
    assert_eq!(take(view.store(), Duration::ZERO, Duration::ZERO).notices.len(), 2);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let first = view();
    let (grpc, http) = (first.grpc_address().port(), first.http_address().port());
    let start = |grpc_port, http_port| -> StartError {
        View::start(Options { grpc_port, http_port, ..Options::default() }).expect_err("taken")
    };
    let error = start(grpc, 0);
    assert!(error.is_port_taken());
    assert!(error.to_string().starts_with(&format!("port {grpc} (OTLP over gRPC) is taken: ")), "{error}");
    assert!(error.to_string().contains("--grpc-port N"), "{error}");
    let error = start(0, http);
    assert!(error.to_string().starts_with(&format!("port {http} (OTLP over HTTP) is taken: ")), "{error}");
    assert!(error.to_string().contains("--http-port N"), "{error}");
}

#[test]
fn only_this_computer_is_served() {
    for host in ["0.0.0.0", "::", "192.168.1.1", "example.test", ""] {
        let options = Options { host: host.to_owned(), grpc_port: 0, http_port: 0, ..Options::default() };
        let error = View::start(options).expect_err(host);
        assert!(error.is_host_refused() && error.to_string().contains("loopback"), "{error}");
    }
    for host in ["localhost", "127.0.0.1"] {
        let options = Options { host: host.to_owned(), grpc_port: 0, http_port: 0, ..Options::default() };
        assert!(View::start(options).expect("loopback").grpc_address().ip().is_loopback());
    }
}

#[test]
fn stopping_frees_the_ports_although_clients_are_connected() {
    let view = view();
    let (grpc, http) = (view.grpc_address().port(), view.http_address().port());
    let idle = std::net::TcpStream::connect(("127.0.0.1", http)).expect("connected");
    let before = Instant::now();
    view.stop();
    assert!(before.elapsed() < Duration::from_secs(5));
    let again = View::start(Options { grpc_port: grpc, http_port: http, ..Options::default() });
    assert!(again.is_ok(), "{:?}", again.err());
    drop(idle);
}
