//! The propagators against the shared vectors, and round trips of random values.

use std::collections::BTreeMap;
use std::path::Path;

use ferrotel::api::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState, TraceStateError};
use ferrotel::baggage::{Baggage, BaggageEntry};
use ferrotel::propagation::baggage::{HeaderWriter, Limits, read_members};
use ferrotel::propagation::tracecontext::{format_traceparent, parse_traceparent};
use ferrotel::propagation::{
    B3Encoding, B3Propagator, BaggagePropagator, CompositePropagator, JaegerPropagator, Propagated, TextMapPropagator,
    TraceContextPropagator, percent,
};
use proptest::prelude::*;
use serde_json::Value;

type Headers = Vec<(String, String)>;

fn cases(file: &str, section: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let vectors: Value = serde_json::from_str(&text).expect("vectors are JSON");
    let cases = vectors[section].as_array().expect("a list of cases").clone();
    assert!(!cases.is_empty());
    cases
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().expect("a list").iter().map(text).collect()
}

fn pairs(value: &Value) -> Vec<(String, String)> {
    let pairs = value.as_array().expect("a list of pairs");
    pairs.iter().map(|pair| (text(&pair[0]).to_owned(), text(&pair[1]).to_owned())).collect()
}

fn map(value: &Value) -> BTreeMap<String, String> {
    value.as_object().expect("a mapping").iter().map(|(k, v)| (k.clone(), text(v).to_owned())).collect()
}

fn span_context(value: &Value) -> Option<SpanContext> {
    value.as_object()?;
    Some(SpanContext {
        trace_id: TraceId(u128::from_str_radix(text(&value["trace_id"]), 16).unwrap()),
        span_id: SpanId(u64::from_str_radix(text(&value["span_id"]), 16).unwrap()),
        trace_flags: TraceFlags(value["flags"].as_u64().unwrap() as u8),
        is_remote: true,
        trace_state: TraceState::from_header(value["tracestate"].as_str().unwrap_or_default()).unwrap(),
    })
}

fn entries(state: &TraceState) -> Vec<(String, String)> {
    state.entries().iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
}

#[test]
fn trace_state_headers() {
    for case in cases("tracestate.json", "parse") {
        let outcome = TraceState::from_headers(texts(&case["headers"]));
        match case["error"].as_str() {
            None => assert_eq!(entries(&outcome.unwrap()), pairs(&case["expect"]), "{}", case["name"]),
            Some("too many") => assert_eq!(outcome, Err(TraceStateError::TooManyMembers), "{}", case["name"]),
            Some(_) => assert!(matches!(outcome, Err(TraceStateError::InvalidMember(_))), "{}", case["name"]),
        }
    }
}

#[test]
fn trace_state_changes() {
    for case in cases("tracestate.json", "change") {
        let from = pairs(&case["from"]).into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        let state = TraceState::from_valid_entries(from);
        let key = text(&case["key"]);
        let value = case["value"].as_str().unwrap_or_default();
        let outcome = match text(&case["op"]) {
            "add" => state.add(key, value),
            "update" => state.update(key, value),
            _ => state.delete(key),
        };
        let expected = match case["error"].as_str() {
            None => Ok(pairs(&case["expect"])),
            Some("exists") => Err(TraceStateError::KeyExists),
            Some("missing") => Err(TraceStateError::KeyMissing),
            Some("too many") => Err(TraceStateError::TooManyMembers),
            Some(_) => Err(TraceStateError::InvalidPair),
        };
        assert_eq!(outcome.map(|state| entries(&state)), expected, "{}", case["name"]);
    }
}

#[test]
fn trace_context_extract() {
    for case in cases("tracecontext.json", "extract") {
        let headers: Headers = pairs(&case["headers"]);
        let received = TraceContextPropagator.extract(&headers, Propagated::default());
        assert_eq!(received.span_context, span_context(&case["expect"]), "{}", case["name"]);
    }
}

