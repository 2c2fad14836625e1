//! Spans arrive whole, over every protocol and compression.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ferrotel::api::trace::{SpanContext, SpanId, SpanKind, Status, TraceId, TraceState};
use ferrotel::common::{Scope, Value};
use ferrotel::config::MapEnv;
use ferrotel::resource::Resource;
use ferrotel::sdk::trace::{Bounded, Event, FinishedSpan, Link, SpanData, SpanExporter};
use ferrotel_otlp::{Compression, Protocol, SpanExporterBuilder, encode};
use mock_collector::MockServer;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

use super::server::{Answer, Server, Speaks, raw, say};
use super::{batch, build, lines, to};

#[test]
fn a_collector_gets_every_field_over_every_protocol() {
    for (protocol, server) in [
        (Protocol::Grpc, mock_collector::Protocol::Grpc),
        (Protocol::HttpProtobuf, mock_collector::Protocol::HttpBinary),
        (Protocol::HttpJson, mock_collector::Protocol::HttpJson),
    ] {
        for compression in [Compression::None, Compression::Gzip] {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            let server = runtime.block_on(MockServer::builder().protocol(server).start()).unwrap();
            let exporter = build(to(protocol, server.addr().port()).compression(compression));
            let batch = rich();
            for _ in 0..2 {
                exporter.export(&batch).unwrap();
            }
            runtime.block_on(server.wait_for_spans(2 * batch.len(), Duration::from_secs(5))).unwrap();
            let expected = ExportTraceServiceRequest::decode(encode::traces::encode(&batch).as_slice()).unwrap();
            let group = &expected.resource_spans[0];
            let expected: Vec<_> = group.scope_spans[0].spans.clone();
            runtime.block_on(server.with_collector(|collector| {
                for (at, arrived) in collector.spans().iter().enumerate() {
                    assert_eq!(arrived.span(), &expected[at % expected.len()], "{protocol} {compression}");
                    assert_eq!(arrived.resource_attrs(), group.resource.as_ref().unwrap().attributes);
                    assert_eq!(arrived.scope_attrs(), group.scope_spans[0].scope.as_ref().unwrap().attributes);
                }
            }));
        }
    }
}

#[test]
fn requests_are_what_the_specification_says() {
    let http = Server::start(Speaks::Http1, vec![Answer::http(200)]);
    let headers = [("X-Team", "checkout"), ("bad name", "x"), ("x-lines", "a\nb"), ("content-length", "3")];
    let exporter = build(to(Protocol::HttpProtobuf, http.port).headers(headers).user_agent("OTel-OTLP-Exporter-X/1"));
    exporter.export(&batch("a")).unwrap();
    exporter.export(&batch("b")).unwrap();
    let received = http.received.lock().unwrap();
    assert_eq!((received[0].method.as_str(), received[0].path.as_str()), ("POST", "/v1/traces"));
    assert_eq!(received[0].headers["content-type"], "application/x-protobuf");
    assert_eq!(received[0].headers["x-team"], "checkout");
    let agent = received[0].headers["user-agent"].to_str().unwrap();
    assert!(agent.starts_with("OTel-OTLP-Exporter-X/1 ferrotel/"), "{agent}");
    assert!(!received[0].headers.contains_key("x-lines"));
    assert_eq!(received[1].body, encode::traces::encode(&batch("b")));
    assert_eq!(http.connections.load(Ordering::SeqCst), 1, "the connection is kept");

    let grpc = Server::start(Speaks::Http2, vec![Answer::grpc(0)]);
    let exporter = build(to(Protocol::Grpc, grpc.port).headers([("Api-Key", "k"), ("trace-bin", "ab")]));
    exporter.export(&batch("a")).unwrap();
    exporter.export(&batch("b")).unwrap();
    let received = grpc.received.lock().unwrap();
    assert!(received[0].path.ends_with("/opentelemetry.proto.collector.trace.v1.TraceService/Export"));
    for (name, value) in
        [("content-type", "application/grpc"), ("te", "trailers"), ("api-key", "k"), ("trace-bin", "YWI")]
    {
        assert_eq!(received[0].headers[name], value);
    }
    let timeout = received[0].headers["grpc-timeout"].to_str().unwrap();
    assert!(timeout.strip_suffix('m').unwrap().parse::<u64>().unwrap() > 9_000, "{timeout}");
    assert_eq!(received[1].body[5..], encode::traces::encode(&batch("b")));
    assert_eq!(grpc.connections.load(Ordering::SeqCst), 1, "the connection is kept");
}

