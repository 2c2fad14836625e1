//! What is kept, what makes room, and when a trace is shown.

mod common;

use std::time::Duration;

use common::{received, service, span, take, trace_id};
use ferrotel_view::{Limits, ReceivedSpan, Store};

const NOW: Duration = Duration::ZERO;

fn of_trace(trace: u8, ids: std::ops::Range<u32>) -> Vec<ReceivedSpan> {
    let spans = ids.map(|id| {
        let mut one = span(id, 0, "work", 0, 1);
        one.trace_id = trace_id(trace);
        one
    });
    received(vec![service("shop", spans.collect())])
}

fn traces(store: &Store) -> Vec<u8> {
    let mut held: Vec<u8> = store.spans().iter().map(|span| span.trace_id[15]).collect();
    held.dedup();
    held
}

#[test]
fn the_oldest_trace_makes_room_for_the_newest() {
    let store = Store::new(Limits { max_traces: 2, ..Limits::default() });
    store.add_spans(of_trace(1, 1..4), 0);
    store.add_spans(of_trace(2, 1..2), 0);
    store.add_spans(of_trace(3, 1..2), 0);
    assert_eq!(traces(&store), [2, 3]);
    let counts = store.counts();
    assert_eq!((counts.traces, counts.spans, counts.received_spans), (2, 2, 5));
    assert_eq!((counts.dropped_traces, counts.dropped_spans), (1, 3));
}

#[test]
fn spans_are_bounded_and_a_trace_too_large_keeps_its_first() {
    let store = Store::new(Limits { max_spans: 10, ..Limits::default() });
    store.add_spans(of_trace(1, 1..7), 0);
    store.add_spans(of_trace(2, 1..31), 0);
    assert_eq!(traces(&store), [2]);
    let counts = store.counts();
    assert_eq!((counts.spans, counts.dropped_spans, counts.dropped_traces), (10, 26, 2));
    assert_eq!(store.spans()[0].span_id, 1_u64.to_be_bytes());
}

#[test]
fn memory_is_bounded() {
    let store = Store::new(Limits { max_bytes: 100_000, ..Limits::default() });
    for trace in 1..=200 {
        let mut one = span(1, 0, &"n".repeat(1_000), 0, 1);
        one.trace_id = trace_id(trace);
        store.add_spans(received(vec![service("shop", vec![one])]), 0);
    }
    let held = store.counts().spans;
    assert!((30..100).contains(&held), "{held}");
    let mut huge = span(1, 0, &"n".repeat(200_000), 0, 1);
    huge.trace_id = trace_id(201);
    store.add_spans(received(vec![service("shop", vec![huge])]), 0);
    assert_eq!(store.counts().spans, held, "a span that can't fit drives nothing out");
}

#[test]
fn a_span_sent_again_is_held_once_and_another_with_its_id_is_kept() {
    let store = Store::new(Limits::default());
    store.add_spans(of_trace(1, 1..3), 0);
    store.add_spans(of_trace(1, 1..3), 0);
    assert_eq!(store.counts().spans, 2);
    store.add_spans(received(vec![service("shop", vec![span(1, 0, "another", 0, 1)])]), 0);
    assert_eq!(store.counts().spans, 3);
}

#[test]
fn nothing_fits_into_a_store_of_no_size() {
    for limits in [
        Limits { max_traces: 0, ..Limits::default() },
        Limits { max_spans: 0, ..Limits::default() },
        Limits { max_bytes: 0, ..Limits::default() },
    ] {
        let store = Store::new(limits);
        store.add_spans(of_trace(1, 1..3), 0);
        assert_eq!((store.counts().spans, store.counts().dropped_spans), (0, 2), "{limits:?}");
    }
}

#[test]
fn a_trace_is_handed_out_when_it_is_quiet_and_again_when_more_comes() {
    let store = Store::new(Limits::default());
    store.add_spans(of_trace(1, 1..2), 0);
    let early = take(&store, Duration::from_secs(60), NOW).traces;
    assert!(early.is_empty(), "not quiet for a minute yet");
    let first = take(&store, NOW, NOW).traces;
    assert_eq!(first.iter().map(|trace| (trace.spans.len(), trace.revision)).collect::<Vec<_>>(), [(1, 0)]);
    assert!(take(&store, NOW, NOW).traces.is_empty(), "nothing new");
    store.add_spans(of_trace(1, 2..3), 0);
    let again = take(&store, NOW, NOW).traces;
    assert_eq!(again.iter().map(|trace| (trace.spans.len(), trace.revision)).collect::<Vec<_>>(), [(2, 1)]);
}

#[test]
fn traces_that_are_quiet_together_come_in_the_order_of_their_beginning() {
    let store = Store::new(Limits::default());
    let spans = [(1, 30), (2, 10), (3, 20)].map(|(trace, from)| {
        let mut one = span(1, 0, "work", from, from + 1);
        one.trace_id = trace_id(trace);
        one
    });
    store.add_spans(received(vec![service("shop", spans.to_vec())]), 0);
    let order: Vec<u8> = take(&store, NOW, NOW).traces.iter().map(|trace| trace.trace_id[15]).collect();
    assert_eq!(order, [2, 3, 1]);
}

#[test]
fn waiting_ends_when_a_trace_becomes_quiet() {
    let store = Store::new(Limits::default());
    store.add_spans(of_trace(1, 1..2), 0);
    let traces = take(&store, Duration::from_millis(30), Duration::from_secs(30)).traces;
    assert_eq!(traces.len(), 1);
}

#[test]
fn a_trace_that_never_rests_is_shown_nevertheless() {
    let store = Store::new(Limits::default());
    let quiet = Duration::from_millis(40);
    for id in 1..=2_000 {
        store.add_spans(of_trace(1, id..id + 1), 0);
        if !take(&store, quiet, Duration::from_millis(5)).traces.is_empty() {
            return;
        }
    }
    panic!("2,000 spans, 5 ms apart, and never shown");
}

#[test]
fn what_is_dropped_before_it_was_shown_is_told_once() {
    let store = Store::new(Limits { max_traces: 1, ..Limits::default() });
    store.add_spans(of_trace(1, 1..2), 0);
    assert_eq!(take(&store, NOW, NOW).traces.len(), 1);
    store.add_spans(of_trace(2, 1..2), 0);
    assert!(take(&store, NOW, NOW).notices.is_empty(), "the dropped trace had been shown");
    store.add_spans(of_trace(3, 1..2), 0);
    store.add_spans(of_trace(4, 1..2), 0);
    store.add_spans(of_trace(5, 1..2), 0);
    let notices = take(&store, NOW, NOW).notices;
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].contains("--max-traces"), "{notices:?}");
}

#[test]
fn a_notice_of_one_kind_is_given_once() {
    let store = Store::new(Limits::default());
    store.note_once("metrics", || "one".to_owned());
    store.note_once("metrics", || "two".to_owned());
    store.note_once("logs", || "three".to_owned());
    assert_eq!(take(&store, NOW, NOW).notices, ["one", "three"]);
    assert!(take(&store, NOW, NOW).notices.is_empty());
}
