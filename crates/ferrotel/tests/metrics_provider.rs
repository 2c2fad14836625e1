//! Provider, meters, instruments, views and readers, as a Rust program uses them.

mod log;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ferrotel::common::{Attributes, Scope};
use ferrotel::config::MapEnv;
use ferrotel::resource::Resource;
use ferrotel::sdk::export::{ExportError, ExportResult};
use ferrotel::sdk::metrics::{
    Aggregation, ExemplarFilter, InstrumentKind, InstrumentSelector, ManualReader, MeterProvider, Metric, MetricData,
    MetricExporter, MetricProducer, MetricReader, MetricsData, Number, Observer, PeriodicConfig, PeriodicReader,
    ScopeMetrics, Temporality, View,
};
use ferrotel::sdk::trace::TracerProvider;

fn provider(
    describe: impl FnOnce(ferrotel::sdk::metrics::MeterProviderBuilder) -> ferrotel::sdk::metrics::MeterProviderBuilder,
) -> (MeterProvider, Arc<ManualReader>) {
    let reader = Arc::new(ManualReader::default());
    (describe(MeterProvider::builder().with_reader(reader.clone())).build(), reader)
}

fn metrics(reader: &ManualReader) -> Vec<Metric> {
    let Some(data) = reader.collect().unwrap() else { return Vec::new() };
    data.resource_metrics.into_iter().flat_map(|of| of.scope_metrics).flat_map(|of| of.metrics).collect()
}

/// The values of a metric's points.
fn values(metric: &Metric) -> Vec<Number> {
    match &metric.data {
        MetricData::Sum { points, .. } | MetricData::Gauge { points } => {
            points.iter().map(|point| point.value).collect()
        }
        MetricData::Histogram { points, .. } => points.iter().map(|point| point.sum).collect(),
        MetricData::ExponentialHistogram { points, .. } => points.iter().map(|point| point.sum).collect(),
    }
}

#[test]
fn each_instrument_reports_what_it_measured() {
    let (provider, reader) = provider(|builder| builder);
    let meter = provider.meter("shop");
    meter.counter("orders").with_unit("{order}").with_description("Orders").build().add(2, [("paid", true)]);
    meter.up_down_counter("carts").build().add(-3, ());
    meter.histogram("price").with_advised_boundaries([10.0, 20.0]).build().record(12.5, Attributes::new());
    let gauge = meter.gauge("temperature").build();
    gauge.record(20.5, ());
    gauge.record(21, ());
    meter.observable_counter("cpu").with_callback(|cpu| cpu.observe(7, [("core", 0)])).build();
    meter.observable_up_down_counter("queue").with_callback(|queue| queue.observe(-1, ())).build();
    meter.observable_gauge("stock").with_callback(|stock| stock.observe(1.5, ())).build();
    let metrics = metrics(&reader);
    let seen: Vec<_> = metrics.iter().map(|metric| (metric.name.as_str(), values(metric)[0])).collect();
    let expected = [
        ("orders", 2.into()),
        ("carts", (-3).into()),
        ("price", 12.5.into()),
        ("temperature", 21.into()),
        ("cpu", 7.into()),
        ("queue", (-1).into()),
        ("stock", 1.5.into()),
    ];
    assert_eq!(seen, expected);
    assert_eq!((metrics[0].unit.as_str(), metrics[0].description.as_str()), ("{order}", "Orders"));
    assert!(matches!(metrics[0].data, MetricData::Sum { monotonic: true, .. }));
    assert!(matches!(metrics[1].data, MetricData::Sum { monotonic: false, .. }));
    assert!(matches!(&metrics[2].data, MetricData::Histogram { points, .. } if points[0].bucket_counts == [0, 1, 0]));
    assert!(matches!(metrics[4].data, MetricData::Sum { monotonic: true, .. }));
}

