//! Encoding allocates nothing per span. Alone in its process: the count is of the whole process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ferrotel::common::{Scope, Value};
use ferrotel::sdk::trace::{Bounded, Event, FinishedSpan, Link, SpanData};
use ferrotel_otlp::encode::traces::Encoder;

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

#[test]
fn encoding_allocates_per_batch_and_not_per_span() {
    let scope = Arc::new(Scope::new("scope"));
    let attributes = || [("k", Value::from("v")), ("list", Value::Array([Value::Int(1)].into()))].into_iter().collect();
    let event = Event { name: "e".into(), timestamp: 1, attributes: attributes() };
    let link = Link { context: Default::default(), attributes: attributes() };
    let span = || SpanData {
        name: "a name that does not fit into twenty-four bytes".into(),
        attributes: attributes(),
        events: Bounded { items: vec![event.clone()], dropped: 0 },
        links: Bounded { items: vec![link.clone()], dropped: 0 },
        scope: scope.clone(),
        ..SpanData::default()
    };
    // Some 1 000 of them share a resource; `SpanData::default()` makes one each, so it is set.
    let resource = Arc::default();
    let batch: Vec<_> =
        (0..1000).map(|_| FinishedSpan::new(SpanData { resource: Arc::clone(&resource), ..span() })).collect();
    let mut encoder = Encoder::default();
    let length = encoder.encode(&batch).len();
    let before = COUNT.load(Ordering::Relaxed);
    assert_eq!(encoder.encode(&batch).len(), length);
    let allocations = COUNT.load(Ordering::Relaxed) - before;
    assert!(allocations <= 4, "{allocations} allocations for one batch");
}
