//! Metrics and log records arrive whole, over every protocol and compression; what differs from spans.

use std::sync::Arc;
use std::time::Duration;

use ferrotel::api::trace::{SpanId, TraceFlags, TraceId};
use ferrotel::common::diagnostics::Level;
use ferrotel::common::{Attributes, Scope, Value};
use ferrotel::config::MapEnv;
use ferrotel::resource::Resource;
use ferrotel::sdk::logs::{FinishedLogRecord, LogRecordData, LogRecordExporter};
use ferrotel::sdk::metrics::{
    Buckets, Exemplar, ExponentialHistogramPoint, HistogramPoint, Metric, MetricData, MetricExporter, MetricsData,
    Number, NumberPoint, ResourceMetrics, ScopeMetrics, Temporality,
};
use ferrotel_otlp::{
    Compression, Exported, ExporterBuilder, LogRecordExporterBuilder, MetricExporterBuilder, OtlpExporter, Protocol,
    encode,
};
use mock_collector::{MockServer, ServerHandle};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use prost::Message;

use super::lines;
use super::server::{Answer, Server, Speaks};

const PROTOCOLS: [(Protocol, mock_collector::Protocol); 3] = [
    (Protocol::Grpc, mock_collector::Protocol::Grpc),
    (Protocol::HttpProtobuf, mock_collector::Protocol::HttpBinary),
    (Protocol::HttpJson, mock_collector::Protocol::HttpJson),
];

/// Exports twice over every protocol and compression, and hands the collector to `check`.
fn everywhere<S: Exported>(
    path: &str,
    export: impl Fn(&OtlpExporter<S>),
    check: impl Fn(&tokio::runtime::Runtime, &ServerHandle, &str),
) {
    for (protocol, speaks) in PROTOCOLS {
        for compression in [Compression::None, Compression::Gzip] {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            let server = runtime.block_on(MockServer::builder().protocol(speaks).start()).unwrap();
            let builder = to(protocol, server.addr().port(), path).compression(compression);
            let exporter = builder.build_with(&MapEnv::default()).unwrap();
            for _ in 0..2 {
                export(&exporter);
            }
            check(&runtime, &server, &format!("{protocol} {compression}"));
        }
    }
}

fn to<S: Exported>(protocol: Protocol, port: u16, path: &str) -> ExporterBuilder<S> {
    ExporterBuilder::new(protocol).endpoint(match protocol {
        Protocol::Grpc => format!("http://127.0.0.1:{port}"),
        _ => format!("http://127.0.0.1:{port}/{path}"),
    })
}

#[test]
fn a_collector_gets_every_field_of_metrics() {
    let data = metrics();
    let expected = ExportMetricsServiceRequest::decode(encode::metrics::encode(&data).as_slice()).unwrap();
    let group = &expected.resource_metrics[0];
    let expected = &group.scope_metrics[0].metrics;
    everywhere(
        "v1/metrics",
        |exporter| MetricExporter::export(exporter, &data).unwrap(),
        |runtime, server, how| {
            runtime.block_on(server.wait_for_metrics(2 * expected.len(), Duration::from_secs(5))).unwrap();
            runtime.block_on(server.with_collector(|collector| {
                for (at, arrived) in collector.metrics().iter().enumerate() {
                    assert_eq!(arrived.metric(), &expected[at % expected.len()], "{how}");
                    assert_eq!(arrived.resource_attrs(), group.resource.as_ref().unwrap().attributes);
                    assert_eq!(arrived.scope_attrs(), group.scope_metrics[0].scope.as_ref().unwrap().attributes);
                }
            }));
        },
    );
}