#[test]
fn wrong_values_are_ignored_and_reported_once() {
    let lines = log::capture(false);
    let (provider, reader) = provider(|builder| builder);
    let meter = provider.meter("shop");
    let counter = meter.counter("orders").build();
    let bound = counter.bind(());
    for value in [-1.0, f64::NAN, f64::INFINITY] {
        counter.add(value, ());
        bound.add(value);
    }
    meter.gauge("level").build().record(f64::NEG_INFINITY, ());
    assert!(metrics(&reader).is_empty());
    let said = lines.of("opentelemetry.sdk.metrics._internal.instrument");
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("Counter orders is negative") && said[1].contains("Gauge level is not finite"));
}

#[test]
fn names_and_units_that_are_none_measure_nothing() {
    let lines = log::capture(false);
    let (provider, reader) = provider(|builder| builder);
    let meter = provider.meter("shop");
    let long = "a".repeat(256);
    for name in ["", "1st", "with space", "ümlaut", long.as_str()] {
        let counter = meter.counter(name).build();
        counter.add(1, ());
        assert!(!counter.enabled());
    }
    meter.counter("orders").with_unit("€").build().add(1, ());
    assert!(metrics(&reader).is_empty());
    assert_eq!(lines.of("opentelemetry.sdk.metrics._internal").len(), 6);
    assert!(meter.counter("a/b-c_d.e").build().enabled());
}

#[test]
fn the_same_instrument_is_made_once() {
    let lines = log::capture(false);
    let (provider, reader) = provider(|builder| builder);
    let meter = || provider.meter_of(Scope::new("shop"));
    meter().counter("Orders").build().add(1, ());
    meter().counter("orders").build().add(1, ());
    let seen = metrics(&reader);
    assert_eq!((seen.len(), seen[0].name.as_str(), values(&seen[0])), (1, "orders", vec![2.into()]));
    assert!(lines.of("opentelemetry.sdk.metrics._internal").is_empty());
    meter().histogram("price").with_advised_boundaries([1.0]).build();
    meter().histogram("price").with_advised_boundaries([2.0]).build();
    meter().up_down_counter("orders").build();
    let said = lines.of("opentelemetry.sdk.metrics._internal");
    assert!(said[0].contains("with a different advisory value"), "{said:?}");
    assert!(said[1].contains("Two instruments of one meter are named orders"), "{said:?}");
}

#[test]
fn views_make_streams_of_the_instruments_that_they_select() {
    let (provider, reader) = provider(|builder| {
        builder
            .with_view(View::new(InstrumentSelector::name("HTTP.*")).with_attributes(["route"]))
            .with_view(
                View::new(InstrumentSelector::name("http.duration"))
                    .with_name("latency")
                    .with_aggregation(Aggregation::EXPONENTIAL_BUCKET_HISTOGRAM),
            )
            .with_view(View::new(InstrumentSelector::kind(InstrumentKind::Gauge)).with_aggregation(Aggregation::Drop))
            .with_view(View::new(InstrumentSelector {
                name: Some("http.?".into()),
                meter_name: Some("other".into()),
                ..InstrumentSelector::default()
            }))
    });
    let meter = provider.meter("web");
    let duration = meter.histogram("http.duration").build();
    duration.record(1, [("route", "/"), ("agent", "a")]);
    duration.record(2, [("route", "/"), ("agent", "b")]);
    let gauge = meter.gauge("level").build();
    gauge.record(1, ());
    assert!(duration.enabled() && !gauge.enabled());
    meter.counter("plain").build().add(1, [("agent", "a")]);
    let seen = metrics(&reader);
    let names: Vec<_> = seen.iter().map(|metric| (metric.name.as_str(), values(metric))).collect();
    assert_eq!(
        names,
        [("http.duration", vec![3.into()]), ("latency", vec![1.into(), 2.into()]), ("plain", vec![1.into()])]
    );
    assert!(matches!(seen[1].data, MetricData::ExponentialHistogram { .. }));
}

