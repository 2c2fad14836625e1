//! What becomes of points over time: cumulative and delta, rates, resets, repetitions; and what makes room.

mod common;

use std::time::Instant;

use common::metrics::{
    CUMULATIVE, DELTA, exponential, exponential_point, gauge, histogram, histogram_point, metrics_of, number_point,
    points, sum,
};
use common::{NOON, string};
use ferrotel_view::{Distribution, Limits, Measure, Series, Store, plot};
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint};
use proptest::prelude::*;

fn store() -> Store {
    Store::new(Limits::default())
}

fn add(store: &Store, metric: Metric) -> Series {
    store.add_points(points(vec![metrics_of("shop", vec![metric])]), 0);
    let (mut all, number) = store.series(10, |series| series.metric.name.clone());
    assert_eq!(number, 1, "{all:?}");
    all.remove(0)
}

/// `(value, rate)` after each point.
fn run(monotonic: bool, temporality: i32, list: Vec<NumberDataPoint>) -> Vec<(Measure, Option<f64>)> {
    let store = store();
    let after = |point| {
        let series = add(&store, sum("requests", "", monotonic, temporality, vec![point]));
        (series.measure, series.rate)
    };
    list.into_iter().map(after).collect()
}

/// A change between two seconds after noon.
fn change(from: u64, to: u64, value: i64) -> NumberDataPoint {
    let mut point = number_point(to, value, vec![]);
    point.start_time_unix_nano = NOON + from * 1_000_000_000;
    point
}

fn int(value: i64) -> Measure {
    Measure::Int(value)
}

#[test]
fn cumulative_counters_show_the_last_value_and_their_growth() {
    let list = [(5, 10), (10, 20), (15, 20), (16, 23)].map(|(second, value)| number_point(second, value, vec![]));
    let expected = [(int(10), None), (int(20), Some(2.0)), (int(20), Some(0.0)), (int(23), Some(3.0))];
    assert_eq!(run(true, CUMULATIVE, list.to_vec()), expected);
}

#[test]
fn a_counter_that_begins_anew_does_not_fall() {
    // Once with the new start that the specification asks for, once without.
    let restarted = vec![number_point(10, 100, vec![]), change(12, 14, 8)];
    assert_eq!(run(true, CUMULATIVE, restarted)[1], (int(8), Some(4.0)));
    let silent = vec![number_point(10, 100, vec![]), number_point(12, 8, vec![])];
    assert_eq!(run(true, CUMULATIVE, silent)[1], (int(8), Some(4.0)));
}

#[test]
fn changes_are_summed() {
    let list = vec![change(0, 5, 10), change(5, 10, 30), change(10, 15, 0)];
    let expected = [(int(10), Some(2.0)), (int(40), Some(6.0)), (int(40), Some(0.0))];
    assert_eq!(run(true, DELTA, list), expected);
    let list = vec![change(0, 5, 3), change(5, 10, -5)];
    assert_eq!(run(false, DELTA, list), [(int(3), None), (int(-2), None)]);
}

#[test]
fn what_is_sent_again_or_comes_late_counts_once() {
    let list = vec![change(0, 5, 10), change(0, 5, 10), change(5, 10, 1), change(0, 5, 10)];
    let values: Vec<Measure> = run(true, DELTA, list).into_iter().map(|(value, _)| value).collect();
    assert_eq!(values, [int(10), int(10), int(11), int(11)]);
    let list = vec![number_point(10, 20, vec![]), number_point(10, 20, vec![]), number_point(5, 10, vec![])];
    assert_eq!(run(true, CUMULATIVE, list)[2], (int(20), None));
}

#[test]
fn a_sum_beyond_64_bits_goes_on_as_a_floating_point_number() {
    let list = vec![change(0, 5, i64::MAX), change(5, 10, i64::MAX)];
    assert_eq!(run(true, DELTA, list)[1].0, Measure::Double(i64::MAX as f64 * 2.0));
}

