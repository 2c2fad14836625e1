//! A stream's series: which measurements share one, what their points are, and how they are forgotten.

use std::sync::{Arc, Mutex};

use ferrotel::api::trace::{SpanId, TraceId};
use ferrotel::common::{Attributes, Scope, Value};
use ferrotel::resource::Resource;
use ferrotel::sdk::metrics::{
    Aggregation, AttributeFilter, Detached, Exemplar, ExemplarOffer, ExemplarReservoir, ExponentialHistogramPoint,
    HistogramPoint, InstrumentKind, MetricData, Number, NumberPoint, ReaderStorage, Reservoir, ReservoirFactory,
    Stream, StreamConfig, Temporality,
};

const NOW: u64 = 2_000_000_000_000_000_000;
const LATER: u64 = NOW + 1_000_000_000;

fn config(kind: InstrumentKind, temporality: Temporality) -> StreamConfig {
    StreamConfig::new("stream", kind, temporality)
}

fn attributes(pairs: &[(&str, Value)]) -> Attributes {
    pairs.iter().map(|(key, value)| (*key, value.clone())).collect()
}

fn numbers(stream: &Stream, now: u64) -> Vec<NumberPoint> {
    match stream.collect(now).map(|metric| metric.data) {
        Some(MetricData::Sum { points, .. } | MetricData::Gauge { points }) => points,
        None => Vec::new(),
        other => panic!("{other:?}"),
    }
}

fn values(stream: &Stream, now: u64) -> Vec<Number> {
    numbers(stream, now).into_iter().map(|point| point.value).collect()
}

fn histogram(stream: &Stream, now: u64) -> HistogramPoint {
    match stream.collect(now).map(|metric| metric.data) {
        Some(MetricData::Histogram { mut points, .. }) => points.remove(0),
        other => panic!("{other:?}"),
    }
}

fn exponential(stream: &Stream, now: u64) -> ExponentialHistogramPoint {
    match stream.collect(now).map(|metric| metric.data) {
        Some(MetricData::ExponentialHistogram { mut points, .. }) => points.remove(0),
        other => panic!("{other:?}"),
    }
}

#[test]
fn attributes_tell_series_apart_by_type_and_not_by_order() {
    let stream = Stream::new(config(InstrumentKind::Counter, Temporality::Cumulative));
    let one = stream.series(&attributes(&[("a", 1.into()), ("b", "x".into())]));
    let same = stream.series(&attributes(&[("b", "x".into()), ("a", 1.into())]));
    assert!(Arc::ptr_eq(&one, &same));
    let nan = || attributes(&[("a", f64::NAN.into())]);
    assert!(Arc::ptr_eq(&stream.series(&nan()), &stream.series(&nan())));
    let zero = |zero: f64| stream.series(&attributes(&[("a", zero.into())]));
    assert!(Arc::ptr_eq(&zero(0.0), &zero(-0.0)));
    let map = |pairs: [(&str, i64); 2]| Value::Map(pairs.map(|(key, value)| (key.into(), value.into())).into());
    let maps = [map([("x", 1), ("y", 2)]), map([("y", 2), ("x", 1)])];
    let [first, second] = maps.map(|map| stream.series(&attributes(&[("m", map)])));
    assert!(Arc::ptr_eq(&first, &second));
    let others: [Value; 8] = [
        1.into(),
        1.0.into(),
        true.into(),
        "1".into(),
        Value::Empty,
        Value::Bytes(b"1"[..].into()),
        vec![1_i64].into(),
        Value::BigInt("1".into()),
    ];
    let before = stream.len();
    for other in &others {
        stream.series(&attributes(&[("k", other.clone())]));
        stream.series(&attributes(&[("k", other.clone())]));
    }
    assert_eq!(stream.len() - before, others.len());
}

#[test]
fn a_counter_reports_what_was_added() {
    let cumulative = Stream::new(config(InstrumentKind::Counter, Temporality::Cumulative));
    let delta = Stream::new(config(InstrumentKind::Counter, Temporality::Delta));
    assert!(cumulative.collect(NOW).is_none() && delta.collect(NOW).is_none());
    for stream in [&cumulative, &delta] {
        stream.record(&Attributes::new(), 2.into(), None);
        stream.record(&Attributes::new(), 3.into(), None);
    }
    let first = numbers(&cumulative, NOW);
    assert_eq!((first[0].value, first[0].time), (5.into(), NOW));
    assert_eq!(values(&delta, NOW), [5.into()]);
    for stream in [&cumulative, &delta] {
        stream.record(&Attributes::new(), 1.into(), None);
    }
    let second = numbers(&cumulative, LATER);
    assert_eq!((second[0].value, second[0].start_time), (6.into(), first[0].start_time));
    let second = numbers(&delta, LATER);
    assert_eq!((second[0].value, second[0].start_time, second[0].time), (1.into(), Some(NOW), LATER));
    assert_eq!(values(&cumulative, LATER), [6.into()], "again and again");
    assert!(delta.collect(LATER).is_none(), "nothing was added");
}

