//! Every aggregation, with every temporality and kind of instrument, beside plain arithmetic on the same measurements.

use std::collections::BTreeMap;

use ferrotel::common::{Attributes, Value};
use ferrotel::sdk::metrics::{
    Aggregation, Buckets, InstrumentKind, MetricData, Number, Stream, StreamConfig, Temporality,
};
use proptest::prelude::*;

/// What a program does to one stream.
#[derive(Clone, Debug)]
enum Step {
    Measure(i64, Number),
    Collect,
}

fn steps(value: impl Strategy<Value = Number> + 'static) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => (0..4_i64, value).prop_map(|(series, value)| Step::Measure(series, value)),
        1 => Just(Step::Collect),
    ];
    prop::collection::vec(step, 0..60).prop_map(|mut steps| {
        steps.push(Step::Collect);
        steps
    })
}

fn kinds() -> impl Strategy<Value = InstrumentKind> {
    prop::sample::select(InstrumentKind::ALL.to_vec())
}

fn temporalities() -> impl Strategy<Value = Temporality> {
    prop_oneof![Just(Temporality::Delta), Just(Temporality::Cumulative)]
}

/// Whole numbers and doubles, small ones and those at the limits.
fn any_number() -> impl Strategy<Value = Number> {
    prop_oneof![
        4 => (-1000..1000_i64).prop_map(Number::Int),
        2 => prop::sample::select(vec![i64::MAX, i64::MIN, i64::MAX - 1, i64::MAX / 2]).prop_map(Number::Int),
        2 => (-1e6..1e6_f64).prop_map(Number::Double),
        1 => Just(Number::Double(0.0)),
    ]
}

fn attributes(series: i64) -> Attributes {
    Attributes::from_iter([("series", series), ("other", 1)])
}

fn series_of(attributes: &Attributes) -> i64 {
    match attributes.get("series") {
        Some(Value::Int(series)) => *series,
        other => panic!("{other:?}"),
    }
}

/// Runs the steps, and gives each collection's points by series, with what was measured before it: in its own interval,
/// and in all.
fn run<P>(
    stream: &Stream,
    steps: &[Step],
    points: impl Fn(MetricData) -> Vec<(i64, P)>,
    mut check: impl FnMut(BTreeMap<i64, P>, &BTreeMap<i64, Vec<Number>>, &BTreeMap<i64, Vec<Number>>),
) {
    let (mut interval, mut all) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
    for (at, step) in steps.iter().enumerate() {
        match step {
            Step::Measure(series, value) => {
                stream.record(&attributes(*series), *value, None);
                interval.entry(*series).or_default().push(*value);
                all.entry(*series).or_default().push(*value);
            }
            Step::Collect => {
                let data = stream.collect(u64::MAX / 2 + at as u64);
                let seen = data.map(|metric| points(metric.data)).unwrap_or_default();
                let count = seen.len();
                let seen: BTreeMap<_, _> = seen.into_iter().collect();
                assert_eq!(seen.len(), count, "a series twice");
                check(seen, &interval, &all);
                interval.clear();
            }
        }
    }
}

/// A sum as Python makes it: exact while the numbers are whole.
#[derive(Clone, Copy, Debug)]
enum Sum {
    Whole(i128),
    Double(f64),
}

fn sum(values: &[Number]) -> Sum {
    values.iter().fold(Sum::Whole(0), |sum, value| match (sum, value) {
        (Sum::Whole(sum), Number::Int(value)) => Sum::Whole(sum + i128::from(*value)),
        (Sum::Whole(sum), Number::Double(value)) => Sum::Double(sum as f64 + value),
        (Sum::Double(sum), value) => Sum::Double(sum + value.as_f64()),
        (Sum::Whole(_), Number::Big(_)) => unreachable!("nobody measures one"),
    })
}

fn difference(now: Sum, before: Sum) -> Sum {
    match (now, before) {
        (Sum::Whole(a), Sum::Whole(b)) => Sum::Whole(a - b),
        (Sum::Whole(a), Sum::Double(b)) => Sum::Double(a as f64 - b),
        (Sum::Double(a), Sum::Whole(b)) => Sum::Double(a - b as f64),
        (Sum::Double(a), Sum::Double(b)) => Sum::Double(a - b),
    }
}

