//! The `tracestate` header, and changes of a trace state.

use ferrotel::api::trace::{SpanContext, SpanId, TraceId, TraceState};
use ferrotel::propagation::tracecontext::{TraceStateProblem, read_tracestate};
use ferrotel::propagation::{Propagated, TextMapPropagator, TraceContextPropagator};

use crate::{assert_sendable, log, texts};

pub(crate) fn run(data: &[u8]) {
    log::check_lines();
    let headers = texts(data);
    let read = read_tracestate(|| headers.iter().map(String::as_str));
    let length = headers.iter().map(String::len).sum::<usize>() + headers.len() - 1;
    if length > TraceState::MAX_HEADER_LENGTH {
        assert_eq!(read, Err(TraceStateProblem::TooLong));
    } else {
        let entries = read.as_ref().ok().map(pairs);
        assert_eq!(entries, model(&headers), "{headers:?}");
    }
    let state = read.unwrap_or_default();
    assert_whole(&state);

    // Whatever key and value a program brings: what is kept stays readable.
    for pair in headers.windows(2) {
        let (key, value) = (&pair[0], &pair[1]);
        for changed in [state.add(key, value), state.update(key, value), state.delete(key)] {
            assert_whole(&changed.unwrap_or_default());
        }
    }

    // What arrives with a parent goes on with it.
    let mut carrier = vec![("traceparent".to_owned(), format!("00-{:032x}-{:016x}-01", 1, 1))];
    carrier.extend(headers.into_iter().map(|value| ("tracestate".to_owned(), value)));
    let received = TraceContextPropagator.extract(&carrier, Propagated::default());
    assert_eq!(received.span_context.map(|context| context.trace_state), Some(state));
}

fn pairs(state: &TraceState) -> Vec<(String, String)> {
    state.entries().iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

/// What is written can be sent, and means the same to who reads it.
fn assert_whole(state: &TraceState) {
    assert!(state.len() <= TraceState::MAX_MEMBERS);
    let context =
        SpanContext { trace_id: TraceId(1), span_id: SpanId(1), trace_state: state.clone(), ..SpanContext::default() };
    let mut sent: Vec<(String, String)> = Vec::new();
    TraceContextPropagator.inject(&Propagated { span_context: Some(context), ..Propagated::default() }, &mut sent);
    assert_sendable(&sent);
    assert_eq!(sent.len(), if state.is_empty() { 1 } else { 2 });
    // White space around a member is not part of it, so a value cannot begin with a space on the wire.
    let again = TraceState::from_header(&state.to_header());
    assert_eq!(again.map(|again| pairs(&again)), Ok(pairs(state)));
}

/// The members one by one; `None` where the header has to be discarded.
fn model(headers: &[String]) -> Option<Vec<(String, String)>> {
    let mut entries: Vec<(String, String)> = Vec::new();
    for member in headers.iter().flat_map(|header| header.split(',')) {
        let member = member.trim_matches([' ', '\t']);
        if member.is_empty() {
            continue;
        }
        let (key, value) = member.split_once('=')?;
        let is_key = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-*/@".contains(c);
        let starts_well = key.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        if !starts_well || key.len() > 256 || !key.chars().all(is_key) {
            return None;
        }
        let is_value = |c: char| (' '..='~').contains(&c) && c != '=' && c != ',';
        if value.is_empty() || value.len() > 256 || value.ends_with(' ') || !value.chars().all(is_value) {
            return None;
        }
        if entries.iter().any(|(known, _)| known == key) {
            continue;
        }
        if entries.len() == 32 {
            return None;
        }
        entries.push((key.to_owned(), value.to_owned()));
    }
    Some(entries)
}
