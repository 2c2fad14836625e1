//! Recording on several threads while another one collects, and across forks: nothing lost, nothing counted twice.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use ferrotel::common::{Attributes, Value};
use ferrotel::sdk::metrics::{
    Aggregation, InstrumentKind, MetricData, Number, OVERFLOW_ATTRIBUTE, Series, Stream, StreamConfig, Temporality,
};

const THREADS: u64 = 4;
const COLLECTIONS: u64 = 1_000;

fn attributes(n: u64) -> Attributes {
    Attributes::from_iter([("n", Value::Int(n as i64)), ("other", "x".into())])
}

fn counter(temporality: Temporality, cardinality_limit: usize) -> Arc<Stream> {
    let config = StreamConfig::new("counter", InstrumentKind::Counter, temporality);
    Arc::new(Stream::new(StreamConfig { cardinality_limit, ..config }))
}

/// What a collection yields, by the attribute `n`, with -1 for the overflow.
fn sums(stream: &Stream, now: u64) -> Vec<(i64, i64)> {
    let Some(metric) = stream.collect(now) else { return Vec::new() };
    let MetricData::Sum { points, .. } = metric.data else { panic!("{metric:?}") };
    let one = |point: &ferrotel::sdk::metrics::NumberPoint| {
        let series = match point.attributes.get("n") {
            Some(Value::Int(n)) => *n,
            None if point.attributes.get(OVERFLOW_ATTRIBUTE).is_some() => -1,
            other => panic!("{other:?}"),
        };
        let Number::Int(value) = point.value else { panic!("{point:?}") };
        (series, value)
    };
    points.iter().map(one).collect()
}

/// Runs `record` on each thread, with its number and a counter that goes on, until `collect` was called a thousand times.
/// Returns how often it ran in all.
fn race(record: impl Fn(u64, u64) + Send + Sync + 'static, mut collect: impl FnMut(u64)) -> u64 {
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let record = Arc::new(record);
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (stop, count, record) = (stop.clone(), count.clone(), record.clone());
            thread::spawn(move || {
                let mut at = 0;
                while !stop.load(Ordering::Relaxed) {
                    record(thread, at);
                    at += 1;
                    // Leaves the processor to the others, in the middle of things.
                    if at.is_multiple_of(64) {
                        thread::sleep(Duration::from_micros(20));
                    }
                }
                count.fetch_add(at, Ordering::Relaxed);
            })
        })
        .collect();
    for now in 0..COLLECTIONS {
        collect(now);
        // Collecting so little takes less time than a thread needs to get going.
        thread::sleep(Duration::from_micros(100));
    }
    stop.store(true, Ordering::Relaxed);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    collect(COLLECTIONS);
    let recorded = count.load(Ordering::Relaxed);
    assert!(recorded > 10 * COLLECTIONS, "the threads hardly recorded: {recorded}");
    recorded
}

#[test]
fn delta_sums_of_one_series_add_up() {
    let stream = counter(Temporality::Delta, 10);
    let shared = stream.clone();
    let mut total = 0;
    let recorded = race(
        move |_, _| shared.record(&attributes(0), Number::Int(1), None),
        |now| total += sums(&stream, now).iter().map(|(_, value)| value).sum::<i64>(),
    );
    assert_eq!(total, recorded as i64);
}

/// Each series is used for a while and then left alone, so that it is forgotten while others come.
#[test]
fn delta_sums_add_up_while_series_are_forgotten_and_overflow() {
    const LIMIT: usize = 8;
    let stream = counter(Temporality::Delta, LIMIT);
    let shared = stream.clone();
    let mut total = 0;
    let (mut most, mut overflows, mut again) = (0, 0, 0);
    let mut before = Vec::new();
    let recorded = race(
        move |thread, at| shared.record(&attributes((at / 50 + thread * 3) % 40), Number::Int(1), None),
        |now| {
            let points = sums(&stream, now);
            let mut seen: Vec<i64> = points.iter().map(|(series, _)| *series).collect();
            seen.sort_unstable();
            assert!(seen.windows(2).all(|pair| pair[0] != pair[1]), "a series twice in one collection: {seen:?}");
            total += points.iter().map(|(_, value)| value).sum::<i64>();
            most = most.max(stream.len());
            overflows += usize::from(seen.contains(&-1));
            again += usize::from(seen.iter().any(|series| !before.contains(series)) && now > 0);
            before = seen;
        },
    );
    assert_eq!(total, recorded as i64);
    assert!(most <= LIMIT, "{most} series");
    assert!(overflows > 0 && again > 0, "{overflows} overflows, {again} collections with a series that was not there");
}

