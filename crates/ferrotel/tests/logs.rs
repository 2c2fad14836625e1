//! The logs SDK from outside: provider, logger, processors, limits and settings.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ferrotel::api::trace::{SpanId, TraceFlags, TraceId};
use ferrotel::common::{Scope, Value};
use ferrotel::config::{MapEnv, Settings};
use ferrotel::context::Context;
use ferrotel::resource::Resource;
use ferrotel::sdk::batch::BatchConfig;
use ferrotel::sdk::export::{ExportError, ExportResult};
use ferrotel::sdk::logs::{
    BatchLogRecordProcessor, EnabledParameters, FinishedLogRecord, LogRecordData, LogRecordExporter, LogRecordLimits,
    LogRecordProcessor, LoggerProvider, ReadWriteLogRecord, SeverityNumber, SimpleLogRecordProcessor,
};
use ferrotel::sdk::trace::TracerProvider;

mod log;

#[derive(Default)]
struct Keep {
    seen: Mutex<Vec<FinishedLogRecord>>,
    fail: bool,
    panic: bool,
    shut: AtomicUsize,
    flushed: AtomicUsize,
}

impl Keep {
    fn bodies(&self) -> Vec<Value> {
        self.seen.lock().unwrap().iter().map(|record| record.body.clone()).collect()
    }
}

impl LogRecordExporter for Keep {
    fn export(&self, batch: &[FinishedLogRecord]) -> ExportResult {
        if self.shut.load(Ordering::SeqCst) > 0 {
            return Err(ExportError::shutdown());
        }
        assert!(!self.panic, "broken");
        self.seen.lock().unwrap().extend_from_slice(batch);
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
        "keep"
    }
}

fn record(body: &str) -> FinishedLogRecord {
    FinishedLogRecord::new(LogRecordData { body: body.into(), ..LogRecordData::default() })
}

#[test]
fn memory_that_is_used_again_holds_nothing_of_the_record_before() {
    struct Forget;
    impl LogRecordExporter for Forget {
        fn export(&self, _: &[FinishedLogRecord]) -> ExportResult {
            Ok(())
        }
        fn shutdown(&self) {}
        fn component_type(&self) -> &'static str {
            "forget"
        }
    }
    let (resource, scope) = (Arc::new(Resource::new([("service.name", "shop")])), Arc::new(Scope::new("checkout")));
    let fill = |number: i64| {
        let mut record = ReadWriteLogRecord::blank(&resource, &scope);
        let data = &mut *record;
        (data.timestamp, data.observed_timestamp, data.severity_number) = (1, 2, 9);
        (data.trace_id, data.span_id, data.trace_flags) = (TraceId(1), SpanId(2), TraceFlags(1));
        (data.severity_text, data.event_name) = ("INFO".into(), "a.name.that.is.longer.than.a.text.holds".into());
        data.body = "a body that is longer than what a text holds in itself".into();
        data.attributes.set("number".into(), number.into(), None);
        data.attributes.add_dropped(1);
        record.finish()
    };
    let processor = BatchLogRecordProcessor::new(Arc::new(Forget), BatchLogRecordProcessor::default_config());
    let kept = fill(7);
    processor.on_emit(kept.clone());
    (0..200).for_each(|number| processor.on_emit(fill(number)));
    assert!(processor.force_flush(None));

    let other = Arc::new(Scope::new("stock"));
    let empty = |scope: &Arc<Scope>| LogRecordData {
        resource: resource.clone(),
        scope: scope.clone(),
        ..LogRecordData::default()
    };
    let blanks: Vec<_> = [&scope, &other].into_iter().cycle().take(200).collect();
    let blanks: Vec<_> = blanks.into_iter().map(|scope| (scope, ReadWriteLogRecord::blank(&resource, scope))).collect();
    for (scope, blank) in &blanks {
        assert_eq!(format!("{:?}", **blank), format!("{:?}", empty(scope)));
    }
    // Somebody has this one, so it stays as it was.
    assert_eq!((kept.attributes.get("number"), kept.timestamp), (Some(&Value::Int(7)), 1));
}

