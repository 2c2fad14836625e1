//! Trying again: when, how long, and when not.

use std::time::{Duration, Instant};

use base64::Engine;
use ferrotel::common::diagnostics::Level;
use ferrotel::sdk::trace::SpanExporter;
use ferrotel_otlp::Protocol;

use super::server::{Answer, Server, Speaks, closed_port};
use super::{batch, build, lines, to};

const HTTP_TARGET: &str = "opentelemetry.exporter.otlp.proto.http.trace_exporter";
const GRPC_TARGET: &str = "opentelemetry.exporter.otlp.proto.grpc.exporter";

#[test]
fn http_is_tried_again_after_a_second_and_told_once() {
    lines::collect();
    let server = Server::start(Speaks::Http1, vec![Answer::http(503), Answer::http(200)]);
    let start = Instant::now();
    build(to(Protocol::HttpProtobuf, server.port)).export(&batch("a")).unwrap();
    let took = start.elapsed().as_secs_f64();
    assert!((0.8..1.6).contains(&took), "{took}");
    assert_eq!(server.count(), 2);
    let lines = lines::with(&server.port.to_string());
    let (level, target, line) = &lines[0];
    assert_eq!((*level, *target), (Level::Warning, HTTP_TARGET));
    assert!(
        line.starts_with("Transient error Service Unavailable encountered while exporting spans batch, retrying in "),
        "{line}"
    );
    assert_eq!((lines[1].0, lines.len()), (Level::Info, 2), "{lines:?}");
    assert!(lines[1].2.ends_with("works again."));
}

#[test]
fn retry_after_says_when() {
    let date = httpdate::fmt_http_date(std::time::SystemTime::now() - Duration::from_secs(60));
    for (value, code) in [("0".to_owned(), 429), ("0.1".to_owned(), 502), (date, 504)] {
        let answers = vec![Answer::http(code).header("retry-after", value), Answer::http(200)];
        let server = Server::start(Speaks::Http1, answers);
        let start = Instant::now();
        build(to(Protocol::HttpProtobuf, server.port)).export(&batch("a")).unwrap();
        assert!(start.elapsed() < Duration::from_millis(700));
        assert_eq!(server.count(), 2);
    }
}

#[test]
fn a_wait_beyond_the_timeout_ends_the_export_at_once() {
    let answers = vec![Answer::http(503).header("retry-after", "3600")];
    let server = Server::start(Speaks::Http1, answers);
    let start = Instant::now();
    let error = build(to(Protocol::HttpProtobuf, server.port)).export(&batch("a")).unwrap_err().to_string();
    assert!(start.elapsed() < Duration::from_millis(700));
    assert!(error.starts_with("Failed to export spans batch due to timeout, max retries or shutdown."), "{error}");
    assert!(error.contains("Service Unavailable"), "{error}");
    assert_eq!(server.count(), 1);
}

#[test]
fn tries_are_limited() {
    let answers = vec![Answer::http(503).header("retry-after", "0")];
    let server = Server::start(Speaks::Http1, answers);
    build(to(Protocol::HttpProtobuf, server.port)).export(&batch("a")).unwrap_err();
    assert_eq!(server.count(), 6);
}

#[test]
fn what_is_not_retryable_fails_at_once_with_a_remedy() {
    for (answer, part) in [
        (
            Answer::http(400).header("content-type", "text/plain").body("no\nspans"),
            "code: 400, reason: Bad Request (no spans)",
        ),
        (Answer::http(401), "OTEL_EXPORTER_OTLP_HEADERS"),
        (Answer::http(404), "does not take OTLP traces at /v1/traces: is this its port for OTLP over HTTP (4318 on"),
        (Answer::http(413), "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"),
        (
            Answer::http(302).header("location", "http://elsewhere/v1/traces"),
            "point the endpoint to http://elsewhere/v1/traces itself",
        ),
        (Answer::http(500), "code: 500, reason: Internal Server Error"),
    ] {
        let server = Server::start(Speaks::Http1, vec![answer]);
        let error = build(to(Protocol::HttpProtobuf, server.port)).export(&batch("a")).unwrap_err().to_string();
        assert!(error.starts_with("Failed to export spans batch code: "), "{error}");
        assert!(error.contains(part), "{error}");
        assert_eq!(server.count(), 1);
    }
}

#[test]
fn an_endpoint_without_the_path_is_told() {
    let server = Server::start(Speaks::Http1, vec![Answer::http(404)]);
    let exporter = build(to(Protocol::HttpJson, server.port).endpoint(format!("http://127.0.0.1:{}", server.port)));
    let error = exporter.export(&batch("a")).unwrap_err().to_string();
    assert!(
        error.contains("code: 404, reason: Not Found") && error.contains("the path is usually /v1/traces"),
        "{error}"
    );
}

#[test]
fn grpc_retry_info_says_when() {
    lines::collect();
    // google.rpc.Status { code: 8, details: [Any { RetryInfo { retry_delay: 50 ms } }] }
    let info = [0x0a, 5, 0x10, 0x80, 0xe1, 0xeb, 0x17];
    let mut any = vec![0x0a, 40];
    any.extend_from_slice(b"type.googleapis.com/google.rpc.RetryInfo");
    any.extend_from_slice(&[0x12, info.len() as u8]);
    any.extend_from_slice(&info);
    let mut status = vec![0x08, 8, 0x1a, any.len() as u8];
    status.extend_from_slice(&any);
    let details = base64::engine::general_purpose::STANDARD_NO_PAD.encode(status);
    let alone = base64::engine::general_purpose::STANDARD.encode(info);
    for (code, name, value) in [
        (8, "grpc-status-details-bin", details.clone()),
        (14, "grpc-status-details-bin", details),
        (14, "google.rpc.retryinfo-bin", alone),
    ] {
        let busy = Answer::grpc(code).trailer(name, value).trailer("grpc-message", "come%20again");
        let server = Server::start(Speaks::Http2, vec![busy, Answer::grpc(0)]);
        let start = Instant::now();
        build(to(Protocol::Grpc, server.port)).export(&batch("a")).unwrap();
        assert!(start.elapsed() < Duration::from_millis(700));
        assert_eq!(server.count(), 2);
        let (_, target, line) = lines::with(&server.port.to_string()).remove(0);
        assert_eq!(target, GRPC_TARGET);
        let code = if code == 8 { "RESOURCE_EXHAUSTED" } else { "UNAVAILABLE" };
        let begin = format!(
            "Transient error StatusCode.{code} encountered while exporting traces to 127.0.0.1:{}, retrying in 0.05s. \
             Error details: come again",
            server.port
        );
        assert!(line.starts_with(&begin), "{line}");
    }
}