#[test]
fn views_that_cannot_be_used_are_left_out() {
    let lines = log::capture(false);
    let (provider, reader) = provider(|builder| {
        builder
            .with_view(View::new(InstrumentSelector::default()))
            .with_view(View::new(InstrumentSelector::name("*")).with_name("one"))
            .with_view(View::new(InstrumentSelector::name("*")).with_aggregation(
                Aggregation::ExplicitBucketHistogram { boundaries: Some([2.0, 1.0].into()), record_min_max: true },
            ))
            .with_view(
                View::new(InstrumentSelector::name("seen")).with_aggregation(Aggregation::EXPLICIT_BUCKET_HISTOGRAM),
            )
    });
    assert_eq!(lines.of("opentelemetry.sdk.metrics._internal.view").len(), 3);
    provider.meter("m").observable_gauge("seen").with_callback(|seen| seen.observe(1, ())).build();
    assert_eq!(metrics(&reader)[0].name, "seen", "its default stream");
    let said = lines.of("opentelemetry.sdk.metrics._internal.metric_reader_storage");
    assert!(said[0].contains("will produce semantic errors, the view has not been applied"), "{said:?}");
}

#[test]
fn limits_and_advice_apply_where_no_view_says_otherwise() {
    let (provider, reader) = provider(|builder| {
        builder
            .with_cardinality_limit(2)
            .with_view(View::new(InstrumentSelector::name("more")).with_cardinality_limit(3))
    });
    let meter = provider.meter("m");
    for name in ["few", "more"] {
        let counter = meter.counter(name).build();
        (0..5).for_each(|n| counter.add(1, [("n", n)]));
    }
    let advised = meter.counter("advised").with_advised_attributes(["a"]).build();
    (0..5).for_each(|n| advised.add(1, [("a", 0), ("n", n)]));
    let points: Vec<_> = metrics(&reader).iter().map(|metric| values(metric).len()).collect();
    assert_eq!(points, [3, 4, 1]);
}

#[test]
fn a_callback_that_panics_loses_only_what_it_did_not_observe() {
    let lines = log::capture(false);
    let (provider, reader) = provider(|builder| builder);
    let meter = provider.meter("m");
    let bad = |observer: &Observer<'_>| {
        observer.observe(1, [("n", 1)]);
        panic!("no more");
    };
    meter.observable_gauge("bad").with_callback(bad).build();
    meter.observable_gauge("good").with_callback(|observer| observer.observe(2, ())).build();
    let seen: Vec<_> = metrics(&reader).iter().map(values).collect();
    assert_eq!(seen, [[1.into()], [2.into()]]);
    let said = lines.of("opentelemetry.sdk.metrics._internal.instrument");
    assert_eq!(said, ["Callback failed for instrument bad.".replace('.', ": panic: no more")]);
}

#[test]
fn a_callback_may_measure_and_even_collect() {
    let (provider, reader) = provider(|builder| builder);
    let meter = provider.meter("m");
    let calls = meter.counter("calls").build();
    let inner = reader.clone();
    meter
        .observable_gauge("gauge")
        .with_callback(move |observer| {
            calls.add(1, ());
            assert!(inner.collect().unwrap().is_none(), "a collection inside of another one has nothing");
            observer.observe(1, ());
        })
        .build();
    let seen: Vec<_> = metrics(&reader).iter().map(|metric| (metric.name.to_string(), values(metric))).collect();
    assert_eq!(seen, [("calls".to_owned(), vec![1.into()]), ("gauge".to_owned(), vec![1.into()])]);
}

#[test]
fn observations_of_a_collection_that_timed_out_are_not_counted_again() {
    let slow = Arc::new(AtomicBool::new(true));
    let exporter = Arc::new(Recorder::default());
    let config = PeriodicConfig { interval: None, ..PeriodicConfig::default() };
    let reader = Arc::new(PeriodicReader::new(exporter.clone(), config));
    let provider = MeterProvider::builder().with_reader(reader).build();
    let sleeping = slow.clone();
    provider
        .meter("m")
        .observable_counter("cpu")
        .with_callback(move |observer| {
            observer.observe(5, ());
            if sleeping.swap(false, Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(80));
            }
        })
        .build();
    assert!(!provider.force_flush(Duration::from_millis(20)));
    assert!(exporter.seen().is_empty());
    assert!(provider.force_flush(Duration::from_secs(10)));
    assert_eq!(exporter.seen(), [("cpu".to_owned(), vec![5.into()])]);
}

