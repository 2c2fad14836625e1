//! Jaeger's own format.

use super::carrier::{Extractor, Injector};
use super::hex;
use super::percent;
use super::propagator::{Propagated, TextMapPropagator};
use crate::api::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use crate::baggage::BaggageEntry;
use crate::common::diagnostics::{self, Level, shorten};

/// The header that carries ids and flags.
pub const UBER_TRACE_ID: &str = "uber-trace-id";
/// What the name of a baggage entry's header starts with.
pub const BAGGAGE_PREFIX: &str = "uberctx-";
/// The flag that is set together with the sampled flag.
pub const DEBUG_FLAG: u8 = 0x02;

/// The format itself sets no limits on baggage: these are W3C Baggage's.
const MAX_ENTRIES: usize = 180;
const MAX_ENTRY_BYTES: usize = 4096;
const MAX_TOTAL_BYTES: usize = 8192;

const TARGET: &str = "opentelemetry.propagators.jaeger";

/// The `uber-trace-id` and `uberctx-*` headers (Jaeger client libraries, "Propagation Format").
#[derive(Clone, Copy, Debug, Default)]
pub struct JaegerPropagator;

impl TextMapPropagator for JaegerPropagator {
    fn extract(&self, carrier: &dyn Extractor, base: Propagated) -> Propagated {
        let Some(header) = carrier.first(UBER_TRACE_ID) else { return base };
        let keys = carrier.keys();
        // The limit is on what is looked at, so that a carrier full of oversized entries costs little.
        let candidates = keys.iter().filter(|key| key.starts_with(BAGGAGE_PREFIX)).take(MAX_ENTRIES);
        let mut limit = ByteLimit::default();
        let received = candidates.filter_map(|key| {
            let name = &key[BAGGAGE_PREFIX.len()..];
            let value = carrier.first(key)?;
            limit.admit(name.len(), value.len()).then(|| BaggageEntry {
                name: name.into(),
                value: percent::strip(&percent::decode(value)).into(),
                metadata: "".into(),
            })
        });
        let baggage = base.baggage.entries().iter().cloned().chain(received).collect();
        Propagated { span_context: parse_uber_trace_id(header).or(base.span_context), baggage }
    }

    fn inject(&self, from: &Propagated, carrier: &mut dyn Injector) {
        let Some(span_context) = from.span_context.as_ref().filter(|context| context.is_valid()) else { return };
        carrier.set(UBER_TRACE_ID, format_uber_trace_id(span_context, SpanId::INVALID));
        let mut limit = ByteLimit::default();
        for entry in from.baggage.entries().iter().take(MAX_ENTRIES) {
            if !is_header_name(&entry.name) {
                let name = shorten(&entry.name);
                let line = format!("Baggage entry with key `{name}` is left out: it can't be part of a header's name");
                diagnostics::log(Level::Warning, TARGET, &line);
                continue;
            }
            let mut value = String::new();
            percent::encode_path(&entry.value, &mut value);
            if limit.admit(entry.name.len(), value.len()) {
                carrier.set(&format!("{BAGGAGE_PREFIX}{}", entry.name), value);
            }
        }
    }

    fn fields(&self) -> Vec<&'static str> {
        vec![UBER_TRACE_ID]
    }
}

/// Whether `name` can stand in a header's name (RFC 9110, section 5.6.2): a line break there would begin another header.
fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Reads an `uber-trace-id` header: trace id, span id, parent span id (ignored) and flags joined by `:`, each
/// hexadecimal with or without leading zeros.
pub fn parse_uber_trace_id(header: &str) -> Option<SpanContext> {
    let mut fields = header.split(':');
    let trace_id = TraceId(number(fields.next()?, 128)?);
    let span_id = SpanId(number(fields.next()?, 64)? as u64);
    let _parent_span_id = fields.next()?;
    let flags = number(fields.next()?, 128)? as u8;
    if fields.next().is_some() {
        return None;
    }
    let span_context = SpanContext {
        trace_id,
        span_id,
        trace_flags: TraceFlags(flags & TraceFlags::SAMPLED.0),
        is_remote: true,
        trace_state: TraceState::EMPTY,
    };
    span_context.is_valid().then_some(span_context)
}

/// Writes an `uber-trace-id` header. A sampled span is also marked with [`DEBUG_FLAG`], as the reference does.
pub fn format_uber_trace_id(context: &SpanContext, parent: SpanId) -> String {
    let flags = context.trace_flags.0 | if context.trace_flags.is_sampled() { DEBUG_FLAG } else { 0 };
    format!("{}:{}:{}:{flags:02x}", context.trace_id, context.span_id, parent)
}

fn number(field: &str, bits: u32) -> Option<u128> {
    let digits = field.trim_matches([' ', '\t']).as_bytes();
    let significant = &digits[digits.iter().take_while(|digit| **digit == b'0').count()..];
    if significant.is_empty() {
        return (!digits.is_empty()).then_some(0);
    }
    (significant.len() * 4 <= bits as usize).then(|| hex::any(significant)).flatten()
}

/// Counts the bytes of accepted baggage entries.
#[derive(Debug, Default)]
struct ByteLimit {
    total: usize,
}

impl ByteLimit {
    /// Whether an entry with a name and a value of these lengths still fits; if so it is counted.
    fn admit(&mut self, name: usize, value: usize) -> bool {
        let entry = name + 1 + value;
        let total = self.total + usize::from(self.total > 0) + entry;
        if entry > MAX_ENTRY_BYTES || total > MAX_TOTAL_BYTES {
            return false;
        }
        self.total = total;
        true
    }
}