#[test]
fn a_collector_gets_every_field_of_log_records() {
    let batch = records();
    let expected = ExportLogsServiceRequest::decode(encode::logs::encode(&batch).as_slice()).unwrap();
    let group = &expected.resource_logs[0];
    let expected = &group.scope_logs[0].log_records;
    everywhere(
        "v1/logs",
        |exporter| LogRecordExporter::export(exporter, &batch).unwrap(),
        |runtime, server, how| {
            runtime.block_on(server.wait_for_logs(2 * expected.len(), Duration::from_secs(5))).unwrap();
            runtime.block_on(server.with_collector(|collector| {
                for (at, arrived) in collector.logs().iter().enumerate() {
                    assert_eq!(arrived.log_record(), &expected[at % expected.len()], "{how}");
                    assert_eq!(arrived.resource_attrs(), group.resource.as_ref().unwrap().attributes);
                    assert_eq!(arrived.scope_attrs(), group.scope_logs[0].scope.as_ref().unwrap().attributes);
                }
            }));
        },
    );
}

#[test]
fn a_large_collection_is_sent_in_parts() {
    let point = |value| NumberPoint {
        attributes: Arc::default(),
        start_time: None,
        time: 1,
        value: Number::Int(value),
        exemplars: Vec::new(),
    };
    let gauge = |from: i64, to: i64| Metric {
        name: "m".into(),
        description: "".into(),
        unit: "".into(),
        data: MetricData::Gauge { points: (from..to).map(point).collect() },
    };
    let of_scope = |name: &str, metrics| ScopeMetrics { scope: Arc::new(Scope::new(name)), metrics };
    let of_resource = |scope_metrics| ResourceMetrics { resource: Arc::default(), scope_metrics };
    let data = MetricsData {
        resource_metrics: vec![
            of_resource(vec![of_scope("a", vec![gauge(0, 7), gauge(7, 7), gauge(7, 9)]), of_scope("none", vec![])]),
            of_resource(vec![of_scope("b", vec![gauge(9, 13)])]),
        ],
    };
    let server = Server::start(Speaks::Http1, vec![Answer::http(200)]);
    let builder: MetricExporterBuilder = to(Protocol::HttpProtobuf, server.port, "v1/metrics");
    let exporter = builder.max_export_batch_size(5).build_with(&MapEnv::default()).unwrap();
    MetricExporter::export(&exporter, &data).unwrap();
    let received = server.received.lock().unwrap();
    let parts: Vec<Vec<(String, Vec<i64>)>> = received
        .iter()
        .map(|request| {
            let request = ExportMetricsServiceRequest::decode(request.body.as_slice()).unwrap();
            let scopes = request.resource_metrics.into_iter().flat_map(|group| group.scope_metrics);
            scopes
                .flat_map(|group| group.metrics.into_iter().map(move |metric| (group.scope.clone(), metric)))
                .map(|(scope, metric)| (scope.unwrap().name, values(&metric)))
                .collect()
        })
        .collect();
    let (a, b) =
        (|values: &[i64]| ("a".to_owned(), values.to_vec()), |values: &[i64]| ("b".to_owned(), values.to_vec()));
    assert_eq!(parts, [vec![a(&[0, 1, 2, 3, 4])], vec![a(&[5, 6]), a(&[7, 8]), b(&[9])], vec![b(&[10, 11, 12])]]);
}

fn values(metric: &opentelemetry_proto::tonic::metrics::v1::Metric) -> Vec<i64> {
    use opentelemetry_proto::tonic::metrics::v1::{metric::Data, number_data_point::Value};
    let Some(Data::Gauge(gauge)) = &metric.data else { panic!("no gauge") };
    let ints = gauge.data_points.iter().map(|point| match point.value {
        Some(Value::AsInt(value)) => value,
        _ => panic!("no integer"),
    });
    ints.collect()
}

#[test]
fn a_part_that_is_refused_ends_the_rest_over_http_only() {
    let data = metrics();
    for (protocol, speaks, answers, requests) in [
        (Protocol::HttpProtobuf, Speaks::Http1, vec![Answer::http(400), Answer::http(200)], 1),
        (Protocol::Grpc, Speaks::Http2, vec![Answer::grpc(3), Answer::grpc(0)], 5),
    ] {
        let server = Server::start(speaks, answers);
        let builder: MetricExporterBuilder = to(protocol, server.port, "v1/metrics");
        let exporter = builder.max_export_batch_size(1).build_with(&MapEnv::default()).unwrap();
        assert!(MetricExporter::export(&exporter, &data).is_err());
        assert_eq!(server.count(), requests, "{protocol}");
    }
}

