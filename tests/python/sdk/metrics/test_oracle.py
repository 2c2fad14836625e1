"""Every aggregation and temporality against plain Python, by any order of measurements and collections."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import Any, Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider, UpDownCounter, _Gauge
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View

from .conftest import WAYS, collected, values

DELTA, CUMULATIVE = AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE
BOUNDS = [-10, 0, 1, 2.5, 1000]

whole = st.integers(min_value=0, max_value=2**80)
# Sums of these are exact in any order.
binary = st.integers(min_value=0, max_value=2**40).map(lambda number: number / 1024)
amounts = st.one_of(whole, binary, st.booleans())
attributes = st.sampled_from([None, {}, {"a": 1}, {"a": 1.0}, {"a": True}, {"a": "x", "b": "y"}, {"b": "y", "a": "x"}])
COLLECT = "collect"
steps = st.lists(st.one_of(st.just(COLLECT), st.tuples(amounts, attributes)), max_size=40)


def key(given_attributes: Any) -> Any:
    return tuple(sorted((name, type(value), value) for name, value in (given_attributes or {}).items()))


def approximately(expected: dict[Any, Any], largest: float) -> dict[Any, Any]:
    """Whole numbers as they are; floats within the rounding of steps in which the largest amount took part."""
    return {
        name: pytest.approx(value, rel=0, abs=largest * 2.0**-47) if isinstance(value, float) else value
        for name, value in expected.items()
    }


def by_key(data: Any) -> dict[Any, Any]:
    return {key(point.attributes): point for point in data.data_points} if data is not None else {}


def provider_of(way: str, temporality: AggregationTemporality, **arguments: Any) -> tuple[Any, InMemoryMetricReader]:
    preferred: Any = dict.fromkeys((Counter, UpDownCounter, Histogram, _Gauge), temporality)
    reader = InMemoryMetricReader(preferred_temporality=preferred)
    settings_: Any = {**WAYS[way](), **arguments}
    return MeterProvider([reader], shutdown_on_exit=False, **settings_).get_meter("m"), reader


def runs(test: Callable[..., None]) -> Callable[..., None]:
    test = settings(max_examples=60)(test)
    test = pytest.mark.parametrize("temporality", [DELTA, CUMULATIVE], ids=["delta", "cumulative"])(test)
    return pytest.mark.parametrize("way", list(WAYS))(test)  # type: ignore[no-any-return]


@runs
@given(steps)
@example([(2**63 - 1, None), (2**63 - 1, None), COLLECT, (1, None), COLLECT])
def test_sum(way: str, temporality: AggregationTemporality, steps_: Any) -> None:
    meter, reader = provider_of(way, temporality)
    counter = meter.create_up_down_counter("c")
    expected: dict[Any, Any] = {}
    sign, largest = 1, 0.0
    for step in [*steps_, COLLECT]:
        if step != COLLECT:
            amount, given_attributes = step
            sign = -sign
            largest = max(largest, float(amount))
            counter.add(sign * amount, given_attributes)
            expected[key(given_attributes)] = expected.get(key(given_attributes), 0) + sign * amount
            continue
        points = by_key(collected(reader).get("c"))
        assert {name: point.value for name, point in points.items()} == approximately(expected, largest)
        assert all(type(points[name].value) is type(value) for name, value in expected.items())
        if temporality is DELTA:
            expected = {}


@runs
@given(steps)
def test_last_value(way: str, temporality: AggregationTemporality, steps_: Any) -> None:
    meter, reader = provider_of(way, temporality)
    gauge = meter.create_gauge("g")
    expected: dict[Any, Any] = {}
    for step in [*steps_, COLLECT]:
        if step != COLLECT:
            gauge.set(-step[0], step[1])
            expected[key(step[1])] = -step[0]
            continue
        assert {name: point.value for name, point in by_key(collected(reader).get("g")).items()} == expected
        if temporality is DELTA:
            expected = {}


@runs
@given(steps)
def test_explicit_buckets(way: str, temporality: AggregationTemporality, steps_: Any) -> None:
    meter, reader = provider_of(way, temporality)
    histogram = meter.create_histogram("h", explicit_bucket_boundaries_advisory=BOUNDS)
    measured: dict[Any, list[Any]] = {}
    for step in [*steps_, COLLECT]:
        if step != COLLECT:
            histogram.record(step[0], step[1])
            measured.setdefault(key(step[1]), []).append(step[0])
            continue
        points = by_key(collected(reader).get("h"))
        assert points.keys() == measured.keys()
        for name, all_of_it in measured.items():
            buckets = [0] * (len(BOUNDS) + 1)
            for amount in all_of_it:
                buckets[bisect_left(BOUNDS, amount)] += 1
            point = points[name]
            assert list(point.bucket_counts) == buckets
            assert point.count == len(all_of_it)
            # A collection adds up its interval first, and whole numbers beyond a float's 53 bits round on the way.
            assert point.sum == pytest.approx(sum(all_of_it), rel=1e-14)
            assert (point.min, point.max) == (min(all_of_it), max(all_of_it))
        if temporality is DELTA:
            measured = {}


positive = st.floats(min_value=1e-300, max_value=1e300)
magnitudes = st.one_of(positive, st.integers(min_value=0, max_value=2**50), st.just(0), st.just(2.0**-1022))


@runs
@given(st.lists(st.one_of(st.just(COLLECT), magnitudes), max_size=40), st.integers(min_value=2, max_value=20))
def test_exponential_buckets(way: str, temporality: AggregationTemporality, steps_: Any, max_size: int) -> None:
    from .conftest import python_reservoirs

    own = {"exemplar_reservoir_factory": python_reservoirs} if way == "python aggregates" else {}
    view = View(instrument_name="h", aggregation=ExponentialBucketHistogramAggregation(max_size=max_size), **own)  # type: ignore[arg-type]
    meter, reader = provider_of(way, temporality, views=[view])
    histogram = meter.create_histogram("h")
    measured: list[Any] = []
    for step in [*steps_, COLLECT]:
        if step != COLLECT:
            histogram.record(step)
            measured.append(step)
            continue
        data = collected(reader).get("h")
        if data is None:
            assert not measured
            continue
        (point,) = data.data_points
        assert point.count == len(measured)
        assert point.sum == pytest.approx(sum(measured))
        assert (point.min, point.max) == (min(measured), max(measured))
        assert point.zero_count == measured.count(0)
        counts = list(point.positive.bucket_counts)
        assert len([count for count in counts if count]) <= max_size
        assert sum(counts) == len(measured) - point.zero_count
        assert not any(point.negative.bucket_counts)
        check_buckets(counts, point.positive.offset, point.scale, [amount for amount in measured if amount])
        if temporality is DELTA:
            measured = []


def check_buckets(counts: list[int], offset: int, scale: int, measured: list[Any]) -> None:
    """Each bucket has the values above its lower bound up to its upper one, but for rounding at a bound."""
    expected: dict[int, int] = {}
    for amount in measured:
        position = math.log2(amount) * 2.0**scale
        index = math.ceil(position) - 1
        expected[index] = expected.get(index, 0) + 1
    found = {offset + place: count for place, count in enumerate(counts) if count}
    if found != expected:
        # Only a value within rounding of a bound may be in the bucket next to it.
        moved = sum(abs(found.get(index, 0) - expected.get(index, 0)) for index in {*found, *expected})
        near = [
            amount
            for amount in measured
            if abs(math.log2(amount) * 2.0**scale - round(math.log2(amount) * 2.0**scale))
            <= abs(math.log2(amount) * 2.0**scale) * 1e-12 + 1e-9
        ]
        assert moved <= 2 * len(near), (found, expected)


@pytest.mark.parametrize("way", list(WAYS))
@pytest.mark.parametrize("temporality", [DELTA, CUMULATIVE], ids=["delta", "cumulative"])
def test_a_thousand_collections_lose_nothing(way: str, temporality: AggregationTemporality) -> None:
    meter, reader = provider_of(way, temporality)
    counter = meter.create_counter("c")
    total = 0
    for number in range(1000):
        counter.add(number, {"parity": number % 2})
        points = values(collected(reader)["c"])
        if temporality is DELTA:
            assert points == {(("parity", number % 2),): number}
            total += sum(points.values())
        else:
            total = sum(points.values())
    assert total == 999 * 1000 // 2
