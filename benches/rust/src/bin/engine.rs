//! ferrotel's own encoder, called as its exporter calls it: on a batch of the engine's spans, in memory kept from batch
//! to batch, without Python.

use std::hint::black_box;
use std::sync::Arc;

use ferrotel::api::trace::{SpanContext, SpanId, TraceFlags, TraceId};
use ferrotel::common::{Scope, Text, Value};
use ferrotel::config::ProcessEnv;
use ferrotel::resource::Resource;
use ferrotel::sdk::trace::{FinishedSpan, SpanData};
use ferrotel_benches::{Run, serve};
use ferrotel_otlp::encode::traces::Encoder;

fn main() {
    let batch = batch();
    let mut encoder = Encoder::default();
    let operations: Vec<(&str, Run<'_>)> = vec![(
        "encode",
        Box::new(|count| {
            for _ in 0..count {
                black_box(encoder.encode(black_box(&batch)));
            }
        }),
    )];
    serve(operations, || {});
}

/// What the operation `attributes_4` makes, 512 times.
fn batch() -> Vec<FinishedSpan> {
    let resource = Arc::new(Resource::default_from_env(&ProcessEnv));
    let scope = Arc::new(Scope { version: Text::from("1.0"), ..Scope::new("benches") });
    let attributes = [
        ("http.request.method", "GET"),
        ("http.route", "/users/{id}"),
        ("url.scheme", "https"),
        ("server.address", "shop.example"),
    ];
    (0..512)
        .map(|index: u64| {
            FinishedSpan::new(SpanData {
                context: SpanContext {
                    trace_id: TraceId(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c + u128::from(index)),
                    span_id: SpanId(0xb7ad_6b71_6920_3331 + index),
                    trace_flags: TraceFlags::SAMPLED,
                    ..SpanContext::default()
                },
                name: Text::from("operation"),
                start_time: Some(1_700_000_000_000_000_000 + index),
                end_time: Some(1_700_000_000_000_100_000 + index),
                attributes: attributes.iter().map(|(key, value)| (*key, Value::from(*value))).collect(),
                scope: scope.clone(),
                resource: resource.clone(),
                ..SpanData::default()
            })
        })
        .collect()
}
