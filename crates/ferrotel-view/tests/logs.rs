//! Log records: decoding, where they stand, when they are shown, and what makes room.

mod common;

use std::time::Duration;

use common::logs::{log_in, log_record, logs, logs_of, logs_request};
use common::{MILLI, NOON, compare, exception, pair, received, service, span, string, trace_id};
use ferrotel_view::proto::{ExportLogsServiceRequest, Value};
use ferrotel_view::{Limits, News, Pace, Store, Style, Trace, decode_json, decode_protobuf, render, render_log};
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use proptest::prelude::*;

const PLAIN: Style = Style { width: 100, color: false, attributes: false };
const NOW: Duration = Duration::ZERO;
/// Logs wait for their trace, and nothing else waits.
const PATIENT: Pace = Pace { quiet: NOW, log_wait: Duration::from_secs(600) };

fn bodies(news: &News) -> Vec<String> {
    let body = |log: &ferrotel_view::ReceivedLog| match log.record.body.as_ref().and_then(|any| any.value.as_ref()) {
        Some(Value::String(text)) => text.clone(),
        other => format!("{other:?}"),
    };
    news.logs.iter().map(body).collect()
}

fn full_record() -> LogRecord {
    LogRecord {
        observed_time_unix_nano: NOON + 9 * MILLI,
        severity_text: "WARNING".to_owned(),
        attributes: vec![string("code.function.name", "checkout"), pair("n", any_value::Value::IntValue(7))],
        dropped_attributes_count: 2,
        event_name: "order.late".to_owned(),
        ..log_in(1, 2, 5, 13, "the order is late")
    }
}

#[test]
fn every_field_is_read_in_both_formats() {
    let json = br#"{"resourceLogs": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
        "scopeLogs": [{"scope": {"name": "tests"}, "logRecords": [{
            "timeUnixNano": "1795521600005000000", "observedTimeUnixNano": "1795521600009000000",
            "severityNumber": 13, "severityText": "WARNING", "body": {"stringValue": "the order is late"},
            "attributes": [{"key": "code.function.name", "value": {"stringValue": "checkout"}},
                {"key": "n", "value": {"intValue": "7"}}], "droppedAttributesCount": 2, "flags": 1,
            "traceId": "00000000000000000000000000000001", "spanId": "0000000000000002", "eventName": "order.late"
        }]}]
    }]}"#;
    let from_json = decode_json::<ExportLogsServiceRequest>(json).expect("valid").items.remove(0);
    let from_protobuf = logs(vec![logs_of("shop", vec![full_record()])]).remove(0);
    assert_eq!(from_json.record, from_protobuf.record);
    assert_eq!(from_json.origin.producer, from_protobuf.origin.producer);
    assert_eq!(from_json.trace_id.expect("a trace").as_slice(), trace_id(1));
    let record = &from_protobuf.record;
    assert_eq!((record.time_unix_nano, record.observed_time_unix_nano), (NOON + 5 * MILLI, NOON + 9 * MILLI));
    assert_eq!((record.severity_number, record.severity_text.as_str(), record.flags), (13, "WARNING", 1));
    assert_eq!((record.event_name.as_str(), record.dropped_attributes_count), ("order.late", 2));
    assert_eq!(record.attributes.len(), 2);
    let bad =
        decode_json::<ExportLogsServiceRequest>(br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":1}]}]}]}"#);
    assert_eq!(
        bad.expect_err("bad").to_string(),
        "the body is not an OTLP request of logs in JSON: resourceLogs[0].scopeLogs[0].logRecords[0].body: an object \
         is required"
    );
}

#[test]
fn identifiers_that_are_none_are_taken_for_none() {
    for id in [vec![], vec![0; 16], vec![1; 15]] {
        let record = LogRecord { trace_id: id, span_id: vec![0; 8], ..log_record(1, 9, "x") };
        let one = logs(vec![logs_of("shop", vec![record])]).remove(0);
        assert_eq!((one.trace_id, one.span_id), (None, None));
    }
}

/// A trace of two services with log records in each span, before and after an event, and without a span.
fn shop() -> Trace {
    let mut failing = span(3, 2, "SELECT stock", 22, 31);
    failing.events = vec![exception(30, "TimeoutError", "the database did not answer")];
    let spans = received(vec![
        service("service-a", vec![span(1, 0, "GET /order", 0, 50), span(2, 1, "call_service_b", 8, 45)]),
        service("service-b", vec![failing]),
    ]);
    let mut raised = log_in(1, 3, 31, 17, "no answer from the database");
    raised.attributes = vec![
        string("exception.type", "TimeoutError"),
        string("exception.message", "the database did not answer"),
        string(
            "exception.stacktrace",
            "Traceback:\n  File \"app.py\", line 3\nTimeoutError: the database did not answer\n",
        ),
    ];
    let of_a = vec![
        log_in(1, 1, 2, 9, "order received"),
        full_record(),
        log_in(1, 9, 40, 5, "of a span that is not here"),
        log_in(1, 0, 41, 9, "of no span"),
    ];
    let of_b = vec![raised, log_in(1, 3, 24, 1, "query:\n\n  SELECT *\n  FROM stock\nend")];
    Trace::from_parts(spans, logs(vec![logs_of("service-a", of_a), logs_of("service-b", of_b)])).expect("spans")
}