#[test]
fn trace_context_keeps_the_base_where_nothing_valid_arrives() {
    let base = Propagated { span_context: Some(valid_context(1)), baggage: Baggage::EMPTY.with("a", "1") };
    for case in cases("tracecontext.json", "extract") {
        if case["expect"].is_null() {
            let headers: Headers = pairs(&case["headers"]);
            assert_eq!(TraceContextPropagator.extract(&headers, base.clone()), base, "{}", case["name"]);
        }
    }
}

#[test]
fn trace_context_inject() {
    for case in cases("tracecontext.json", "inject") {
        let from = Propagated { span_context: span_context(&case["context"]), ..Propagated::default() };
        let mut carrier = BTreeMap::new();
        TraceContextPropagator.inject(&from, &mut carrier);
        assert_eq!(carrier, map(&case["expect"]), "{}", case["name"]);
        assert!(carrier.keys().all(|key| TraceContextPropagator.fields().contains(&key.as_str())));
    }
}

#[test]
fn baggage_extract() {
    for case in cases("baggage.json", "extract") {
        let headers = texts(&case["headers"]);
        let mut decoded = Vec::<(String, String)>::new();
        let mut problems = Vec::new();
        read_members(headers.iter().copied(), Limits::default(), |member| match member {
            Ok(member) => {
                let pair = (member.decoded_name().into_owned(), member.decoded_value().into_owned());
                match decoded.iter_mut().find(|(name, _)| *name == pair.0) {
                    Some(known) => *known = pair,
                    None => decoded.push(pair),
                }
            }
            Err(problem) => problems.push(problem.to_string()),
        });
        assert_eq!(decoded, pairs(&case["expect"]), "{}", case["name"]);
        let expected = texts(&case["problems"]);
        assert_eq!(problems.len(), expected.len(), "{}: {problems:?}", case["name"]);
        for (problem, part) in problems.iter().zip(expected) {
            assert!(problem.contains(part), "{}: {problem}", case["name"]);
            assert!(problem.len() < 400, "{}: a hostile header must not fill the log", case["name"]);
        }

        let carrier: Headers = headers.iter().map(|value| ("Baggage".to_owned(), (*value).to_owned())).collect();
        let received = BaggagePropagator.extract(&carrier, Propagated::default()).baggage;
        let expected = pairs(&case["expect"]);
        assert_eq!(received.len(), expected.len(), "{}", case["name"]);
        for (entry, (name, _)) in received.entries().iter().zip(expected) {
            assert_eq!(entry.name, name);
            assert_eq!(entry.metadata, case["metadata"][&name].as_str().unwrap_or_default(), "{}", case["name"]);
        }
    }
}

#[test]
fn baggage_inject() {
    for case in cases("baggage.json", "inject") {
        let baggage: Baggage = pairs(&case["entries"]).into_iter().map(|(name, value)| entry(&name, &value)).collect();
        let mut carrier = BTreeMap::new();
        BaggagePropagator.inject(&Propagated { baggage, ..Propagated::default() }, &mut carrier);
        assert_eq!(carrier.get("baggage").map(String::as_str), case["expect"].as_str(), "{}", case["name"]);
    }
}

#[test]
fn baggage_metadata_travels_as_it_is() {
    let incoming: Headers = vec![("baggage".into(), "a=1;ttl=60;private,b=2".into())];
    let received = BaggagePropagator.extract(&incoming, Propagated::default());
    assert_eq!(received.baggage.entry("a").unwrap().metadata, "ttl=60;private");
    let mut outgoing: Headers = Vec::new();
    BaggagePropagator.inject(&received, &mut outgoing);
    assert_eq!(outgoing, incoming);
}

#[test]
fn b3_extract() {
    for case in cases("b3.json", "extract") {
        let received = B3Propagator::default().extract(&map(&case["headers"]), Propagated::default());
        assert_eq!(received.span_context, span_context(&case["expect"]), "{}", case["name"]);
    }
}

#[test]
fn b3_inject() {
    for case in cases("b3.json", "inject") {
        let from = Propagated { span_context: span_context(&case["context"]), ..Propagated::default() };
        for (encoding, expected) in [(B3Encoding::Single, "single"), (B3Encoding::Multiple, "multiple")] {
            let mut carrier = BTreeMap::new();
            let propagator = B3Propagator { encoding };
            propagator.inject(&from, &mut carrier);
            assert_eq!(carrier, map(&case[expected]), "{} {expected}", case["name"]);
            assert!(carrier.keys().all(|key| propagator.fields().contains(&key.as_str())));
        }
    }
}