#[test]
fn deflate_is_zlib_as_in_the_reference() {
    let server = Server::start(Speaks::Http1, vec![Answer::http(200)]);
    build(to(Protocol::HttpProtobuf, server.port).compression(Compression::Deflate)).export(&batch("a")).unwrap();
    let received = server.received.lock().unwrap();
    assert_eq!(received[0].headers["content-encoding"], "deflate");
    let mut body = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::ZlibDecoder::new(received[0].body.as_slice()), &mut body).unwrap();
    assert_eq!(body, encode::traces::encode(&batch("a")));
}

#[test]
fn an_http_endpoint_of_the_environment_gets_the_path_and_credentials_become_a_header() {
    let server = Server::start(Speaks::Http1, vec![Answer::http(200)]);
    let env = MapEnv::from([
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://user:secret@127.0.0.1:{}/base/", server.port)),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20b".to_owned()),
    ]);
    let exporter = SpanExporterBuilder::new(Protocol::HttpJson).build_with(&env).unwrap();
    exporter.export(&batch("a")).unwrap();
    let received = server.received.lock().unwrap();
    assert_eq!(received[0].path, "/base/v1/traces");
    assert_eq!(received[0].headers["authorization"], "Basic dXNlcjpzZWNyZXQ=");
    assert_eq!(received[0].headers["x-key"], "a b");
    assert_eq!(received[0].headers["content-type"], "application/json");
}

#[test]
fn a_batch_of_megabytes_arrives_whole() {
    let batch: Vec<_> = (0..400).flat_map(|at| batch(&format!("{at} {}", "x".repeat(10_000)))).collect();
    let expected = encode::traces::encode(&batch);
    for (protocol, speaks, answer, prefix) in [
        (Protocol::HttpProtobuf, Speaks::Http1, Answer::http(200), 0),
        (Protocol::Grpc, Speaks::Http2, Answer::grpc(0), 5),
    ] {
        let server = Server::start(speaks, vec![answer]);
        build(to(protocol, server.port)).export(&batch).unwrap();
        assert!(server.received.lock().unwrap()[0].body[prefix..] == expected, "{protocol}");
    }
}

#[test]
fn several_threads_may_export() {
    let server = Server::start(Speaks::Http2, vec![Answer::grpc(0)]);
    let exporter = build(to(Protocol::Grpc, server.port));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..10).for_each(|_| exporter.export(&batch("a")).unwrap()));
        }
    });
    assert_eq!(server.count(), 40);
}

#[test]
fn exports_go_side_by_side_as_long_as_the_server_accepts_them() {
    for (protocol, speaks, good, bad) in [
        (Protocol::HttpProtobuf, Speaks::Http1, Answer::http(200), Answer::http(400)),
        (Protocol::Grpc, Speaks::Http2, Answer::grpc(0), Answer::grpc(3)),
    ] {
        const DELAY: Duration = Duration::from_millis(200);
        let slow = good.after(DELAY);
        let answers = [vec![slow.clone(); 9], vec![bad, slow]].concat();
        let server = Server::start(speaks, answers);
        let exporter = build(to(protocol, server.port));
        let exports = |count| {
            let start = Instant::now();
            std::thread::scope(|scope| {
                (0..count).for_each(|_| drop(scope.spawn(|| exporter.export(&batch("a")).unwrap())));
            });
            start.elapsed()
        };
        assert_eq!(exporter.concurrency(), 1, "{protocol}: nobody knows the server yet");
        assert!(exports(2) >= 2 * DELAY, "{protocol}");
        assert_eq!(server.connections.load(Ordering::SeqCst), 1, "{protocol}");
        assert_eq!(exporter.concurrency(), 4, "{protocol}");
        let taken = exports(7);
        assert!(2 * DELAY <= taken && taken < 6 * DELAY, "{protocol}: {taken:?}");
        assert_eq!(server.connections.load(Ordering::SeqCst), 4, "{protocol}");
        exporter.export(&batch("refused")).unwrap_err();
        assert_eq!(exporter.concurrency(), 1, "{protocol}");
        assert!(exports(2) >= 2 * DELAY, "{protocol}: in trouble they take turns");
        assert_eq!(exporter.concurrency(), 4, "{protocol}");
    }
}

#[test]
fn a_flush_waits_for_what_is_under_way_and_not_for_what_comes_later() {
    let late = |millis| Answer::http(200).after(Duration::from_millis(millis));
    let answers = vec![Answer::http(200), late(400), late(1500)];
    let server = Server::start(Speaks::Http1, answers);
    let exporter = build(to(Protocol::HttpProtobuf, server.port));
    exporter.export(&batch("a")).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| exporter.export(&batch("slow")).unwrap());
        while server.count() < 2 {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(!exporter.force_flush(Duration::from_millis(20)));
        let flush = scope.spawn(|| exporter.force_flush(Duration::from_secs(10)));
        std::thread::sleep(Duration::from_millis(200));
        scope.spawn(|| exporter.export(&batch("later")).unwrap());
        assert!(flush.join().unwrap());
        assert!(!exporter.force_flush(Duration::ZERO), "the later one is still under way");
    });
    assert!(exporter.force_flush(Duration::ZERO));
}

