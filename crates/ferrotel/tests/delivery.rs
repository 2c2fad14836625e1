//! Delivering everything at once: in a process of its own, since it concerns every processor of a process.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ferrotel::sdk::batch::{self, BatchConfig, BatchItem, BatchProcessor, BatchSink, Refusal};

struct Item;

impl BatchItem for Item {
    const NOUN: &'static str = "Item";
}

/// Accepts what it gets, after a time; refuses it while it is out of order.
#[derive(Default)]
struct Sink {
    taken: AtomicUsize,
    takes: Duration,
    broken: AtomicBool,
    hurried: AtomicBool,
}

impl BatchSink<Item> for Sink {
    fn export(&self, batch: &[Item]) -> Result<(), Refusal> {
        std::thread::sleep(self.takes);
        if self.broken.load(Ordering::Relaxed) {
            return Err(Refusal { target: "test", message: String::new() });
        }
        self.taken.fetch_add(batch.len(), Ordering::Relaxed);
        Ok(())
    }

    fn shutdown(&self) {}

    fn force_flush(&self, _timeout: Duration) -> bool {
        true
    }

    fn set_hurried(&self, hurried: bool) {
        self.hurried.store(hurried, Ordering::Relaxed);
    }
}

/// One test at a time: each delivers the others' items too.
static TURN: Mutex<()> = Mutex::new(());

/// What the test before has left under way is waited for, so that it is not counted in this one.
fn turn() -> MutexGuard<'static, ()> {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    batch::deliver_now(Duration::from_secs(20));
    batch::resume();
    turn
}

fn processor(sink: &Arc<Sink>) -> BatchProcessor<Item> {
    let processor = BatchProcessor::new(sink.clone(), BatchConfig::default());
    for _ in 0..1000 {
        processor.push(Item);
    }
    processor
}

#[test]
fn every_processor_delivers_at_the_same_time() {
    let _turn = turn();
    let sinks: [Arc<Sink>; 3] =
        std::array::from_fn(|_| Arc::new(Sink { takes: Duration::from_millis(500), ..Sink::default() }));
    let _processors = sinks.each_ref().map(processor);
    let start = Instant::now();
    assert!(batch::deliver_now(Duration::from_secs(10)));
    assert!(start.elapsed() < Duration::from_millis(2500), "{:?}", start.elapsed());
    for sink in &sinks {
        assert_eq!(sink.taken.load(Ordering::Relaxed), 1000);
        assert!(sink.hurried.load(Ordering::Relaxed));
    }
    batch::resume();
    assert!(!sinks[0].hurried.load(Ordering::Relaxed));
}

#[test]
fn what_is_refused_or_takes_too_long_is_not_delivered() {
    let _turn = turn();
    let broken = Arc::new(Sink { broken: true.into(), ..Sink::default() });
    let processor_of_broken = processor(&broken);
    assert!(!batch::deliver_now(Duration::from_secs(10)));
    drop(processor_of_broken);
    let slow = Arc::new(Sink { takes: Duration::from_millis(300), ..Sink::default() });
    let _processor_of_slow = processor(&slow);
    assert!(!batch::deliver_now(Duration::from_millis(50)));
}

#[test]
fn a_processor_that_is_gone_keeps_nobody() {
    let _turn = turn();
    let sink = Arc::new(Sink::default());
    drop(processor(&sink));
    assert!(batch::deliver_now(Duration::from_secs(10)));
    batch::begin_delivery();
}

#[test]
fn shutdown_waits_no_longer_than_the_grace_for_an_exporter_that_is_interrupted() {
    let _turn = turn();
    let sink = Arc::new(Sink { takes: Duration::from_secs(3), ..Sink::default() });
    let processor = processor(&sink);
    assert_eq!(processor.accepted_at(), None);
    let start = Instant::now();
    assert!(!processor.shutdown_with_grace(Some(Duration::from_millis(50)), Duration::from_millis(50)));
    assert!(start.elapsed() < Duration::from_secs(2));
}