/// Who caches a series records with it until it is told that the series was forgotten, as the binding does.
#[test]
fn delta_sums_add_up_for_cached_series() {
    let stream = counter(Temporality::Delta, 8);
    let shared = stream.clone();
    let rebound = Arc::new(AtomicU64::new(0));
    let counting = rebound.clone();
    let mut total = 0;
    let recorded = race(
        move |thread, at| {
            thread_local! {
                static CACHE: RefCell<[Option<Arc<Series>>; 8]> = const { RefCell::new([const { None }; 8]) };
            }
            let slot = ((at / 64 + thread) % 8) as usize;
            CACHE.with_borrow_mut(|cache| {
                loop {
                    let series = cache[slot].get_or_insert_with(|| shared.series(&attributes(slot as u64)));
                    if series.record(Number::Int(1), None).is_ok() {
                        break;
                    }
                    counting.fetch_add(1, Ordering::Relaxed);
                    cache[slot] = None;
                }
            });
        },
        |now| total += sums(&stream, now).iter().map(|(_, value)| value).sum::<i64>(),
    );
    assert_eq!(total, recorded as i64);
    assert!(rebound.load(Ordering::Relaxed) > 0, "no series was ever forgotten");
}

#[test]
fn cumulative_sums_only_grow_and_end_with_everything() {
    let stream = counter(Temporality::Cumulative, 5);
    let shared = stream.clone();
    let mut last = [0; 6];
    let recorded = race(
        move |thread, at| shared.record(&attributes((at + thread) % 7), Number::Int(1), None),
        |now| {
            for (series, value) in sums(&stream, now) {
                let place = stream_place(series);
                assert!(value >= last[place.min(5)] || place == 6, "{series} fell to {value}");
                if place < 6 {
                    last[place] = value;
                }
            }
        },
    );
    let end = sums(&stream, COLLECTIONS + 1);
    assert_eq!(end.len(), 6, "five series and the overflow");
    assert_eq!(end.iter().map(|(_, value)| value).sum::<i64>(), recorded as i64);
}

/// Which series overflow is a matter of who comes first: only the overflow has a place of its own.
fn stream_place(series: i64) -> usize {
    if series < 0 { 5 } else { 6 }
}

#[test]
fn histograms_add_up() {
    for aggregation in [Aggregation::EXPLICIT_BUCKET_HISTOGRAM, Aggregation::EXPONENTIAL_BUCKET_HISTOGRAM] {
        let config = StreamConfig::new("histogram", InstrumentKind::Histogram, Temporality::Delta);
        let stream = Arc::new(Stream::new(StreamConfig { aggregation, ..config }));
        let shared = stream.clone();
        let (mut count, mut sum) = (0, 0);
        let recorded = race(
            move |_, at| shared.record(&attributes(at % 3), Number::Int((at % 100) as i64), None),
            |now| match stream.collect(now).map(|metric| metric.data) {
                None => {}
                Some(MetricData::Histogram { points, .. }) => {
                    for point in points {
                        assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
                        count += point.count;
                        sum += point.sum.as_f64() as u64;
                    }
                }
                Some(MetricData::ExponentialHistogram { points, .. }) => {
                    for point in points {
                        let buckets = [&point.positive, &point.negative].map(|side| side.counts.iter().sum::<u64>());
                        assert_eq!(buckets[0] + buckets[1] + point.zero_count, point.count);
                        count += point.count;
                        sum += point.sum.as_f64() as u64;
                    }
                }
                other => panic!("{other:?}"),
            },
        );
        assert_eq!(count, recorded);
        // Each thread counts from zero: whole hundreds add 4950, and the rest is less than another one for each.
        assert!(sum.abs_diff(recorded / 100 * 4950) <= THREADS * 4950);
    }
}

