//! The official Rust SDK, doing what `benches/operations.py` does.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ferrotel_benches::{Run, serve};
use opentelemetry::metrics::{Counter, Histogram, MeterProvider};
use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};
use opentelemetry::trace::{Span, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{SdkMeterProvider, Temporality};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider, SpanData, SpanExporter};
use prost::Message;

/// Takes spans and does nothing: what a span costs its thread is measured, not what sending costs another.
#[derive(Debug)]
struct NullExporter;

impl SpanExporter for NullExporter {
    async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
        Ok(())
    }
}

/// Takes metrics and does nothing.
struct NullMetricExporter;

impl PushMetricExporter for NullMetricExporter {
    async fn export(&self, _metrics: &ResourceMetrics) -> OTelSdkResult {
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}

fn main() {
    let provider = SdkTracerProvider::builder().with_batch_exporter(NullExporter).build();
    let unsampled = SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOff).build();
    let scope = InstrumentationScope::builder("benches").with_version("1.0").build();
    let tracer = provider.tracer_with_scope(scope.clone());
    let unsampled = unsampled.tracer_with_scope(scope.clone());
    let propagator = TextMapCompositePropagator::new(vec![
        Box::new(TraceContextPropagator::new()),
        Box::new(BaggagePropagator::new()),
    ]);
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned();
    let headers = HashMap::from([("traceparent".to_owned(), traceparent.clone())]);
    let all_headers = HashMap::from([
        ("traceparent".to_owned(), traceparent),
        ("tracestate".to_owned(), "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE".to_owned()),
        ("baggage".to_owned(), "user.id=42,user.tier=gold".to_owned()),
    ]);
    let batch = batch(scope);
    let resource = ResourceAttributesWithSchema::from(&Resource::builder().build());
    let tracer = &tracer;
    let meters = SdkMeterProvider::builder().with_periodic_exporter(NullMetricExporter).build();
    let meter = meters.meter("benches");
    let counter = |name| meter.u64_counter(name).build();
    let histogram = |name| meter.f64_histogram(name).build();
    let operations: Vec<(&str, Run<'_>)> = vec![
        ("bare", spans(tracer, |_| {})),
        ("attributes_4", spans(tracer, |span| four_attributes(span, KeyValue::new))),
        (
            "attributes_4_owned",
            spans(tracer, |span| four_attributes(span, |k, v| KeyValue::new(k.to_owned(), v.to_owned()))),
        ),
        ("event", spans(tracer, |cx| cx.span().add_event("cache.miss", vec![KeyValue::new("cache.key", "user:42")]))),
        (
            "child",
            Box::new(|count| {
                tracer.in_span("parent", |_| {
                    for _ in 0..count {
                        tracer.in_span("operation", |cx| drop(black_box(cx)));
                    }
                });
            }),
        ),
        (
            "start_end",
            Box::new(|count| {
                for _ in 0..count {
                    black_box(tracer.start("operation")).end();
                }
            }),
        ),
        ("non_recording", spans(&unsampled, |_| {})),
        (
            "set_attribute",
            Box::new(|count| {
                // The SDK keeps what was set before: a new span now and then, as the limit would drop the rest.
                for _ in 0..count / 100 {
                    let mut span = tracer.start("operation");
                    for _ in 0..100 {
                        span.set_attribute(KeyValue::new("http.route", "/users/{id}"));
                    }
                    black_box(span);
                }
            }),
        ),
        (
            "is_recording",
            Box::new(|count| {
                tracer.in_span("operation", |_| {
                    for _ in 0..count {
                        black_box(Context::map_current(|cx| cx.span().is_recording()));
                    }
                });
            }),
        ),
        (
            "attach_detach",
            Box::new(|count| {
                #[derive(Debug)]
                struct Key(#[expect(dead_code, reason = "a context has to hold something")] &'static str);
                let value = Context::current_with_value(Key("value"));
                for _ in 0..count {
                    drop(black_box(value.clone().attach()));
                }
            }),
        ),
        ("extract", extract(&propagator, &headers)),
        ("extract_all", extract(&propagator, &all_headers)),
        ("inject", inject(&propagator, tracer, Context::new())),
        ("inject_all", inject(&propagator, tracer, propagator.extract(&all_headers))),
        (
            "encode",
            Box::new(|count| {
                for _ in 0..count {
                    // The exporter is given the batch by value.
                    let resource_spans = group_spans_by_resource_and_scope(batch.clone(), &resource);
                    black_box(ExportTraceServiceRequest { resource_spans }.encode_to_vec());
                }
            }),
        ),
        ("counter_add", add(counter("requests"), Vec::new)),
        ("counter_add_2", add(counter("requests.by.route"), two)),
        ("counter_add_2_kept", add_kept(counter("requests.by.kept.route"), two())),
        ("counter_add_5", add(counter("requests.in.detail"), five)),
        ("histogram_record", record(histogram("duration"), Vec::new)),
        ("histogram_record_2", record(histogram("duration.by.route"), two)),
        ("histogram_record_5", record(histogram("duration.in.detail"), five)),
    ];
    serve(operations, || drop(provider.force_flush()));
}

fn two() -> Vec<KeyValue> {
    vec![KeyValue::new("http.request.method", "GET"), KeyValue::new("http.route", "/users/{id}")]
}

fn five() -> Vec<KeyValue> {
    let mut attributes = two();
    attributes.push(KeyValue::new("http.response.status_code", 200));
    attributes.push(KeyValue::new("url.scheme", "https"));
    attributes.push(KeyValue::new("server.address", "shop.example"));
    attributes
}

fn add<'a>(counter: Counter<u64>, attributes: impl Fn() -> Vec<KeyValue> + 'a) -> Run<'a> {
    Box::new(move |count| {
        for _ in 0..count {
            counter.add(1, &black_box(attributes()));
        }
    })
}

