//! What opentelemetry-python 1.45.1 reported for the same measurements: `tests/vectors/metrics.json`.

use ferrotel::common::{Attributes, Value};
use ferrotel::sdk::metrics::{
    Aggregation, Buckets, InstrumentKind, MetricData, Number, Stream, StreamConfig, Temporality,
};
use serde_json::Value as Json;

#[test]
fn points_are_those_of_the_reference() {
    let text = include_str!("../../../tests/vectors/metrics.json");
    let cases: Vec<Json> = serde_json::from_str(text).unwrap();
    assert!(cases.len() > 70);
    for (at, case) in cases.iter().enumerate() {
        let stream = Stream::new(StreamConfig {
            aggregation: aggregation(&case["aggregation"]),
            ..StreamConfig::new("i", kind(&case["kind"]), temporality(&case["temporality"]))
        });
        for (now, collection) in case["collections"].as_array().unwrap().iter().enumerate() {
            for measured in collection["measure"].as_array().unwrap() {
                let set = Attributes::from_iter([("s", measured[0].as_i64().unwrap())]);
                let value = number(&measured[1]).unwrap();
                // The reference's instruments refuse these.
                let refuses = matches!(stream.config().kind, InstrumentKind::Counter | InstrumentKind::Histogram);
                if !(refuses && value < Number::ZERO) {
                    stream.record(&set, value, None);
                }
            }
            let metric = stream.collect(u64::MAX / 2 + now as u64);
            let what = format!(
                "case {at} ({} {} {}), collection {now}",
                case["kind"], case["aggregation"], case["temporality"]
            );
            let exact = stream.config().temporality == Temporality::Delta;
            compare(metric.map(|metric| metric.data), collection, exact, &what);
        }
    }
}

fn compare(data: Option<MetricData>, expected: &Json, exact: bool, what: &str) {
    let points = expected["points"].as_array().unwrap();
    let shape = data.as_ref().map(|data| match data {
        MetricData::Sum { .. } => "Sum",
        MetricData::Gauge { .. } => "Gauge",
        MetricData::Histogram { .. } => "Histogram",
        MetricData::ExponentialHistogram { .. } => "ExponentialHistogram",
    });
    assert_eq!(shape, expected["shape"].as_str(), "{what}");
    match data {
        None => {}
        Some(MetricData::Sum { points: ours, monotonic, .. }) => {
            assert_eq!(Some(monotonic), expected["monotonic"].as_bool(), "{what}");
            assert_eq!(ours.len(), points.len(), "{what}");
            for (point, expected) in ours.iter().zip(points) {
                same_series(&point.attributes, expected, what);
                same_number(Some(point.value), &expected["value"], what);
            }
        }
        Some(MetricData::Gauge { points: ours }) => {
            assert_eq!(ours.len(), points.len(), "{what}");
            for (point, expected) in ours.iter().zip(points) {
                same_series(&point.attributes, expected, what);
                same_number(Some(point.value), &expected["value"], what);
            }
        }
        Some(MetricData::Histogram { points: ours, .. }) => {
            assert_eq!(ours.len(), points.len(), "{what}");
            for (point, expected) in ours.iter().zip(points) {
                same_series(&point.attributes, expected, what);
                assert_eq!(Some(point.count), expected["count"].as_u64(), "{what}");
                same_number(Some(point.sum), &expected["sum"], what);
                same_number(point.min, &expected["min"], what);
                same_number(point.max, &expected["max"], what);
                assert_eq!(point.bucket_counts, counts(&expected["bucket_counts"]), "{what}");
                let bounds: Vec<f64> = expected["bounds"].as_array().unwrap().iter().filter_map(Json::as_f64).collect();
                assert_eq!(&*point.bounds, &bounds[..], "{what}");
            }
        }
        Some(MetricData::ExponentialHistogram { points: ours, .. }) => {
            assert_eq!(ours.len(), points.len(), "{what}");
            for (point, expected) in ours.iter().zip(points) {
                same_series(&point.attributes, expected, what);
                assert_eq!(Some(point.count), expected["count"].as_u64(), "{what}");
                assert_eq!(Some(i64::from(point.scale)), expected["scale"].as_i64(), "{what}");
                assert_eq!(Some(point.zero_count), expected["zero_count"].as_u64(), "{what}");
                same_number(Some(point.sum), &expected["sum"], what);
                same_number(point.min, &expected["min"], what);
                same_number(point.max, &expected["max"], what);
                for (ours, theirs) in
                    [(&point.positive, &expected["positive"]), (&point.negative, &expected["negative"])]
                {
                    let theirs = Buckets { offset: theirs[0].as_i64().unwrap() as i32, counts: counts(&theirs[1]) };
                    assert!(!exact || *ours == theirs, "{what}: {ours:?} {theirs:?}");
                    assert_eq!((ours.offset, filled(ours)), (theirs.offset, filled(&theirs)), "{what}");
                }
            }
        }
    }
}