#[test]
fn a_thread_of_somebody_elses_runtime_may_export() {
    let server = Server::start(Speaks::Http1, vec![Answer::http(200)]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let exporter = build(to(Protocol::HttpProtobuf, server.port));
        exporter.export(&batch("a")).unwrap();
        drop(exporter);
    });
    assert_eq!(server.count(), 1);
}

#[test]
fn a_connection_that_the_server_closed_meanwhile_costs_nothing() {
    lines::collect();
    const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let connections = Arc::new(AtomicUsize::new(0));
    let seen = connections.clone();
    // Closes after every answer without saying so.
    let port = raw(move |_, stream| {
        seen.fetch_add(1, Ordering::SeqCst);
        say(stream, OK);
    });
    let exporter = build(to(Protocol::HttpProtobuf, port));
    for _ in 0..5 {
        exporter.export(&batch("a")).unwrap();
    }
    assert_eq!(connections.load(Ordering::SeqCst), 5);
    assert_eq!(lines::with(&port.to_string()), []);
}

#[test]
fn a_server_that_was_started_again_meanwhile_costs_nothing() {
    lines::collect();
    for (protocol, speaks, answer) in
        [(Protocol::HttpProtobuf, Speaks::Http1, Answer::http(200)), (Protocol::Grpc, Speaks::Http2, Answer::grpc(0))]
    {
        let first = Server::start(speaks, vec![answer.clone()]);
        let port = first.port;
        let exporter = build(to(protocol, port));
        exporter.export(&batch("a")).unwrap();
        drop(first);
        let second = Server::start_at(port, speaks, vec![answer], None);
        exporter.export(&batch("b")).unwrap();
        assert_eq!(second.count(), 1);
        assert_eq!(lines::with(&port.to_string()), []);
    }
}

#[test]
fn a_request_that_is_too_large_is_dropped() {
    let server = Server::start(Speaks::Http1, vec![Answer::http(200)]);
    let exporter = build(to(Protocol::HttpProtobuf, server.port).max_request_size(10));
    let error = exporter.export(&batch("a")).unwrap_err().to_string();
    assert!(error.starts_with("Dropping span batch: serialized size "), "{error}");
    assert!(error.contains(" bytes exceeds max_request_size 10 bytes."), "{error}");
    assert_eq!(server.count(), 0);
}

fn rich() -> Vec<FinishedSpan> {
    let resource = Arc::new(Resource {
        attributes: [("service.name", Value::from("shop")), ("n", Value::Int(3))].into_iter().collect(),
        ..Resource::default()
    });
    let scope = Arc::new(Scope {
        version: "1.2".into(),
        attributes: [("scope", Value::Bool(true))].into_iter().collect(),
        ..Scope::new("shop.orders")
    });
    let context = |id: u64| SpanContext {
        trace_id: TraceId(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c),
        span_id: SpanId(id),
        trace_state: TraceState::from_header("a=1,b=2").unwrap(),
        ..SpanContext::default()
    };
    let attributes = [
        ("text", Value::from("grün \"quoted\"\n")),
        ("int", Value::Int(-7)),
        ("double", Value::Double(0.1)),
        ("bool", Value::Bool(false)),
        ("bytes", Value::Bytes([0, 255].into())),
        ("list", Value::Array([Value::from("x"), Value::Int(1), Value::Double(2.5)].into())),
        ("map", Value::Map([("k".into(), Value::from("v"))].into())),
        ("large", Value::BigInt("340282366920938463463374607431768211456".into())),
    ];
    let event = Event {
        name: "exception".into(),
        timestamp: 1_700_000_000_000_000_005,
        attributes: [("exception.type", "ValueError")].into_iter().collect(),
    };
    let link = Link { context: SpanContext { is_remote: true, ..context(9) }, attributes: Default::default() };
    let full = SpanData {
        context: context(2),
        parent: Some(context(1)),
        name: "POST /orders".into(),
        kind: SpanKind::Server,
        start_time: Some(1_700_000_000_000_000_001),
        end_time: Some(1_700_000_000_250_000_001),
        attributes: attributes.into_iter().collect(),
        events: Bounded { items: vec![event], dropped: 2 },
        links: Bounded { items: vec![link], dropped: 1 },
        status: Status::Error(Some("no stock".into())),
        scope: scope.clone(),
        resource: resource.clone(),
    };
    let plain = SpanData { context: context(3), name: "plain".into(), scope, resource, ..SpanData::default() };
    vec![FinishedSpan::new(full), FinishedSpan::new(plain)]
}
