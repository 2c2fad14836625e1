//! The exporter for one protocol at the port of the other.

use std::time::{Duration, Instant};

use ferrotel::sdk::trace::SpanExporter;
use ferrotel_otlp::Protocol;
use mock_collector::MockServer;

use super::server::{Answer, Server, Speaks, raw, say};
use super::{batch, build, to};

#[test]
fn grpc_at_an_http_port_says_which_port_to_use() {
    let bad_request = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let start = Instant::now();
    let error = build(to(Protocol::Grpc, raw(|_, stream| say(stream, bad_request)))).export(&batch("a")).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("4317") && error.contains("This looks like an OTLP/HTTP port"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(1), "trying again cannot help");

    let bare_page = b"<!DOCTYPE HTML>\n<p>Error code: 505</p>\n";
    let error = build(to(Protocol::Grpc, raw(|_, stream| say(stream, bare_page)))).export(&batch("a")).unwrap_err();
    assert!(error.to_string().contains("This looks like an OTLP/HTTP port"), "{error}");

    // A server that knows HTTP/2 and does not want it closes without a word.
    let server = Server::start(Speaks::Http1, vec![Answer::http(404)]);
    let exporter = build(to(Protocol::Grpc, server.port).timeout(Duration::from_millis(300)));
    let error = exporter.export(&batch("a")).unwrap_err().to_string();
    assert!(error.contains("without a word: is this its port for gRPC (4317"), "{error}");
}

#[test]
fn http_at_a_grpc_port_says_which_port_to_use() {
    for protocol in [Protocol::HttpProtobuf, Protocol::HttpJson] {
        let server = Server::start(Speaks::Http2, vec![Answer::grpc(0)]);
        let start = Instant::now();
        let error = build(to(protocol, server.port)).export(&batch("a")).unwrap_err().to_string();
        assert!(error.contains("4318") && error.contains("This looks like an OTLP/gRPC port"), "{error}");
        assert!(start.elapsed() < Duration::from_secs(1), "trying again cannot help");
    }
}

#[test]
fn collectors_of_others_are_recognised_too() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let start = |protocol| runtime.block_on(MockServer::builder().protocol(protocol).start()).unwrap();

    let http = start(mock_collector::Protocol::HttpBinary);
    let error = build(to(Protocol::Grpc, http.addr().port())).export(&batch("a")).unwrap_err().to_string();
    assert!(error.contains("This looks like an OTLP/HTTP port"), "{error}");

    let grpc = start(mock_collector::Protocol::Grpc);
    let error = build(to(Protocol::HttpProtobuf, grpc.addr().port())).export(&batch("a")).unwrap_err().to_string();
    assert!(error.contains("This looks like an OTLP/gRPC port"), "{error}");
}
