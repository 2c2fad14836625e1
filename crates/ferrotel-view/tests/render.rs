//! A trace as text, compared with the files in `snapshots/`. `UPDATE_SNAPSHOTS=1` writes them anew.

mod common;

use common::{MILLI, compare, error, exception, pair, service, span, string, trace, trace_id};
use ferrotel_view::{Style, Trace, fit, render};
use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::trace::v1::{Span, Status, span::Event, span::Link};
use proptest::prelude::*;

const PLAIN: Style = Style { width: 100, color: false, attributes: false };

fn kind(mut span: Span, kind: i32) -> Span {
    span.kind = kind;
    span
}

/// A request through two services, with a cache event and a failure.
fn shop() -> Trace {
    let mut failing = kind(span(4, 3, "SELECT stock", 22, 31), 3);
    failing.status = error("TimeoutError: the database did not answer");
    failing.events = vec![exception(30, "TimeoutError", "the database did not answer")];
    failing.attributes = vec![string("db.system", "postgresql"), pair("db.rows", any_value::Value::IntValue(0))];
    let mut handler = kind(span(3, 2, "handle_request", 12, 38), 2);
    handler.events = vec![Event {
        time_unix_nano: common::NOON + 14 * MILLI,
        name: "cache.miss".to_owned(),
        attributes: vec![string("key", "stock:7")],
        dropped_attributes_count: 0,
    }];
    handler.dropped_attributes_count = 2;
    let mut client = kind(span(2, 1, "call_service_b", 8, 45), 3);
    client.status = Some(Status { code: 1, message: String::new() });
    client.links = vec![Link { trace_id: trace_id(5), span_id: common::span_id(6), ..Link::default() }];
    let own = vec![kind(span(1, 0, "GET /order", 0, 50), 2), client, span(5, 1, "render", 46, 49)];
    let mut service_a = service("service-a", own);
    if let Some(resource) = &mut service_a.resource {
        resource.attributes.push(string("telemetry.sdk.name", "ferrotel"));
        resource.attributes.push(string("service.instance.id", "627cc493-f310-47de-96bd-71410b7dec09"));
        resource.attributes.push(string("process.command_args", &"--verbose ".repeat(30)));
    }
    trace(vec![service_a, service("service-b", vec![handler, failing])])
}

#[test]
fn two_services() {
    compare("two_services", &render(&shop(), &PLAIN));
}

#[test]
fn two_services_with_attributes() {
    compare("two_services_attributes", &render(&shop(), &Style { attributes: true, ..PLAIN }));
}

#[test]
fn two_services_narrow() {
    compare("two_services_narrow", &render(&shop(), &Style { width: 60, ..PLAIN }));
}

#[test]
fn two_services_in_color() {
    compare("two_services_color", &render(&shop(), &Style { color: true, ..PLAIN }));
}

#[test]
fn odd_spans() {
    let mut backwards = span(2, 1, "ends before it starts", 9, 9);
    backwards.end_time_unix_nano -= 5 * MILLI;
    let mut never = span(3, 1, "without times", 0, 0);
    (never.start_time_unix_nano, never.end_time_unix_nano) = (0, 0);
    let mut nameless = span(4, 1, "", 3, 3);
    nameless.kind = 77;
    let skewed = span(5, 1, "clock ahead", 900, 1_100);
    let orphan = span(6, 99, "orphan", 2, 4);
    let circle = [span(7, 8, "circle", 5, 6), span(8, 7, "circle", 6, 7)];
    let mut all = vec![span(1, 0, "root", 0, 10), backwards, never, nameless, skewed, orphan];
    all.extend(circle);
    compare("odd_spans", &render(&trace(vec![service("shop", all)]), &PLAIN));
}

#[test]
fn deep_trees_keep_room_for_names() {
    let chain: Vec<Span> = (1..=40).map(|id| span(id, id - 1, &format!("level {id}"), u64::from(id), 90)).collect();
    compare("deep", &render(&trace(vec![service("shop", chain)]), &PLAIN));
}

#[test]
fn what_is_too_much_is_counted() {
    let mut spans: Vec<Span> = (1..=600).map(|id| span(id, 0, "work", 0, 1)).collect();
    spans[0].events = (0..30).map(|_| Event { name: "tick".to_owned(), ..Event::default() }).collect();
    let text = render(&trace(vec![service("shop", spans)]), &PLAIN);
    assert!(text.contains("… and 22 more events\n"), "{text}");
    assert!(text.ends_with("  … and 100 more spans\n"), "{text}");
    assert_eq!(text.matches(" work ").count(), 500);
}

#[test]
fn hostile_text_cannot_drive_the_terminal() {
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\r\nfake line\u{202e}gnp.exe\u{200b}\u{0}";
    let mut span = span(1, 0, evil, 0, 1);
    span.status = error(evil);
    span.attributes = vec![string(evil, evil)];
    span.events = vec![exception(0, evil, evil), Event { name: evil.to_owned(), ..Event::default() }];
    let trace = trace(vec![service(evil, vec![span])]);
    for attributes in [false, true] {
        let text = render(&trace, &Style { width: 500, color: false, attributes });
        let bad: Vec<char> = text.chars().filter(|letter| letter.is_control() && *letter != '\n').collect();
        assert_eq!(bad, [], "{text:?}");
        assert!(!text.contains('\u{202e}') && !text.contains('\u{200b}'), "{text:?}");
        assert!(!text.lines().any(|line| line.starts_with("fake line")), "{text:?}");
        assert!(text.contains(r"\u{1b}]0;owned\u{7}"), "{text:?}");
    }
}

#[test]
fn text_is_cut_by_columns() {
    assert_eq!(fit("abcdef", 6), "abcdef");
    assert_eq!(fit("abcdefg", 6), "abcde…");
    assert_eq!(fit("漢字漢字", 5), "漢字…");
    assert_eq!(fit("", 5), "");
    assert_eq!(fit("abc", 0), "");
    assert_eq!(fit("a\tb", 9), "a\\tb");
    assert!(fit(&"e\u{301}".repeat(1_000_000), 10).chars().count() <= 41);
}

proptest! {
    #[test]
    fn lines_keep_to_the_width(
        names in proptest::collection::vec(("\\PC{0,60}", 0_u32..8, any::<u64>(), any::<u64>(), -3_i32..9), 1..8),
        width in 40_usize..200,
        attributes in any::<bool>(),
    ) {
        let spans = names.iter().zip(1..).map(|((name, parent, from, to, kind), id)| {
            let mut one = span(id, *parent, name, 0, 0);
            (one.start_time_unix_nano, one.end_time_unix_nano, one.kind) = (*from, *to, *kind);
            one.attributes = vec![string(name, name)];
            one
        });
        let text = render(&trace(vec![service("a service", spans.collect())]), &Style { width, color: false, attributes });
        for line in text.lines().skip(1) {
            // Combining letters of unassigned scripts aside, a line is as wide as it has characters, or less.
            let columns: usize = line.chars().map(|letter| unicode_width::UnicodeWidthChar::width(letter).unwrap_or(0)).sum();
            prop_assert!(columns <= width.max(60), "{} columns: {:?}", columns, line);
        }
    }
}
