//! Spans.

use std::sync::Arc;

use ferrotel::api::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use ferrotel::common::{Attributes, Scope, Text, Value};
use ferrotel::resource::Resource;
use ferrotel::sdk::trace::{Bounded, Event, FinishedSpan, Link, SpanData};
use ferrotel_otlp::encode::{self, MAX_DEPTH, json};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1 as common;
use opentelemetry_proto::tonic::trace::v1 as trace;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use prost::Message;

use super::generated::{self, any_value, attributes};
use super::hex;
use super::random::{resources, scopes, some_attributes, text, value};

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn protobuf_has_the_fields_and_the_bytes_of_the_generated_code(batch in batch(any::<f64>())) {
        let expected = request(&batch);
        let bytes = encode::traces::encode(&batch);
        prop_assert_eq!(&bytes, &expected.encode_to_vec());
        let decoded = ExportTraceServiceRequest::decode(bytes.as_slice()).unwrap();
        prop_assert_eq!(decoded, expected);
    }

    #[test]
    fn json_has_the_fields_of_the_generated_code(batch in batch(-1e300..1e300)) {
        let decoded: ExportTraceServiceRequest = serde_json::from_slice(&json::traces::encode(&batch)).unwrap();
        prop_assert_eq!(decoded, request(&batch));
    }
}

#[test]
fn an_encoder_may_be_used_again() {
    let mut encoder = encode::traces::Encoder::default();
    let large: Vec<_> = (0..300).map(|at| named(&format!("span {at}"))).collect();
    let small = [named("one")];
    for batch in [&large[..], &small[..], &[], &large[..]] {
        assert_eq!(encoder.encode(batch), request(batch).encode_to_vec());
    }
}

#[test]
fn groups_by_content_and_keeps_the_order() {
    let scopes = ["a", "b", "a", "c", "a", "b"];
    let batch: Vec<_> = scopes
        .iter()
        .enumerate()
        .map(|(at, scope)| {
            FinishedSpan::new(SpanData {
                name: at.to_string().into(),
                scope: Arc::new(Scope::new(*scope)),
                resource: Arc::new(Resource::default()),
                ..SpanData::default()
            })
        })
        .collect();
    let decoded = ExportTraceServiceRequest::decode(encode::traces::encode(&batch).as_slice()).unwrap();
    assert_eq!(decoded.resource_spans.len(), 1);
    let groups: Vec<(&str, Vec<&str>)> = decoded.resource_spans[0]
        .scope_spans
        .iter()
        .map(|group| {
            let name = group.scope.as_ref().unwrap().name.as_str();
            (name, group.spans.iter().map(|span| span.name.as_str()).collect())
        })
        .collect();
    assert_eq!(groups, [("a", vec!["0", "2", "4"]), ("b", vec!["1", "5"]), ("c", vec!["3"])]);
}