#[cfg(unix)]
mod fork {
    use super::*;
    use ferrotel::common::Scope;
    use ferrotel::resource::Resource;
    use ferrotel::sdk::metrics::ReaderStorage;

    /// Runs `child` in a forked process and returns whether it said yes within ten seconds.
    fn in_child(child: impl FnOnce() -> bool) -> bool {
        // SAFETY: the child runs `child` on its only thread and leaves by `_exit`.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            // SAFETY: `alarm` ends a child that hangs.
            unsafe { libc::alarm(10) };
            let yes = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child)).unwrap_or(false);
            // SAFETY: nothing of the parent's is to be run in the child.
            unsafe { libc::_exit(if yes { 0 } else { 1 }) };
        }
        let mut status = 0;
        // SAFETY: `pid` is the child forked above.
        unsafe { libc::waitpid(pid, &mut status, 0) };
        status == 0
    }

    #[test]
    fn a_child_goes_on_from_what_the_parent_had() {
        let stream = counter(Temporality::Cumulative, 10);
        stream.record(&attributes(1), Number::Int(5), None);
        let fine = in_child(|| {
            stream.record(&attributes(1), Number::Int(1), None);
            stream.record(&attributes(2), Number::Int(1), None);
            sums(&stream, 1) == [(1, 6), (2, 1)]
        });
        assert!(fine);
        assert_eq!(sums(&stream, 1), [(1, 5)], "the child's measurements are the child's alone");
    }

    /// Threads record, make series and streams, and collect, while this one forks: whichever lock they hold, a child
    /// records and collects all the same.
    #[test]
    fn forks_under_load_leave_nothing_locked() {
        let stream = counter(Temporality::Delta, 64);
        let config = StreamConfig::new("histogram", InstrumentKind::Histogram, Temporality::Cumulative);
        let aggregation = Aggregation::EXPONENTIAL_BUCKET_HISTOGRAM;
        let histogram = Arc::new(Stream::new(StreamConfig { aggregation, ..config }));
        let storage = Arc::new(ReaderStorage::new());
        let (scope, resource) = (Arc::new(Scope::new("scope")), Arc::new(Resource::default()));
        storage.add(scope.clone(), stream.clone());
        storage.add(scope.clone(), histogram.clone());
        let stop = Arc::new(AtomicBool::new(false));
        let threads: Vec<_> = (0..3)
            .map(|thread| {
                let (stream, histogram, storage, stop) =
                    (stream.clone(), histogram.clone(), storage.clone(), stop.clone());
                let (scope, resource) = (scope.clone(), resource.clone());
                thread::spawn(move || {
                    let mut at = 0_u64;
                    while !stop.load(Ordering::Relaxed) {
                        at += 1;
                        match thread {
                            0 => {
                                stream.record(&attributes(at / 10 % 100), Number::Int(1), None);
                                histogram.record(&attributes(0), Number::Double(at as f64 + 0.5), None);
                            }
                            1 => drop(storage.collect(&resource, at)),
                            _ => {
                                let extra = counter(Temporality::Delta, 10);
                                extra.record(&attributes(at), Number::Int(1), None);
                                if at < 50 {
                                    storage.add(scope.clone(), extra);
                                }
                            }
                        }
                    }
                })
            })
            .collect();
        let fine = (0..100).all(|_| {
            in_child(|| {
                drop(storage.collect(&resource, 1));
                stream.record(&attributes(1_000), Number::Int(7), None);
                histogram.record(&attributes(0), Number::Double(1e-9), None);
                storage.add(scope.clone(), counter(Temporality::Delta, 10));
                let data = storage.collect(&resource, 2).unwrap();
                let metrics = &data.resource_metrics[0].scope_metrics[0].metrics;
                let MetricData::Sum { points, .. } = &metrics[0].data else { return false };
                let MetricData::ExponentialHistogram { points: distributions, .. } = &metrics[1].data else {
                    return false;
                };
                let distribution = &distributions[0];
                points.len() == 1
                    && points[0].value == Number::Int(7)
                    && distribution.positive.counts.iter().sum::<u64>() == distribution.count
                    && distribution.positive.counts.iter().any(|count| *count > 0)
            })
        });
        stop.store(true, Ordering::Relaxed);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(fine);
    }
}
