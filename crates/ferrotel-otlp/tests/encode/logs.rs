//! Log records.

use std::sync::Arc;

use ferrotel::api::trace::{SpanId, TraceFlags, TraceId};
use ferrotel::common::{Attributes, Scope, Value};
use ferrotel::resource::Resource;
use ferrotel::sdk::logs::{FinishedLogRecord, LogRecordData};
use ferrotel_otlp::encode::{self, MAX_DEPTH, json};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1 as logs;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

use super::generated::{self, any_value, attributes};
use super::random::{resources, scopes, some_attributes, text, value};
use super::{decode, hex};

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn protobuf_has_the_fields_and_the_bytes_of_the_generated_code(batch in batch(any::<f64>())) {
        let expected = request(&batch);
        let bytes = encode::logs::encode(&batch);
        prop_assert_eq!(&bytes, &expected.encode_to_vec());
        prop_assert_eq!(decode::<ExportLogsServiceRequest>(&bytes), expected);
    }

    #[test]
    fn json_has_the_fields_of_the_generated_code(batch in batch(-1e300..1e300)) {
        let decoded: ExportLogsServiceRequest = serde_json::from_slice(&json::logs::encode(&batch)).unwrap();
        prop_assert_eq!(decoded, without_empty_bodies(request(&batch)));
    }
}

/// In JSON an empty body is left out: some collectors refuse a value that says nothing.
fn without_empty_bodies(mut request: ExportLogsServiceRequest) -> ExportLogsServiceRequest {
    let resources = request.resource_logs.iter_mut();
    for record in resources.flat_map(|of| &mut of.scope_logs).flat_map(|of| &mut of.log_records) {
        record.body.take_if(|body| body.value.is_none());
    }
    request
}

#[test]
fn an_encoder_may_be_used_again() {
    let mut encoder = encode::logs::Encoder::default();
    let large: Vec<_> = (0..300).map(|at| saying(Value::from(format!("record {at}")))).collect();
    let small = [saying(Value::from("one"))];
    for batch in [&large[..], &small[..], &[], &large[..]] {
        assert_eq!(encoder.encode(batch), request(batch).encode_to_vec());
    }
}

/// `logs.hex` is what the encoder of opentelemetry-exporter-otlp-proto-common 1.45.1 made of the same two records.
#[test]
fn protobuf_has_the_bytes_of_the_official_python_encoder() {
    let resource = Arc::new(Resource {
        attributes: [("service.name", Value::from("shop")), ("n", Value::Int(3))].into_iter().collect(),
        schema_url: "http://r".into(),
        ..Resource::default()
    });
    let scope = Arc::new(Scope {
        version: "1.2".into(),
        schema_url: "http://s".into(),
        attributes: [("scope", Value::Bool(true))].into_iter().collect(),
        ..Scope::new("shop.orders")
    });
    let list = Value::Array([Value::Int(1), Value::Double(2.5), Value::Empty].into());
    let full = LogRecordData {
        timestamp: 1_700_000_000_000_000_001,
        observed_timestamp: 1_700_000_000_000_000_005,
        trace_id: TraceId(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c),
        span_id: SpanId(2),
        trace_flags: TraceFlags::SAMPLED,
        severity_number: 17,
        severity_text: "ERROR".into(),
        body: Value::Map([("text".into(), Value::from("grün")), ("list".into(), list)].into()),
        event_name: "order.failed".into(),
        attributes: [("code", Value::Int(-7)), ("raw", Value::Bytes([0, 255].into()))].into_iter().collect(),
        resource: resource.clone(),
        scope: scope.clone(),
    };
    let plain = LogRecordData { observed_timestamp: 5, resource, scope, ..LogRecordData::default() };
    let bytes = encode::logs::encode(&[FinishedLogRecord::new(full), FinishedLogRecord::new(plain)]);
    assert_eq!(hex(&bytes), include_str!("logs.hex").trim());
}

#[test]
fn a_body_nested_too_deep_is_cut_and_the_record_is_kept() {
    let deep = (0..200).fold(Value::Int(1), |value, _| Value::Array([value].into()));
    let batch = [saying(deep)];
    let decoded: ExportLogsServiceRequest = decode(&encode::logs::encode(&batch));
    let from_json: ExportLogsServiceRequest = serde_json::from_slice(&json::logs::encode(&batch)).unwrap();
    assert_eq!(decoded, from_json);
    let kept = (0..MAX_DEPTH - 1).fold(Value::Array([Value::Empty].into()), |value, _| Value::Array([value].into()));
    let record = &decoded.resource_logs[0].scope_logs[0].log_records[0];
    assert_eq!(record.body, Some(any_value(&kept)));
}