/// `traces.hex` is what the encoder of opentelemetry-exporter-otlp-proto-common 1.45.1 made of the same two spans.
#[test]
fn protobuf_has_the_bytes_of_the_official_python_encoder() {
    let resource = Resource {
        attributes: [("service.name", Value::from("shop")), ("n", Value::Int(3))].into_iter().collect(),
        schema_url: "http://r".into(),
        ..Resource::default()
    };
    let scope = Scope {
        version: "1.2".into(),
        schema_url: "http://s".into(),
        attributes: [("scope", Value::Bool(true))].into_iter().collect(),
        ..Scope::new("shop.orders")
    };
    let (resource, scope) = (Arc::new(resource), Arc::new(scope));
    let context = |span_id, is_remote| SpanContext {
        trace_id: TraceId(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c),
        span_id: SpanId(span_id),
        is_remote,
        trace_flags: TraceFlags::SAMPLED,
        ..SpanContext::default()
    };
    let attributes = [
        ("text", Value::from("grün \"q\"")),
        ("int", Value::Int(-7)),
        ("zero", Value::Int(0)),
        ("double", Value::Double(0.1)),
        ("bool", Value::Bool(false)),
        ("bytes", Value::Bytes([0, 255].into())),
        ("list", Value::Array([Value::from("x"), Value::Int(1), Value::Double(2.5), Value::Empty].into())),
        ("map", Value::Map([("k".into(), Value::from("v")), ("e".into(), Value::Empty)].into())),
        ("none", Value::Empty),
        ("empty", Value::from("")),
        ("el", Value::Array([].into())),
    ];
    let event = Event {
        name: "exception".into(),
        timestamp: 1_700_000_000_000_000_005,
        attributes: [("exception.type", "ValueError")].into_iter().collect(),
    };
    let link = Link { context: context(9, true), attributes: [("l", Value::Int(1))].into_iter().collect() };
    let full = SpanData {
        context: SpanContext { trace_state: TraceState::from_header("a=1,b=2").unwrap(), ..context(2, false) },
        parent: Some(context(1, true)),
        name: "POST /orders".into(),
        kind: SpanKind::Server,
        start_time: Some(1_700_000_000_000_000_001),
        end_time: Some(1_700_000_000_250_000_001),
        attributes: attributes.into_iter().collect(),
        events: Bounded { items: vec![event], dropped: 0 },
        links: Bounded { items: vec![link], dropped: 0 },
        status: Status::Error(Some("no stock".into())),
        scope: scope.clone(),
        resource: resource.clone(),
    };
    let plain = SpanData {
        context: context(3, false),
        name: "plain".into(),
        kind: SpanKind::Consumer,
        start_time: Some(5),
        end_time: Some(6),
        status: Status::Ok,
        scope,
        resource,
        ..SpanData::default()
    };
    let bytes = encode::traces::encode(&[FinishedSpan::new(full), FinishedSpan::new(plain)]);
    assert_eq!(hex(&bytes), include_str!("traces.hex").trim());
}

#[test]
fn flags_say_whether_the_other_span_is_remote() {
    for (parent, expected) in [(None, 0x100), (Some(false), 0x100), (Some(true), 0x300)] {
        let parent = parent.map(|is_remote| SpanContext { is_remote, span_id: SpanId(7), ..SpanContext::default() });
        let span = FinishedSpan::new(SpanData { parent, ..SpanData::default() });
        let decoded = ExportTraceServiceRequest::decode(encode::traces::encode(&[span]).as_slice()).unwrap();
        assert_eq!(decoded.resource_spans[0].scope_spans[0].spans[0].flags, expected);
    }
}

#[test]
fn values_nested_too_deep_are_cut_and_the_rest_is_kept() {
    for wrap in [|value| Value::Array([value].into()), |value| Value::Map([("k".into(), value)].into())] {
        let deep = (0..200).fold(Value::Int(1), |value, _| wrap(value));
        let event =
            Event { attributes: [("deep", deep), ("flat", Value::Int(2))].into_iter().collect(), ..Event::default() };
        let events = Bounded { items: vec![event], dropped: 0 };
        let batch = [FinishedSpan::new(SpanData { events, ..SpanData::default() })];
        let decoded = ExportTraceServiceRequest::decode(encode::traces::encode(&batch).as_slice()).unwrap();
        let from_json: ExportTraceServiceRequest = serde_json::from_slice(&json::traces::encode(&batch)).unwrap();
        assert_eq!(decoded, from_json);
        let attributes = &decoded.resource_spans[0].scope_spans[0].spans[0].events[0].attributes;
        assert_eq!(depth(attributes[0].value.as_ref().unwrap()), MAX_DEPTH);
        assert_eq!(attributes[1].value, Some(any_value(&Value::Int(2))));
    }
}

#[test]
fn json_writes_doubles_that_json_does_not_have_as_strings() {
    for (value, text) in [(f64::NAN, "NaN"), (f64::INFINITY, "Infinity"), (f64::NEG_INFINITY, "-Infinity")] {
        let attributes = [("d", Value::Double(value))].into_iter().collect();
        let json = json::traces::encode(&[FinishedSpan::new(SpanData { attributes, ..SpanData::default() })]);
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let attribute = &json["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"][0];
        assert_eq!(attribute["value"]["doubleValue"], text);
    }
}