#[test]
fn records_stand_under_their_spans() {
    compare("logs", &render(&shop(), &PLAIN));
}

#[test]
fn with_attributes() {
    compare("logs_attributes", &render(&shop(), &Style { attributes: true, ..PLAIN }));
}

#[test]
fn in_color() {
    compare("logs_color", &render(&shop(), &Style { color: true, ..PLAIN }));
}

#[test]
fn records_on_their_own() {
    let mut structured = log_record(7, 0, "");
    structured.body = Some(AnyValue { value: Some(any_value::Value::IntValue(5)) });
    let bare = LogRecord { event_name: "started".to_owned(), ..LogRecord::default() };
    let list = vec![
        log_record(1, 9, "hello"),
        log_in(1, 2, 2, 17, "lost its trace"),
        full_record(),
        structured,
        bare,
        LogRecord::default(),
        log_record(8, 21, &"long ".repeat(50)),
        log_record(9, 13, "one\ntwo\nthree\nfour\nfive\nsix\nseven"),
    ];
    let all = logs(vec![logs_of("shop", list)]);
    for (name, style) in [
        ("logs_alone", PLAIN),
        ("logs_alone_attributes", Style { attributes: true, ..PLAIN }),
        ("logs_alone_narrow", Style { width: 50, ..PLAIN }),
    ] {
        compare(name, &all.iter().map(|log| render_log(log, &style)).collect::<String>());
    }
}

#[test]
fn a_record_waits_for_its_trace() {
    let store = Store::new(Limits::default());
    let unsampled = LogRecord { flags: 0, ..log_in(2, 2, 4, 9, "not sampled") };
    let list = vec![log_in(1, 1, 3, 9, "of the trace"), log_record(2, 9, "of none"), unsampled];
    store.add_logs(logs(vec![logs_of("shop", list)]));
    let news = store.take(PATIENT, NOW);
    assert_eq!(bodies(&news), ["of none", "not sampled"], "no spans come of a trace that is not sampled");
    assert!(store.take(PATIENT, NOW).logs.is_empty(), "shown once");
    store.add_spans(received(vec![service("shop", vec![span(1, 0, "root", 0, 9)])]), 0);
    let news = store.take(PATIENT, NOW);
    assert_eq!((news.traces.len(), news.traces[0].logs.len(), news.logs.len()), (1, 1, 0));
    store.add_logs(logs(vec![logs_of("shop", vec![log_in(1, 1, 5, 9, "late")])]));
    let news = store.take(PATIENT, NOW);
    assert_eq!((news.traces[0].logs.len(), news.traces[0].revision), (2, 1), "the trace is shown again");
    assert_eq!(store.counts().logs, 4);
}

#[test]
fn a_record_that_waited_in_vain_stands_alone_and_still_joins_a_late_trace() {
    let store = Store::new(Limits::default());
    store.add_logs(logs(vec![logs_of("shop", vec![log_in(1, 1, 3, 9, "patient")])]));
    let wait = Duration::from_millis(30);
    assert!(store.take(Pace { quiet: NOW, log_wait: wait }, NOW).logs.is_empty());
    let news = store.take(Pace { quiet: NOW, log_wait: wait }, Duration::from_secs(30));
    assert_eq!(bodies(&news), ["patient"]);
    store.add_spans(received(vec![service("shop", vec![span(1, 0, "root", 0, 9)])]), 0);
    assert_eq!(store.take(PATIENT, NOW).traces[0].logs.len(), 1);
}

#[test]
fn the_oldest_record_makes_room() {
    let store = Store::new(Limits { max_logs: 3, ..Limits::default() });
    let of = |numbers: std::ops::Range<u64>| {
        logs(vec![logs_of("shop", numbers.map(|number| log_in(7, 1, number, 9, &number.to_string())).collect())])
    };
    store.add_logs(of(0..5));
    let counts = store.counts();
    assert_eq!((counts.logs, counts.dropped_logs, counts.received_logs), (3, 2, 5));
    let news = store.take(Pace { quiet: NOW, log_wait: NOW }, NOW);
    assert_eq!(bodies(&news), ["2", "3", "4"]);
    assert!(news.notices[0].contains("--max-logs"), "{:?}", news.notices);
    store.add_logs(of(5..8));
    assert_eq!(store.take(PATIENT, NOW).notices, Vec::<String>::new(), "those had been shown");
}