fn is(number: Number, sum: Sum) -> bool {
    match (number, sum) {
        (Number::Int(value), Sum::Whole(sum)) => i128::from(value) == sum,
        (Number::Big(value), Sum::Whole(sum)) => value == sum && i64::try_from(sum).is_err(),
        (Number::Double(value), Sum::Double(sum)) => value == sum,
        _ => false,
    }
}

/// The same number of the same type.
fn same(a: Number, b: Number) -> bool {
    std::mem::discriminant(&a) == std::mem::discriminant(&b) && a == b
}

fn numbers(data: MetricData) -> Vec<(i64, Number)> {
    match data {
        MetricData::Sum { points, .. } | MetricData::Gauge { points } => {
            points.into_iter().map(|point| (series_of(&point.attributes), point.value)).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn config(kind: InstrumentKind, temporality: Temporality, aggregation: Aggregation) -> StreamConfig {
    StreamConfig { aggregation, ..StreamConfig::new("stream", kind, temporality) }
}

/// The series of which a point is due: those measured in the interval, or those measured at any time.
fn due<'a>(
    repeats: bool,
    interval: &'a BTreeMap<i64, Vec<Number>>,
    all: &'a BTreeMap<i64, Vec<Number>>,
) -> &'a BTreeMap<i64, Vec<Number>> {
    if repeats { all } else { interval }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn sums(steps in steps(any_number()), kind in kinds(), temporality in temporalities()) {
        let stream = Stream::new(config(kind, temporality, Aggregation::Sum));
        let delta = temporality == Temporality::Delta;
        let mut before = BTreeMap::new();
        run(&stream, &steps, numbers, |seen, interval, all| {
            let due = due(kind.is_synchronous() && !delta, interval, all);
            assert_eq!(seen.keys().collect::<Vec<_>>(), due.keys().collect::<Vec<_>>());
            for (series, value) in seen {
                let mut expected = sum(&due[&series]);
                if !kind.is_synchronous() && delta {
                    let last = before.insert(series, expected).unwrap_or(Sum::Whole(0));
                    expected = difference(expected, last);
                }
                assert!(is(value, expected), "{value:?} is not {expected:?}");
            }
        });
    }

    #[test]
    fn last_values(steps in steps(any_number()), kind in kinds(), temporality in temporalities()) {
        let stream = Stream::new(config(kind, temporality, Aggregation::LastValue));
        let repeats = kind.is_synchronous() && temporality == Temporality::Cumulative;
        run(&stream, &steps, numbers, |seen, interval, all| {
            let due = due(repeats, interval, all);
            assert_eq!(seen.keys().collect::<Vec<_>>(), due.keys().collect::<Vec<_>>());
            for (series, value) in seen {
                assert!(same(value, *due[&series].last().unwrap()));
            }
        });
    }

    #[test]
    fn explicit_buckets(
        steps in steps(any_number()),
        temporality in temporalities(),
        min_max in any::<bool>(),
        mut bounds in prop::collection::btree_set(-1000..1000_i32, 0..50),
    ) {
        bounds.insert(0);
        let bounds: Vec<f64> = bounds.into_iter().map(f64::from).collect();
        let aggregation = Aggregation::ExplicitBucketHistogram {
            boundaries: Some(bounds.clone().into()),
            record_min_max: min_max,
        };
        let stream = Stream::new(config(InstrumentKind::Histogram, temporality, aggregation));
        let points = |data| match data {
            MetricData::Histogram { points, .. } => {
                points.into_iter().map(|point| (series_of(&point.attributes), point)).collect()
            }
            other => panic!("{other:?}"),
        };
        run(&stream, &steps, points, |seen, interval, all| {
            let due = due(temporality == Temporality::Cumulative, interval, all);
            assert_eq!(seen.keys().collect::<Vec<_>>(), due.keys().collect::<Vec<_>>());
            for (series, point) in seen {
                let values = &due[&series];
                let mut counts = vec![0; bounds.len() + 1];
                for value in values {
                    let at = bounds.iter().position(|bound| value.as_f64() <= *bound).unwrap_or(bounds.len());
                    counts[at] += 1;
                }
                assert_eq!(point.bucket_counts, counts);
                assert_eq!(point.count, values.len() as u64);
                assert_eq!(&*point.bounds, &bounds[..]);
                assert!(is(point.sum, sum(values)));
                check_min_max(point.min, point.max, values, min_max);
            }
        });
    }

    #[test]
    fn exponential_buckets(
        steps in steps(powers()),
        temporality in temporalities(),
        max_scale in -10..=20_i32,
        max_size in prop_oneof![Just(2_u32), Just(160), 3..200_u32],
        min_max in any::<bool>(),
    ) {
        let aggregation = Aggregation::ExponentialBucketHistogram { max_size, max_scale, record_min_max: min_max };
        let stream = Stream::new(config(InstrumentKind::Histogram, temporality, aggregation));
        let points = |data| match data {
            MetricData::ExponentialHistogram { points, .. } => {
                points.into_iter().map(|point| (series_of(&point.attributes), point)).collect()
            }
            other => panic!("{other:?}"),
        };
        let mut scales = BTreeMap::new();
        run(&stream, &steps, points, |seen, interval, all| {
            let due = due(temporality == Temporality::Cumulative, interval, all);
            assert_eq!(seen.keys().collect::<Vec<_>>(), due.keys().collect::<Vec<_>>());
            for (series, point) in seen {
                let values = &due[&series];
                let positive: Vec<f64> = values.iter().map(|v| v.as_f64()).filter(|v| *v > 0.0).collect();
                let negative: Vec<f64> = values.iter().map(|v| -v.as_f64()).filter(|v| *v > 0.0).collect();
                // The scale sinks as far as it must, and does not rise again.
                let scale = scales.entry(series).or_insert(max_scale);
                while !fits(&positive, *scale, max_size) || !fits(&negative, *scale, max_size) {
                    *scale -= 1;
                }
                let only_zeros = positive.is_empty() && negative.is_empty();
                assert_eq!(point.scale, if only_zeros { 0 } else { *scale });
                assert_eq!(point.zero_count as usize, values.len() - positive.len() - negative.len());
                assert_eq!(point.count, values.len() as u64);
                check_buckets(&point.positive, &positive, *scale, max_size);
                check_buckets(&point.negative, &negative, *scale, max_size);
                assert!(is(point.sum, sum(values)));
                check_min_max(point.min, point.max, values, min_max);
            }
        });
    }

    #[test]
    fn an_exponential_bucket_holds_its_value(value in any::<f64>(), scale in -10..=20_i32) {
        prop_assume!(value.is_normal());
        let value = value.abs();
        let index = f64::from(index_of(value, scale));
        // The bounds, by another way than the index: powers of two with a broken exponent.
        let width = (-f64::from(scale)).exp2();
        let slack = 1e-9;
        let log = value.log2();
        prop_assert!(index * width <= log + slack && log - slack <= (index + 1.0) * width, "{value} {scale} {index}");
    }

    #[test]
    fn a_power_of_two_is_the_upper_bound_of_its_bucket(exponent in -1022..=1023_i32, scale in -10..=20_i32) {
        let expected = if scale >= 0 { (exponent << scale) - 1 } else { (exponent - 1) >> -scale };
        prop_assert_eq!(index_of(f64::from(exponent).exp2(), scale), expected);
    }
}

#[test]
fn subnormal_and_extreme_values_have_buckets() {
    for scale in -10..=20 {
        let below = |exponent: i32| if scale >= 0 { (exponent << scale) - 1 } else { (exponent - 1) >> -scale };
        for value in [f64::from_bits(1), f64::MIN_POSITIVE / 2.0, f64::MIN_POSITIVE] {
            assert_eq!(index_of(value, scale), below(-1022), "{value:e} at {scale}");
        }
        assert_eq!(index_of(f64::MAX, scale), below(1024), "the last bucket's bound is 2^1024, at {scale}");
    }
}

/// What is not a finite number is refused by whoever calls; where one comes all the same, it changes nothing.
#[test]
fn what_is_not_finite_changes_nothing() {
    for aggregation in [
        Aggregation::Sum,
        Aggregation::LastValue,
        Aggregation::EXPLICIT_BUCKET_HISTOGRAM,
        Aggregation::EXPONENTIAL_BUCKET_HISTOGRAM,
    ] {
        let stream = Stream::new(config(InstrumentKind::Histogram, Temporality::Cumulative, aggregation));
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            stream.record(&Attributes::new(), value.into(), None);
        }
        assert!(stream.collect(1).is_none());
    }
}