#[test]
fn a_record_has_everything_that_was_said() {
    let keep = Arc::new(Keep::default());
    let provider = LoggerProvider::builder()
        .with_resource(Resource::new([("service.name", "shop")]))
        .with_simple_exporter(keep.clone())
        .build();
    let scope = Scope { version: "1.2".into(), ..Scope::new("checkout") };
    provider
        .logger_of(scope.clone())
        .record()
        .with_body("order placed")
        .with_severity(SeverityNumber::INFO)
        .with_severity_text("information")
        .with_event_name("order.placed")
        .with_attribute("count", 3)
        .with_timestamp(7)
        .with_observed_timestamp(8)
        .emit();
    let seen = keep.seen.lock().unwrap();
    let [record] = &seen[..] else { panic!("one record") };
    assert_eq!(record.body, Value::from("order placed"));
    assert_eq!((record.severity(), record.severity_text.as_str()), (SeverityNumber::INFO, "information"));
    assert_eq!(record.event_name, "order.placed");
    assert_eq!(record.attributes.get("count"), Some(&Value::Int(3)));
    assert_eq!((record.timestamp, record.observed_timestamp), (7, 8));
    assert_eq!(*record.scope, scope);
    assert_eq!(record.resource.attributes.get("service.name"), Some(&"shop".into()));
    assert!(!record.trace_id.is_valid() && !record.span_id.is_valid());
}

#[test]
fn a_record_belongs_to_the_current_span_or_to_the_one_of_its_context() {
    let keep = Arc::new(Keep::default());
    let logger = LoggerProvider::builder().with_simple_exporter(keep.clone()).build().logger("a");
    let tracer = TracerProvider::builder().build().tracer("a");
    let (current, other) = (tracer.start("current"), tracer.start("other"));
    let guard = current.in_context().attach();
    logger.record().emit();
    logger.record().with_context(Context::new().with_span_slot(Arc::new(other.clone()))).emit();
    logger.record().with_context(Context::new()).emit();
    drop(guard);
    let seen = keep.seen.lock().unwrap();
    let expected = [current.span_context().clone(), other.span_context().clone(), Default::default()];
    for (record, span) in seen.iter().zip(expected) {
        assert_eq!(
            (record.trace_id, record.span_id, record.trace_flags),
            (span.trace_id, span.span_id, span.trace_flags)
        );
    }
    assert!(seen[0].trace_flags.is_sampled());
    assert_eq!(seen.len(), 3);
}

#[test]
fn a_record_that_says_no_time_was_observed_now() {
    let keep = Arc::new(Keep::default());
    let before = ferrotel::common::clock::now_unix_nanos();
    LoggerProvider::builder().with_simple_exporter(keep.clone()).build().logger("a").record().emit();
    let seen = keep.seen.lock().unwrap();
    assert!(seen[0].observed_timestamp >= before);
    assert_eq!(seen[0].timestamp, 0);
}

#[test]
fn limits_hold_and_count() {
    let keep = Arc::new(Keep::default());
    let limits = LogRecordLimits { max_attributes: Some(2), max_attribute_length: Some(3) };
    let provider = LoggerProvider::builder().with_limits(limits).with_simple_exporter(keep.clone()).build();
    let logger = provider.logger("a");
    drop(logger.record().with_attribute("not", "emitted"));
    logger
        .record()
        .with_attribute("", 0)
        .with_attribute("a", "abcdef")
        .with_attribute("b", "äöüß")
        .with_attribute("c", true)
        .emit();
    let seen = keep.seen.lock().unwrap();
    let [record] = &seen[..] else { panic!("one record") };
    assert_eq!((record.attributes.len(), record.attributes.dropped()), (2, 2));
    assert_eq!(record.attributes.get("b"), Some(&"äöü".into()));
    assert_eq!(record.attributes.get("a"), None);
}

struct Redact;

impl LogRecordProcessor for Redact {
    fn on_emit(&self, record: &mut ReadWriteLogRecord) {
        record.body = "redacted".into();
    }
    fn enabled(&self, parameters: &EnabledParameters<'_>) -> bool {
        parameters.severity_number >= SeverityNumber::WARN && parameters.event_name != "noise"
    }
    fn force_flush(&self, _: Duration) -> bool {
        true
    }
    fn shutdown(&self, _: Duration) -> bool {
        true
    }
}

