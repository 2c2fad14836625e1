//! Bytes to data points: every kind in both formats, and what is refused.

mod common;

use common::metrics::{
    CUMULATIVE, DELTA, exponential, exponential_point, gauge, histogram, histogram_point, metric, metrics_of,
    metrics_request, number_point, points, sum,
};
use common::{NOON, string};
use ferrotel_view::proto::ExportMetricsServiceRequest;
use ferrotel_view::{DecodeError, Kind, Measure, Received, ReceivedPoint, Signal};
use opentelemetry_proto::tonic::metrics::v1::{
    Metric, Summary, SummaryDataPoint, exponential_histogram_data_point::Buckets, metric::Data, number_data_point,
    summary_data_point::ValueAtQuantile,
};
use proptest::prelude::*;

fn decode_protobuf(bytes: &[u8]) -> Result<Received<ReceivedPoint>, DecodeError> {
    ferrotel_view::decode_protobuf::<ExportMetricsServiceRequest>(bytes)
}

fn decode_json(bytes: &[u8]) -> Result<Received<ReceivedPoint>, DecodeError> {
    ferrotel_view::decode_json::<ExportMetricsServiceRequest>(bytes)
}

/// One metric of each kind.
fn every_kind() -> Vec<Metric> {
    let mut double = number_point(5, 0, vec![]);
    double.value = Some(number_data_point::Value::AsDouble(-0.5));
    let mut nothing = number_point(5, 3, vec![string("flag", "no recorded value")]);
    nothing.flags = 1;
    let mut explicit = histogram_point(5, 12.5, vec![1, 0, 2], vec![5.0, 10.0]);
    (explicit.min, explicit.max) = (Some(0.5), Some(11.0));
    let mut both_sides = exponential_point(5, 0, 1, vec![4, 1]);
    both_sides.negative = Some(Buckets { offset: 0, bucket_counts: vec![2] });
    (both_sides.zero_count, both_sides.zero_threshold, both_sides.count) = (3, 0.25, 10);
    let summary = Summary {
        data_points: vec![SummaryDataPoint {
            time_unix_nano: NOON,
            count: 4,
            sum: 8.0,
            quantile_values: vec![ValueAtQuantile { quantile: 0.5, value: 2.0 }],
            ..SummaryDataPoint::default()
        }],
    };
    vec![
        sum("requests", "1", true, CUMULATIVE, vec![number_point(5, i64::MAX, vec![string("route", "/")])]),
        sum("active", "1", false, DELTA, vec![number_point(5, -2, vec![])]),
        gauge("load", "", vec![double, nothing]),
        histogram("duration", "ms", DELTA, vec![explicit]),
        exponential("latency", CUMULATIVE, vec![both_sides]),
        metric("gc", "s", Data::Summary(summary)),
    ]
}

#[test]
fn every_kind_of_point_is_read() {
    let got = points(vec![metrics_of("shop", every_kind())]);
    let heads: Vec<_> =
        got.iter().map(|one| (one.metric.name.as_str(), one.metric.kind, one.metric.is_delta)).collect();
    assert_eq!(
        heads,
        [
            ("requests", Kind::Counter, false),
            ("active", Kind::UpDownCounter, true),
            ("load", Kind::Gauge, false),
            ("load", Kind::Gauge, false),
            ("duration", Kind::Histogram, true),
            ("latency", Kind::ExponentialHistogram, false),
            ("gc", Kind::Summary, false),
        ]
    );
    assert_eq!((got[0].start, got[0].time), (NOON, NOON + 5_000_000_000));
    assert_eq!((got[0].origin.service_name(), got[0].metric.unit.as_str()), ("shop", "1"));
    assert_eq!(got[0].attributes[0].key, "route");
    assert_eq!(got[0].measure, Measure::Int(i64::MAX));
    assert_eq!(got[1].measure, Measure::Int(-2));
    assert_eq!(got[2].measure, Measure::Double(-0.5));
    assert_eq!(got[3].measure, Measure::Nothing, "the flag says that there is no value");
    let Measure::Distribution(explicit) = &got[4].measure else { panic!("a distribution") };
    assert_eq!((explicit.count, explicit.sum, explicit.min, explicit.max), (3, Some(12.5), Some(0.5), Some(11.0)));
    let ranges = |distribution: &ferrotel_view::Distribution| {
        let buckets = distribution.buckets();
        buckets.iter().map(|bucket| (bucket.lower, bucket.upper, bucket.count)).collect::<Vec<_>>()
    };
    assert_eq!(ranges(explicit), [(f64::NEG_INFINITY, 5.0, 1), (5.0, 10.0, 0), (10.0, f64::INFINITY, 2)]);
    let Measure::Distribution(exponential) = &got[5].measure else { panic!("a distribution") };
    assert_eq!(ranges(exponential), [(-2.0, -1.0, 2), (-0.25, 0.25, 3), (2.0, 4.0, 4), (4.0, 8.0, 1)]);
    assert_eq!(got[6].measure, Measure::Summary { count: 4, sum: 8.0, quantiles: vec![(0.5, 2.0)] });
}