#[test]
fn exemplars_tell_the_span_in_which_they_were_measured() {
    let tracer = TracerProvider::builder().build().tracer("t");
    for (filter, outside, inside) in
        [(ExemplarFilter::AlwaysOff, 0, 0), (ExemplarFilter::TraceBased, 0, 1), (ExemplarFilter::AlwaysOn, 1, 1)]
    {
        let (provider, reader) = provider(|builder| builder.with_exemplar_filter(filter));
        let counter = provider.meter("m").counter("c").build();
        let exemplars = || match &metrics(&reader)[0].data {
            MetricData::Sum { points, .. } => points[0].exemplars.clone(),
            other => panic!("{other:?}"),
        };
        counter.add(1, ());
        assert_eq!(exemplars().len(), outside, "{filter:?}");
        let span = tracer.in_span("s", |span| {
            counter.bind(()).add(2);
            span.span_context().clone()
        });
        let seen = exemplars();
        assert_eq!(seen.len(), inside, "{filter:?}");
        for exemplar in seen {
            assert_eq!((exemplar.span, exemplar.value), (Some((span.trace_id, span.span_id)), 2.into()));
        }
    }
}

#[test]
fn producers_add_metrics_from_elsewhere() {
    struct Bridge;
    impl MetricProducer for Bridge {
        fn produce(&self, _: Duration) -> Vec<ScopeMetrics> {
            let data = MetricData::Gauge { points: Vec::new() };
            let metric = Metric { name: "bridged".into(), description: "".into(), unit: "".into(), data };
            vec![ScopeMetrics { scope: Arc::new(Scope::new("bridge")), metrics: vec![metric] }]
        }
    }
    let (provider, reader) = provider(|builder| builder.with_producer(Arc::new(Bridge)));
    assert_eq!(metrics(&reader)[0].name, "bridged");
    provider.meter("m").counter("own").build().add(1, ());
    let names: Vec<_> = metrics(&reader).iter().map(|metric| metric.name.to_string()).collect();
    assert_eq!(names, ["own", "bridged"]);
}

#[test]
fn the_resource_of_later_collections_can_be_another_one() {
    let (provider, reader) = provider(|builder| builder.with_resource(Resource::new([("service.name", "a")])));
    provider.meter("m").counter("c").build().add(1, ());
    let name =
        || reader.collect().unwrap().unwrap().resource_metrics[0].resource.attributes.get("service.name").cloned();
    assert_eq!(name(), Some("a".into()));
    provider.set_resource(Resource::new([("service.name", "b")]));
    assert_eq!(name(), Some("b".into()));
}

/// Keeps what arrives; can be held up, and can refuse.
#[derive(Default)]
struct Recorder {
    batches: Mutex<Vec<MetricsData>>,
    arrived: Condvar,
    shut: AtomicUsize,
    refuse: AtomicBool,
    hold: AtomicBool,
    inside: AtomicUsize,
    twice: AtomicBool,
}

impl Recorder {
    fn seen(&self) -> Vec<(String, Vec<Number>)> {
        let batches = self.batches.lock().unwrap();
        let scopes = batches.iter().flat_map(|data| &data.resource_metrics).flat_map(|of| &of.scope_metrics);
        scopes.flat_map(|of| &of.metrics).map(|metric| (metric.name.to_string(), values(metric))).collect()
    }

    fn wait_for(&self, count: usize) -> bool {
        let batches = self.batches.lock().unwrap();
        let waited = self.arrived.wait_timeout_while(batches, Duration::from_secs(10), |seen| seen.len() < count);
        !waited.unwrap().1.timed_out()
    }
}