#[test]
fn json_has_the_forms_that_otlp_prescribes() {
    let context = SpanContext {
        trace_id: TraceId(0x5b8e_fff7_9803_8103_d269_b633_813f_c60c),
        span_id: SpanId(0xeee1_9b7e_c3c1_b174),
        ..SpanContext::default()
    };
    let span = FinishedSpan::new(SpanData {
        context,
        name: "q\"\\\n\u{1}ü".into(),
        kind: SpanKind::Server,
        start_time: Some(1_544_712_660_000_000_001),
        status: Status::Error(None),
        attributes: [("n", Value::Int(i64::MIN)), ("b", Value::Bytes([0xff, 0xfe, 0xfd].into()))].into_iter().collect(),
        ..SpanData::default()
    });
    let json = String::from_utf8(json::traces::encode(&[span])).unwrap();
    for part in [
        r#""traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174""#,
        "\"name\":\"q\\\"\\\\\\n\\u0001ü\",\"kind\":2",
        r#""startTimeUnixNano":"1544712660000000001""#,
        r#"{"key":"n","value":{"intValue":"-9223372036854775808"}}"#,
        r#"{"key":"b","value":{"bytesValue":"//79"}}"#,
        r#""status":{"code":2},"flags":256"#,
    ] {
        assert!(json.contains(part), "{part} is not in {json}");
    }
}

fn named(name: &str) -> FinishedSpan {
    FinishedSpan::new(SpanData { name: name.into(), ..SpanData::default() })
}

fn depth(value: &common::AnyValue) -> usize {
    match &value.value {
        Some(common::any_value::Value::ArrayValue(list)) => 1 + depth(&list.values[0]),
        Some(common::any_value::Value::KvlistValue(map)) => 1 + depth(map.values[0].value.as_ref().unwrap()),
        _ => 0,
    }
}

// The same batch as generated structs.

fn request(batch: &[FinishedSpan]) -> ExportTraceServiceRequest {
    let mut groups: Vec<(Arc<Resource>, Vec<Group>)> = Vec::new();
    for finished in batch {
        let data = finished.read();
        let scopes = match groups.iter().position(|(known, _)| *known == data.resource) {
            Some(at) => &mut groups[at].1,
            None => {
                groups.push((data.resource.clone(), Vec::new()));
                &mut groups.last_mut().unwrap().1
            }
        };
        match scopes.iter().position(|(known, _)| *known == data.scope) {
            Some(at) => scopes[at].1.push(span(&data)),
            None => scopes.push((data.scope.clone(), vec![span(&data)])),
        }
    }
    let resource_spans = groups.into_iter().map(|(resource, scopes)| trace::ResourceSpans {
        resource: Some(generated::resource(&resource)),
        scope_spans: scopes.into_iter().map(scope_spans).collect(),
        schema_url: resource.schema_url.to_string(),
    });
    ExportTraceServiceRequest { resource_spans: resource_spans.collect() }
}

type Group = (Arc<Scope>, Vec<trace::Span>);

fn scope_spans((scope, spans): Group) -> trace::ScopeSpans {
    trace::ScopeSpans { scope: Some(generated::scope(&scope)), spans, schema_url: scope.schema_url.to_string() }
}