#[test]
fn both_formats_give_the_same_points() {
    let json = br#"{"resourceMetrics": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
        "scopeMetrics": [{"scope": {"name": "tests"}, "metrics": [
            {"name": "requests", "unit": "1", "sum": {"isMonotonic": true, "aggregationTemporality": 2, "dataPoints": [
                {"startTimeUnixNano": "1795521600000000000", "timeUnixNano": "1795521605000000000",
                 "asInt": "9223372036854775807", "exemplars": [{"asInt": "1"}],
                 "attributes": [{"key": "route", "value": {"stringValue": "/"}}]}]}},
            {"name": "active", "unit": "1", "sum": {"aggregationTemporality": 1, "dataPoints": [
                {"startTimeUnixNano": "1795521600000000000", "timeUnixNano": "1795521605000000000", "asInt": -2}]}},
            {"name": "load", "gauge": {"dataPoints": [
                {"startTimeUnixNano": "1795521600000000000", "timeUnixNano": "1795521605000000000", "asDouble": -0.5},
                {"startTimeUnixNano": "1795521600000000000", "timeUnixNano": "1795521605000000000", "asInt": "3",
                 "flags": 1, "attributes": [{"key": "flag", "value": {"stringValue": "no recorded value"}}]}]}},
            {"name": "duration", "unit": "ms", "histogram": {"aggregationTemporality": 1, "dataPoints": [
                {"startTimeUnixNano": "1795521600000000000", "timeUnixNano": "1795521605000000000", "count": "3",
                 "sum": 12.5, "min": 0.5, "max": 11, "bucketCounts": ["1", 0, "2"], "explicitBounds": [5, 10]}]}},
            {"name": "latency", "unit": "ms", "exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [
                {"startTimeUnixNano": "1795521600000000000", "timeUnixNano": "1795521605000000000", "count": "10",
                 "scale": 0, "zeroCount": "3", "zeroThreshold": 0.25, "positive": {"offset": 1,
                 "bucketCounts": ["4", "1"]}, "negative": {"bucketCounts": ["2"]}}]}},
            {"name": "gc", "unit": "s", "summary": {"dataPoints": [{"timeUnixNano": "1795521600000000000",
                "count": "4", "sum": 8, "quantileValues": [{"quantile": 0.5, "value": 2}]}]}},
            {"name": "of a kind to come", "newKind": {}}
        ]}]
    }]}"#;
    let from_json = decode_json(json).expect("valid").items;
    let from_protobuf = points(vec![metrics_of("shop", every_kind())]);
    assert_eq!(from_json.len(), from_protobuf.len());
    for (one, other) in from_json.iter().zip(&from_protobuf) {
        let same = (one.series, &one.metric, &one.attributes, one.start, one.time, &one.measure)
            == (other.series, &other.metric, &other.attributes, other.start, other.time, &other.measure);
        assert!(same, "{one:?}\n{other:?}");
    }
}