#[test]
fn gauges_have_no_rate_and_may_lose_their_value() {
    let store = store();
    add(&store, gauge("load", "", vec![number_point(1, 5, vec![])]));
    let mut nothing = number_point(2, 0, vec![]);
    nothing.flags = 1;
    let series = add(&store, gauge("load", "", vec![nothing]));
    assert_eq!((series.measure, series.rate), (Measure::Nothing, None));
    let mut other_type = number_point(3, 0, vec![]);
    other_type.value = Some(opentelemetry_proto::tonic::metrics::v1::number_data_point::Value::AsDouble(0.5));
    assert_eq!(add(&store, gauge("load", "", vec![other_type])).measure, Measure::Double(0.5));
}

fn distribution(series: Series) -> (Distribution, Option<f64>) {
    let Measure::Distribution(distribution) = series.measure else { panic!("a distribution") };
    (distribution, series.rate)
}

fn counts(distribution: &Distribution) -> Vec<u64> {
    distribution.buckets().iter().map(|bucket| bucket.count).collect()
}

#[test]
fn histograms_of_changes_are_summed_and_others_replaced() {
    for (temporality, expected, sum) in [(DELTA, [3, 1, 4], 40.0), (CUMULATIVE, [2, 1, 1], 30.0)] {
        let store = store();
        add(&store, histogram("size", "", temporality, vec![histogram_point(1, 10.0, vec![1, 0, 3], vec![1.0, 2.0])]));
        let mut next = histogram_point(2, 30.0, vec![2, 1, 1], vec![1.0, 2.0]);
        if temporality == DELTA {
            next.start_time_unix_nano = NOON + 1_000_000_000;
        }
        let (got, rate) = distribution(add(&store, histogram("size", "", temporality, vec![next])));
        assert_eq!((counts(&got).as_slice(), got.sum), (expected.as_slice(), Some(sum)));
        assert_eq!(rate, Some(if temporality == DELTA { 4.0 } else { 0.0 }));
    }
}

#[test]
fn other_bounds_begin_anew() {
    let store = store();
    add(&store, histogram("size", "", DELTA, vec![histogram_point(1, 10.0, vec![1, 3], vec![1.0])]));
    let mut next = histogram_point(2, 2.0, vec![1, 1], vec![5.0]);
    next.start_time_unix_nano = NOON + 1_000_000_000;
    assert_eq!(counts(&distribution(add(&store, histogram("size", "", DELTA, vec![next]))).0), [1, 1]);
}

#[test]
fn exponential_histograms_meet_at_the_coarser_scale() {
    let store = store();
    // At scale 1 the buckets 0 to 3 end at the square root of 2, at 2, at the square root of 8, and at 4.
    add(&store, exponential("latency", DELTA, vec![exponential_point(1, 1, 0, vec![1, 2, 3, 4])]));
    let mut next = exponential_point(2, 0, 1, vec![5, 6]);
    next.start_time_unix_nano = NOON + 1_000_000_000;
    let (got, _) = distribution(add(&store, exponential("latency", DELTA, vec![next])));
    let filled: Vec<_> = got.buckets().into_iter().filter(|bucket| bucket.count > 0).collect();
    let ranges: Vec<_> = filled.iter().map(|bucket| (bucket.lower, bucket.upper, bucket.count)).collect();
    assert_eq!(ranges, [(1.0, 2.0, 3), (2.0, 4.0, 7 + 5), (4.0, 8.0, 6)]);
}

#[test]
fn the_oldest_series_makes_room() {
    let store = Store::new(Limits { max_series: 3, ..Limits::default() });
    let send = |number: i64, second: u64| {
        let point = number_point(second, number, vec![string("number", &number.to_string())]);
        store.add_points(points(vec![metrics_of("shop", vec![gauge("load", "", vec![point])])]), 0);
    };
    (1..=3).for_each(|number| send(number, 1));
    send(1, 2);
    send(4, 3);
    let (held, _) = store.series(10, |series| format!("{:?}", series.measure));
    assert_eq!(held.into_iter().map(|series| series.measure).collect::<Vec<_>>(), [int(1), int(3), int(4)]);
    assert_eq!((store.counts().series, store.counts().dropped_series), (3, 1));
    store.clear();
    assert_eq!(store.counts().series, 0);
}

