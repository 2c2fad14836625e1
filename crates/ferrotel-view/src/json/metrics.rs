//! A request of metrics.

use serde_json::Value as Json;

use super::{
    Object, double, double_of, field, key_value, list, message, number, numbers, request, resource, scope, text,
    whole_of,
};
use crate::proto::{
    Buckets, Data, ExponentialHistogram, ExponentialHistogramDataPoint, ExportMetricsServiceRequest, Gauge, Histogram,
    HistogramDataPoint, Metric, Number, NumberDataPoint, Quantile, ResourceMetrics, ScopeMetrics, Sum, Summary,
    SummaryDataPoint,
};

pub(crate) fn export_metrics(document: &Json) -> Result<ExportMetricsServiceRequest, String> {
    Ok(ExportMetricsServiceRequest { resource_metrics: request(document, "resourceMetrics", resource_metrics)? })
}

fn resource_metrics(object: &Object) -> Result<ResourceMetrics, String> {
    Ok(ResourceMetrics {
        resource: resource(object)?,
        scope_metrics: list(object, "scopeMetrics", scope_metrics)?,
        schema_url: text(object, "schemaUrl")?,
    })
}

fn scope_metrics(object: &Object) -> Result<ScopeMetrics, String> {
    Ok(ScopeMetrics {
        scope: scope(object)?,
        metrics: list(object, "metrics", metric)?,
        schema_url: text(object, "schemaUrl")?,
    })
}

fn metric(object: &Object) -> Result<Metric, String> {
    Ok(Metric {
        name: text(object, "name")?,
        description: text(object, "description")?,
        unit: text(object, "unit")?,
        data: data(object)?,
    })
}

fn data(object: &Object) -> Result<Option<Data>, String> {
    if let Some(gauge) =
        message(object, "gauge", |gauge| Ok(Gauge { data_points: list(gauge, "dataPoints", number_point)? }))?
    {
        return Ok(Some(Data::Gauge(gauge)));
    }
    if let Some(sum) = message(object, "sum", |sum| {
        Ok(Sum {
            data_points: list(sum, "dataPoints", number_point)?,
            aggregation_temporality: number(sum, "aggregationTemporality")?,
            is_monotonic: flag(sum, "isMonotonic")?,
        })
    })? {
        return Ok(Some(Data::Sum(sum)));
    }
    if let Some(histogram) = message(object, "histogram", |histogram| {
        Ok(Histogram {
            data_points: list(histogram, "dataPoints", histogram_point)?,
            aggregation_temporality: number(histogram, "aggregationTemporality")?,
        })
    })? {
        return Ok(Some(Data::Histogram(histogram)));
    }
    if let Some(histogram) = message(object, "exponentialHistogram", |histogram| {
        Ok(ExponentialHistogram {
            data_points: list(histogram, "dataPoints", exponential_point)?,
            aggregation_temporality: number(histogram, "aggregationTemporality")?,
        })
    })? {
        return Ok(Some(Data::ExponentialHistogram(histogram)));
    }
    let summary =
        message(object, "summary", |summary| Ok(Summary { data_points: list(summary, "dataPoints", summary_point)? }))?;
    Ok(summary.map(Data::Summary))
}

fn number_point(object: &Object) -> Result<NumberDataPoint, String> {
    let value = if field(object, "asInt").is_some() {
        Some(Number::Int(number(object, "asInt")?))
    } else {
        optional_double(object, "asDouble")?.map(Number::Double)
    };
    Ok(NumberDataPoint {
        start_time_unix_nano: number(object, "startTimeUnixNano")?,
        time_unix_nano: number(object, "timeUnixNano")?,
        value,
        attributes: list(object, "attributes", key_value)?,
        flags: number(object, "flags")?,
    })
}

fn histogram_point(object: &Object) -> Result<HistogramDataPoint, String> {
    Ok(HistogramDataPoint {
        start_time_unix_nano: number(object, "startTimeUnixNano")?,
        time_unix_nano: number(object, "timeUnixNano")?,
        count: number(object, "count")?,
        sum: optional_double(object, "sum")?,
        bucket_counts: numbers(object, "bucketCounts", whole_of)?,
        explicit_bounds: numbers(object, "explicitBounds", double_of)?,
        attributes: list(object, "attributes", key_value)?,
        flags: number(object, "flags")?,
        min: optional_double(object, "min")?,
        max: optional_double(object, "max")?,
    })
}

fn exponential_point(object: &Object) -> Result<ExponentialHistogramDataPoint, String> {
    Ok(ExponentialHistogramDataPoint {
        attributes: list(object, "attributes", key_value)?,
        start_time_unix_nano: number(object, "startTimeUnixNano")?,
        time_unix_nano: number(object, "timeUnixNano")?,
        count: number(object, "count")?,
        sum: optional_double(object, "sum")?,
        scale: number(object, "scale")?,
        zero_count: number(object, "zeroCount")?,
        positive: message(object, "positive", buckets)?,
        negative: message(object, "negative", buckets)?,
        flags: number(object, "flags")?,
        min: optional_double(object, "min")?,
        max: optional_double(object, "max")?,
        zero_threshold: double(object, "zeroThreshold")?,
    })
}

fn buckets(object: &Object) -> Result<Buckets, String> {
    Ok(Buckets { offset: number(object, "offset")?, bucket_counts: numbers(object, "bucketCounts", whole_of)? })
}

fn summary_point(object: &Object) -> Result<SummaryDataPoint, String> {
    Ok(SummaryDataPoint {
        start_time_unix_nano: number(object, "startTimeUnixNano")?,
        time_unix_nano: number(object, "timeUnixNano")?,
        count: number(object, "count")?,
        sum: double(object, "sum")?,
        quantile_values: list(object, "quantileValues", |quantile| {
            Ok(Quantile { quantile: double(quantile, "quantile")?, value: double(quantile, "value")? })
        })?,
        attributes: list(object, "attributes", key_value)?,
        flags: number(object, "flags")?,
    })
}

/// A number whose absence says something else than nought.
fn optional_double(object: &Object, key: &str) -> Result<Option<f64>, String> {
    field(object, key).map(|_| double(object, key)).transpose()
}

fn flag(object: &Object, key: &str) -> Result<bool, String> {
    match field(object, key) {
        None => Ok(false),
        Some(value) => value.as_bool().ok_or_else(|| format!("{key}: true or false is required")),
    }
}