#[test]
fn jaeger_extract() {
    for case in cases("jaeger.json", "extract") {
        let received = JaegerPropagator.extract(&map(&case["headers"]), Propagated::default());
        assert_eq!(received.span_context, span_context(&case["expect"]), "{}", case["name"]);
        let baggage: Vec<_> =
            received.baggage.entries().iter().map(|e| (e.name.to_string(), e.value.to_string())).collect();
        assert_eq!(baggage, pairs(&case["baggage"]), "{}", case["name"]);
    }
}

#[test]
fn jaeger_inject() {
    for case in cases("jaeger.json", "inject") {
        let baggage = pairs(&case["baggage"]).into_iter().map(|(name, value)| entry(&name, &value)).collect();
        let from = Propagated { span_context: span_context(&case["context"]), baggage };
        let mut carrier = BTreeMap::new();
        JaegerPropagator.inject(&from, &mut carrier);
        assert_eq!(carrier, map(&case["expect"]), "{}", case["name"]);
    }
}

#[test]
fn jaeger_bounds_a_carrier_full_of_baggage() {
    let mut carrier = BTreeMap::from([("uber-trace-id".to_owned(), "1:1:0:1".to_owned())]);
    carrier.extend((0..1000).map(|i| (format!("uberctx-k{i:04}"), "v".to_owned())));
    assert_eq!(JaegerPropagator.extract(&carrier, Propagated::default()).baggage.len(), 180);
    carrier.extend((0..1000).map(|i| (format!("uberctx-k{i:04}"), "v".repeat(200))));
    let bytes: usize = JaegerPropagator
        .extract(&carrier, Propagated::default())
        .baggage
        .entries()
        .iter()
        .map(|entry| entry.name.len() + entry.value.len() + 2)
        .sum();
    assert!((8000..=8193).contains(&bytes), "{bytes}");
}

#[test]
fn composite_runs_all_in_order() {
    let propagator =
        CompositePropagator::new(vec![Box::new(TraceContextPropagator), Box::new(B3Propagator::default())]);
    let carrier: Headers = vec![
        ("TraceParent".into(), "00-12345678901234567890123456789012-1234567890123456-01".into()),
        ("B3".into(), "463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-0".into()),
    ];
    let received = propagator.extract(&carrier, Propagated::default()).span_context.unwrap();
    assert_eq!(received.span_id, SpanId(0xa2fb4a1d1a96d312));
    assert_eq!(propagator.fields(), ["b3", "traceparent", "tracestate"]);
    assert_eq!(CompositePropagator::default().extract(&carrier, Propagated::default()), Propagated::default());
}

fn entry(name: &str, value: &str) -> BaggageEntry {
    BaggageEntry { name: name.into(), value: value.into(), metadata: "".into() }
}

fn valid_context(seed: u64) -> SpanContext {
    SpanContext {
        trace_id: TraceId(u128::from(seed) << 64 | 1),
        span_id: SpanId(seed),
        trace_flags: TraceFlags::SAMPLED,
        is_remote: true,
        trace_state: TraceState::EMPTY,
    }
}

prop_compose! {
    fn any_context()(
        trace_id in 1u128..,
        span_id in 1u64..,
        flags: u8,
        members in prop::collection::vec(("[a-z0-9][a-z0-9_*/@-]{0,20}", "[ -+--<>-~]{0,20}[!-+--<>-~]"), 0..40),
    ) -> SpanContext {
        let mut trace_state = TraceState::EMPTY;
        for (key, value) in members {
            trace_state = trace_state.update(&key, &value).unwrap_or(trace_state);
        }
        SpanContext {
            trace_id: TraceId(trace_id),
            span_id: SpanId(span_id),
            trace_flags: TraceFlags(flags),
            is_remote: true,
            trace_state,
        }
    }
}