#[test]
fn what_a_server_rejects_is_told_in_the_signals_words() {
    lines::collect();
    // ExportMetricsPartialSuccess and ExportLogsPartialSuccess: field 1 the count, field 2 the message.
    let partial = vec![0x0a, 7, 0x08, 2, 0x12, 3, b'w', b'h', b'y'];
    let answer = Answer::http(200).header("content-type", "application/x-protobuf").body(partial);
    let server = Server::start(Speaks::Http1, vec![answer]);
    let metric_exporter: OtlpExporter<_> =
        to(Protocol::HttpProtobuf, server.port, "v1/metrics").build_with(&MapEnv::default()).unwrap();
    MetricExporter::export(&metric_exporter, &metrics()).unwrap();
    let log_exporter: OtlpExporter<_> =
        to(Protocol::HttpProtobuf, server.port, "v1/logs").build_with(&MapEnv::default()).unwrap();
    LogRecordExporter::export(&log_exporter, &records()).unwrap();
    let told = lines::with(&format!("127.0.0.1:{}", server.port));
    let expected = |path: &str, items: &str, module: &str| {
        let line = format!(
            "Partial success: http://127.0.0.1:{}/{path} rejected 2 {items} of a batch and accepted the rest. Its \
             reason: why",
            server.port
        );
        let target = format!("opentelemetry.exporter.otlp.proto.http.{module}");
        (Level::Warning, target, line)
    };
    let told: Vec<_> = told.into_iter().map(|(level, target, line)| (level, target.to_owned(), line)).collect();
    assert_eq!(
        told,
        [expected("v1/metrics", "metrics", "metric_exporter"), expected("v1/logs", "logs", "_log_exporter")]
    );
}

#[test]
fn a_request_that_is_too_large_is_dropped_with_the_signals_remedy() {
    let metric_exporter = MetricExporterBuilder::new(Protocol::HttpProtobuf).max_request_size(10);
    let error =
        MetricExporter::export(&metric_exporter.build_with(&MapEnv::default()).unwrap(), &metrics()).unwrap_err();
    assert!(error.to_string().starts_with("Dropping metrics batch: serialized size "), "{error}");
    assert!(error.to_string().contains("max_export_batch_size"), "{error}");
    let log_exporter = LogRecordExporterBuilder::new(Protocol::Grpc).max_request_size(10);
    let error =
        LogRecordExporter::export(&log_exporter.build_with(&MapEnv::default()).unwrap(), &records()).unwrap_err();
    assert!(error.to_string().starts_with("Dropping logs batch: serialized size "), "{error}");
    assert!(error.to_string().contains("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE"), "{error}");
}

#[test]
fn shutdown_refuses_what_comes_later() {
    let exporter = LogRecordExporterBuilder::new(Protocol::Grpc).build_with(&MapEnv::default()).unwrap();
    LogRecordExporter::shutdown(&exporter);
    assert!(LogRecordExporter::export(&exporter, &records()).unwrap_err().is_shutdown());
    let builder = MetricExporterBuilder::new(Protocol::Grpc).max_export_batch_size(1);
    let exporter = builder.build_with(&MapEnv::default()).unwrap();
    MetricExporter::shutdown(&exporter);
    assert!(MetricExporter::export(&exporter, &metrics()).unwrap_err().is_shutdown());
    assert!(MetricExporter::force_flush(&exporter, Duration::ZERO));
}

