//! Metrics.

use std::sync::Arc;

use ferrotel::api::trace::{SpanId, TraceId};
use ferrotel::common::{Attributes, Scope, Value};
use ferrotel::resource::Resource;
use ferrotel::sdk::metrics::{
    Buckets, Exemplar, ExponentialHistogramPoint, HistogramPoint, Metric, MetricData, MetricsData, Number, NumberPoint,
    ResourceMetrics, ScopeMetrics, Temporality,
};
use ferrotel_otlp::encode::{self, json};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1 as metrics;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use prost::Message;

use super::generated::{self, attributes};
use super::random::{resources, scopes, some_attributes, text, value};
use super::{decode, hex};

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn protobuf_has_the_fields_of_the_generated_code(data in data(any::<f64>().boxed())) {
        let expected = request(&data);
        let bytes = encode::metrics::encode(&data);
        // Not its bytes: prost has a `oneof` where its first field would be, other encoders where the field is.
        prop_assert_eq!(bytes.len(), expected.encoded_len());
        prop_assert_eq!(decode::<ExportMetricsServiceRequest>(&bytes), expected);
    }

    #[test]
    fn json_has_the_fields_of_the_generated_code(data in data((-1e300..1e300).boxed())) {
        let decoded: ExportMetricsServiceRequest = serde_json::from_slice(&json::metrics::encode(&data)).unwrap();
        prop_assert_eq!(decoded, request(&data));
    }
}

#[test]
fn an_encoder_may_be_used_again() {
    let mut encoder = encode::metrics::Encoder::default();
    let small = one(MetricData::Gauge { points: vec![point(Number::Int(1))] });
    let large = one(MetricData::Gauge { points: (0..3000).map(|at| point(Number::Double(at.into()))).collect() });
    for data in [&large, &small, &MetricsData::default(), &large] {
        assert_eq!(decode::<ExportMetricsServiceRequest>(encoder.encode(data)), request(data));
    }
}

/// `metrics.hex` is what the encoder of opentelemetry-exporter-otlp-proto-common 1.45.1 made of the same metrics.
#[test]
fn protobuf_has_the_bytes_of_the_official_python_encoder() {
    let attributes = Arc::new([("a", Value::from("b"))].into_iter().collect::<Attributes>());
    let (start, time) = (1_700_000_000_000_000_001, 1_700_000_000_250_000_001);
    let exemplar = |value, span| Exemplar {
        filtered_attributes: [("user", Value::Int(3))].into_iter().collect(),
        value,
        time,
        span,
    };
    let exemplars = vec![
        exemplar(Number::Int(3), Some((TraceId(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c), SpanId(2)))),
        exemplar(Number::Double(0.5), None),
    ];
    let number = |value, start_time| NumberPoint {
        attributes: attributes.clone(),
        start_time,
        time,
        value,
        exemplars: exemplars.clone(),
    };
    let histogram = |min, max| HistogramPoint {
        attributes: attributes.clone(),
        start_time: start,
        time,
        count: 3,
        sum: Number::Double(6.5),
        min,
        max,
        bounds: [0.0, 5.0].into(),
        bucket_counts: vec![0, 2, 1],
        exemplars: exemplars.clone(),
    };
    let exponential = ExponentialHistogramPoint {
        attributes: attributes.clone(),
        start_time: start,
        time,
        count: 4,
        sum: Number::Int(6),
        min: Some(Number::Int(-1)),
        max: Some(Number::Double(4.5)),
        scale: -2,
        zero_count: 1,
        zero_threshold: 0.0,
        flags: 0,
        positive: Buckets { offset: -3, counts: vec![1, 0, 300] },
        negative: Buckets { offset: 1, counts: vec![] },
        exemplars: exemplars.clone(),
    };
    let (delta, cumulative) = (Temporality::Delta, Temporality::Cumulative);
    let metric = |name: &str, data| Metric { name: name.into(), description: "d".into(), unit: "ms".into(), data };
    let metrics = vec![
        metric(
            "sum",
            MetricData::Sum {
                points: vec![number(Number::Int(-7), Some(start)), number(Number::Double(0.1), Some(start))],
                temporality: cumulative,
                monotonic: true,
            },
        ),
        metric(
            "up_down",
            MetricData::Sum { points: vec![number(Number::Int(0), Some(start))], temporality: delta, monotonic: false },
        ),
        metric("gauge", MetricData::Gauge { points: vec![number(Number::Double(0.0), None)] }),
        metric(
            "histogram",
            MetricData::Histogram {
                points: vec![histogram(Some(Number::Double(0.5)), Some(Number::Int(5))), histogram(None, None)],
                temporality: delta,
            },
        ),
        metric("exponential", MetricData::ExponentialHistogram { points: vec![exponential], temporality: cumulative }),
    ];
    let resource = Arc::new(Resource {
        attributes: [("service.name", Value::from("shop"))].into_iter().collect(),
        schema_url: "http://r".into(),
        ..Resource::default()
    });
    let scope = Arc::new(Scope { version: "1.2".into(), schema_url: "http://s".into(), ..Scope::new("shop.orders") });
    let scope_metrics = vec![ScopeMetrics { scope, metrics }];
    let data = MetricsData { resource_metrics: vec![ResourceMetrics { resource, scope_metrics }] };
    assert_eq!(hex(&encode::metrics::encode(&data)), include_str!("metrics.hex").trim());
}

