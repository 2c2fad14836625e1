//! The `traceparent` header.

use ferrotel::api::trace::{SpanContext, SpanId, TraceFlags, TraceId};
use ferrotel::propagation::tracecontext::{format_traceparent, parse_traceparent};
use ferrotel::propagation::{Propagated, TextMapPropagator, TraceContextPropagator};

use crate::{assert_sendable, log, texts};

pub(crate) fn run(data: &[u8]) {
    log::check_lines();
    let headers: Vec<_> = texts(data).into_iter().map(|value| ("TraceParent".to_owned(), value)).collect();
    let read: Vec<_> = headers.iter().map(|(_, header)| parse_traceparent(header)).collect();
    for ((_, header), read) in headers.iter().zip(&read) {
        assert_eq!(*read, model(header), "{header:?}");
        if let Some((trace_id, span_id, trace_flags)) = *read {
            let written = format_traceparent(&SpanContext { trace_id, span_id, trace_flags, ..SpanContext::default() });
            assert_eq!(parse_traceparent(written.as_str()), *read);
        }
    }
    // Headers that differ: no parent.
    let received = TraceContextPropagator.extract(&headers, Propagated::default());
    let expected = if headers.iter().all(|header| *header == headers[0]) { read[0] } else { None };
    let got = received.span_context.as_ref().map(|context| (context.trace_id, context.span_id, context.trace_flags));
    assert_eq!(got, expected);
    let mut sent: Vec<(String, String)> = Vec::new();
    TraceContextPropagator.inject(&received, &mut sent);
    assert_sendable(&sent);
    assert_eq!(sent.is_empty(), expected.is_none());
}

/// The specification's grammar, field by field.
fn model(header: &str) -> Option<(TraceId, SpanId, TraceFlags)> {
    let header = header.strip_suffix('\n').unwrap_or(header).trim_matches([' ', '\t']);
    let mut fields = header.split('-');
    let mut field = |length: usize| {
        let field = fields.next()?;
        let is_lower_hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
        (field.len() == length && field.chars().all(is_lower_hex)).then(|| u128::from_str_radix(field, 16).ok())?
    };
    let (version, trace_id, span_id, flags) = (field(2)?, field(32)?, field(16)?, field(2)?);
    let more = fields.next().is_some();
    if version == 0xff || trace_id == 0 || span_id == 0 || (more && (version == 0 || header.contains('\n'))) {
        return None;
    }
    Some((TraceId(trace_id), SpanId(span_id as u64), TraceFlags(flags as u8)))
}
