//! Provider, tracer and span from Rust.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ferrotel::api::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId};
use ferrotel::common::{Attributes, Value};
use ferrotel::context::Context;
use ferrotel::sdk::trace::{
    BuiltinSampler, FinishedSpan, Span, SpanData, SpanLimits, SpanProcessor, TracerProvider, TracerProviderBuilder,
};

#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<(&'static str, String)>>>, Arc<Mutex<Vec<SpanData>>>);

impl Told {
    fn calls(&self) -> Vec<(&'static str, String)> {
        self.0.lock().unwrap().clone()
    }

    fn last<R>(&self, look: impl FnOnce(&SpanData) -> R) -> R {
        look(self.1.lock().unwrap().last().unwrap())
    }
}

impl SpanProcessor for Told {
    fn on_start(&self, span: &Span, parent: &Context) {
        let parent = Span::of(parent).span_context().is_valid();
        self.0.lock().unwrap().push(("start", format!("recording {} parent {parent}", span.is_recording())));
        span.set_attribute("started", true);
    }

    fn on_ending(&self, span: &Span) {
        self.0.lock().unwrap().push(("ending", format!("recording {}", span.is_recording())));
    }

    fn on_end(&self, span: FinishedSpan) {
        let data = span.read().clone();
        self.0.lock().unwrap().push(("end", data.name.to_string()));
        self.1.lock().unwrap().push(data);
    }

    fn force_flush(&self, timeout: Duration) -> bool {
        !timeout.is_zero()
    }

    fn shutdown(&self, _timeout: Duration) -> bool {
        self.0.lock().unwrap().push(("shutdown", String::new()));
        true
    }
}

fn with(describe: impl FnOnce(TracerProviderBuilder) -> TracerProviderBuilder) -> (TracerProvider, Told) {
    let told = Told::default();
    (describe(TracerProvider::builder()).with_span_processor(told.clone()).build(), told)
}

fn remote() -> SpanContext {
    SpanContext {
        trace_id: TraceId(1),
        span_id: SpanId(2),
        trace_flags: TraceFlags::SAMPLED,
        is_remote: true,
        ..SpanContext::default()
    }
}

#[test]
fn a_span_is_told_of_once() {
    let (provider, told) = with(|builder| builder);
    let span = provider.tracer("t").start("work");
    let other = span.clone();
    span.end_at(7);
    other.end_at(8);
    span.set_attribute("late", 1);
    span.update_name("late");
    drop((span, other));
    let expected = [("start", "recording true parent false"), ("ending", "recording false"), ("end", "work")];
    assert_eq!(told.calls(), expected.map(|(call, text)| (call, text.to_owned())));
    told.last(|data| {
        assert_eq!(data.end_time, Some(7));
        assert_eq!(data.attributes.get("started"), Some(&Value::Bool(true)));
        assert_eq!(data.attributes.len(), 1);
    });
}

#[test]
fn a_span_that_is_dropped_ends() {
    let (provider, told) = with(|builder| builder);
    let span = provider.tracer("t").start("dropped");
    let clone = span.clone();
    drop(span);
    assert!(clone.is_recording());
    drop(clone);
    told.last(|data| assert!(data.end_time.is_some()));
}

#[test]
fn everything_of_the_builder_arrives() {
    let (provider, told) = with(|builder| builder);
    let tracer = provider.tracer("lib");
    let parent = Context::current().with_span_slot(Arc::new(Span::non_recording(remote())));
    let span = tracer
        .span("n")
        .with_kind(SpanKind::Server)
        .with_parent(parent)
        .with_attribute("a", 1)
        .with_link(remote(), [("l", 2)].into_iter().collect())
        .with_start_time(5)
        .start();
    span.add_event_at("e", Attributes::new(), 6);
    span.set_status(Status::Ok);
    span.set_status(Status::Error(None));
    span.end();
    assert_eq!(span.span_context().trace_id, TraceId(1));
    told.last(|data| {
        assert_eq!((data.kind, data.start_time), (SpanKind::Server, Some(5)));
        assert_eq!(data.parent, Some(remote()));
        assert_eq!(data.scope.name.as_str(), "lib");
        assert_eq!(data.attributes.get("a"), Some(&Value::Int(1)));
        assert_eq!((data.links.items.len(), data.events.items[0].timestamp), (1, 6));
        assert_eq!(data.status, Status::Ok);
    });
}

