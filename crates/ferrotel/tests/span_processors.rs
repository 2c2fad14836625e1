//! The batching and the simple span processor in front of an exporter.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ferrotel::common::diagnostics::{Level, Sink, set_sink};
use ferrotel::config::BatchSettings;
use ferrotel::sdk::batch::BatchConfig;
use ferrotel::sdk::export::{ExportError, ExportResult};
use ferrotel::sdk::trace::{BatchSpanProcessor, FinishedSpan, SimpleSpanProcessor, SpanData, SpanExporter};

#[derive(Default)]
struct Names {
    seen: Mutex<Vec<String>>,
    fail: bool,
    panic: bool,
    shut: AtomicUsize,
    flushed: AtomicUsize,
}

impl SpanExporter for Names {
    fn export(&self, batch: &[FinishedSpan]) -> ExportResult {
        if self.shut.load(Ordering::SeqCst) > 0 {
            return Err(ExportError::shutdown());
        }
        assert!(!self.panic, "broken");
        self.seen.lock().unwrap().extend(batch.iter().map(|span| span.read().name.to_string()));
        if self.fail { Err(ExportError::failed("refused")) } else { Ok(()) }
    }

    fn shutdown(&self) {
        self.shut.fetch_add(1, Ordering::SeqCst);
    }

    fn force_flush(&self, _: Duration) -> bool {
        self.flushed.fetch_add(1, Ordering::SeqCst);
        true
    }

    fn component_type(&self) -> &'static str {
        "names"
    }
}

fn span(name: &str) -> FinishedSpan {
    FinishedSpan::new(SpanData { name: name.into(), ..SpanData::default() })
}

#[test]
fn batching_keeps_the_order_and_flushes_the_exporter_too() {
    let exporter = Arc::new(Names::default());
    let processor = BatchSpanProcessor::new(exporter.clone(), BatchConfig::default());
    ["a", "b", "c"].iter().for_each(|name| processor.on_end(span(name)));
    assert!(processor.force_flush(None));
    assert_eq!(*exporter.seen.lock().unwrap(), ["a", "b", "c"]);
    assert_eq!(exporter.flushed.load(Ordering::SeqCst), 1);
    assert!(processor.shutdown(None));
    processor.on_end(span("late"));
    assert_eq!(exporter.seen.lock().unwrap().len(), 3);
    assert_eq!((processor.counts().exported, processor.counts().ignored), (3, 1));
}

#[test]
fn a_batch_that_fails_is_counted() {
    let exporter = Arc::new(Names { fail: true, ..Names::default() });
    let processor = BatchSpanProcessor::new(exporter, BatchConfig::default());
    processor.on_end(span("a"));
    assert!(processor.force_flush(None));
    assert_eq!((processor.counts().exported, processor.counts().failed), (0, 1));
}

#[test]
fn a_block_is_free_again_after_its_export() {
    let processor = BatchSpanProcessor::new(Arc::new(Names::default()), BatchConfig::default());
    let ended = span("a");
    processor.on_end(ended.clone());
    assert!(processor.force_flush(None));
    assert_eq!(Arc::strong_count(&ended.0), 1);
}

#[test]
fn simple_exports_at_once_until_shutdown() {
    let exporter = Arc::new(Names::default());
    let processor = SimpleSpanProcessor::new(exporter.clone());
    processor.on_end(span("a"));
    assert_eq!(*exporter.seen.lock().unwrap(), ["a"]);
    assert!(processor.force_flush(Duration::from_secs(1)));
    processor.shutdown();
    processor.shutdown();
    assert_eq!(exporter.shut.load(Ordering::SeqCst), 1);
    processor.on_end(span("late"));
    assert_eq!(*exporter.seen.lock().unwrap(), ["a"]);
}

#[test]
fn simple_survives_failing_and_panicking_exporters() {
    let failing = Arc::new(Names { fail: true, ..Names::default() });
    let processor = SimpleSpanProcessor::new(failing.clone());
    processor.on_end(span("a"));
    processor.on_end(span("b"));
    assert_eq!(*failing.seen.lock().unwrap(), ["a", "b"]);
    let panicking = SimpleSpanProcessor::new(Arc::new(Names { panic: true, ..Names::default() }));
    panicking.on_end(span("a"));
    panicking.on_end(span("b"));
}

#[test]
fn simple_serves_many_threads_one_at_a_time() {
    struct Alone(AtomicUsize, AtomicUsize);
    impl SpanExporter for Alone {
        fn export(&self, _: &[FinishedSpan]) -> ExportResult {
            assert_eq!(self.0.fetch_add(1, Ordering::SeqCst), 0);
            std::thread::yield_now();
            self.0.fetch_sub(1, Ordering::SeqCst);
            self.1.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
        fn shutdown(&self) {}
        fn component_type(&self) -> &'static str {
            "alone"
        }
    }
    let exporter = Arc::new(Alone(AtomicUsize::new(0), AtomicUsize::new(0)));
    let processor = SimpleSpanProcessor::new(exporter.clone());
    std::thread::scope(|scope| {
        (0..4).for_each(|_| {
            scope.spawn(|| (0..100).for_each(|_| processor.on_end(span("x"))));
        });
    });
    assert_eq!(exporter.1.load(Ordering::SeqCst), 400);
}

#[test]
fn exports_that_hold_the_program_up_are_advised_against_once() {
    struct Slow;
    impl SpanExporter for Slow {
        fn export(&self, _: &[FinishedSpan]) -> ExportResult {
            std::thread::sleep(Duration::from_millis(400));
            Ok(())
        }
        fn shutdown(&self) {}
        fn component_type(&self) -> &'static str {
            "slow"
        }
    }
    static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
    struct Lines;
    impl Sink for Lines {
        fn log(&self, _: Level, _: &'static str, message: &str) {
            LINES.lock().unwrap().push(message.to_owned());
        }
    }
    let advice = || LINES.lock().unwrap().iter().filter(|line| line.contains("use BatchSpanProcessor")).count();
    set_sink(Box::new(Lines));
    let processor = SimpleSpanProcessor::new(Arc::new(Slow));
    processor.on_end(span("a"));
    processor.on_end(span("b"));
    assert_eq!(advice(), 0);
    processor.on_end(span("c"));
    processor.on_end(span("d"));
    assert_eq!(advice(), 1);
}

#[test]
fn the_environment_configures_batches() {
    let settings =
        BatchSettings { export_timeout: None, max_queue_size: 7, max_export_batch_size: 3, ..Default::default() };
    let processor = BatchSpanProcessor::new(Arc::new(Names::default()), BatchConfig::from(&settings));
    assert_eq!((processor.config().max_queue_size, processor.config().max_export_batch_size), (7, 3));
    processor.on_end(span("a"));
    assert!(processor.force_flush(None));
    assert!(processor.shutdown(None));
    assert!(processor.is_shut_down());
}
