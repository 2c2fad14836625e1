//! Servers that are dead, slow, mistaken or hostile.

use std::io::Write;
use std::time::{Duration, Instant};

use ferrotel::sdk::trace::SpanExporter;
use ferrotel_otlp::Protocol;

use super::server::{Answer, Server, Speaks, closed_port, raw, say};
use super::{batch, build, lines, to};

const SHORT: Duration = Duration::from_millis(400);

#[test]
fn a_black_hole_costs_the_timeout_and_no_more() {
    let port = raw(|_, stream| std::mem::forget(stream));
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        let exporter = build(to(protocol, port).timeout(SHORT));
        let start = Instant::now();
        let error = exporter.export(&batch("a")).unwrap_err().to_string();
        let took = start.elapsed();
        assert!(took >= SHORT && took < 2 * SHORT, "{took:?}");
        assert!(error.contains("No answer came within 400ms"), "{error}");
        if protocol == Protocol::Grpc {
            assert!(error.contains("error code: StatusCode.DEADLINE_EXCEEDED"), "{error}");
        }
    }
}

#[test]
fn nobody_listening_is_told() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        let port = closed_port();
        let error = build(to(protocol, port).timeout(SHORT)).export(&batch("a")).unwrap_err().to_string();
        assert!(error.contains(&format!("Nothing listens at 127.0.0.1:{port}")), "{error}");
    }
}

#[test]
fn an_outage_is_told_once_until_it_is_over() {
    lines::collect();
    let port = closed_port();
    let exporter = build(to(Protocol::HttpProtobuf, port).timeout(Duration::from_millis(1300)));
    exporter.export(&batch("a")).unwrap_err();
    exporter.export(&batch("b")).unwrap_err();
    let lines = lines::with(&format!(":{port}"));
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[test]
fn a_host_that_does_not_exist_is_told() {
    let exporter = ferrotel_otlp::SpanExporterBuilder::new(Protocol::Grpc)
        .endpoint("http://collector.invalid:4317")
        .timeout(SHORT)
        .build_with(&ferrotel::config::MapEnv::default())
        .unwrap();
    let error = exporter.export(&batch("a")).unwrap_err().to_string();
    assert!(error.contains("could not be resolved") || error.contains("Deadline Exceeded"), "{error}");
}

#[test]
fn a_reset_connection_is_tried_again() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        let port = raw(|_, stream| {
            let linger = libc::linger { l_onoff: 1, l_linger: 0 };
            // SAFETY: the descriptor is open, and the option's value has the type and size that it needs.
            unsafe {
                libc::setsockopt(
                    std::os::fd::AsRawFd::as_raw_fd(&stream),
                    libc::SOL_SOCKET,
                    libc::SO_LINGER,
                    (&raw const linger).cast(),
                    size_of::<libc::linger>() as libc::socklen_t,
                );
            }
        });
        let start = Instant::now();
        build(to(protocol, port).timeout(SHORT)).export(&batch("a")).unwrap_err();
        assert!(start.elapsed() < 2 * SHORT);
    }
}

#[test]
fn an_answer_of_hostile_size_is_not_read() {
    // A body without an end.
    let port = raw(|_, mut stream| {
        say(stream.try_clone().unwrap(), b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\n\r\n");
        let chunk = [0; 65536];
        let start = Instant::now();
        while stream.write_all(&chunk).is_ok() {
            assert!(start.elapsed() < Duration::from_secs(5), "the client goes on reading");
        }
    });
    let exporter = build(to(Protocol::HttpProtobuf, port));
    let start = Instant::now();
    exporter.export(&batch("a")).unwrap();
    assert!(start.elapsed() < Duration::from_secs(2));

    // Headers without an end.
    let port = raw(|_, mut stream| {
        say(stream.try_clone().unwrap(), b"HTTP/1.1 200 OK\r\nx: ");
        while stream.write_all(&[b'x'; 65536]).is_ok() {}
    });
    build(to(Protocol::HttpProtobuf, port).timeout(SHORT)).export(&batch("a")).unwrap_err();

    let huge = Answer::grpc(0).body(vec![0; 8 << 20]);
    let server = Server::start(Speaks::Http2, vec![huge]);
    let error = build(to(Protocol::Grpc, server.port)).export(&batch("a")).unwrap_err().to_string();
    assert!(error.contains("far too long"), "{error}");
}

#[test]
fn nonsense_is_an_error_and_nothing_more() {
    for bytes in [&b"\0\x01\x02garbage\r\n\r\n"[..], b"HTTP/1.1 99999 ?\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n", b""] {
        for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
            let port = raw(move |_, stream| say(stream, bytes));
            build(to(protocol, port).timeout(SHORT)).export(&batch("a")).unwrap_err();
        }
    }
    for (name, value) in [("grpc-status", "zero"), ("grpc-status", "-1"), ("grpc-status", "99"), ("x", "y")] {
        let answer = Answer::http(200).header("content-type", "application/grpc").trailer(name, value);
        let server = Server::start(Speaks::Http2, vec![answer.clone().trailer("grpc-status-details-bin", "!!!")]);
        let error = build(to(Protocol::Grpc, server.port)).export(&batch("a")).unwrap_err().to_string();
        assert!(error.contains("StatusCode.UNKNOWN"), "{error}");
    }
}
