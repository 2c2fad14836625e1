//! Spans, and the JSON that Zipkin is given of them.

use std::sync::Arc;

use ferrotel::api::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId};
use ferrotel::common::{Attributes, Scope, Value};
use ferrotel::resource::Resource;
use ferrotel::sdk::trace::{Event, FinishedSpan, SpanData};
use ferrotel_zipkin::{LocalEndpoint, encode};

fn attributes(items: impl IntoIterator<Item = (&'static str, Value)>) -> Attributes {
    let mut attributes = Attributes::new();
    for (key, value) in items {
        attributes.set(key.into(), value, None);
    }
    attributes
}

fn text(text: &str) -> Value {
    Value::String(text.into())
}

fn context(trace: u128, span: u64) -> SpanContext {
    SpanContext {
        trace_id: TraceId::from_bytes(trace.to_be_bytes()),
        span_id: SpanId::from_bytes(span.to_be_bytes()),
        trace_flags: TraceFlags::SAMPLED,
        ..SpanContext::default()
    }
}

fn encoded(data: SpanData, limit: Option<usize>) -> serde_json::Value {
    let local = LocalEndpoint {
        service_name: "nobody".into(),
        ipv4: Some("10.0.0.1".into()),
        port: Some(80),
        ..LocalEndpoint::default()
    };
    let json: serde_json::Value = serde_json::from_slice(&encode(&[FinishedSpan::new(data)], &local, limit)).unwrap();
    json[0].clone()
}

#[test]
fn every_field_of_a_span() {
    let mut data = SpanData {
        context: context(1, 2),
        parent: Some(context(1, 3)),
        name: "call".into(),
        kind: SpanKind::Client,
        start_time: Some(1_000_499),
        end_time: Some(1_002_000),
        status: Status::Error(Some("broken".into())),
        ..SpanData::default()
    };
    data.attributes = attributes([
        ("bool", Value::Bool(true)),
        ("int", Value::Int(-7)),
        ("double", Value::Double(1.0)),
        ("text", text("t")),
        ("list", Value::Array([Value::Int(1), text("b"), Value::Bool(false), Value::Empty].into())),
        ("none", Value::Empty),
        ("server.address", text("db")),
    ]);
    data.attributes.set_dropped(4);
    data.events.items = vec![Event {
        name: "e".into(),
        timestamp: 1_500,
        attributes: attributes([("k", Value::Int(1)), ("a", text("x"))]),
    }];
    data.events.dropped = 5;
    data.links.dropped = 6;
    data.scope = Arc::new(Scope { version: "1.2".into(), ..Scope::new("lib") });
    data.resource = Arc::new(Resource {
        attributes: attributes([("service.name", text("shop")), ("host", text("h"))]),
        ..Resource::default()
    });
    assert_eq!(
        encoded(data, None),
        serde_json::json!({
            "traceId": "00000000000000000000000000000001",
            "id": "0000000000000002",
            "parentId": "0000000000000003",
            "name": "call",
            "kind": "CLIENT",
            "timestamp": 1000,
            "duration": 2,
            "debug": true,
            "localEndpoint": {"serviceName": "shop", "ipv4": "10.0.0.1", "port": 80},
            "remoteEndpoint": {"serviceName": "db"},
            "annotations": [{"timestamp": 2, "value": r#"{"e":{"a":"x","k":1}}"#}],
            "tags": {
                "bool": "true", "int": "-7", "double": "1.0", "text": "t", "list": r#"["1","b","false",null]"#,
                "server.address": "db", "service.name": "shop", "host": "h",
                "otel.scope.name": "lib", "otel.library.name": "lib",
                "otel.scope.version": "1.2", "otel.library.version": "1.2",
                "otel.status_code": "ERROR", "error": "broken",
                "otel.dropped_attributes_count": "4", "otel.dropped_events_count": "5", "otel.dropped_links_count": "6",
            },
        })
    );
}

#[test]
fn what_is_empty_is_left_out() {
    assert_eq!(
        encoded(SpanData { name: "n".into(), start_time: Some(5), ..SpanData::default() }, None),
        serde_json::json!({
            "traceId": "0".repeat(32), "id": "0".repeat(16), "name": "n", "timestamp": 0, "duration": 0,
            "localEndpoint": {"serviceName": "nobody", "ipv4": "10.0.0.1", "port": 80},
        })
    );
}

#[test]
fn status_and_the_tag_error() {
    let with = |status: Status, error: Value| {
        let data = SpanData { status, attributes: attributes([("error", error)]), ..SpanData::default() };
        encoded(data, None)["tags"].clone()
    };
    assert_eq!(with(Status::Unset, Value::Bool(false)), serde_json::Value::Null);
    assert_eq!(with(Status::Ok, text("false")), serde_json::json!({"otel.status_code": "OK"}));
    assert_eq!(with(Status::Unset, text("yes")), serde_json::json!({"error": "yes"}));
    assert_eq!(with(Status::Error(None), Value::Empty), serde_json::json!({"otel.status_code": "ERROR", "error": ""}));
}

#[test]
fn the_remote_endpoint_is_the_best_that_is_known_of_whom_is_called() {
    let remote = |kind: SpanKind, items: Vec<(&'static str, Value)>| {
        encoded(SpanData { kind, attributes: attributes(items), ..SpanData::default() }, None)["remoteEndpoint"].clone()
    };
    let all = vec![("peer.address", text("old")), ("net.peer.name", text("name")), ("peer.service", text("service"))];
    assert_eq!(remote(SpanKind::Client, all.clone()), serde_json::json!({"serviceName": "service"}));
    assert_eq!(remote(SpanKind::Producer, all[..2].to_vec()), serde_json::json!({"serviceName": "name"}));
    assert_eq!(remote(SpanKind::Server, all), serde_json::Value::Null);
    let peer = |address: &str| vec![("network.peer.address", text(address)), ("network.peer.port", Value::Int(99))];
    assert_eq!(remote(SpanKind::Client, peer("10.1.2.3")), serde_json::json!({"ipv4": "10.1.2.3", "port": 99}));
    assert_eq!(remote(SpanKind::Client, peer("::1")), serde_json::json!({"ipv6": "::1", "port": 99}));
    assert_eq!(remote(SpanKind::Client, peer("/run/socket")), serde_json::json!({"serviceName": "/run/socket"}));
}

#[test]
fn values_are_cut_and_lists_between_their_items() {
    let data = SpanData {
        attributes: attributes([
            ("text", text("éééééééééé")),
            ("list", Value::Array([text("ab"), text("cd"), text("ef")].into())),
        ]),
        ..SpanData::default()
    };
    let tags = encoded(data.clone(), Some(8))["tags"].clone();
    assert_eq!(tags, serde_json::json!({"text": "éééééééé", "list": r#"["ab"]"#}));
    assert_eq!(encoded(data.clone(), Some(11))["tags"]["list"], r#"["ab","cd"]"#);
    assert_eq!(encoded(data, Some(1))["tags"], serde_json::json!({"text": "é"}));
}