#[test]
fn a_series_is_told_by_producer_scope_metric_kind_and_attributes() {
    let id = |service: &str, name: &str, monotonic: bool, attributes: &[(&str, &str)]| {
        let attributes = attributes.iter().map(|(key, value)| string(key, value)).collect();
        let metric = sum(name, "", monotonic, CUMULATIVE, vec![number_point(1, 1, attributes)]);
        points(vec![metrics_of(service, vec![metric])])[0].series
    };
    let one = id("shop", "requests", true, &[("a", "1"), ("b", "2")]);
    assert_eq!(one, id("shop", "requests", true, &[("b", "2"), ("a", "1")]), "the order says nothing");
    for other in [
        id("bank", "requests", true, &[("a", "1"), ("b", "2")]),
        id("shop", "orders", true, &[("a", "1"), ("b", "2")]),
        id("shop", "requests", false, &[("a", "1"), ("b", "2")]),
        id("shop", "requests", true, &[("a", "1"), ("b", "3")]),
        id("shop", "requests", true, &[("a", "1")]),
        id("shop", "requests", true, &[("a", "1b"), ("", "2")]),
    ] {
        assert_ne!(one, other);
    }
}

#[test]
fn buckets_that_contradict_each_other_are_refused_and_the_other_points_kept() {
    let good = histogram_point(1, 1.0, vec![1, 1], vec![5.0]);
    let only_count_and_sum = histogram_point(1, 1.0, vec![], vec![]);
    let cases: [(Metric, &str); 5] = [
        (
            histogram("size", "", 2, vec![histogram_point(1, 1.0, vec![1, 1, 1], vec![5.0]), good.clone()]),
            "its 3 bucket counts do not fit its 1 bounds",
        ),
        (
            histogram("size", "", 2, vec![histogram_point(1, 1.0, vec![1, 1, 1], vec![5.0, 5.0]), good.clone()]),
            "its bounds do not increase",
        ),
        (
            histogram("size", "", 2, vec![histogram_point(1, 1.0, vec![1, 1], vec![f64::NAN, 1.0]), good.clone()]),
            "its 2 bucket counts do not fit its 2 bounds",
        ),
        (
            histogram("size", "", 2, vec![histogram_point(1, 1.0, vec![0; 5_000], vec![]), only_count_and_sum]),
            "its 5000 buckets are more than 4096",
        ),
        (
            exponential("size", 2, vec![exponential_point(1, 1_000, 0, vec![1]), exponential_point(1, 20, 0, vec![1])]),
            "its scale is 1000",
        ),
    ];
    for (metric, reason) in cases {
        let received = decode_protobuf(&metrics_request(vec![metrics_of("shop", vec![metric])])).expect("valid");
        assert_eq!((received.items.len(), received.rejected, received.reason.as_deref()), (1, 1, Some(reason)));
        let text = received.response(Signal::Metrics).partial_success.expect("a partial success").error_message;
        assert_eq!(text, format!("data points were refused, the first because {reason}"));
    }
}

#[test]
fn errors_in_json_name_the_field() {
    let cases: &[(&str, &str)] = &[
        (r#"{"resourceMetrics": 1}"#, "resourceMetrics: a list is required"),
        (
            r#"{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"sum": {"isMonotonic": 1}}]}]}]}"#,
            "resourceMetrics[0].scopeMetrics[0].metrics[0].sum.isMonotonic: true or false is required",
        ),
        (
            r#"{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"histogram": {"dataPoints": [
                {"bucketCounts": [1, -1]}]}}]}]}]}"#,
            "resourceMetrics[0].scopeMetrics[0].metrics[0].histogram.dataPoints[0].bucketCounts[1]: a number in range \
             is required",
        ),
        (
            r#"{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"gauge": {"dataPoints": [
                {"asDouble": "many"}]}}]}]}]}"#,
            "resourceMetrics[0].scopeMetrics[0].metrics[0].gauge.dataPoints[0].asDouble: a number is required",
        ),
    ];
    for (body, expected) in cases {
        let error = decode_json(body.as_bytes()).expect_err(body);
        assert_eq!(error.to_string(), format!("the body is not an OTLP request of metrics in JSON: {expected}"));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode_protobuf(&bytes);
    }

    #[test]
    fn a_damaged_request_is_answered(at in 0_usize..1_000, byte in any::<u8>()) {
        let mut bytes = metrics_request(vec![metrics_of("shop", every_kind())]);
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(received) = decode_protobuf(&bytes) {
            for point in received.items {
                if let Measure::Distribution(distribution) = point.measure {
                    let _ = (distribution.buckets(), ferrotel_view::plot(&distribution, 16));
                }
            }
        }
    }
}