#[test]
fn an_observable_counter_reports_totals_or_their_changes() {
    let cumulative = Stream::new(config(InstrumentKind::ObservableCounter, Temporality::Cumulative));
    let delta = Stream::new(config(InstrumentKind::ObservableCounter, Temporality::Delta));
    let mut seen = Vec::new();
    for (now, total) in [(NOW, Some(10)), (NOW + 1, Some(15)), (NOW + 2, None), (NOW + 3, Some(16))] {
        if let Some(total) = total {
            cumulative.observe(&Attributes::new(), total.into(), None);
            delta.observe(&Attributes::new(), total.into(), None);
        }
        seen.push((
            values(&cumulative, now),
            numbers(&delta, now).first().map(|point| (point.value, point.start_time)),
        ));
    }
    assert_eq!(seen[0].0, [10.into()]);
    assert_eq!(seen[0].1.map(|(value, _)| value), Some(10.into()));
    assert_eq!(seen[1], (vec![15.into()], Some((5.into(), Some(NOW)))));
    assert_eq!(seen[2], (vec![], None), "what is not observed has no point");
    assert_eq!(seen[3], (vec![16.into()], Some((1.into(), Some(NOW + 1)))), "since it was observed last");
}

#[test]
fn a_gauge_repeats_its_last_value_only_where_it_is_synchronous_and_cumulative() {
    for (kind, temporality, again) in [
        (InstrumentKind::Gauge, Temporality::Cumulative, true),
        (InstrumentKind::Gauge, Temporality::Delta, false),
        (InstrumentKind::ObservableGauge, Temporality::Cumulative, false),
        (InstrumentKind::ObservableGauge, Temporality::Delta, false),
    ] {
        let stream = Stream::new(config(kind, temporality));
        stream.record(&Attributes::new(), 1.into(), None);
        stream.record(&Attributes::new(), 2.5.into(), None);
        let first = numbers(&stream, NOW);
        assert_eq!((first[0].value, first[0].start_time), (2.5.into(), None));
        assert_eq!(stream.collect(LATER).is_some(), again, "{kind:?} {temporality:?}");
    }
}