#[test]
fn whole_numbers_saturate_at_128_bits() {
    let stream = Stream::new(config(InstrumentKind::UpDownCounter, Temporality::Cumulative, Aggregation::Sum));
    for expected in [Number::Big(i128::MAX), Number::Big(i128::MAX)] {
        stream.record(&attributes(0), Number::Big(i128::MAX), None);
        let MetricData::Sum { points, .. } = stream.collect(1).unwrap().data else { panic!() };
        assert!(same(points[0].value, expected));
    }
}

#[test]
fn numbers_are_compared_without_rounding() {
    let large = (1_i64 << 53) + 1;
    assert!(Number::Int(large) > Number::Double(large as f64), "the double is one less");
    assert!(Number::Int(i64::MAX) < Number::Double(i64::MAX as f64));
    assert!(Number::Int(-1) < Number::Double(-0.5) && Number::Int(0) > Number::Double(-0.5));
    assert!(Number::Big(i128::MAX) < Number::Double(1e39) && Number::Big(i128::MIN) > Number::Double(-1e39));
    assert_eq!(Number::Int(3), Number::Double(3.0));
    assert!(Number::Int(0).partial_cmp(&Number::Double(f64::NAN)).is_none());
}

fn check_min_max(min: Option<Number>, max: Option<Number>, values: &[Number], recorded: bool) {
    if !recorded {
        assert!(min.is_none() && max.is_none());
        return;
    }
    // The first of equals, as Python's min and max choose it.
    let smallest = values.iter().copied().reduce(|a, b| if b < a { b } else { a });
    let largest = values.iter().copied().reduce(|a, b| if b > a { b } else { a });
    assert!(same(min.unwrap(), smallest.unwrap()) && same(max.unwrap(), largest.unwrap()));
}