proptest! {
    #[test]
    fn trace_context_round_trip(context in any_context()) {
        // White space around a member is not part of it, so a value cannot begin with a space on the wire.
        prop_assume!(context.trace_state.entries().iter().all(|(_, value)| !value.starts_with(' ')));
        let from = Propagated { span_context: Some(context), ..Propagated::default() };
        let mut carrier: Headers = Vec::new();
        TraceContextPropagator.inject(&from, &mut carrier);
        prop_assert_eq!(TraceContextPropagator.extract(&carrier, Propagated::default()), from);
    }

    #[test]
    fn traceparent_accepts_only_what_it_could_have_written(header in "[0-9a-f.-]{0,60}|00-[0-9a-fA-F]{31,33}-[0-9a-f]{15,17}-[0-9a-f]{2}") {
        if let Some((trace_id, span_id, trace_flags)) = parse_traceparent(&header) {
            let context = SpanContext { trace_id, span_id, trace_flags, ..SpanContext::default() };
            let written = format_traceparent(&context);
            prop_assert_eq!(&written.as_str()[2..], &header[2..55]);
        }
    }

    #[test]
    fn nothing_that_arrives_panics(header in any::<String>(), key in "traceparent|tracestate|baggage|b3|x-b3-traceid|uber-trace-id|uberctx-x") {
        let carrier: Headers = vec![
            ("traceparent".into(), "00-12345678901234567890123456789012-1234567890123456-01".into()),
            (key, header),
        ];
        let all: [&dyn TextMapPropagator; 4] =
            [&TraceContextPropagator, &BaggagePropagator, &B3Propagator { encoding: B3Encoding::Single }, &JaegerPropagator];
        for propagator in all {
            let received = propagator.extract(&carrier, Propagated::default());
            propagator.inject(&received, &mut Headers::new());
        }
    }

    #[test]
    fn baggage_round_trip(entries in prop::collection::vec(("[^\\s]{1,20}", "\\PC{0,30}"), 0..20)) {
        let baggage: Baggage = entries
            .iter()
            .map(|(name, value)| entry(percent::strip(name), percent::strip(value)))
            .filter(|entry| !entry.name.is_empty())
            .collect();
        let mut carrier: Headers = Vec::new();
        let from = Propagated { baggage, ..Propagated::default() };
        BaggagePropagator.inject(&from, &mut carrier);
        prop_assert_eq!(BaggagePropagator.extract(&carrier, Propagated::default()), from);
    }

    #[test]
    fn baggage_headers_keep_to_their_limits(values in prop::collection::vec("[ -~]{0,400}", 0..250)) {
        let mut header = HeaderWriter::new(Limits::default());
        for (i, value) in values.iter().enumerate() {
            let _ = header.push(&format!("k{i}"), value, "");
        }
        let header = header.finish();
        prop_assert!(header.len() <= 8192);
        prop_assert!(header.split(',').count() <= 180);
    }

    #[test]
    fn b3_and_jaeger_round_trip(context in any_context()) {
        let sampled_only = SpanContext {
            trace_flags: TraceFlags(context.trace_flags.0 & 1),
            trace_state: TraceState::EMPTY,
            ..context
        };
        let from = Propagated { span_context: Some(sampled_only), ..Propagated::default() };
        let all: [&dyn TextMapPropagator; 3] = [
            &B3Propagator { encoding: B3Encoding::Single },
            &B3Propagator { encoding: B3Encoding::Multiple },
            &JaegerPropagator,
        ];
        for propagator in all {
            let mut carrier: Headers = Vec::new();
            propagator.inject(&from, &mut carrier);
            prop_assert_eq!(propagator.extract(&carrier, Propagated::default()), from.clone());
        }
    }

    #[test]
    fn percent_round_trip(text in any::<String>()) {
        let (mut plus, mut path) = (String::new(), String::new());
        percent::encode_plus(&text, &mut plus);
        percent::encode_path(&text, &mut path);
        prop_assert_eq!(percent::decode_plus(&plus), text.as_str());
        prop_assert_eq!(percent::decode(&path), text.as_str());
    }
}