#[test]
fn a_change_is_seen_by_the_processors_after_it_only() {
    let (before, after) = (Arc::new(Keep::default()), Arc::new(Keep::default()));
    let provider = LoggerProvider::builder()
        .with_batch_exporter(before.clone())
        .with_log_record_processor(Redact)
        .with_batch_exporter(after.clone())
        .build();
    provider.logger("a").record().with_body("secret").emit();
    assert!(provider.force_flush(Duration::from_secs(5)));
    assert_eq!(before.bodies(), ["secret".into()]);
    assert_eq!(after.bodies(), ["redacted".into()]);
    assert!(provider.shutdown(Duration::from_secs(5)));
    assert_eq!((before.shut.load(Ordering::SeqCst), after.shut.load(Ordering::SeqCst)), (1, 1));
}

#[test]
fn a_logger_is_enabled_where_some_processor_is() {
    let nobody = LoggerProvider::builder().build().logger("a");
    assert!(!nobody.enabled(SeverityNumber::FATAL, ""));
    let picky = LoggerProvider::builder().with_log_record_processor(Redact).build().logger("a");
    assert!(!picky.enabled(SeverityNumber::INFO, ""));
    assert!(picky.enabled(SeverityNumber::WARN, ""));
    assert!(!picky.enabled(SeverityNumber::WARN, "noise"));
    let exporter: Arc<dyn LogRecordExporter> = Arc::new(Keep::default());
    let both = LoggerProvider::builder().with_log_record_processor(Redact).with_simple_exporter(exporter).build();
    assert!(both.logger("a").enabled(SeverityNumber::INFO, ""));
}

#[test]
fn batching_keeps_the_order_and_flushes_the_exporter_too() {
    let exporter = Arc::new(Keep::default());
    let processor = BatchLogRecordProcessor::new(exporter.clone(), BatchConfig::default());
    ["a", "b", "c"].iter().for_each(|body| processor.on_emit(record(body)));
    assert!(processor.force_flush(None));
    assert_eq!(exporter.bodies(), ["a".into(), "b".into(), "c".into()]);
    assert_eq!(exporter.flushed.load(Ordering::SeqCst), 1);
    assert!(processor.shutdown(None));
    assert!(processor.is_shut_down());
    processor.on_emit(record("late"));
    assert_eq!((processor.counts().exported, processor.counts().ignored), (3, 1));
}

#[test]
fn a_batch_that_fails_or_panics_is_counted() {
    for broken in [Keep { fail: true, ..Keep::default() }, Keep { panic: true, ..Keep::default() }] {
        let processor = BatchLogRecordProcessor::new(Arc::new(broken), BatchConfig::default());
        processor.on_emit(record("a"));
        assert!(processor.force_flush(None));
        assert_eq!((processor.counts().exported, processor.counts().failed), (0, 1));
    }
}

#[test]
fn a_full_queue_drops_its_oldest_records() {
    let exporter = Arc::new(Keep::default());
    let config = BatchConfig { max_queue_size: 2, schedule_delay: Duration::from_secs(3600), ..BatchConfig::default() };
    let config = BatchConfig { max_export_batch_size: 2, ..config };
    let processor = BatchLogRecordProcessor::new(exporter.clone(), config);
    (0..1000).for_each(|number| processor.on_emit(record(&number.to_string())));
    assert!(processor.force_flush(None));
    let counts = processor.counts();
    assert_eq!(counts.dropped + counts.exported, 1000);
    assert_eq!(exporter.bodies().last(), Some(&"999".into()));
}

#[test]
fn simple_exports_at_once_until_shutdown() {
    let exporter = Arc::new(Keep::default());
    let processor = SimpleLogRecordProcessor::new(exporter.clone());
    processor.on_emit(record("a"));
    assert_eq!(exporter.bodies(), ["a".into()]);
    assert!(processor.force_flush(Duration::from_secs(1)));
    processor.shutdown();
    processor.shutdown();
    assert_eq!(exporter.shut.load(Ordering::SeqCst), 1);
    let lines = log::capture(false);
    processor.on_emit(record("late"));
    assert_eq!(exporter.bodies().len(), 1);
    assert_eq!(lines.of("opentelemetry.sdk._logs._internal.export"), ["Processor is already shutdown, ignoring call"]);
}

