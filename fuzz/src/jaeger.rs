//! Jaeger's headers: one for the span, and one for each entry of baggage, whose name is part of the header's name.

use ferrotel::api::trace::{SpanContext, SpanId, TraceFlags, TraceId};
use ferrotel::baggage::Baggage;
use ferrotel::propagation::jaeger::parse_uber_trace_id;
use ferrotel::propagation::{JaegerPropagator, Propagated, TextMapPropagator};

use crate::{assert_sendable, log, texts};

pub(crate) fn run(data: &[u8]) {
    log::check_lines();
    let texts = texts(data);
    let header = &texts[0];
    let parts = |context: &SpanContext| (context.trace_id.0, context.span_id.0, context.trace_flags.0);
    assert_eq!(parse_uber_trace_id(header).as_ref().map(parts), model(header), "{header:?}");

    let mut carrier = vec![("uber-trace-id".to_owned(), header.clone())];
    carrier.extend(texts[1..].chunks(2).map(|pair| (format!("uberctx-{}", pair[0]), pair[1..].concat())));
    let received = JaegerPropagator.extract(&carrier, Propagated::default());
    send(received);

    // As names and values of a program that puts in whatever it is given.
    let own: Baggage =
        texts[1..].chunks(2).fold(Baggage::EMPTY, |all, pair| all.with(pair[0].as_str(), pair[1..].concat()));
    let context = SpanContext {
        trace_id: TraceId(1),
        span_id: SpanId(1),
        trace_flags: TraceFlags::SAMPLED,
        is_remote: true,
        ..SpanContext::default()
    };
    send(Propagated { span_context: Some(context), baggage: own });
}

fn send(from: Propagated) {
    let mut sent: Vec<(String, String)> = Vec::new();
    JaegerPropagator.inject(&from, &mut sent);
    assert_sendable(&sent);
    assert!(sent.len() <= 181);
    let bytes: usize = sent.iter().skip(1).map(|(name, value)| name.len() - "uberctx-".len() + value.len()).sum();
    assert!(bytes <= 8192, "{bytes} bytes of baggage");
    let again = JaegerPropagator.extract(&sent, Propagated::default());
    assert_eq!(again.span_context, from.span_context.filter(SpanContext::is_valid));
    let mut twice: Vec<(String, String)> = Vec::new();
    JaegerPropagator.inject(&again, &mut twice);
    let mut once: Vec<(String, String)> = Vec::new();
    JaegerPropagator.inject(&JaegerPropagator.extract(&twice, Propagated::default()), &mut once);
    assert_eq!(once, twice);
}

/// Hexadecimal numbers with any number of zeros in front.
fn model(header: &str) -> Option<(u128, u64, u8)> {
    let fields: Vec<&str> = header.split(':').collect();
    let [trace_id, span_id, _, flags] = fields[..] else { return None };
    let number = |text: &str, digits: usize| {
        let text = text.trim_matches([' ', '\t']);
        let is_hex = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let significant = text.trim_start_matches('0');
        (is_hex && significant.len() <= digits).then(|| u128::from_str_radix(significant, 16).unwrap_or(0))
    };
    let (trace_id, span_id, flags) = (number(trace_id, 32)?, number(span_id, 16)? as u64, number(flags, 32)? as u8 & 1);
    (trace_id != 0 && span_id != 0).then_some((trace_id, span_id, flags))
}
