//! Encoding allocates nothing per span, record or point. Alone in its process: the count is of the whole process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ferrotel::common::{Attributes, Scope, Value};
use ferrotel::sdk::logs::{FinishedLogRecord, LogRecordData};
use ferrotel::sdk::metrics::{
    HistogramPoint, Metric, MetricData, MetricsData, Number, NumberPoint, ResourceMetrics, ScopeMetrics, Temporality,
};
use ferrotel::sdk::trace::{Bounded, Event, FinishedSpan, Link, SpanData};
use ferrotel_otlp::encode::{logs, metrics, traces};

static COUNT: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: everything is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is the one that is asked for here.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `alloc` above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test, because others on other threads would be counted too.
#[test]
fn encoding_allocates_per_batch_and_not_per_item() {
    let scope = Arc::new(Scope::new("scope"));
    let attributes = || -> Attributes {
        [("k", Value::from("v")), ("list", Value::Array([Value::Int(1)].into()))].into_iter().collect()
    };
    let event = Event { name: "e".into(), timestamp: 1, attributes: attributes() };
    let link = Link { context: Default::default(), attributes: attributes() };
    // Without a resource of their own they share one.
    let span = || SpanData {
        name: "a name that does not fit into twenty-four bytes".into(),
        attributes: attributes(),
        events: Bounded { items: vec![event.clone()], dropped: 0 },
        links: Bounded { items: vec![link.clone()], dropped: 0 },
        scope: scope.clone(),
        ..SpanData::default()
    };
    let spans: Vec<_> = (0..1000).map(|_| FinishedSpan::new(span())).collect();
    let mut encoder = traces::Encoder::default();
    assert_few("spans", || encoder.encode(&spans).len());

    let resource = Arc::default();
    let record = || LogRecordData {
        body: Value::Map([("text".into(), "longer than the twenty-four bytes of a short text".into())].into()),
        attributes: attributes(),
        scope: scope.clone(),
        resource: Arc::clone(&resource),
        ..LogRecordData::default()
    };
    let records: Vec<_> = (0..1000).map(|_| FinishedLogRecord::new(record())).collect();
    let mut encoder = logs::Encoder::default();
    assert_few("log records", || encoder.encode(&records).len());

    let shared = Arc::new(attributes());
    let number = || NumberPoint {
        attributes: shared.clone(),
        start_time: Some(1),
        time: 2,
        value: Number::Int(3),
        exemplars: Vec::new(),
    };
    let histogram = || HistogramPoint {
        attributes: shared.clone(),
        start_time: 1,
        time: 2,
        count: 3,
        sum: Number::Double(4.0),
        min: None,
        max: Some(Number::Int(5)),
        bounds: [1.0, 2.0].into(),
        bucket_counts: vec![1, 1, 1],
        exemplars: Vec::new(),
    };
    let metric = |data| Metric { name: "m".into(), description: "d".into(), unit: "ms".into(), data };
    let points = (0..1000).map(|_| number()).collect();
    let histograms = (0..1000).map(|_| histogram()).collect();
    let metrics = vec![
        metric(MetricData::Gauge { points }),
        metric(MetricData::Histogram { points: histograms, temporality: Temporality::Delta }),
    ];
    let scope_metrics = vec![ScopeMetrics { scope, metrics }];
    let data = MetricsData { resource_metrics: vec![ResourceMetrics { resource, scope_metrics }] };
    let mut encoder = metrics::Encoder::default();
    assert_few("metrics", || encoder.encode(&data).len());
}

/// Encodes twice: the first time makes room.
fn assert_few(what: &str, mut encode: impl FnMut() -> usize) {
    let length = encode();
    let before = COUNT.load(Ordering::Relaxed);
    assert_eq!(encode(), length);
    let allocations = COUNT.load(Ordering::Relaxed) - before;
    assert!(allocations <= 4, "{allocations} allocations for one batch of {what}");
}