#[test]
fn a_whole_number_beyond_64_bits_is_sent_as_a_double() {
    let large = i128::from(i64::MAX) * 3;
    let data = one(MetricData::Gauge { points: vec![point(Number::Big(large)), point(Number::Big(-large))] });
    let decoded: ExportMetricsServiceRequest = decode(&encode::metrics::encode(&data));
    let Some(metrics::metric::Data::Gauge(gauge)) = &decoded.resource_metrics[0].scope_metrics[0].metrics[0].data
    else {
        panic!("no gauge")
    };
    let values: Vec<_> = gauge.data_points.iter().map(|point| point.value).collect();
    let double = |value| Some(metrics::number_data_point::Value::AsDouble(value));
    assert_eq!(values, [double(large as f64), double(-(large as f64))]);
}

#[test]
fn json_has_the_forms_that_otlp_prescribes() {
    let histogram = HistogramPoint {
        attributes: Arc::default(),
        start_time: 1,
        time: 2,
        count: 3,
        sum: Number::Int(6),
        min: None,
        max: Some(Number::Double(f64::INFINITY)),
        bounds: [0.5].into(),
        bucket_counts: vec![1, 2],
        exemplars: Vec::new(),
    };
    let text = |data| String::from_utf8(json::metrics::encode(&one(data))).unwrap();
    assert_eq!(
        text(MetricData::Histogram { points: vec![histogram], temporality: Temporality::Delta }),
        concat!(
            r#"{"resourceMetrics":[{"resource":{},"scopeMetrics":[{"scope":{},"metrics":[{"name":"m","histogram":{"#,
            r#""dataPoints":[{"startTimeUnixNano":"1","timeUnixNano":"2","count":"3","sum":6.0,"#,
            r#""bucketCounts":["1","2"],"explicitBounds":[0.5],"max":"Infinity"}],"aggregationTemporality":1}}]}]}]}"#,
        )
    );
    let sum = MetricData::Sum {
        points: vec![point(Number::Int(i64::MIN))],
        temporality: Temporality::Cumulative,
        monotonic: true,
    };
    let members = concat!(
        r#""sum":{"dataPoints":[{"timeUnixNano":"2","asInt":"-9223372036854775808"}],"#,
        r#""aggregationTemporality":2,"isMonotonic":true}"#
    );
    assert!(text(sum).contains(members));
}

fn one(data: MetricData) -> MetricsData {
    let metric = Metric { name: "m".into(), description: "".into(), unit: "".into(), data };
    let scope_metrics = vec![ScopeMetrics { scope: Arc::default(), metrics: vec![metric] }];
    MetricsData { resource_metrics: vec![ResourceMetrics { resource: Arc::default(), scope_metrics }] }
}

fn point(value: Number) -> NumberPoint {
    NumberPoint { attributes: Arc::default(), start_time: None, time: 2, value, exemplars: Vec::new() }
}

// The same data as generated structs.

fn request(data: &MetricsData) -> ExportMetricsServiceRequest {
    let of_scope = |group: &ScopeMetrics| metrics::ScopeMetrics {
        scope: Some(generated::scope(&group.scope)),
        metrics: group.metrics.iter().map(metric).collect(),
        schema_url: group.scope.schema_url.to_string(),
    };
    let of_resource = |group: &ResourceMetrics| metrics::ResourceMetrics {
        resource: Some(generated::resource(&group.resource)),
        scope_metrics: group.scope_metrics.iter().map(of_scope).collect(),
        schema_url: group.resource.schema_url.to_string(),
    };
    ExportMetricsServiceRequest { resource_metrics: data.resource_metrics.iter().map(of_resource).collect() }
}