#[test]
fn json_has_the_forms_that_otlp_prescribes() {
    let record = FinishedLogRecord::new(LogRecordData {
        timestamp: 1_544_712_660_000_000_001,
        observed_timestamp: 2,
        trace_id: TraceId(0x5b8e_fff7_9803_8103_d269_b633_813f_c60c),
        span_id: SpanId(0xeee1_9b7e_c3c1_b174),
        trace_flags: TraceFlags::SAMPLED,
        severity_number: 9,
        severity_text: "INFO".into(),
        body: Value::Bytes([0xff, 0xfe, 0xfd].into()),
        event_name: "e".into(),
        ..LogRecordData::default()
    });
    assert_eq!(
        String::from_utf8(json::logs::encode(&[record])).unwrap(),
        concat!(
            r#"{"resourceLogs":[{"resource":{},"scopeLogs":[{"scope":{},"logRecords":[{"#,
            r#""timeUnixNano":"1544712660000000001","observedTimeUnixNano":"2","severityNumber":9,"#,
            r#""severityText":"INFO","body":{"bytesValue":"//79"},"flags":1,"#,
            r#""traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","eventName":"e"}]}]}]}"#,
        )
    );
}

fn saying(body: Value) -> FinishedLogRecord {
    FinishedLogRecord::new(LogRecordData { body, ..LogRecordData::default() })
}

// The same batch as generated structs.

fn request(batch: &[FinishedLogRecord]) -> ExportLogsServiceRequest {
    let mut resource_logs: Vec<(Arc<Resource>, logs::ResourceLogs)> = Vec::new();
    for record in batch {
        let at = resource_logs.iter().position(|(known, _)| *known == record.resource).unwrap_or_else(|| {
            let group = logs::ResourceLogs {
                resource: Some(generated::resource(&record.resource)),
                scope_logs: Vec::new(),
                schema_url: record.resource.schema_url.to_string(),
            };
            resource_logs.push((record.resource.clone(), group));
            resource_logs.len() - 1
        });
        let scope_logs = &mut resource_logs[at].1.scope_logs;
        let scope = Some(generated::scope(&record.scope));
        let schema_url = record.scope.schema_url.to_string();
        let known = |group: &&mut logs::ScopeLogs| group.scope == scope && group.schema_url == schema_url;
        match scope_logs.iter_mut().find(known) {
            Some(group) => group.log_records.push(generated_record(record)),
            None => {
                scope_logs.push(logs::ScopeLogs { scope, log_records: vec![generated_record(record)], schema_url });
            }
        }
    }
    ExportLogsServiceRequest { resource_logs: resource_logs.into_iter().map(|(_, group)| group).collect() }
}

fn generated_record(record: &LogRecordData) -> logs::LogRecord {
    let id = |valid: bool, bytes: &[u8]| if valid { bytes.to_vec() } else { Vec::new() };
    logs::LogRecord {
        time_unix_nano: record.timestamp,
        observed_time_unix_nano: record.observed_timestamp,
        severity_number: record.severity_number,
        severity_text: record.severity_text.to_string(),
        body: Some(any_value(&record.body)),
        attributes: attributes(&record.attributes),
        dropped_attributes_count: record.attributes.dropped(),
        flags: record.trace_flags.0.into(),
        trace_id: id(record.trace_id.is_valid(), &record.trace_id.0.to_be_bytes()),
        span_id: id(record.span_id.is_valid(), &record.span_id.0.to_be_bytes()),
        event_name: record.event_name.to_string(),
    }
}

// Random records.

fn batch(doubles: impl Strategy<Value = f64> + Clone + 'static) -> impl Strategy<Value = Vec<FinishedLogRecord>> {
    let bodies = value(doubles);
    let attributes = some_attributes(bodies.clone());
    (resources(attributes.clone()), scopes(attributes.clone())).prop_flat_map(move |(resources, scopes)| {
        vec(record(bodies.clone(), attributes.clone(), resources, scopes).prop_map(FinishedLogRecord::new), 0..6)
    })
}

fn record(
    bodies: impl Strategy<Value = Value> + 'static,
    attributes: impl Strategy<Value = Attributes> + 'static,
    resources: Vec<Arc<Resource>>,
    scopes: Vec<Arc<Scope>>,
) -> impl Strategy<Value = LogRecordData> {
    let id = || prop_oneof![1 => Just(0u128), 3 => any::<u128>()];
    let whence = (proptest::sample::select(resources), proptest::sample::select(scopes));
    let when = (any::<u64>(), any::<u64>());
    let trace = (id(), id(), any::<u8>());
    (when, trace, (0..25i32, text(), text()), bodies, attributes, whence).prop_map(
        |(when, trace, (severity_number, severity_text, event_name), body, attributes, (resource, scope))| {
            LogRecordData {
                timestamp: when.0,
                observed_timestamp: when.1,
                trace_id: TraceId(trace.0),
                span_id: SpanId(trace.1 as u64),
                trace_flags: TraceFlags(trace.2),
                severity_number,
                severity_text,
                body,
                event_name,
                attributes,
                resource,
                scope,
            }
        },
    )
}