#[test]
fn memory_is_bounded() {
    let store = Store::new(Limits { max_bytes: 100_000, ..Limits::default() });
    for number in 0..100 {
        let point = number_point(1, number, vec![string("text", &format!("{number}{}", "x".repeat(5_000)))]);
        store.add_points(points(vec![metrics_of("shop", vec![gauge("load", "", vec![point])])]), 0);
    }
    let held = store.counts().series;
    assert!((10..20).contains(&held), "{held}");
}

#[test]
fn nothing_is_kept_where_none_is_wanted() {
    let store = Store::new(Limits { max_series: 0, ..Limits::default() });
    let metric = gauge("load", "", vec![number_point(1, 1, vec![])]);
    store.add_points(points(vec![metrics_of("shop", vec![metric])]), 0);
    assert_eq!((store.counts().series, store.counts().received_points), (0, 1));
    assert!(!common::take(&store, std::time::Duration::ZERO, std::time::Duration::ZERO).metrics);
}

#[test]
fn the_plot_shows_the_filled_part() {
    let draw = |counts: &[u64], bounds: &[f64], min: Option<f64>, max: Option<f64>, width: usize| {
        let mut point = histogram_point(1, 1.0, counts.to_vec(), bounds.to_vec());
        (point.min, point.max) = (min, max);
        let series = add(&store(), histogram("size", "", CUMULATIVE, vec![point]));
        plot(&distribution(series).0, width)
    };
    assert_eq!(draw(&[0, 0, 0], &[1.0, 2.0], None, None, 16), None, "nothing measured");
    assert_eq!(draw(&[], &[], None, None, 16), None, "no buckets kept");
    assert_eq!(draw(&[0, 8, 0], &[1.0, 2.5], None, None, 16).as_deref(), Some("1 █ 2.5"));
    assert_eq!(draw(&[1, 0, 8], &[1.0, 2.0], None, None, 16).as_deref(), Some("≤1 ▁ █ >2"));
    assert_eq!(draw(&[1, 0, 8], &[1.0, 2.0], Some(0.5), Some(9.0), 16).as_deref(), Some("0.5 ▁ █ 9"));
    let bounds: Vec<f64> = (1..8).map(f64::from).collect();
    assert_eq!(draw(&[1, 2, 3, 4, 5, 6, 7, 8], &bounds, None, None, 8).as_deref(), Some("≤1 ▁▂▃▄▅▆▇█ >7"));
    assert_eq!(draw(&[1, 2, 3, 4, 5, 6, 7, 8], &bounds, None, None, 4).as_deref(), Some("≤1 ▂▄▆█ >7"));
    assert_eq!(draw(&[u64::MAX, u64::MAX], &[0.0], None, None, 1).as_deref(), Some("≤0 █ >0"));
}

proptest! {
    /// No measurement is lost when runs of buckets are put together, wherever they lie.
    #[test]
    fn sums_of_exponential_histograms_are_bounded_and_whole(
        list in proptest::collection::vec(
            (-32_i32..=32, prop_oneof![Just(i32::MIN), Just(i32::MAX), -1_000..1_000],
             proptest::collection::vec(0_u64..5, 0..40)), 1..6),
    ) {
        let store = store();
        let mut all = 0;
        for ((scale, offset, counts), second) in list.into_iter().zip(1..) {
            all += counts.iter().sum::<u64>();
            let mut point = exponential_point(second, scale, offset, counts);
            point.start_time_unix_nano = NOON + (second - 1) * 1_000_000_000;
            let before = Instant::now();
            let (got, _) = distribution(add(&store, exponential("latency", DELTA, vec![point])));
            prop_assert!(before.elapsed().as_secs() < 2);
            let buckets = got.buckets();
            prop_assert!(buckets.len() <= 4_097);
            prop_assert_eq!(buckets.iter().map(|bucket| bucket.count).sum::<u64>(), all);
            let _ = plot(&got, 16);
        }
    }
}