#[test]
fn an_explicit_histogram_counts_a_bound_into_the_bucket_below() {
    let stream = Stream::new(config(InstrumentKind::Histogram, Temporality::Delta));
    for value in [0, 5, 6, 10_001] {
        stream.record(&Attributes::new(), value.into(), None);
    }
    let point = histogram(&stream, NOW);
    assert_eq!((point.count, point.sum), (4, 10_012.into()));
    assert_eq!((point.min, point.max), (Some(0.into()), Some(10_001.into())));
    assert_eq!(point.bucket_counts, [1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    assert!(matches!(point.sum, Number::Int(_)), "whole numbers stay whole");
    assert!(stream.collect(LATER).is_none());
}

#[test]
fn an_exponential_histogram_starts_fine_and_becomes_coarser() {
    let aggregation = Aggregation::ExponentialBucketHistogram { max_size: 4, max_scale: 20, record_min_max: false };
    let stream =
        Stream::new(StreamConfig { aggregation, ..config(InstrumentKind::Histogram, Temporality::Cumulative) });
    stream.record(&Attributes::new(), 1.into(), None);
    assert_eq!(exponential(&stream, NOW).scale, 20);
    for value in [2.0, 4.0, 8.0, 0.0, -3.0] {
        stream.record(&Attributes::new(), value.into(), None);
    }
    let point = exponential(&stream, NOW);
    assert_eq!((point.scale, point.count, point.zero_count, point.min), (0, 6, 1, None));
    assert_eq!((point.positive.offset, point.positive.counts), (-1, vec![1, 1, 1, 1]));
    assert_eq!((point.negative.offset, point.negative.counts), (1, vec![1]));
}

/// As in the reference, which doubles their number as it needs more, and keeps them when the scale sinks.
#[test]
fn an_exponential_histogram_reports_its_spare_buckets() {
    let aggregation = Aggregation::EXPONENTIAL_BUCKET_HISTOGRAM;
    let stream =
        Stream::new(StreamConfig { aggregation, ..config(InstrumentKind::Histogram, Temporality::Cumulative) });
    for value in [2.0, 4.0, 1.0, 1.0, 8.0, 0.5, 0.1, 0.045] {
        stream.record(&Attributes::new(), value.into(), None);
        stream.collect(NOW);
    }
    let point = exponential(&stream, NOW);
    let counts: Vec<_> = point.positive.counts.iter().enumerate().filter(|(_, count)| **count > 0).collect();
    assert_eq!(counts, [(0, &1), (18, &1), (55, &1), (71, &2), (87, &1), (103, &1), (119, &1)]);
    assert_eq!((point.positive.counts.len(), point.negative.counts), (160, vec![0]));
}

#[test]
fn a_view_of_fewer_attributes_adds_up_what_it_no_longer_tells_apart() {
    for filter in [AttributeFilter::keep(["a"]), AttributeFilter::exclude(["b"])] {
        let stream = Stream::new(StreamConfig {
            attribute_filter: filter,
            ..config(InstrumentKind::ObservableCounter, Temporality::Cumulative)
        });
        for b in 0..3 {
            stream.observe(&attributes(&[("b", b.into()), ("a", 1.into())]), 1.into(), None);
        }
        let points = numbers(&stream, NOW);
        assert_eq!(points.len(), 1);
        assert_eq!(points[0].value, 3.into());
        assert_eq!(*points[0].attributes, attributes(&[("a", 1.into())]));
    }
}

#[test]
fn what_is_beyond_the_limit_is_added_up_under_the_overflow_attribute() {
    let stream =
        Stream::new(StreamConfig { cardinality_limit: 3, ..config(InstrumentKind::Counter, Temporality::Cumulative) });
    for n in 0..10 {
        stream.record(&attributes(&[("n", n.into())]), 1.into(), None);
    }
    let points = numbers(&stream, NOW);
    assert_eq!(points.len(), 4);
    assert_eq!(*points[3].attributes, attributes(&[("otel.metric.overflow", true.into())]));
    assert_eq!(points[3].value, 7.into());
}

#[test]
fn a_series_without_measurements_is_forgotten_where_room_is_scarce() {
    let config = StreamConfig { cardinality_limit: 4, ..config(InstrumentKind::Counter, Temporality::Delta) };
    let stream = Arc::new(Stream::new(config));
    let made: Vec<_> = (0..4).map(|n| stream.series(&attributes(&[("n", n.into())]))).collect();
    let bound = stream.bind(&attributes(&[("n", 3.into())]));
    made.iter().for_each(|series| series.record(1.into(), None).unwrap());
    assert_eq!(values(&stream, NOW), [1.into(); 4]);
    made[1].record(1.into(), None).unwrap();
    assert_eq!(values(&stream, NOW), [1.into()]);
    assert_eq!(made[0].record(1.into(), None), Err(Detached));
    assert_eq!(made[1].record(1.into(), None), Ok(()));
    bound.record(1.into(), None);
    assert_eq!(stream.len(), 2);
    for n in 10..12 {
        stream.record(&attributes(&[("n", n.into())]), 5.into(), None);
    }
    assert_eq!(values(&stream, NOW), [1.into(), 1.into(), 5.into(), 5.into()], "there is room again");
}

/// For each process, say, of which there are ever new ones.
#[test]
fn observed_series_that_go_away_make_room() {
    for (kind, temporality) in [
        (InstrumentKind::ObservableCounter, Temporality::Cumulative),
        (InstrumentKind::ObservableGauge, Temporality::Cumulative),
        (InstrumentKind::ObservableGauge, Temporality::Delta),
    ] {
        let stream = Stream::new(StreamConfig { cardinality_limit: 4, ..config(kind, temporality) });
        for round in 0..10_i64 {
            for n in round..round + 2 {
                stream.observe(&attributes(&[("n", n.into())]), n.into(), None);
            }
            assert_eq!(values(&stream, NOW), [round.into(), (round + 1).into()], "{kind:?} {temporality:?}");
        }
    }
    // A difference needs what was observed before, however long ago.
    let stream = Stream::new(StreamConfig {
        cardinality_limit: 2,
        ..config(InstrumentKind::ObservableCounter, Temporality::Delta)
    });
    let observe = |n: i64, total: i64| stream.observe(&attributes(&[("n", n.into())]), total.into(), None);
    (0..2).for_each(|n| observe(n, 10));
    values(&stream, NOW);
    observe(0, 11);
    values(&stream, NOW);
    observe(1, 13);
    assert_eq!(values(&stream, NOW), [3.into()]);
}

#[test]
fn a_reservoir_of_a_fixed_size_keeps_each_measurement_with_the_same_chance() {
    const OFFERED: usize = 10;
    const KEPT: usize = 3;
    const ROUNDS: usize = 3_000;
    let none = Attributes::new();
    let offer = ExemplarOffer { time: 1, span: None, attributes: &none, host: None };
    let stream = Stream::new(StreamConfig {
        reservoir: Reservoir::FixedSize(KEPT),
        ..config(InstrumentKind::Counter, Temporality::Delta)
    });
    let mut kept = [0_usize; OFFERED];
    for _ in 0..ROUNDS {
        (0..OFFERED).for_each(|n| stream.record(&none, (n as i64).into(), Some(&offer)));
        let exemplars = numbers(&stream, NOW).remove(0).exemplars;
        assert_eq!(exemplars.len(), KEPT);
        exemplars.iter().for_each(|exemplar| kept[exemplar.value.as_f64() as usize] += 1);
    }
    // 900 of each are to be expected, with a standard deviation of 25.
    assert!(kept.iter().all(|count| (750..1050).contains(count)), "{kept:?}");
}

#[test]
fn a_program_may_have_reservoirs_of_its_own() {
    struct Factory;
    #[derive(Default)]
    struct Largest(Mutex<Option<Exemplar>>);
    impl ReservoirFactory for Factory {
        fn reservoir(&self) -> Box<dyn ExemplarReservoir> {
            Box::new(Largest::default())
        }
    }
    impl ExemplarReservoir for Largest {
        fn offer(&self, value: Number, offer: &ExemplarOffer<'_>) {
            let mut largest = self.0.lock().unwrap();
            if largest.as_ref().is_none_or(|known| value > known.value) {
                let filtered_attributes = offer.filtered(&Attributes::new());
                *largest = Some(Exemplar { filtered_attributes, value, time: offer.time, span: offer.span });
            }
        }
        fn collect(&self, attributes: &Attributes) -> Vec<Exemplar> {
            assert_eq!(*attributes, self::attributes(&[("a", 1.into())]));
            self.0.lock().unwrap().take().into_iter().collect()
        }
    }
    let stream = Stream::new(StreamConfig {
        reservoir: Reservoir::Custom(Arc::new(Factory)),
        ..config(InstrumentKind::Counter, Temporality::Cumulative)
    });
    let set = attributes(&[("a", 1.into())]);
    let offer = ExemplarOffer { time: 1, span: None, attributes: &set, host: None };
    for value in [1, 5, 2] {
        stream.record(&set, value.into(), Some(&offer));
    }
    let exemplars = numbers(&stream, NOW).remove(0).exemplars;
    assert_eq!(exemplars.iter().map(|exemplar| exemplar.value).collect::<Vec<_>>(), [5.into()]);
    assert!(numbers(&stream, NOW)[0].exemplars.is_empty());
}

#[test]
fn exemplars_are_kept_until_they_are_collected() {
    let (trace, span) = (TraceId(1), SpanId(2));
    let all = attributes(&[("a", 1.into()), ("b", 2.into())]);
    let offer = ExemplarOffer { time: 7, span: Some((trace, span)), attributes: &all, host: None };
    let stream = Stream::new(StreamConfig {
        attribute_filter: AttributeFilter::keep(["a"]),
        ..config(InstrumentKind::Histogram, Temporality::Cumulative)
    });
    for value in [1, 2, 60] {
        stream.record(&all, value.into(), Some(&offer));
    }
    stream.record(&all, 70.into(), None);
    let seen: Vec<Exemplar> = histogram(&stream, NOW).exemplars;
    assert_eq!(seen.iter().map(|exemplar| exemplar.value).collect::<Vec<_>>(), [2.into(), 60.into()]);
    assert_eq!(seen[0].filtered_attributes, attributes(&[("b", 2.into())]));
    assert_eq!((seen[0].time, seen[0].span), (7, Some((trace, span))));
    assert!(histogram(&stream, NOW).exemplars.is_empty(), "each one is reported once");

    let off = Stream::new(StreamConfig {
        reservoir: Reservoir::Off,
        ..config(InstrumentKind::Counter, Temporality::Cumulative)
    });
    off.record(&all, 1.into(), Some(&offer));
    assert!(numbers(&off, NOW)[0].exemplars.is_empty());
}

#[test]
fn a_reader_collects_its_streams_by_scope_in_order() {
    let storage = ReaderStorage::new();
    let resource = Arc::new(Resource::new([("service.name", "shop")]));
    assert!(storage.collect(&resource, NOW).is_none());
    let scopes = [Arc::new(Scope::new("a")), Arc::new(Scope::new("b")), Arc::new(Scope::new("a"))];
    for (n, scope) in scopes.iter().enumerate() {
        let stream =
            StreamConfig { name: format!("s{n}").into(), ..config(InstrumentKind::Counter, Temporality::Delta) };
        let stream = Arc::new(Stream::new(stream));
        storage.add(scope.clone(), stream.clone());
        stream.record(&Attributes::new(), 1.into(), None);
    }
    let data = storage.collect(&resource, NOW).unwrap();
    let [of_resource] = &data.resource_metrics[..] else { panic!("{data:?}") };
    assert_eq!(of_resource.resource, resource);
    let names = |at: usize| -> Vec<&str> {
        of_resource.scope_metrics[at].metrics.iter().map(|metric| metric.name.as_str()).collect()
    };
    assert_eq!((names(0), names(1)), (vec!["s0", "s2"], vec!["s1"]));
}