fn same_series(attributes: &Attributes, expected: &Json, what: &str) {
    assert_eq!(attributes.get("s"), expected["s"].as_i64().map(Value::Int).as_ref(), "{what}");
}

/// The same number of the same type. Sums of doubles may differ in their last bits: the reference adds up each interval
/// by itself.
fn same_number(ours: Option<Number>, theirs: &Json, what: &str) {
    match (ours, number(theirs)) {
        (None, None) => {}
        (Some(Number::Double(a)), Some(Number::Double(b))) => {
            assert!((a - b).abs() <= 1e-14 * a.abs(), "{what}: {a} {b}")
        }
        (Some(a), Some(b)) => {
            assert_eq!(std::mem::discriminant(&a), std::mem::discriminant(&b), "{what}: {a:?} {b:?}");
            assert_eq!(a, b, "{what}");
        }
        (ours, theirs) => panic!("{what}: {ours:?} {theirs:?}"),
    }
}

fn number(json: &Json) -> Option<Number> {
    match (json["int"].as_str(), json["double"].as_str()) {
        (Some(whole), _) => Some(Number::whole(whole.parse().unwrap())),
        (_, Some(double)) => Some(Number::Double(double.parse().unwrap())),
        _ => None,
    }
}

/// The counts without the empty buckets at the end: for cumulative points, how many
/// the reference has there depends on when it collected.
fn filled(buckets: &Buckets) -> &[u64] {
    let end = buckets.counts.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
    &buckets.counts[..end]
}

fn counts(json: &Json) -> Vec<u64> {
    json.as_array().unwrap().iter().filter_map(Json::as_u64).collect()
}

fn kind(json: &Json) -> InstrumentKind {
    InstrumentKind::ALL.into_iter().find(|kind| Some(kind.name()) == json.as_str()).unwrap()
}

fn temporality(json: &Json) -> Temporality {
    match json.as_str() {
        Some("delta") => Temporality::Delta,
        Some("cumulative") => Temporality::Cumulative,
        _ => panic!("{json}"),
    }
}

fn aggregation(json: &Json) -> Aggregation {
    let record_min_max = json["record_min_max"].as_bool().unwrap_or(true);
    match json["name"].as_str().unwrap() {
        "default" => Aggregation::Default,
        "sum" => Aggregation::Sum,
        "last_value" => Aggregation::LastValue,
        "explicit" => {
            let bounds = json["boundaries"].as_array().unwrap().iter().filter_map(Json::as_f64).collect();
            Aggregation::ExplicitBucketHistogram { boundaries: Some(bounds), record_min_max }
        }
        "exponential" => Aggregation::ExponentialBucketHistogram {
            max_size: json["max_size"].as_u64().unwrap() as u32,
            max_scale: json["max_scale"].as_i64().unwrap() as i32,
            record_min_max,
        },
        other => panic!("{other}"),
    }
}