impl MetricExporter for Recorder {
    fn export(&self, data: &MetricsData) -> ExportResult {
        if self.inside.fetch_add(1, Ordering::SeqCst) > 0 {
            self.twice.store(true, Ordering::SeqCst);
        }
        while self.hold.load(Ordering::SeqCst) && self.shut.load(Ordering::SeqCst) == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        self.batches.lock().unwrap().push(data.clone());
        self.arrived.notify_all();
        self.inside.fetch_sub(1, Ordering::SeqCst);
        if self.refuse.load(Ordering::SeqCst) { Err(ExportError::failed("no space")) } else { Ok(()) }
    }

    fn shutdown(&self) {
        self.shut.fetch_add(1, Ordering::SeqCst);
    }

    fn temporality(&self, _: InstrumentKind) -> Temporality {
        Temporality::Delta
    }

    fn component_type(&self) -> &'static str {
        "recorder"
    }
}

fn periodic(exporter: &Arc<Recorder>, interval: Duration) -> MeterProvider {
    let config = PeriodicConfig { interval: Some(interval), ..PeriodicConfig::default() };
    MeterProvider::builder().with_reader(Arc::new(PeriodicReader::new(exporter.clone(), config))).build()
}

const HOUR: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_periodic_reader_exports_at_intervals_and_a_last_time() {
    let exporter = Arc::new(Recorder::default());
    let provider = periodic(&exporter, Duration::from_millis(5));
    let counter = provider.meter("m").counter("c").build();
    for round in 1..=3 {
        counter.add(1, ());
        assert!(exporter.wait_for(round), "round {round}");
    }
    counter.add(7, ());
    assert!(provider.shutdown(SOON));
    let sum: f64 = exporter.seen().iter().flat_map(|(_, values)| values).map(|value| value.as_f64()).sum();
    assert_eq!(sum, 10.0);
    assert_eq!(exporter.shut.load(Ordering::SeqCst), 1);
    counter.add(1, ());
    assert!(!provider.force_flush(SOON) && !provider.shutdown(SOON));
    assert_eq!(exporter.shut.load(Ordering::SeqCst), 1);
}

#[test]
fn a_flush_exports_what_was_measured_before_it() {
    let exporter = Arc::new(Recorder::default());
    let provider = periodic(&exporter, HOUR);
    let counter = provider.meter("m").counter("c").build();
    for round in 1..=20 {
        counter.add(round, ());
        assert!(provider.force_flush(SOON));
        assert_eq!(exporter.seen().last(), Some(&("c".to_owned(), vec![round.into()])));
    }
}

