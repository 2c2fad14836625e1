//! What an exporter is configured to: code before environment before default.

use std::time::Duration;

use ferrotel::config::MapEnv;
use ferrotel::sdk::logs::LogRecordExporter;
use ferrotel::sdk::metrics::{Aggregation, InstrumentKind, MetricExporter, Temporality};
use ferrotel::sdk::trace::SpanExporter;
use ferrotel_otlp::Protocol::{Grpc, HttpJson, HttpProtobuf};
use ferrotel_otlp::{
    Compression, HistogramAggregation, LogRecordExporterBuilder, MetricExporterBuilder, OtlpSpanExporter, Protocol,
    SpanExporterBuilder, TemporalityPreference,
};

fn from_env<const N: usize>(protocol: Protocol, variables: [(&str, &str); N]) -> OtlpSpanExporter {
    SpanExporterBuilder::new(protocol).build_with(&MapEnv::from(variables)).unwrap()
}

#[test]
fn defaults_are_the_specifications() {
    for (protocol, endpoint, insecure, size, kind) in [
        (Grpc, "localhost:4317", true, None, "otlp_grpc_span_exporter"),
        (HttpProtobuf, "http://localhost:4318/v1/traces", false, Some(64 << 20), "otlp_http_span_exporter"),
        (HttpJson, "http://localhost:4318/v1/traces", false, Some(64 << 20), "otlp_http_json_span_exporter"),
    ] {
        let exporter = from_env(protocol, []);
        assert_eq!(exporter.protocol(), protocol);
        assert_eq!(exporter.endpoint(), endpoint);
        assert_eq!(exporter.insecure(), insecure);
        assert_eq!(exporter.timeout(), Duration::from_secs(10));
        assert_eq!(exporter.compression(), Compression::None);
        assert_eq!(exporter.headers(), []);
        assert_eq!(exporter.max_request_size(), size);
        assert_eq!(exporter.component_type(), kind);
        assert!(!exporter.is_shutdown());
    }
    assert_eq!(from_env(Grpc, []).log_target(), "opentelemetry.exporter.otlp.proto.grpc.exporter");
    assert_eq!(from_env(HttpJson, []).log_target(), "opentelemetry.exporter.otlp.proto.http.trace_exporter");
}

#[test]
fn every_signal_has_its_own_defaults_and_variables() {
    let (metrics, logs) = (MetricExporterBuilder::new, LogRecordExporterBuilder::new);
    let empty = MapEnv::default();
    for (protocol, metric_kind, log_kind, log_target) in [
        (Grpc, "otlp_grpc_metric_exporter", "otlp_grpc_log_exporter", "grpc.exporter"),
        (HttpProtobuf, "otlp_http_metric_exporter", "otlp_http_log_exporter", "http._log_exporter"),
        (HttpJson, "otlp_http_json_metric_exporter", "otlp_http_json_log_exporter", "http._log_exporter"),
    ] {
        let exporter = metrics(protocol).build_with(&empty).unwrap();
        assert_eq!(exporter.component_type(), metric_kind);
        let log_exporter = logs(protocol).build_with(&empty).unwrap();
        assert_eq!(log_exporter.component_type(), log_kind);
        assert_eq!(log_exporter.log_target(), format!("opentelemetry.exporter.otlp.proto.{log_target}"));
        if protocol != Grpc {
            assert_eq!(exporter.endpoint(), "http://localhost:4318/v1/metrics");
            assert_eq!(exporter.log_target(), "opentelemetry.exporter.otlp.proto.http.metric_exporter");
            assert_eq!(log_exporter.endpoint(), "http://localhost:4318/v1/logs");
        }
    }
    let env = MapEnv::from([
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://general:1"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:1"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://metrics:1"),
        ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "2"),
        ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "a=b"),
        ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "gzip"),
    ]);
    let exporter = metrics(HttpProtobuf).build_with(&env).unwrap();
    assert_eq!((exporter.endpoint(), exporter.timeout()), ("http://metrics:1", Duration::from_secs(2)));
    assert_eq!((exporter.headers(), exporter.compression()), (&[][..], Compression::None));
    let exporter = logs(HttpProtobuf).build_with(&env).unwrap();
    assert_eq!((exporter.endpoint(), exporter.timeout()), ("http://general:1/v1/logs", Duration::from_secs(10)));
    assert_eq!(exporter.headers(), [("a".to_owned(), "b".to_owned())]);
    assert_eq!(exporter.compression(), Compression::Gzip);
}

