//! What many time series cost: memory, time to make, to record and to collect, and how long a thread that records may have
//! to wait for the one that collects.
//!
//! ```sh
//! cargo run --release -p ferrotel --example collect_series -- 100000
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ferrotel::common::{Attributes, Scope, Value};
use ferrotel::resource::Resource;
use ferrotel::sdk::metrics::{
    Aggregation, InstrumentKind, Number, ReaderStorage, Series, Stream, StreamConfig, Temporality,
};

/// The system's allocator, with a count of the bytes that are in use.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(100_000);
    let kinds = [
        ("counter", InstrumentKind::Counter, Aggregation::Sum),
        ("histogram", InstrumentKind::Histogram, Aggregation::EXPLICIT_BUCKET_HISTOGRAM),
        ("exponential histogram", InstrumentKind::Histogram, Aggregation::EXPONENTIAL_BUCKET_HISTOGRAM),
    ];
    for (name, kind, aggregation) in kinds {
        measure(name, kind, aggregation, count);
    }
}

fn attributes(n: usize) -> Attributes {
    Attributes::from_iter([("http.request.method", Value::from("GET")), ("customer.id", Value::Int(n as i64))])
}

fn measure(name: &str, kind: InstrumentKind, aggregation: Aggregation, count: usize) {
    println!("{count} series of a {name}, 2 attributes each");
    let config = StreamConfig::new("stream", kind, Temporality::Cumulative);
    let stream = Arc::new(Stream::new(StreamConfig { aggregation, cardinality_limit: usize::MAX, ..config }));
    let storage = ReaderStorage::new();
    storage.add(Arc::new(Scope::new("example")), stream.clone());
    let resource = Arc::new(Resource::default());
    let sets: Vec<Attributes> = (0..count).map(attributes).collect();

    let before = IN_USE.load(Ordering::Relaxed);
    let start = Instant::now();
    let series: Vec<Arc<Series>> = sets.iter().map(|set| stream.series(set)).collect();
    each("make", start.elapsed(), count);
    series.iter().for_each(|series| assert!(series.record(Number::Int(1), None).is_ok()));
    let used = IN_USE.load(Ordering::Relaxed) - before - series.capacity() * size_of::<Arc<Series>>();
    println!("  memory            {:>8.0} bytes for each series", used as f64 / count as f64);

    let start = Instant::now();
    series.iter().for_each(|series| assert!(black_box(series).record(Number::Int(1), None).is_ok()));
    each("record, all in turn", start.elapsed(), count);
    let start = Instant::now();
    (0..count).for_each(|_| assert!(black_box(&series[0]).record(Number::Int(1), None).is_ok()));
    each("record, always one", start.elapsed(), count);
    let start = Instant::now();
    sets.iter().for_each(|set| stream.record(black_box(set), Number::Int(1), None));
    each("look up and record", start.elapsed(), count);
    let start = Instant::now();
    (0..count).for_each(|_| stream.record(black_box(&sets[0]), Number::Int(1), None));
    each("the same, always one", start.elapsed(), count);

    let mut times: Vec<Duration> = (0..10_u64)
        .map(|now| {
            let start = Instant::now();
            let data = storage.collect(&resource, now);
            let time = start.elapsed();
            assert!(data.is_some());
            time
        })
        .collect();
    times.sort_unstable();
    each("collect, median", times[5], count);

    // What the system's scheduler does to a thread, and no lock, shows without collections.
    for (what, collecting) in [("without", false), ("during", true)] {
        let collect = || match collecting {
            true => drop(black_box(storage.collect(&resource, 99))),
            false => thread::sleep(times[5]),
        };
        let (longest, recorded) = beside(&stream, &sets, collect);
        println!("  longest record {what} collections {longest:>12.3?}  of {recorded}, each with a look-up");
    }
}

/// Records on a thread of its own while `collect` runs ten times; the longest that it took, and how often it did.
fn beside(stream: &Stream, sets: &[Attributes], collect: impl Fn()) -> (Duration, usize) {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let recorder = scope.spawn(|| {
            let (mut longest, mut recorded) = (Duration::ZERO, 0);
            while !stop.load(Ordering::Relaxed) {
                let at = recorded * 7919 % sets.len();
                let start = Instant::now();
                stream.record(&sets[at], Number::Int(1), None);
                longest = longest.max(start.elapsed());
                recorded += 1;
            }
            (longest, recorded)
        });
        (0..10).for_each(|_| collect());
        stop.store(true, Ordering::Relaxed);
        recorder.join().expect("the recorder does not panic")
    })
}

fn each(what: &str, time: Duration, count: usize) {
    println!("  {what:<21} {time:>12.3?}  {:>7.1} ns each", time.as_nanos() as f64 / count as f64);
}