#[test]
fn the_current_span_is_the_parent_and_in_span_puts_it_back() {
    let (provider, told) = with(|builder| builder);
    let tracer = provider.tracer("t");
    assert!(!Span::current().span_context().is_valid());
    tracer.in_span("outer", |outer| {
        tracer.in_span("inner", |inner| {
            assert_eq!(inner.span_context().trace_id, outer.span_context().trace_id);
            assert_eq!(Span::current().span_context(), inner.span_context());
        });
        assert_eq!(Span::current().span_context(), outer.span_context());
        told.last(|data| assert_eq!(data.parent.as_ref(), Some(outer.span_context())));
    });
    assert!(!Span::current().span_context().is_valid());
}

#[test]
fn limits_hold_and_count() {
    let limits = SpanLimits {
        max_span_attributes: Some(2),
        max_events: Some(1),
        max_links: Some(1),
        max_span_attribute_length: Some(3),
        ..SpanLimits::default()
    };
    let (provider, told) = with(|builder| builder.with_limits(limits));
    let span = provider.tracer("t").start("n");
    span.set_attribute("long", "longer");
    span.set_attribute("last", 1);
    span.set_attribute("", 1);
    for _ in 0..3 {
        span.add_event("e", Attributes::new());
        span.add_link(remote(), Attributes::new());
    }
    span.end();
    told.last(|data| {
        assert_eq!(data.attributes.get("long"), Some(&Value::String("lon".into())));
        assert_eq!((data.attributes.len(), data.attributes.dropped()), (2, 2));
        assert_eq!((data.events.items.len(), data.events.dropped), (1, 2));
        assert_eq!((data.links.items.len(), data.links.dropped), (1, 2));
    });
}

#[test]
fn what_is_not_sampled_is_not_told() {
    let (provider, told) = with(|builder| builder.with_sampler(BuiltinSampler::AlwaysOff));
    let span = provider.tracer("t").start("n");
    assert!(!span.is_recording() && span.span_context().is_valid());
    assert!(!span.span_context().trace_flags.is_sampled());
    span.set_attribute("a", 1);
    span.end();
    assert!(told.calls().is_empty());
}

#[test]
fn flush_and_shutdown_reach_every_processor() {
    let (provider, told) = with(|builder| builder.with_span_processor(Told::default()));
    assert!(provider.force_flush(Duration::from_secs(1)));
    assert!(!provider.force_flush(Duration::ZERO));
    assert!(provider.shutdown(Duration::from_secs(1)));
    assert_eq!(told.calls(), [("shutdown", String::new())]);
}

#[test]
fn a_block_that_is_used_again_is_empty() {
    let (provider, told) = with(|builder| builder);
    let tracer = provider.tracer("t");
    for round in 0..200 {
        let old = tracer.span("old").with_attribute("a", round).with_link(remote(), Attributes::new()).start();
        old.add_event("e", Attributes::new());
        old.set_status(Status::Error(Some("x".into())));
        old.end();
        drop(old);
        tracer.start("new").end();
        told.last(|data| {
            assert_eq!((data.attributes.len(), data.events.items.len(), data.links.items.len()), (1, 0, 0));
            assert_eq!((data.status.clone(), data.parent.clone()), (Status::Unset, None));
        });
    }
}

#[test]
fn threads_share_a_span() {
    let limits = SpanLimits { max_span_attributes: None, max_events: None, ..SpanLimits::default() };
    let (provider, told) = with(|builder| builder.with_limits(limits));
    let span = provider.tracer("t").start("n");
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let span = span.clone();
            scope.spawn(move || {
                for i in 0..200 {
                    span.set_attribute(format!("{thread}.{i}"), i);
                    span.add_event("e", Attributes::new());
                }
                span.clone()
            });
        }
    });
    span.end();
    told.last(|data| assert_eq!((data.attributes.len(), data.events.items.len()), (1601, 1600)));
}