#[test]
fn what_readers_are_asked_for_is_said_by_code_then_by_the_environment() {
    use TemporalityPreference::{Cumulative, Delta, LowMemory};
    let with = |word: &str| {
        let env = MapEnv::from([("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", word)]);
        MetricExporterBuilder::new(Grpc).build_with(&env).unwrap().temporality_preference()
    };
    for (word, preference) in [
        ("", Cumulative),
        ("DELTA", Delta),
        (" LowMemory ", LowMemory),
        ("cumulative", Cumulative),
        ("half", Cumulative),
    ] {
        assert_eq!(with(word), preference);
    }
    assert_eq!(Delta.of_counters_and_histograms(), Temporality::Delta);
    assert_eq!(Delta.of_observable_counters(), Temporality::Delta);
    assert_eq!(LowMemory.of_counters_and_histograms(), Temporality::Delta);
    assert_eq!(LowMemory.of_observable_counters(), Temporality::Cumulative);
    assert_eq!(Cumulative.of_counters_and_histograms(), Temporality::Cumulative);

    let variable = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";
    let env = MapEnv::from([(variable, "base2_exponential_bucket_histogram")]);
    let builder = MetricExporterBuilder::new(Grpc);
    let exporter = builder.clone().build_with(&env).unwrap();
    assert_eq!(exporter.default_histogram_aggregation(), HistogramAggregation::Base2ExponentialBucket);
    let exporter = builder.clone().build_with(&MapEnv::from([(variable, "buckets")])).unwrap();
    assert_eq!(exporter.default_histogram_aggregation(), HistogramAggregation::ExplicitBucket);
    let builder = builder.temporality_preference(Delta).max_export_batch_size(0);
    let exporter =
        builder.default_histogram_aggregation(HistogramAggregation::ExplicitBucket).build_with(&env).unwrap();
    assert_eq!(exporter.default_histogram_aggregation(), HistogramAggregation::ExplicitBucket);
    assert_eq!(exporter.temporality_preference(), Delta);
    assert_eq!(exporter.max_export_batch_size(), None);
}

#[test]
fn a_reader_asks_the_exporter_what_it_wants() {
    use InstrumentKind::{Counter, Histogram, ObservableCounter};
    for (preference, delta) in [
        (TemporalityPreference::Cumulative, &[][..]),
        (TemporalityPreference::Delta, &[Counter, Histogram, ObservableCounter][..]),
        (TemporalityPreference::LowMemory, &[Counter, Histogram][..]),
    ] {
        let builder = MetricExporterBuilder::new(Grpc).temporality_preference(preference);
        let builder = builder.default_histogram_aggregation(HistogramAggregation::Base2ExponentialBucket);
        let exporter = builder.build_with(&MapEnv::from([("", "")])).unwrap();
        for kind in InstrumentKind::ALL {
            let expected = if delta.contains(&kind) { Temporality::Delta } else { Temporality::Cumulative };
            assert_eq!(exporter.temporality(kind), expected, "{preference:?} {kind:?}");
            let exponential = exporter.aggregation(kind) == Aggregation::EXPONENTIAL_BUCKET_HISTOGRAM;
            assert_eq!(exponential, kind == Histogram);
        }
    }
}

#[test]
fn the_signals_own_variable_goes_before_the_general_one() {
    let general = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://general:1"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "from=general"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "2.5"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
    ];
    let own = [
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://own:2"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "from=own"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "7"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", " None "),
    ];
    let header = |value: &str| [("from".to_owned(), value.to_owned())];

    let exporter = from_env(HttpProtobuf, general);
    assert_eq!(exporter.endpoint(), "http://general:1/v1/traces");
    assert_eq!(exporter.headers(), header("general"));
    assert_eq!(exporter.timeout(), Duration::from_millis(2500));
    assert_eq!(exporter.compression(), Compression::Gzip);
    assert_eq!(from_env(Grpc, general).endpoint(), "general:1");

    let both = MapEnv::from_iter(general.into_iter().chain(own));
    let exporter = SpanExporterBuilder::new(HttpProtobuf).build_with(&both).unwrap();
    assert_eq!(exporter.endpoint(), "http://own:2");
    assert_eq!(exporter.headers(), header("own"));
    assert_eq!(exporter.timeout(), Duration::from_secs(7));
    assert_eq!(exporter.compression(), Compression::None);
    assert_eq!(SpanExporterBuilder::new(Grpc).build_with(&both).unwrap().endpoint(), "own:2");
}