fn add_kept<'a>(counter: Counter<u64>, attributes: Vec<KeyValue>) -> Run<'a> {
    Box::new(move |count| {
        for _ in 0..count {
            counter.add(1, black_box(&attributes));
        }
    })
}

fn record<'a>(histogram: Histogram<f64>, attributes: impl Fn() -> Vec<KeyValue> + 'a) -> Run<'a> {
    Box::new(move |count| {
        for _ in 0..count {
            histogram.record(12.5, &black_box(attributes()));
        }
    })
}

fn spans<'a>(tracer: &'a SdkTracer, body: impl Fn(&Context) + 'a) -> Run<'a> {
    Box::new(move |count| {
        for _ in 0..count {
            tracer.in_span("operation", |cx| body(black_box(&cx)));
        }
    })
}

fn four_attributes(cx: &Context, make: impl Fn(&'static str, &'static str) -> KeyValue) {
    let span = cx.span();
    span.set_attribute(make("http.request.method", "GET"));
    span.set_attribute(make("http.route", "/users/{id}"));
    span.set_attribute(make("url.scheme", "https"));
    span.set_attribute(make("server.address", "shop.example"));
}

fn extract<'a>(propagator: &'a TextMapCompositePropagator, headers: &'a HashMap<String, String>) -> Run<'a> {
    Box::new(move |count| {
        for _ in 0..count {
            black_box(propagator.extract(black_box(headers)));
        }
    })
}

fn inject<'a>(propagator: &'a TextMapCompositePropagator, tracer: &'a SdkTracer, parent: Context) -> Run<'a> {
    Box::new(move |count| {
        let _parent = parent.clone().attach();
        tracer.in_span("operation", |_| {
            for _ in 0..count {
                let mut carrier = HashMap::new();
                propagator.inject(&mut carrier);
                black_box(carrier);
            }
        });
    })
}

/// The spans of the operation `encode`.
fn batch(scope: InstrumentationScope) -> Vec<SpanData> {
    let kept = Keeper::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(kept.clone()).build();
    let tracer = provider.tracer_with_scope(scope);
    spans(&tracer, |span| four_attributes(span, KeyValue::new))(512);
    kept.0.lock().map(|mut spans| std::mem::take(&mut *spans)).unwrap_or_default()
}

/// Keeps what it is given.
#[derive(Clone, Debug, Default)]
struct Keeper(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Keeper {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        if let Ok(mut spans) = self.0.lock() {
            spans.extend(batch);
        }
        Ok(())
    }
}