#[test]
fn exports_never_overlap() {
    let exporter = Arc::new(Recorder::default());
    let provider = periodic(&exporter, Duration::from_millis(1));
    let counter = provider.meter("m").counter("c").build();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (provider, counter) = (provider.clone(), counter.clone());
            thread::spawn(move || {
                for _ in 0..50 {
                    counter.add(1, ());
                    assert!(provider.force_flush(SOON));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(provider.shutdown(SOON));
    assert!(!exporter.twice.load(Ordering::SeqCst));
    let sum: f64 = exporter.seen().iter().flat_map(|(_, values)| values).map(|value| value.as_f64()).sum();
    assert_eq!(sum, 200.0);
}

#[test]
fn flush_and_shutdown_wait_no_longer_than_they_may() {
    let exporter = Arc::new(Recorder::default());
    exporter.hold.store(true, Ordering::SeqCst);
    let provider = periodic(&exporter, HOUR);
    provider.meter("m").counter("c").build().add(1, ());
    let start = Instant::now();
    assert!(!provider.force_flush(Duration::from_millis(50)));
    assert!(!provider.shutdown(Duration::from_millis(50)));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(exporter.shut.load(Ordering::SeqCst), 1, "the export under way is interrupted");
}

#[test]
fn what_was_asked_for_is_done_after_who_asked_has_left() {
    let exporter = Arc::new(Recorder::default());
    exporter.hold.store(true, Ordering::SeqCst);
    let provider = periodic(&exporter, HOUR);
    let again = AtomicBool::new(false);
    let slow = move |observer: &Observer<'_>| {
        if again.swap(true, Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(20));
        }
        observer.observe(1, ());
    };
    provider.meter("m").observable_gauge("asked").with_callback(slow).build();
    assert!(!provider.force_flush(Duration::from_millis(30)), "held up");
    assert!(!provider.force_flush(Duration::from_millis(10)), "behind the first one");
    exporter.hold.store(false, Ordering::SeqCst);
    assert!(exporter.wait_for(2), "the second collection has the usual time");
}

#[test]
fn a_refusal_is_reported_once_in_a_while() {
    let lines = log::capture(false);
    let exporter = Arc::new(Recorder::default());
    exporter.refuse.store(true, Ordering::SeqCst);
    let config = PeriodicConfig { interval: None, ..PeriodicConfig::default() };
    let reader = Arc::new(PeriodicReader::new(exporter.clone(), config));
    let provider = MeterProvider::builder().with_reader(reader.clone()).build();
    let counter = provider.meter("m").counter("c").build();
    for _ in 0..3 {
        counter.add(1, ());
        assert!(!reader.force_flush(SOON));
    }
    // Without an interval it exports on this thread, whose lines these are.
    assert_eq!(lines.of("opentelemetry.sdk.metrics._internal.export"), ["no space"]);
}

#[test]
fn a_shutdown_from_inside_of_a_callback_does_not_wait_for_itself() {
    let exporter = Arc::new(Recorder::default());
    let provider = periodic(&exporter, HOUR);
    let inner = Arc::new(Mutex::new(Some(provider.clone())));
    provider
        .meter("m")
        .observable_gauge("g")
        .with_callback(move |observer| {
            observer.observe(1, ());
            if let Some(provider) = inner.lock().unwrap().take() {
                assert!(!provider.force_flush(SOON) && !provider.shutdown(SOON));
            }
        })
        .build();
    let start = Instant::now();
    provider.force_flush(Duration::from_secs(5));
    while exporter.shut.load(Ordering::SeqCst) == 0 {
        assert!(start.elapsed() < SOON, "the thread ends the exporter");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn the_environment_sets_interval_and_exemplar_filter() {
    let env = MapEnv::from([("OTEL_METRIC_EXPORT_INTERVAL", "2.5"), ("OTEL_METRICS_EXEMPLAR_FILTER", "always_on")]);
    let exporter = Arc::new(Recorder::default());
    let provider = MeterProvider::builder().with_environment(&env).with_periodic_exporter(exporter.clone()).build();
    provider.meter("m").counter("c").build().add(1, ());
    assert!(exporter.wait_for(1), "the interval is 2.5 ms");
    let batches = exporter.batches.lock().unwrap();
    let MetricData::Sum { points, .. } = &batches[0].resource_metrics[0].scope_metrics[0].metrics[0].data else {
        panic!("{batches:?}")
    };
    assert_eq!(points[0].exemplars.len(), 1);
}

#[cfg(unix)]
#[test]
fn a_forked_child_exports_on_a_thread_of_its_own() {
    let exporter = Arc::new(Recorder::default());
    let provider = periodic(&exporter, Duration::from_millis(20));
    let counter = provider.meter("m").counter("c").build();
    counter.add(1, ());
    assert!(exporter.wait_for(1));
    // SAFETY: the child uses only what is made for it, and leaves by `_exit`.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: `alarm` ends a child that hangs.
        unsafe { libc::alarm(20) };
        let before = exporter.batches.lock().map_or(usize::MAX, |batches| batches.len());
        counter.add(5, ());
        let exported = exporter.wait_for(before + 1) && provider.shutdown(SOON);
        // What the parent counted is the parent's.
        let own = exporter.batches.lock().is_ok_and(|batches| {
            batches.iter().skip(before).all(|batch| {
                let metric = &batch.resource_metrics[0].scope_metrics[0].metrics[0];
                matches!(&metric.data, MetricData::Sum { points, .. } if points[0].value == Number::Int(5))
            })
        });
        // SAFETY: nothing of the parent's is to be run in the child.
        unsafe { libc::_exit(if exported && own { 0 } else { 1 }) };
    }
    let mut status = 0;
    // SAFETY: `child` was forked above.
    unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!(status, 0);
    assert!(provider.shutdown(SOON));
}
