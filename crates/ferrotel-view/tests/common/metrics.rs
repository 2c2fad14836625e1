//! Metrics as the official generated messages have them.

use ferrotel_view::{ReceivedPoint, decode_protobuf, proto};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum, exponential_histogram_data_point::Buckets, metric::Data, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::{NOON, string};

pub const DELTA: i32 = 1;
pub const CUMULATIVE: i32 = 2;
const SECOND: u64 = 1_000_000_000;

/// A whole number, measured from noon to `second` seconds after it.
pub fn number_point(second: u64, value: i64, attributes: Vec<KeyValue>) -> NumberDataPoint {
    NumberDataPoint {
        start_time_unix_nano: NOON,
        time_unix_nano: NOON + second * SECOND,
        attributes,
        value: Some(number_data_point::Value::AsInt(value)),
        ..NumberDataPoint::default()
    }
}

pub fn histogram_point(second: u64, sum: f64, counts: Vec<u64>, bounds: Vec<f64>) -> HistogramDataPoint {
    HistogramDataPoint {
        start_time_unix_nano: NOON,
        time_unix_nano: NOON + second * SECOND,
        count: counts.iter().fold(0, |sum, count| count.saturating_add(sum)),
        sum: Some(sum),
        bucket_counts: counts,
        explicit_bounds: bounds,
        ..HistogramDataPoint::default()
    }
}

pub fn exponential_point(second: u64, scale: i32, offset: i32, counts: Vec<u64>) -> ExponentialHistogramDataPoint {
    ExponentialHistogramDataPoint {
        start_time_unix_nano: NOON,
        time_unix_nano: NOON + second * SECOND,
        count: counts.iter().sum(),
        scale,
        positive: Some(Buckets { offset, bucket_counts: counts }),
        ..ExponentialHistogramDataPoint::default()
    }
}

pub fn metric(name: &str, unit: &str, data: Data) -> Metric {
    Metric { name: name.to_owned(), unit: unit.to_owned(), data: Some(data), ..Metric::default() }
}

pub fn sum(name: &str, unit: &str, is_monotonic: bool, temporality: i32, data_points: Vec<NumberDataPoint>) -> Metric {
    metric(name, unit, Data::Sum(Sum { data_points, aggregation_temporality: temporality, is_monotonic }))
}

pub fn gauge(name: &str, unit: &str, data_points: Vec<NumberDataPoint>) -> Metric {
    metric(name, unit, Data::Gauge(Gauge { data_points }))
}

pub fn histogram(name: &str, unit: &str, temporality: i32, data_points: Vec<HistogramDataPoint>) -> Metric {
    metric(name, unit, Data::Histogram(Histogram { data_points, aggregation_temporality: temporality }))
}

pub fn exponential(name: &str, temporality: i32, data_points: Vec<ExponentialHistogramDataPoint>) -> Metric {
    let data = ExponentialHistogram { data_points, aggregation_temporality: temporality };
    metric(name, "ms", Data::ExponentialHistogram(data))
}

pub fn metrics_of(service: &str, metrics: Vec<Metric>) -> ResourceMetrics {
    ResourceMetrics {
        resource: Some(Resource { attributes: vec![string("service.name", service)], ..Resource::default() }),
        scope_metrics: vec![ScopeMetrics {
            scope: Some(InstrumentationScope { name: "tests".to_owned(), ..InstrumentationScope::default() }),
            metrics,
            schema_url: String::new(),
        }],
        schema_url: String::new(),
    }
}

pub fn metrics_request(of_services: Vec<ResourceMetrics>) -> Vec<u8> {
    ExportMetricsServiceRequest { resource_metrics: of_services }.encode_to_vec()
}

pub fn points(of_services: Vec<ResourceMetrics>) -> Vec<ReceivedPoint> {
    let request = metrics_request(of_services);
    let received = decode_protobuf::<proto::ExportMetricsServiceRequest>(&request).expect("a valid request");
    assert_eq!(received.rejected, 0, "{:?}", received.reason);
    received.items
}