fn origin() -> (Arc<Resource>, Arc<Scope>) {
    let resource = Resource {
        attributes: [("service.name", Value::from("shop")), ("n", Value::Int(3))].into_iter().collect(),
        ..Resource::default()
    };
    let scope = Scope {
        version: "1.2".into(),
        attributes: [("scope", Value::Bool(true))].into_iter().collect(),
        ..Scope::new("shop.orders")
    };
    (Arc::new(resource), Arc::new(scope))
}

/// Five points of every kind.
fn metrics() -> MetricsData {
    let attributes = Arc::new([("route", Value::from("/orders"))].into_iter().collect::<Attributes>());
    let exemplar = Exemplar {
        filtered_attributes: [("user", Value::Int(3))].into_iter().collect(),
        value: Number::Double(0.25),
        time: 1_700_000_000_000_000_003,
        span: Some((TraceId(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c), SpanId(2))),
    };
    let (start_time, time) = (1_700_000_000_000_000_001, 1_700_000_000_250_000_001);
    let number = |value| NumberPoint {
        attributes: attributes.clone(),
        start_time: Some(start_time),
        time,
        value,
        exemplars: vec![exemplar.clone()],
    };
    let histogram = HistogramPoint {
        attributes: attributes.clone(),
        start_time,
        time,
        count: 3,
        sum: Number::Double(6.5),
        min: Some(Number::Double(0.25)),
        max: Some(Number::Int(5)),
        bounds: [0.5, 5.0].into(),
        bucket_counts: vec![1, 2, 0],
        exemplars: vec![exemplar.clone()],
    };
    let exponential = ExponentialHistogramPoint {
        attributes: attributes.clone(),
        start_time,
        time,
        count: 4,
        sum: Number::Double(-0.5),
        min: None,
        max: None,
        scale: -3,
        zero_count: 1,
        zero_threshold: 0.125,
        flags: 1,
        positive: Buckets { offset: -7, counts: vec![1, 0, 300] },
        negative: Buckets { offset: 2, counts: vec![1] },
        exemplars: vec![exemplar.clone()],
    };
    let (delta, cumulative) = (Temporality::Delta, Temporality::Cumulative);
    let metric = |name: &str, data| Metric { name: name.into(), description: "what".into(), unit: "ms".into(), data };
    let points = vec![number(Number::Int(-7)), number(Number::Double(0.1))];
    let metrics = vec![
        metric("sum", MetricData::Sum { points, temporality: cumulative, monotonic: true }),
        metric("gauge", MetricData::Gauge { points: vec![number(Number::Int(1 << 60))] }),
        metric("histogram", MetricData::Histogram { points: vec![histogram], temporality: delta }),
        metric("exponential", MetricData::ExponentialHistogram { points: vec![exponential], temporality: cumulative }),
    ];
    let (resource, scope) = origin();
    MetricsData {
        resource_metrics: vec![ResourceMetrics { resource, scope_metrics: vec![ScopeMetrics { scope, metrics }] }],
    }
}

fn records() -> Vec<FinishedLogRecord> {
    let (resource, scope) = origin();
    let list = Value::Array([Value::from("x"), Value::Int(1), Value::Double(2.5)].into());
    let mut attributes: Attributes =
        [("text", Value::from("grün \"quoted\"\n")), ("bytes", Value::Bytes([0, 255].into()))].into_iter().collect();
    attributes.set_dropped(2);
    let full = LogRecordData {
        timestamp: 1_700_000_000_000_000_001,
        observed_timestamp: 1_700_000_000_000_000_005,
        trace_id: TraceId(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c),
        span_id: SpanId(2),
        trace_flags: TraceFlags::SAMPLED,
        severity_number: 17,
        severity_text: "ERROR".into(),
        body: Value::Map([("list".into(), list), ("map".into(), Value::Map([].into()))].into()),
        event_name: "order.failed".into(),
        attributes,
        resource: resource.clone(),
        scope: scope.clone(),
    };
    let plain =
        LogRecordData { body: "plain".into(), observed_timestamp: 5, resource, scope, ..LogRecordData::default() };
    vec![FinishedLogRecord::new(full), FinishedLogRecord::new(plain)]
}