fn metric(metric: &Metric) -> metrics::Metric {
    use metrics::metric::Data;
    let covered = |temporality: &Temporality| match temporality {
        Temporality::Delta => metrics::AggregationTemporality::Delta as i32,
        Temporality::Cumulative => metrics::AggregationTemporality::Cumulative as i32,
    };
    let data = match &metric.data {
        MetricData::Gauge { points } => {
            Data::Gauge(metrics::Gauge { data_points: points.iter().map(number_point).collect() })
        }
        MetricData::Sum { points, temporality, monotonic } => Data::Sum(metrics::Sum {
            data_points: points.iter().map(number_point).collect(),
            aggregation_temporality: covered(temporality),
            is_monotonic: *monotonic,
        }),
        MetricData::Histogram { points, temporality } => Data::Histogram(metrics::Histogram {
            data_points: points.iter().map(histogram_point).collect(),
            aggregation_temporality: covered(temporality),
        }),
        MetricData::ExponentialHistogram { points, temporality } => {
            Data::ExponentialHistogram(metrics::ExponentialHistogram {
                data_points: points.iter().map(exponential_histogram_point).collect(),
                aggregation_temporality: covered(temporality),
            })
        }
    };
    metrics::Metric {
        name: metric.name.to_string(),
        description: metric.description.to_string(),
        unit: metric.unit.to_string(),
        metadata: Vec::new(),
        data: Some(data),
    }
}

fn double(number: Number) -> f64 {
    match number {
        Number::Int(value) => value as f64,
        Number::Double(value) => value,
        Number::Big(value) => value as f64,
    }
}

fn number_point(point: &NumberPoint) -> metrics::NumberDataPoint {
    use metrics::number_data_point::Value as Kind;
    metrics::NumberDataPoint {
        attributes: attributes(&point.attributes),
        start_time_unix_nano: point.start_time.unwrap_or(0),
        time_unix_nano: point.time,
        exemplars: point.exemplars.iter().map(exemplar).collect(),
        flags: 0,
        value: Some(match point.value {
            Number::Int(value) => Kind::AsInt(value),
            other => Kind::AsDouble(double(other)),
        }),
    }
}

fn histogram_point(point: &HistogramPoint) -> metrics::HistogramDataPoint {
    metrics::HistogramDataPoint {
        attributes: attributes(&point.attributes),
        start_time_unix_nano: point.start_time,
        time_unix_nano: point.time,
        count: point.count,
        sum: Some(double(point.sum)),
        bucket_counts: point.bucket_counts.clone(),
        explicit_bounds: point.bounds.to_vec(),
        exemplars: point.exemplars.iter().map(exemplar).collect(),
        flags: 0,
        min: point.min.map(double),
        max: point.max.map(double),
    }
}

fn exponential_histogram_point(point: &ExponentialHistogramPoint) -> metrics::ExponentialHistogramDataPoint {
    let buckets = |buckets: &Buckets| {
        (!buckets.counts.is_empty()).then(|| metrics::exponential_histogram_data_point::Buckets {
            offset: buckets.offset,
            bucket_counts: buckets.counts.clone(),
        })
    };
    metrics::ExponentialHistogramDataPoint {
        attributes: attributes(&point.attributes),
        start_time_unix_nano: point.start_time,
        time_unix_nano: point.time,
        count: point.count,
        sum: Some(double(point.sum)),
        scale: point.scale,
        zero_count: point.zero_count,
        positive: buckets(&point.positive),
        negative: buckets(&point.negative),
        flags: point.flags,
        exemplars: point.exemplars.iter().map(exemplar).collect(),
        min: point.min.map(double),
        max: point.max.map(double),
        zero_threshold: point.zero_threshold,
    }
}

fn exemplar(exemplar: &Exemplar) -> metrics::Exemplar {
    use metrics::exemplar::Value as Kind;
    metrics::Exemplar {
        filtered_attributes: attributes(&exemplar.filtered_attributes),
        time_unix_nano: exemplar.time,
        span_id: exemplar.span.map_or_else(Vec::new, |(_, span_id)| span_id.0.to_be_bytes().to_vec()),
        trace_id: exemplar.span.map_or_else(Vec::new, |(trace_id, _)| trace_id.0.to_be_bytes().to_vec()),
        value: Some(match exemplar.value {
            Number::Int(value) => Kind::AsInt(value),
            other => Kind::AsDouble(double(other)),
        }),
    }
}

// Random metrics.

type Doubles = BoxedStrategy<f64>;

