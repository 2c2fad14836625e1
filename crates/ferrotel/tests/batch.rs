//! The bounded queue and its worker.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use ferrotel::common::diagnostics::{Level, Sink, set_sink};
use ferrotel::sdk::batch::{BatchConfig, BatchItem, BatchProcessor, BatchSink, Refusal};

/// Keeps every log line of this test program.
struct Lines;

static LINES: Mutex<Vec<(Level, &'static str, String)>> = Mutex::new(Vec::new());

impl Sink for Lines {
    fn log(&self, level: Level, target: &'static str, message: &str) {
        LINES.lock().unwrap().push((level, target, message.to_owned()));
    }
}

fn lines_about(word: &str) -> Vec<(Level, &'static str, String)> {
    LINES.lock().unwrap().iter().filter(|(_, _, line)| line.contains(word)).cloned().collect()
}

/// Items of one test: the noun keeps its log lines apart from the other tests'.
macro_rules! item {
    ($name:ident) => {
        #[derive(Debug, Clone, PartialEq)]
        struct $name(usize);
        impl BatchItem for $name {
            const NOUN: &'static str = stringify!($name);
        }
    };
}

/// Records what arrives; can be held up, can refuse, can panic.
struct Recorder<T> {
    batches: Mutex<Vec<Vec<T>>>,
    gate: Mutex<bool>,
    opened: Condvar,
    shut: AtomicUsize,
    refuse: AtomicBool,
    panic: AtomicBool,
    entered: AtomicUsize,
    /// How many exports it likes at once, has now, had at most.
    at_once: AtomicUsize,
    inside: AtomicUsize,
    most: AtomicUsize,
}

impl<T> Recorder<T> {
    fn new() -> Arc<Self> {
        static ONCE: OnceLock<bool> = OnceLock::new();
        ONCE.get_or_init(|| set_sink(Box::new(Lines)));
        Arc::new(Recorder {
            batches: Mutex::new(Vec::new()),
            gate: Mutex::new(true),
            opened: Condvar::new(),
            shut: AtomicUsize::new(0),
            refuse: AtomicBool::new(false),
            panic: AtomicBool::new(false),
            entered: AtomicUsize::new(0),
            at_once: AtomicUsize::new(1),
            inside: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        })
    }

    fn close_gate(&self) {
        *self.gate.lock().unwrap() = false;
    }

    fn open_gate(&self) {
        *self.gate.lock().unwrap() = true;
        self.opened.notify_all();
    }

    fn sizes(&self) -> Vec<usize> {
        self.batches.lock().unwrap().iter().map(Vec::len).collect()
    }
}

impl<T: Clone + Send + 'static> BatchSink<T> for Recorder<T> {
    fn export(&self, batch: &[T]) -> Result<(), Refusal> {
        self.entered.fetch_add(1, Ordering::SeqCst);
        self.most.fetch_max(self.inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let mut open = self.gate.lock().unwrap();
        while !*open && self.shut.load(Ordering::SeqCst) == 0 {
            open = self.opened.wait(open).unwrap();
        }
        drop(open);
        self.inside.fetch_sub(1, Ordering::SeqCst);
        assert!(!self.panic.load(Ordering::SeqCst), "the exporter is broken");
        if self.refuse.load(Ordering::SeqCst) {
            return Err(Refusal { target: "test.target", message: "collector says no to Refused".into() });
        }
        self.batches.lock().unwrap().push(batch.to_vec());
        Ok(())
    }

    fn shutdown(&self) {
        self.shut.fetch_add(1, Ordering::SeqCst);
        self.opened.notify_all();
    }

    fn force_flush(&self, _: Duration) -> bool {
        true
    }

    fn concurrency(&self) -> usize {
        self.at_once.load(Ordering::SeqCst)
    }
}

fn config(max_queue_size: usize, max_export_batch_size: usize, delay_millis: u64) -> BatchConfig {
    BatchConfig {
        max_queue_size,
        max_export_batch_size,
        schedule_delay: Duration::from_millis(delay_millis),
        ..BatchConfig::default()
    }
}

fn eventually(what: &str, mut test: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !test() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_full_batch_is_exported_before_the_delay() {
    item!(Full);
    let sink = Recorder::new();
    let batches = BatchProcessor::new(sink.clone(), config(100, 10, 3_600_000));
    for n in 0..9 {
        batches.push(Full(n));
    }
    thread::sleep(Duration::from_millis(30));
    assert_eq!(sink.sizes(), [] as [usize; 0]);
    batches.push(Full(9));
    eventually("the batch arrives", || sink.sizes() == [10]);
    assert_eq!(sink.batches.lock().unwrap()[0], (0..10).map(Full).collect::<Vec<_>>());
}

#[test]
fn the_delay_exports_what_there_is() {
    item!(Delayed);
    let sink = Recorder::new();
    let batches = BatchProcessor::new(sink.clone(), config(100, 10, 30));
    batches.push(Delayed(0));
    eventually("the first", || sink.sizes() == [1]);
    batches.push(Delayed(1));
    eventually("the second", || sink.sizes() == [1, 1]);
    assert_eq!(batches.counts().exported, 2);
    assert_eq!(batches.counts().queued, 0);
}

#[test]
fn nothing_is_lost_between_threads() {
    item!(Busy);
    let sink = Recorder::new();
    let batches = Arc::new(BatchProcessor::new(sink.clone(), config(100_000, 64, 5)));
    let threads: Vec<_> = (0..8)
        .map(|lane| {
            let batches = batches.clone();
            thread::spawn(move || (0..5_000).for_each(|n| batches.push(Busy(lane * 5_000 + n))))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(batches.force_flush(None));
    let mut seen: Vec<_> = sink.batches.lock().unwrap().iter().flatten().map(|item| item.0).collect();
    assert!(sink.sizes().iter().all(|size| *size <= 64));
    seen.sort_unstable();
    assert_eq!(seen, (0..40_000).collect::<Vec<_>>());
}

#[test]
fn an_overload_drops_the_oldest_counts_exactly_and_says_so_once() {
    item!(Overload);
    let sink = Recorder::new();
    sink.close_gate();
    let batches = BatchProcessor::new(sink.clone(), config(100, 10, 10));
    for n in 0..10 {
        batches.push(Overload(n));
    }
    eventually("the worker is held up", || sink.entered.load(Ordering::SeqCst) == 1);
    for n in 10..1_000 {
        batches.push(Overload(n));
    }
    assert_eq!(batches.counts().dropped, 890);
    assert_eq!(batches.counts().queued, 100);
    let warned = lines_about("Queue full, dropping Overload.");
    assert_eq!(warned.len(), 1);
    assert_eq!((warned[0].0, warned[0].1), (Level::Warning, "opentelemetry.sdk._shared_internal"));
    sink.open_gate();
    assert!(batches.shutdown(None));
    let seen: Vec<_> = sink.batches.lock().unwrap().iter().flatten().map(|item| item.0).collect();
    assert_eq!(seen, (0..10).chain(900..1_000).collect::<Vec<_>>());
    let told = lines_about("Overload(s) were dropped");
    assert_eq!(told.len(), 1);
    assert!(told[0].2.starts_with("890 "), "{told:?}");
}

#[test]
fn an_overload_that_is_over_is_told_without_a_shutdown() {
    item!(Passing);
    let sink = Recorder::new();
    sink.close_gate();
    let batches = BatchProcessor::new(sink.clone(), config(10, 1, 50));
    batches.push(Passing(0));
    eventually("the worker is held up", || sink.entered.load(Ordering::SeqCst) == 1);
    (1..31).for_each(|n| batches.push(Passing(n)));
    sink.open_gate();
    eventually("the number is told", || lines_about("Passing(s) were dropped").len() == 1);
    assert!(lines_about("Passing(s) were dropped")[0].2.starts_with("20 "));
}

#[test]
fn flush_exports_all_and_respects_its_time() {
    item!(Flushed);
    let sink = Recorder::new();
    let batches = BatchProcessor::new(sink.clone(), config(1_000, 10, 3_600_000));
    assert!(batches.force_flush(None), "nothing to flush");
    (0..25).for_each(|n| batches.push(Flushed(n)));
    assert!(batches.force_flush(Some(Duration::from_secs(10))));
    assert_eq!(sink.sizes().iter().sum::<usize>(), 25);
    sink.close_gate();
    batches.push(Flushed(25));
    let begin = Instant::now();
    assert!(!batches.force_flush(Some(Duration::from_millis(50))));
    assert!(begin.elapsed() < Duration::from_secs(5));
    sink.open_gate();
    assert!(batches.force_flush(None));
    assert_eq!(batches.counts().exported, 26);
}

#[test]
fn shutdown_exports_the_rest_and_later_items_are_ignored() {
    item!(Late);
    let sink = Recorder::new();
    let batches = BatchProcessor::new(sink.clone(), config(1_000, 10, 3_600_000));
    (0..25).for_each(|n| batches.push(Late(n)));
    assert!(batches.shutdown(None));
    assert_eq!(sink.sizes().iter().sum::<usize>(), 25);
    assert_eq!(sink.shut.load(Ordering::SeqCst), 1);
    (0..3).for_each(|n| batches.push(Late(n)));
    assert_eq!(batches.counts().ignored, 3);
    assert!(!batches.force_flush(None));
    assert!(batches.shutdown(None));
    assert_eq!(sink.shut.load(Ordering::SeqCst), 1);
    let told = lines_about("Shutdown called, ignoring Late.");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].0, Level::Info);
}

#[test]
fn shutdown_without_any_item_starts_no_thread() {
    item!(Never);
    let sink = Recorder::<Never>::new();
    let batches = BatchProcessor::new(sink.clone(), BatchConfig::default());
    assert!(batches.shutdown(None));
    assert_eq!(sink.entered.load(Ordering::SeqCst), 0);
    assert_eq!(sink.shut.load(Ordering::SeqCst), 1);
}

#[test]
fn shutdown_ends_a_retry_when_its_time_is_over() {
    item!(Stuck);
    let sink = Recorder::new();
    sink.close_gate();
    let batches = BatchProcessor::new(sink.clone(), config(1_000, 10, 3_600_000));
    (0..25).for_each(|n| batches.push(Stuck(n)));
    eventually("the worker is held up", || sink.entered.load(Ordering::SeqCst) == 1);
    let begin = Instant::now();
    assert!(!batches.shutdown(Some(Duration::from_millis(50))));
    assert!(begin.elapsed() < Duration::from_millis(900), "the sink's shutdown ends the wait: {:?}", begin.elapsed());
    assert_eq!(sink.sizes(), [10], "the batch under way, and none after it");
    let counts = batches.counts();
    assert_eq!((counts.exported, counts.dropped, counts.queued), (10, 15, 0));
    assert!(lines_about("Stuck(s) were lost at shutdown")[0].2.starts_with("15 "));
    assert!(lines_about("Stuck(s) were dropped").is_empty());
}

#[test]
fn a_panic_in_the_exporter_costs_one_batch() {
    item!(Panicking);
    let sink = Recorder::new();
    sink.panic.store(true, Ordering::SeqCst);
    let batches = BatchProcessor::new(sink.clone(), config(1_000, 10, 3_600_000));
    (0..10).for_each(|n| batches.push(Panicking(n)));
    assert!(batches.force_flush(None));
    assert_eq!(batches.counts().failed, 10);
    sink.panic.store(false, Ordering::SeqCst);
    (0..10).for_each(|n| batches.push(Panicking(n)));
    assert!(batches.force_flush(None));
    assert_eq!(batches.counts().exported, 10);
    let told = lines_about("Exception while exporting Panicking");
    assert_eq!(told.len(), 1);
    assert!(told[0].2.contains("the exporter is broken"));
}

#[test]
fn a_refusal_is_told_once_and_counted_each_time() {
    item!(Refused);
    let sink = Recorder::new();
    sink.refuse.store(true, Ordering::SeqCst);
    let batches = BatchProcessor::new(sink.clone(), config(1_000, 10, 3_600_000));
    for _ in 0..3 {
        (0..10).for_each(|n| batches.push(Refused(n)));
        assert!(batches.force_flush(None));
    }
    assert_eq!(batches.counts().failed, 30);
    let told = lines_about("collector says no to Refused");
    assert_eq!(told, [(Level::Error, "test.target", "collector says no to Refused".to_owned())]);
}

#[test]
fn drained_items_come_back_for_reuse() {
    static RECYCLED: AtomicUsize = AtomicUsize::new(0);
    #[derive(Clone)]
    struct Pooled;
    impl BatchItem for Pooled {
        const NOUN: &'static str = "Pooled";
        fn recycle(batch: &mut Vec<Self>) {
            RECYCLED.fetch_add(batch.len(), Ordering::SeqCst);
            batch.clear();
        }
    }
    let batches = BatchProcessor::new(Recorder::<Pooled>::new(), config(100, 10, 3_600_000));
    (0..37).for_each(|_| batches.push(Pooled));
    assert!(batches.shutdown(None));
    assert_eq!(RECYCLED.load(Ordering::SeqCst), 37);
}

#[test]
fn sizes_that_make_no_sense_are_corrected() {
    item!(Sized);
    let batches = BatchProcessor::new(Recorder::<Sized>::new(), config(0, 0, 1));
    assert_eq!((batches.config().max_queue_size, batches.config().max_export_batch_size), (1, 1));
    let batches = BatchProcessor::new(Recorder::<Sized>::new(), config(5, 50, 1));
    assert_eq!(batches.config().max_export_batch_size, 5);
    let endless =
        BatchConfig { schedule_delay: Duration::MAX, export_timeout: Duration::MAX, ..BatchConfig::default() };
    let batches = BatchProcessor::new(Recorder::new(), endless);
    batches.push(Sized(1));
    assert!(batches.force_flush(None) && batches.shutdown(Some(Duration::MAX)));
}

#[test]
fn every_item_of_an_overload_is_counted_once() {
    item!(Flood);
    const MADE: u64 = 4 * 50_000;
    let sink = Recorder::new();
    let measured = BatchConfig { measured: true, ..config(64, 32, 3_600_000) };
    let batches = Arc::new(BatchProcessor::new(sink.clone(), measured));
    let flood = |_| {
        let batches = batches.clone();
        thread::spawn(move || (0..50_000).for_each(|n| batches.push(Flood(n))))
    };
    let threads: Vec<_> = (0..4).map(flood).collect();
    while !threads.iter().all(thread::JoinHandle::is_finished) {
        let now = batches.counts();
        assert!(now.queued <= 64 && now.in_flight <= 32, "{now:?}");
        assert!(now.queued + now.in_flight + now.dropped + now.exported <= MADE, "{now:?}");
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(batches.force_flush(None));
    let (counts, sizes) = (batches.counts(), sink.sizes());
    assert_eq!(counts.exported, sizes.iter().sum::<usize>() as u64);
    assert_eq!(counts.dropped, MADE - counts.exported);
    assert_eq!((counts.queued, counts.in_flight, counts.abandoned, counts.failed), (0, 0, 0, 0));
    let operations = batches.take_operations();
    assert_eq!(operations.len(), sizes.len());
    assert!(operations.iter().all(|operation| operation.accepted));
    assert_eq!(batches.take_operations(), []);
    assert!(batches.shutdown(None));
    let told: u64 = lines_about(" Flood(s) were dropped")
        .iter()
        .map(|(_, _, line)| line.split(' ').next().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(told, counts.dropped, "the log tells all of them");
}

#[test]
fn full_batches_go_out_side_by_side_where_the_exporter_likes_that() {
    item!(Side);
    let sink = Recorder::new();
    sink.at_once.store(2, Ordering::SeqCst);
    sink.close_gate();
    let batches = BatchProcessor::new(sink.clone(), config(100, 10, 3_600_000));
    // The worker is held up with the first batch, and asks for help with its next one.
    (0..10).for_each(|n| batches.push(Side(n)));
    eventually("the worker has a batch", || sink.entered.load(Ordering::SeqCst) == 1);
    (10..65).for_each(|n| batches.push(Side(n)));
    sink.open_gate();
    eventually("full batches are out", || sink.sizes().iter().sum::<usize>() == 60);
    sink.close_gate();
    // The helper is there now: it takes a batch as soon as it is full.
    (65..105).for_each(|n| batches.push(Side(n)));
    eventually("two exports at once", || sink.inside.load(Ordering::SeqCst) == 2);
    assert_eq!(batches.counts().in_flight, 20);
    assert!(!batches.force_flush(Some(Duration::from_millis(20))), "what is under way belongs to a flush");
    sink.open_gate();
    assert!(batches.force_flush(None));
    assert_eq!(sink.most.load(Ordering::SeqCst), 2);
    assert_eq!((batches.counts().exported, batches.counts().in_flight), (105, 0));
    let mut seen: Vec<_> = sink.batches.lock().unwrap().iter().flatten().map(|item| item.0).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..105).collect::<Vec<_>>());
    // In trouble it likes one at a time.
    sink.at_once.store(1, Ordering::SeqCst);
    sink.most.store(0, Ordering::SeqCst);
    sink.close_gate();
    (0..60).for_each(|n| batches.push(Side(n)));
    thread::sleep(Duration::from_millis(30));
    assert_eq!(sink.inside.load(Ordering::SeqCst), 1);
    sink.at_once.store(2, Ordering::SeqCst);
    sink.open_gate();
    assert!(batches.shutdown(None));
    assert_eq!(batches.counts().exported, 165);
}

#[test]
fn shutdown_waits_for_what_helpers_have_and_counts_what_it_gives_up() {
    item!(Held);
    let sink = Recorder::new();
    sink.at_once.store(2, Ordering::SeqCst);
    let batches = BatchProcessor::new(sink.clone(), config(100, 10, 3_600_000));
    sink.close_gate();
    (0..10).for_each(|n| batches.push(Held(n)));
    eventually("the worker has a batch", || sink.entered.load(Ordering::SeqCst) == 1);
    (10..50).for_each(|n| batches.push(Held(n)));
    sink.open_gate();
    eventually("all are out", || batches.counts().exported == 50);
    sink.close_gate();
    (0..25).for_each(|n| batches.push(Held(n)));
    eventually("two exports at once", || sink.inside.load(Ordering::SeqCst) == 2);
    assert!(!batches.shutdown(Some(Duration::from_millis(50))));
    // Its shutdown lets the recorder's exports go on: only the rest is lost.
    assert_eq!((batches.counts().exported, batches.counts().abandoned), (70, 5));
    assert_eq!(lines_about("5 Held(s) were lost at shutdown").len(), 1);
}

#[test]
fn exports_are_remembered_only_where_they_are_measured() {
    item!(Plain);
    let batches = BatchProcessor::new(Recorder::new(), config(100, 10, 3_600_000));
    batches.push(Plain(0));
    assert!(batches.force_flush(None));
    assert_eq!(batches.take_operations(), []);
}

#[test]
fn dropping_a_processor_exports_what_is_left() {
    item!(Orphan);
    let sink = Recorder::new();
    let batches = BatchProcessor::new(sink.clone(), config(100, 10, 3_600_000));
    (0..3).for_each(|n| batches.push(Orphan(n)));
    drop(batches);
    eventually("the rest arrives", || sink.sizes() == [3]);
}

#[cfg(unix)]
mod fork {
    use super::*;

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
    fn a_child_starts_afresh_even_when_the_parent_is_in_the_middle_of_an_export() {
        item!(Forked);
        let sink = Recorder::new();
        sink.close_gate();
        let batches = BatchProcessor::new(sink.clone(), config(100, 10, 3_600_000));
        (0..15).for_each(|n| batches.push(Forked(n)));
        eventually("the worker is held up", || sink.entered.load(Ordering::SeqCst) == 1);
        let fine = in_child(|| {
            sink.open_gate();
            let empty = batches.counts().queued == 0 && batches.counts().dropped == 0;
            (100..105).for_each(|n| batches.push(Forked(n)));
            let flushed = batches.force_flush(Some(Duration::from_secs(5)));
            let own = *sink.batches.lock().unwrap() == [(100..105).map(Forked).collect::<Vec<_>>()];
            batches.push(Forked(105));
            empty && flushed && own && batches.shutdown(Some(Duration::from_secs(5))) && batches.counts().exported == 6
        });
        assert!(fine);
        sink.open_gate();
        assert!(batches.shutdown(None));
        let seen: Vec<_> = sink.batches.lock().unwrap().iter().flatten().map(|item| item.0).collect();
        assert_eq!(seen, (0..15).collect::<Vec<_>>(), "the parent's items are the parent's alone");
    }

    #[test]
    fn forks_under_load_never_hang_a_child() {
        item!(Loaded);
        let sink = Recorder::new();
        let batches = Arc::new(BatchProcessor::new(sink, config(100, 10, 1)));
        let stop = Arc::new(AtomicBool::new(false));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (batches, stop) = (batches.clone(), stop.clone());
                thread::spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        batches.push(Loaded(1));
                    }
                })
            })
            .collect();
        let fine = (0..20).all(|_| {
            in_child(|| {
                let mine = Recorder::<Loaded>::new();
                let own = BatchProcessor::new(mine, config(100, 10, 1));
                own.push(Loaded(0));
                batches.push(Loaded(2));
                batches.counts().queued <= 1 && own.shutdown(Some(Duration::from_secs(5)))
            })
        });
        stop.store(true, Ordering::Relaxed);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(fine);
    }

    #[test]
    fn a_child_of_a_processor_that_is_shut_down_ignores_too() {
        item!(Closed);
        let batches = BatchProcessor::new(Recorder::<Closed>::new(), config(100, 10, 1));
        batches.shutdown(None);
        assert!(in_child(|| {
            batches.push(Closed(1));
            batches.counts().ignored == 1 && batches.counts().queued == 0
        }));
    }
}
