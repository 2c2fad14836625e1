//! B3, in one header and in several.

use ferrotel::api::trace::{SpanContext, SpanId, TraceFlags, TraceId};
use ferrotel::propagation::{B3Encoding, B3Propagator, Propagated, TextMapPropagator, b3};

use crate::{assert_sendable, log, texts};

pub(crate) fn run(data: &[u8]) {
    log::check_lines();
    let texts = texts(data);
    let text = |at: usize| texts.get(at).map(String::as_str).unwrap_or_default();
    let [trace_id, span_id, sampled, flags] = [0, 1, 2, 3].map(text);
    check(b3::parse_multiple(trace_id, span_id, sampled, flags), model(trace_id, span_id, sampled, flags));

    let fields: Vec<&str> = text(0).split('-').collect();
    let expected = match fields[..] {
        [trace_id, span_id] => model(trace_id, span_id, "1", ""),
        [trace_id, span_id, sampled] | [trace_id, span_id, sampled, _] => model(trace_id, span_id, sampled, ""),
        _ => None,
    };
    check(b3::parse_single(text(0)), expected);
}

fn check(read: Option<SpanContext>, expected: Option<(u128, u64, bool)>) {
    let parts = |context: &SpanContext| (context.trace_id.0, context.span_id.0, context.trace_flags.is_sampled());
    assert_eq!(read.as_ref().map(parts), expected);
    for encoding in [B3Encoding::Single, B3Encoding::Multiple] {
        let mut sent: Vec<(String, String)> = Vec::new();
        let propagator = B3Propagator { encoding };
        propagator.inject(&Propagated { span_context: read.clone(), ..Propagated::default() }, &mut sent);
        assert_sendable(&sent);
        assert_eq!(propagator.extract(&sent, Propagated::default()).span_context, read);
    }
    if let Some(context) = read {
        assert!(context.is_valid() && context.trace_flags.0 & !TraceFlags::SAMPLED.0 == 0);
    }
}

fn model(trace_id: &str, span_id: &str, sampled: &str, flags: &str) -> Option<(u128, u64, bool)> {
    let hex =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u128::from_str_radix(text, 16).ok())?;
    let lengths = matches!((trace_id.len(), span_id.len()), (16 | 32, 16));
    let (trace_id, span_id) = lengths.then(|| Some((hex(trace_id)?, hex(span_id)? as u64)))??;
    let valid = TraceId(trace_id).is_valid() && SpanId(span_id).is_valid();
    valid.then_some((trace_id, span_id, ["1", "true", "True", "d"].contains(&sampled) || flags == "1"))
}