#[test]
fn records_in_traces_are_bounded_too() {
    let store = Store::new(Limits { max_logs: 3, ..Limits::default() });
    for trace in 1..=2_u8 {
        let mut one = span(1, 0, "root", 0, 9);
        one.trace_id = trace_id(trace);
        store.add_spans(received(vec![service("shop", vec![one])]), 0);
        let list = (0..2).map(|number| log_in(trace, 1, number, 9, "x")).collect();
        store.add_logs(logs(vec![logs_of("shop", list)]));
    }
    let counts = store.counts();
    assert_eq!((counts.traces, counts.logs, counts.dropped_traces), (1, 2, 1), "the older trace has made room");
    let list = (0..5).map(|number| log_in(2, 1, number, 9, "x")).collect();
    store.add_logs(logs(vec![logs_of("shop", list)]));
    assert_eq!((store.counts().logs, store.counts().dropped_logs), (3, 6), "a trace keeps its first records");
    store.clear();
    assert_eq!(store.counts().logs, 0);
}

#[test]
fn memory_is_bounded() {
    let store = Store::new(Limits { max_bytes: 100_000, ..Limits::default() });
    for _ in 0..100 {
        store.add_logs(logs(vec![logs_of("shop", vec![log_record(1, 9, &"x".repeat(5_000))])]));
    }
    let held = store.counts().logs;
    assert!((10..20).contains(&held), "{held}");
    store.add_logs(logs(vec![logs_of("shop", vec![log_record(1, 9, &"x".repeat(200_000))])]));
    assert!(store.counts().dropped_logs > 80);
}

#[test]
fn nothing_is_kept_where_none_is_wanted() {
    let store = Store::new(Limits { max_logs: 0, ..Limits::default() });
    store.add_spans(received(vec![service("shop", vec![span(1, 0, "root", 0, 9)])]), 0);
    store.take(PATIENT, NOW);
    store.add_logs(logs(vec![logs_of("shop", vec![log_in(1, 1, 1, 9, "x"), log_record(1, 9, "y")])]));
    let news = store.take(PATIENT, NOW);
    assert!(news.traces.is_empty() && news.logs.is_empty() && news.notices.is_empty(), "{news:?}");
    assert_eq!((store.counts().logs, store.counts().received_logs), (0, 2));
}

#[test]
fn many_records_are_counted() {
    let spans = received(vec![service("shop", vec![span(1, 0, "root", 0, 9)])]);
    let list = (0..300).map(|number| log_in(1, u32::from(number < 150), number, 9, "x")).collect();
    let trace = Trace::from_parts(spans, logs(vec![logs_of("shop", list)])).expect("spans");
    let text = render(&trace, &PLAIN);
    assert!(text.contains("… and 130 more log records\n") && text.contains("… and 50 more log records\n"), "{text}");
    assert!(text.lines().count() < 130, "{text}");
}

#[test]
fn hostile_text_cannot_drive_the_terminal() {
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\r\nfake line\u{202e}gnp.exe\u{200b}\u{0}";
    let mut record = log_in(1, 1, 1, 9, evil);
    record.severity_text = evil.to_owned();
    record.attributes = vec![string(evil, evil), string("exception.type", evil)];
    let all = logs(vec![logs_of(evil, vec![record])]);
    let spans = received(vec![service(evil, vec![span(1, 0, evil, 0, 9)])]);
    let trace = Trace::from_parts(spans, all.clone()).expect("spans");
    for attributes in [false, true] {
        let style = Style { width: 500, color: false, attributes };
        for text in [render(&trace, &style), render_log(&all[0], &style)] {
            let bad: Vec<char> = text.chars().filter(|letter| letter.is_control() && *letter != '\n').collect();
            assert_eq!(bad, [], "{text:?}");
            assert!(!text.contains('\u{202e}') && !text.lines().any(|line| line.starts_with("fake line")), "{text:?}");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode_protobuf::<ExportLogsServiceRequest>(&bytes);
    }

    #[test]
    fn a_damaged_request_is_answered(at in 0_usize..1_000, byte in any::<u8>()) {
        let mut bytes = logs_request(vec![logs_of("shop", vec![full_record()])]);
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(received) = decode_protobuf::<ExportLogsServiceRequest>(&bytes) {
            received.items.iter().for_each(|log| { render_log(log, &Style { attributes: true, ..PLAIN }); });
        }
    }

    #[test]
    fn lines_keep_to_the_width(body in "\\PC{0,200}", severity in "\\PC{0,20}", width in 40_usize..150) {
        let mut record = log_in(1, 1, 1, 9, &body);
        record.severity_text = severity;
        let text = render_log(&logs(vec![logs_of("shop", vec![record])])[0], &Style { width, ..PLAIN });
        for line in text.lines() {
            let columns: usize = line.chars().map(|letter| unicode_width::UnicodeWidthChar::width(letter).unwrap_or(0)).sum();
            prop_assert!(columns <= width, "{} columns: {:?}", columns, line);
        }
    }
}