#[test]
fn code_goes_before_the_environment() {
    let env = MapEnv::from([
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:1"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=env,b=env"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "2"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
    ]);
    let given = |protocol| {
        SpanExporterBuilder::new(protocol)
            .endpoint("http://code:9/x")
            .headers([("B", "code"), ("c", "code")])
            .timeout_seconds(0.5)
            .compression(Compression::None)
            .max_request_size(0)
            .build_with(&env)
            .unwrap()
    };
    let names = |exporter: &OtlpSpanExporter| {
        let pairs = exporter.headers().iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join(",")
    };
    let http = given(HttpProtobuf);
    assert_eq!(http.endpoint(), "http://code:9/x");
    assert_eq!(names(&http), "a=env,b=code,c=code");
    assert_eq!(http.timeout(), Duration::from_millis(500));
    assert_eq!(http.compression(), Compression::None);
    assert_eq!(http.max_request_size(), None);
    assert_eq!(names(&given(Grpc)), "b=code,c=code");
}

#[test]
fn insecure_is_resolved_as_in_the_reference() {
    for (variables, insecure) in [
        (vec![], true),
        (vec![("OTEL_EXPORTER_OTLP_INSECURE", "false")], false),
        (vec![("OTEL_EXPORTER_OTLP_INSECURE", "True"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317")], true),
        (vec![("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "no"), ("OTEL_EXPORTER_OTLP_INSECURE", "true")], false),
        (vec![("OTEL_EXPORTER_OTLP_INSECURE", "true"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c:4317")], false),
        (vec![("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317")], false),
    ] {
        let env = MapEnv::from_iter(variables.iter().copied());
        let exporter = SpanExporterBuilder::new(Grpc).build_with(&env).unwrap();
        assert_eq!(exporter.insecure(), insecure, "{variables:?}");
    }
    assert!(
        SpanExporterBuilder::new(Grpc)
            .endpoint("c:1")
            .insecure(true)
            .build_with(&MapEnv::default())
            .unwrap()
            .insecure()
    );
}

#[test]
fn odd_values_are_defaults_and_never_a_panic() {
    for text in ["soon", "-3", "0", "nan", "1e400x", "10 s"] {
        for protocol in [Grpc, HttpProtobuf] {
            assert_eq!(from_env(protocol, [("OTEL_EXPORTER_OTLP_TIMEOUT", text)]).timeout(), Duration::from_secs(10));
        }
    }
    for seconds in [0.0, -0.0, -1.0, f64::NAN, f64::NEG_INFINITY] {
        let exporter = SpanExporterBuilder::new(Grpc).timeout_seconds(seconds).build_with(&MapEnv::default()).unwrap();
        assert_eq!(exporter.timeout(), Duration::from_secs(10));
    }
    for seconds in [f64::INFINITY, f64::MAX] {
        let builder = SpanExporterBuilder::new(HttpJson).timeout_seconds(seconds);
        assert!(builder.build_with(&MapEnv::default()).unwrap().timeout() > Duration::from_secs(900_000_000));
    }
    for word in ["zstd", "deflat", ""] {
        let variables = [("OTEL_EXPORTER_OTLP_COMPRESSION", word)];
        assert_eq!(from_env(HttpProtobuf, variables).compression(), Compression::None);
    }
    assert_eq!(from_env(Grpc, [("OTEL_EXPORTER_OTLP_COMPRESSION", "deflate")]).compression(), Compression::None);
    let codes = [("OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES", "unavailable, WHAT,,")];
    from_env(Grpc, codes);
}

#[test]
fn headers_of_hostile_size_and_number_do_no_harm() {
    let many = (0..100_000).map(|at| (format!("h{at}"), "v"));
    let exporter = SpanExporterBuilder::new(HttpProtobuf).headers(many).build_with(&MapEnv::default()).unwrap();
    assert_eq!(exporter.headers().len(), 100_000);
    let huge = "x".repeat(10 << 20);
    SpanExporterBuilder::new(Grpc)
        .headers([("k", huge.as_str()), (huge.as_str(), "v")])
        .build_with(&MapEnv::default())
        .unwrap();
}

#[test]
fn an_endpoint_that_cannot_work_is_refused_or_reported() {
    for protocol in [Grpc, HttpProtobuf] {
        let builder = SpanExporterBuilder::new(protocol).endpoint("http://not a url");
        let error = builder.clone().build_with(&MapEnv::default()).unwrap_err();
        let exporter = builder.build_lenient(&MapEnv::default());
        assert_eq!(exporter.export(&[]).unwrap_err().to_string(), error.to_string());
        exporter.shutdown();
        assert!(exporter.force_flush(Duration::ZERO));
    }
}

#[test]
fn words_are_parsed() {
    for protocol in [Grpc, HttpProtobuf, HttpJson] {
        assert_eq!(protocol.to_string().to_uppercase().parse(), Ok(protocol));
    }
    assert_eq!(
        "http".parse::<Protocol>().unwrap_err().to_string(),
        "expected one of: 'grpc', 'http/protobuf', 'http/json'"
    );
    assert_eq!("zstd".parse::<Compression>().unwrap_err().to_string(), "expected one of: 'none', 'gzip', 'deflate'");
}