#[test]
fn simple_survives_failing_and_panicking_exporters() {
    let lines = log::capture(false);
    for broken in [Keep { fail: true, ..Keep::default() }, Keep { panic: true, ..Keep::default() }] {
        let processor = SimpleLogRecordProcessor::new(Arc::new(broken));
        processor.on_emit(record("a"));
        processor.on_emit(record("b"));
    }
    let panicked = "Exception while exporting logs: panic in the exporter";
    assert_eq!(lines.of("opentelemetry.sdk._logs._internal.export"), ["refused", "refused", panicked, panicked]);
}

#[test]
fn an_exporter_that_logs_into_its_own_processor_neither_hangs_nor_loops() {
    #[derive(Default)]
    struct Chatty {
        own: Mutex<Option<Arc<SimpleLogRecordProcessor>>>,
        count: AtomicUsize,
    }
    impl LogRecordExporter for Chatty {
        fn export(&self, _: &[FinishedLogRecord]) -> ExportResult {
            self.count.fetch_add(1, Ordering::SeqCst);
            let own = self.own.lock().unwrap().clone();
            own.unwrap().on_emit(record("exported something"));
            Ok(())
        }
        fn shutdown(&self) {}
        fn component_type(&self) -> &'static str {
            "chatty"
        }
    }
    let exporter = Arc::new(Chatty::default());
    let processor = Arc::new(SimpleLogRecordProcessor::new(exporter.clone()));
    *exporter.own.lock().unwrap() = Some(processor.clone());
    processor.on_emit(record("a"));
    processor.on_emit(record("b"));
    assert_eq!(exporter.count.load(Ordering::SeqCst), 2);
}

#[test]
fn the_environment_says_how_much_and_how_often() {
    let nothing = Settings::from_env(&MapEnv::default()).logs;
    assert_eq!(nothing.batch.schedule_delay, Duration::from_secs(1));
    assert_eq!(BatchConfig::from(&nothing.batch), BatchLogRecordProcessor::default_config());
    assert_eq!(LogRecordLimits::from(&nothing.limits), LogRecordLimits::default());
    assert_eq!(nothing, Default::default());
    let said = Settings::from_env(&MapEnv::from([
        ("OTEL_BLRP_SCHEDULE_DELAY", "20"),
        ("OTEL_BLRP_EXPORT_TIMEOUT", "0"),
        ("OTEL_BLRP_MAX_QUEUE_SIZE", "10"),
        ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "11"),
        ("OTEL_BSP_SCHEDULE_DELAY", "9999"),
        ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "5"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "6"),
        ("OTEL_LOGS_EXPORTER", "otlp,console"),
    ]))
    .logs;
    assert_eq!((said.batch.schedule_delay.as_millis(), said.batch.export_timeout), (20, None));
    assert_eq!((said.batch.max_queue_size, said.batch.max_export_batch_size), (10, 10));
    assert_eq!((said.limits.attribute_count, said.limits.attribute_value_length), (Some(5), Some(6)));
    assert_eq!(said.exporters, ["otlp", "console"]);
    let provider =
        LoggerProvider::builder().with_environment(&MapEnv::from([("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "")]));
    let keep = Arc::new(Keep::default());
    let logger = provider.with_simple_exporter(keep.clone()).build().logger("a");
    (0..200).fold(logger.record(), |record, number| record.with_attribute(number.to_string(), number)).emit();
    assert_eq!(keep.seen.lock().unwrap()[0].attributes.len(), 200);
}

#[test]
fn severities_are_ordered_and_named() {
    assert!(SeverityNumber::TRACE < SeverityNumber::DEBUG && SeverityNumber::ERROR < SeverityNumber::FATAL);
    assert_eq!(SeverityNumber(10).range_name(), "INFO");
    assert_eq!(SeverityNumber::default().range_name(), "");
}

#[test]
fn many_threads_log_through_one_logger() {
    let keep = Arc::new(Keep::default());
    let provider = LoggerProvider::builder().with_batch_exporter(keep.clone()).build();
    let logger = provider.logger("a");
    std::thread::scope(|scope| {
        for thread in 0..4_i64 {
            let logger = logger.clone();
            scope.spawn(move || (0..100_i64).for_each(|n| logger.record().with_body(thread * 100 + n).emit()));
        }
    });
    assert!(provider.shutdown(Duration::from_secs(10)));
    let mut numbers: Vec<i64> = keep
        .bodies()
        .into_iter()
        .map(|body| match body {
            Value::Int(number) => number,
            other => panic!("{other:?}"),
        })
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..400).collect::<Vec<_>>());
}