/// Values that are clearly inside of a bucket at every scale: an exponent with a 37th in it meets no bound.
fn powers() -> impl Strategy<Value = Number> {
    prop_oneof![
        6 => (-16..16_i32, any::<bool>()).prop_map(|(step, negative)| power(f64::from(step), negative)),
        2 => (-16_000..16_000_i32, any::<bool>()).prop_map(|(step, negative)| power(f64::from(step), negative)),
        1 => Just(Number::Int(0)),
        1 => Just(Number::Double(-0.0)),
    ]
}

fn power(step: f64, negative: bool) -> Number {
    let value = (step / 16.0 + 1.0 / 37.0).exp2();
    Number::Double(if negative { -value } else { value })
}

fn oracle_index(value: f64, scale: i32) -> i64 {
    (value.log2() * f64::from(scale).exp2()).floor() as i64
}

fn fits(values: &[f64], scale: i32, max_size: u32) -> bool {
    let indices = || values.iter().map(|value| oracle_index(*value, scale));
    match (indices().min(), indices().max()) {
        (Some(low), Some(high)) => high - low < i64::from(max_size),
        _ => true,
    }
}

fn check_buckets(buckets: &Buckets, values: &[f64], scale: i32, max_size: u32) {
    let mut seen = BTreeMap::new();
    for (at, count) in buckets.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        seen.insert(i64::from(buckets.offset) + at as i64, *count);
    }
    let mut expected = BTreeMap::new();
    for value in values {
        *expected.entry(oracle_index(*value, scale)).or_insert(0) += 1;
    }
    assert_eq!(seen, expected);
    let first = expected.first_key_value().map_or(0, |(index, _)| *index);
    assert_eq!(i64::from(buckets.offset), first, "the offset is that of the first value");
    let size = buckets.counts.len() as u32;
    assert!(size <= max_size && (size.is_power_of_two() || size == max_size), "{size} buckets");
}

/// The index at which a single value is counted.
fn index_of(value: f64, max_scale: i32) -> i32 {
    let aggregation = Aggregation::ExponentialBucketHistogram { max_size: 160, max_scale, record_min_max: false };
    let stream = Stream::new(config(InstrumentKind::Histogram, Temporality::Delta, aggregation));
    stream.record(&Attributes::new(), value.into(), None);
    let Some(MetricData::ExponentialHistogram { points, .. }) = stream.collect(1).map(|metric| metric.data) else {
        panic!()
    };
    assert_eq!((points[0].scale, &points[0].positive.counts[..]), (max_scale, &[1][..]));
    points[0].positive.offset
}