#[test]
fn grpc_codes_are_retried_as_the_specification_says() {
    let start = Instant::now();
    for code in [2, 3, 5, 6, 7, 8, 9, 12, 13, 16] {
        let server = Server::start(Speaks::Http2, vec![Answer::grpc(code).trailer("grpc-message", "why")]);
        let error = build(to(Protocol::Grpc, server.port)).export(&batch("a")).unwrap_err().to_string();
        assert!(
            error
                .starts_with(&format!("Failed to export traces to 127.0.0.1:{}, error code: StatusCode.", server.port)),
            "{error}"
        );
        assert!(error.contains("error details: why"), "{error}");
        assert_eq!(server.count(), 1);
    }
    assert!(start.elapsed() < Duration::from_secs(3));
    std::thread::scope(|scope| {
        for code in [1, 4, 10, 11, 14, 15] {
            scope.spawn(move || {
                let server = Server::start(Speaks::Http2, vec![Answer::grpc(code), Answer::grpc(0)]);
                build(to(Protocol::Grpc, server.port)).export(&batch("a")).unwrap();
                assert_eq!(server.count(), 2);
            });
        }
    });
}

#[test]
fn retryable_grpc_codes_can_be_chosen() {
    let server = Server::start(Speaks::Http2, vec![Answer::grpc(14)]);
    build(to(Protocol::Grpc, server.port).retryable_codes([13])).export(&batch("a")).unwrap_err();
    assert_eq!(server.count(), 1);
}

#[test]
fn shutdown_ends_a_wait_and_refuses_later_batches() {
    lines::collect();
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        let exporter = build(to(protocol, closed_port()));
        let start = Instant::now();
        std::thread::scope(|scope| {
            let export = scope.spawn(|| exporter.export(&batch("a")));
            std::thread::sleep(Duration::from_millis(200));
            exporter.shutdown();
            let error = export.join().unwrap().unwrap_err();
            assert!(error.is_shutdown());
        });
        assert!(start.elapsed() < Duration::from_millis(700), "{:?}", start.elapsed());
        assert!(exporter.export(&batch("b")).unwrap_err().is_shutdown());
        assert!(exporter.is_shutdown());
        exporter.shutdown();
    }
    for line in [
        "Shutdown in progress, aborting retry.",
        "Exporter already shutdown, ignoring batch",
        "Exporter already shutdown, ignoring call",
    ] {
        assert!(lines::with(line).len() >= 2, "{line}");
    }
}

#[test]
fn shutdown_ends_a_request_without_an_answer_soon() {
    let server = Server::start(Speaks::Http1, vec![Answer::http(200).after(Duration::from_secs(30))]);
    let exporter = build(to(Protocol::HttpProtobuf, server.port));
    let start = Instant::now();
    std::thread::scope(|scope| {
        let export = scope.spawn(|| exporter.export(&batch("a")));
        std::thread::sleep(Duration::from_millis(100));
        assert!(!exporter.force_flush(Duration::from_millis(50)));
        exporter.shutdown();
        assert!(start.elapsed() < Duration::from_millis(500), "shutdown itself does not wait");
        assert!(export.join().unwrap().unwrap_err().is_shutdown());
    });
    assert!(start.elapsed() < Duration::from_secs(3));
    assert!(exporter.force_flush(Duration::from_secs(1)));
}

#[test]
fn a_partial_success_is_told_once() {
    lines::collect();
    // ExportTraceServiceResponse { partial_success: { rejected_spans: 1, error_message: "too old" } }
    let mut protobuf = vec![0x0a, 11, 0x08, 1, 0x12, 7];
    protobuf.extend_from_slice(b"too old");
    let mut grpc = vec![0, 0, 0, 0, protobuf.len() as u8];
    grpc.extend_from_slice(&protobuf);
    let json = br#"{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}"#;
    for (protocol, speaks, answer) in [
        (
            Protocol::HttpProtobuf,
            Speaks::Http1,
            Answer::http(200).header("content-type", "application/x-protobuf").body(protobuf.clone()),
        ),
        (
            Protocol::HttpJson,
            Speaks::Http1,
            Answer::http(200).header("content-type", "application/json").body(json.to_vec()),
        ),
        (
            Protocol::Grpc,
            Speaks::Http2,
            Answer::http(200).header("content-type", "application/grpc").body(grpc).trailer("grpc-status", "0"),
        ),
    ] {
        let server = Server::start(speaks, vec![answer]);
        let exporter = build(to(protocol, server.port));
        for _ in 0..3 {
            exporter.export(&batch("a")).unwrap();
        }
        assert_eq!(server.count(), 3, "a partial success is not tried again");
        let lines = lines::with(&server.port.to_string());
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0].0, Level::Warning);
        assert!(lines[0].2.contains("rejected 1 spans") && lines[0].2.ends_with("too old"), "{lines:?}");
    }
}
