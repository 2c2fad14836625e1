//! The batch processor: what is pushed is exported once or counted as dropped, and nobody waits for ever, whoever pushes,
//! flushes and shuts down in whichever order. Time does not pass: nothing here depends on a timeout.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ferrotel_models::sdk::batch::processor::{BatchConfig, BatchItem, BatchProcessor, BatchSink, Refusal};
use loom::thread;

struct Item(u32);

impl BatchItem for Item {
    const NOUN: &'static str = "Item";
}

#[derive(Default)]
struct Sink {
    exported: Mutex<Vec<u32>>,
}

impl BatchSink<Item> for Sink {
    fn export(&self, batch: &[Item]) -> Result<(), Refusal> {
        // Others go on while something is exported.
        thread::yield_now();
        self.exported.lock().unwrap().extend(batch.iter().map(|item| item.0));
        Ok(())
    }

    fn shutdown(&self) {}

    fn force_flush(&self, _: Duration) -> bool {
        true
    }
}

fn model(test: impl Fn(&Arc<BatchProcessor<Item>>, &Sink) + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    // `LOOM_MAX_DURATION=600` tries for ten minutes.
    builder.max_duration = builder.max_duration.or(Some(Duration::from_secs(5)));
    builder.check(move || {
        let sink = Arc::new(Sink::default());
        let config = BatchConfig { max_queue_size: 2, max_export_batch_size: 1, ..BatchConfig::default() };
        let processor = Arc::new(BatchProcessor::new(sink.clone() as Arc<dyn BatchSink<Item>>, config));
        test(&processor, &sink);
        processor.shutdown(None);
        let counts = processor.counts();
        let mut exported = sink.exported.lock().unwrap().clone();
        assert_eq!((counts.queued, counts.failed, counts.exported), (0, 0, exported.len() as u64), "{counts:?}");
        exported.sort_unstable();
        exported.dedup();
        assert_eq!(exported.len() as u64, counts.exported, "something was exported twice");
    });
}

#[test]
fn what_two_threads_push_is_exported_once_or_dropped() {
    model(|processor, _| {
        let other = {
            let processor = Arc::clone(processor);
            thread::spawn(move || processor.push(Item(1)))
        };
        processor.push(Item(2));
        processor.push(Item(3));
        other.join().unwrap();
        let counts = processor.counts();
        assert!(counts.dropped <= 1, "three came, and two have room: {counts:?}");
    });
}

#[test]
fn a_flush_returns_when_what_was_there_is_exported() {
    model(|processor, sink| {
        processor.push(Item(1));
        let other = {
            let processor = Arc::clone(processor);
            thread::spawn(move || processor.push(Item(2)))
        };
        assert!(processor.force_flush(None));
        assert!(sink.exported.lock().unwrap().contains(&1));
        other.join().unwrap();
    });
}

#[test]
fn two_may_flush_and_shut_down_at_once() {
    model(|processor, sink| {
        processor.push(Item(1));
        let other = {
            let processor = Arc::clone(processor);
            thread::spawn(move || processor.shutdown(None))
        };
        processor.force_flush(None);
        other.join().unwrap();
        assert_eq!(*sink.exported.lock().unwrap(), [1]);
    });
}