fn data(doubles: Doubles) -> impl Strategy<Value = MetricsData> {
    let doubles = doubles.prop_filter("equal to itself", |value| !value.is_nan()).boxed();
    let attributes = some_attributes(value(doubles.clone())).boxed();
    let metrics = vec(metric_of(doubles, attributes.clone()), 0..4);
    let of_scope = (scopes(attributes.clone()), metrics)
        .prop_map(|(mut scopes, metrics)| ScopeMetrics { scope: scopes.remove(0), metrics });
    let of_resource = (resources(attributes), vec(of_scope, 0..3))
        .prop_map(|(mut resources, scope_metrics)| ResourceMetrics { resource: resources.remove(0), scope_metrics });
    vec(of_resource, 0..3).prop_map(|resource_metrics| MetricsData { resource_metrics })
}

fn number(doubles: Doubles) -> impl Strategy<Value = Number> + Clone {
    prop_oneof![
        any::<i64>().prop_map(Number::Int),
        (-2i64..3).prop_map(Number::Int),
        doubles.prop_map(Number::Double),
        any::<i128>().prop_map(Number::Big),
    ]
    .boxed()
}

fn metric_of(doubles: Doubles, attributes: BoxedStrategy<Attributes>) -> impl Strategy<Value = Metric> {
    let temporality = || prop_oneof![Just(Temporality::Delta), Just(Temporality::Cumulative)];
    let shared = attributes.clone().prop_map(Arc::new).boxed();
    let number = number(doubles.clone());
    let span = (any::<u128>(), any::<u64>()).prop_map(|(trace, span)| (TraceId(trace), SpanId(span)));
    let exemplar = (attributes, number.clone(), any::<u64>(), option::of(span))
        .prop_map(|(filtered_attributes, value, time, span)| Exemplar { filtered_attributes, value, time, span });
    let exemplars = vec(exemplar, 0..3).boxed();
    let numbers = (shared.clone(), option::of(any::<u64>()), any::<u64>(), number.clone(), exemplars.clone()).prop_map(
        |(attributes, start_time, time, value, exemplars)| NumberPoint {
            attributes,
            start_time,
            time,
            value,
            exemplars,
        },
    );
    let distribution = (
        shared,
        any::<[u64; 2]>(),
        prop_oneof![Just(0), any::<u64>()],
        number.clone(),
        option::of(number.clone()),
        option::of(number),
        exemplars,
    );
    let counts = || vec(prop_oneof![0u64..3, any::<u64>()], 0..20);
    let histograms = (distribution.clone(), vec(doubles.clone(), 0..20), counts()).prop_map(
        |((attributes, [start_time, time], count, sum, min, max, exemplars), bounds, bucket_counts)| HistogramPoint {
            attributes,
            start_time,
            time,
            count,
            sum,
            min,
            max,
            bounds: bounds.into(),
            bucket_counts,
            exemplars,
        },
    );
    let buckets = || (any::<i32>(), counts()).prop_map(|(offset, counts)| Buckets { offset, counts });
    let zero = (prop_oneof![Just(0), any::<u64>()], prop_oneof![Just(0.0).boxed(), doubles]);
    let exponentials = (distribution, any::<i32>(), zero, 0..3u32, buckets(), buckets()).prop_map(
        |(distribution, scale, (zero_count, zero_threshold), flags, positive, negative)| {
            let (attributes, [start_time, time], count, sum, min, max, exemplars) = distribution;
            ExponentialHistogramPoint {
                attributes,
                start_time,
                time,
                count,
                sum,
                min,
                max,
                scale,
                zero_count,
                // Negative zero is a default to one encoder and none to another.
                zero_threshold: zero_threshold + 0.0,
                flags,
                positive,
                negative,
                exemplars,
            }
        },
    );
    let numbers = vec(numbers, 0..4).boxed();
    let kinds = prop_oneof![
        numbers.clone().prop_map(|points| MetricData::Gauge { points }),
        (numbers, temporality(), any::<bool>()).prop_map(|(points, temporality, monotonic)| MetricData::Sum {
            points,
            temporality,
            monotonic
        }),
        (vec(histograms, 0..3), temporality())
            .prop_map(|(points, temporality)| MetricData::Histogram { points, temporality }),
        (vec(exponentials, 0..3), temporality())
            .prop_map(|(points, temporality)| MetricData::ExponentialHistogram { points, temporality }),
    ];
    (text(), text(), text(), kinds).prop_map(|(name, description, unit, data)| Metric { name, description, unit, data })
}