fn span(data: &SpanData) -> trace::Span {
    let remote = |context: &SpanContext| if context.is_remote { 0x300 } else { 0x100 };
    trace::Span {
        trace_id: data.context.trace_id.0.to_be_bytes().to_vec(),
        span_id: data.context.span_id.0.to_be_bytes().to_vec(),
        trace_state: data.context.trace_state.to_header(),
        parent_span_id: data.parent.as_ref().map_or_else(Vec::new, |parent| parent.span_id.0.to_be_bytes().to_vec()),
        flags: data.parent.as_ref().map_or(0x100, remote),
        name: data.name.to_string(),
        kind: match data.kind {
            SpanKind::Internal => 1,
            SpanKind::Server => 2,
            SpanKind::Client => 3,
            SpanKind::Producer => 4,
            SpanKind::Consumer => 5,
        },
        start_time_unix_nano: data.start_time.unwrap_or(0),
        end_time_unix_nano: data.end_time.unwrap_or(0),
        attributes: attributes(&data.attributes),
        dropped_attributes_count: data.attributes.dropped(),
        events: data.events.items.iter().map(event).collect(),
        dropped_events_count: data.events.dropped,
        links: data
            .links
            .items
            .iter()
            .map(|link| trace::span::Link {
                trace_id: link.context.trace_id.0.to_be_bytes().to_vec(),
                span_id: link.context.span_id.0.to_be_bytes().to_vec(),
                trace_state: link.context.trace_state.to_header(),
                attributes: attributes(&link.attributes),
                dropped_attributes_count: link.attributes.dropped(),
                flags: remote(&link.context),
            })
            .collect(),
        dropped_links_count: data.links.dropped,
        status: Some(match &data.status {
            Status::Unset => trace::Status { code: 0, message: String::new() },
            Status::Ok => trace::Status { code: 1, message: String::new() },
            Status::Error(text) => {
                trace::Status { code: 2, message: text.as_ref().map_or_else(String::new, Text::to_string) }
            }
        }),
    }
}

fn event(event: &Event) -> trace::span::Event {
    trace::span::Event {
        time_unix_nano: event.timestamp,
        name: event.name.to_string(),
        attributes: attributes(&event.attributes),
        dropped_attributes_count: event.attributes.dropped(),
    }
}

// Random spans.

fn context() -> impl Strategy<Value = SpanContext> {
    let member =
        ("[a-z][a-z0-9_]{0,9}", "[!-+.-<>-~]{1,40}").prop_map(|(key, value)| (Text::from(key), Text::from(value)));
    (any::<u128>(), any::<u64>(), any::<u8>(), any::<bool>(), vec(member, 0..4)).prop_map(
        |(trace_id, span_id, flags, is_remote, members)| SpanContext {
            trace_id: TraceId(trace_id),
            span_id: SpanId(span_id),
            trace_flags: TraceFlags(flags),
            is_remote,
            trace_state: TraceState::from_valid_entries(members),
        },
    )
}

fn batch(doubles: impl Strategy<Value = f64> + Clone + 'static) -> impl Strategy<Value = Vec<FinishedSpan>> {
    let attributes = some_attributes(value(doubles));
    (resources(attributes.clone()), scopes(attributes.clone())).prop_flat_map(move |(resources, scopes)| {
        vec(span_data(attributes.clone(), resources, scopes).prop_map(FinishedSpan::new), 0..6)
    })
}

fn span_data(
    attributes: impl Strategy<Value = Attributes> + Clone + 'static,
    resources: Vec<Arc<Resource>>,
    scopes: Vec<Arc<Scope>>,
) -> impl Strategy<Value = SpanData> {
    let event = (text(), any::<u64>(), attributes.clone()).prop_map(|(name, timestamp, attributes)| Event {
        name,
        timestamp,
        attributes,
    });
    let link = (context(), attributes.clone()).prop_map(|(context, attributes)| Link { context, attributes });
    let status = prop_oneof![Just(Status::Unset), Just(Status::Ok), option::of(text()).prop_map(Status::Error)];
    let who =
        (context(), option::of(context()), text(), (0u8..5).prop_map(|kind| SpanKind::from_number(kind).unwrap()));
    let when = (option::of(any::<u64>()), option::of(any::<u64>()));
    let what = (attributes, vec(event, 0..3), any::<u32>(), vec(link, 0..3), 0u32..2, status);
    let whence = (proptest::sample::select(scopes), proptest::sample::select(resources));
    (who, when, what, whence).prop_map(|(who, when, what, (scope, resource))| SpanData {
        context: who.0,
        parent: who.1,
        name: who.2,
        kind: who.3,
        start_time: when.0,
        end_time: when.1,
        attributes: what.0,
        events: Bounded { items: what.1, dropped: what.2 },
        links: Bounded { items: what.3, dropped: what.4 },
        status: what.5,
        scope,
        resource,
    })
}
