"""Views: what they match and what they make of it."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from opentelemetry.metrics import Counter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics import UpDownCounter as SDKUpDownCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import (
    Aggregation,
    DropAggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    LastValueAggregation,
    SumAggregation,
    View,
)

from .conftest import collected, python_reservoirs, values

Provide = Callable[..., MeterProvider]


@pytest.mark.parametrize(
    "criteria, matches",
    [
        ({"instrument_name": "http.*"}, True),
        ({"instrument_name": "HTTP.requests"}, True),
        ({"instrument_name": "http.request?"}, True),
        ({"instrument_name": "other"}, False),
        ({"instrument_type": Counter}, True),
        ({"instrument_type": SDKUpDownCounter}, False),
        ({"instrument_unit": "{request}"}, True),
        ({"instrument_unit": "{REQUEST}"}, False),
        ({"meter_name": "meter", "meter_version": "1", "meter_schema_url": "url"}, True),
        ({"meter_name": "meter", "meter_version": "2"}, False),
        ({"meter_schema_url": "other"}, False),
    ],
)
def test_criteria(provide: Provide, criteria: dict[str, Any], matches: bool) -> None:
    reader = InMemoryMetricReader()
    provider = provide(reader, views=[View(**criteria, aggregation=LastValueAggregation())])
    counter = provider.get_meter("meter", "1", "url").create_counter("http.requests", unit="{request}")
    counter.add(1)
    assert type(collected(reader)["http.requests"]).__name__ == ("Gauge" if matches else "Sum")


def test_impossible_views() -> None:
    with pytest.raises(Exception, match="Some instrument selection criteria must be provided for View name"):
        View(name="name")
    with pytest.raises(Exception, match="View name declared with wildcard characters in instrument_name"):
        View(name="name", instrument_name="a*")
    with pytest.raises(ValueError, match="cardinality_limit"):
        View(instrument_name="a", cardinality_limit=0)


def test_a_view_names_its_stream_and_several_make_several(provide: Provide, way: dict[str, Any]) -> None:
    reader = InMemoryMetricReader()
    way["views"] = [
        View(instrument_name="c", name="by_route", description="By route", attribute_keys={"route"}, **factory(way)),
        View(instrument_name="c", name="total", attribute_keys=set(), **factory(way)),
        View(instrument_name="c", name="rest", excluded_attribute_keys={"route"}, **factory(way)),
        View(
            instrument_name="c",
            name="both",
            attribute_keys={"route", "method"},
            excluded_attribute_keys="route",
            **factory(way),
        ),
    ]
    counter = provide(reader, **way).get_meter("m").create_counter("c")
    counter.add(1, {"route": "/", "method": "GET"})
    counter.add(2, {"route": "/", "method": "PUT"})
    data = collected(reader)
    assert list(data) == ["by_route", "total", "rest", "both"]
    assert values(data["by_route"]) == {(("route", "/"),): 3}
    assert values(data["total"]) == {(): 3}
    assert values(data["rest"]) == values(data["both"]) == {(("method", "GET"),): 1, (("method", "PUT"),): 2}


def factory(way: dict[str, Any]) -> dict[str, Any]:
    return {"exemplar_reservoir_factory": python_reservoirs} if "views" in way else {}


def test_advised_attributes_hold_where_no_view_says_otherwise(provide: Provide) -> None:
    reader = InMemoryMetricReader()
    provider = provide(reader, views=[View(instrument_name="viewed", attribute_keys={"method"})])
    meter: Any = provider.get_meter("m")
    for name in ("advised", "viewed"):
        meter.create_counter(name, attributes_advisory=["route"]).add(1, {"route": "/", "method": "GET"})
    data = collected(reader)
    assert values(data["advised"]) == {(("route", "/"),): 1}
    assert values(data["viewed"]) == {(("method", "GET"),): 1}


def test_advice_that_is_none_is_reported(provide: Provide, caplog: pytest.LogCaptureFixture) -> None:
    meter: Any = provide().get_meter("m")
    meter.create_counter("c", attributes_advisory="route")
    meter.create_histogram("h", explicit_bucket_boundaries_advisory="no")
    assert [record.getMessage() for record in caplog.records] == [
        "attributes_advisory must be a sequence of strings",
        "explicit_bucket_boundaries_advisory must be a sequence of numbers",
    ]


def test_aggregations(provide: Provide, way: dict[str, Any]) -> None:
    reader = InMemoryMetricReader()
    way["views"] = [
        View(instrument_name=name, aggregation=aggregation, **factory(way))
        for name, aggregation in {
            "sum": SumAggregation(),
            "last": LastValueAggregation(),
            "drop": DropAggregation(),
            "explicit": ExplicitBucketHistogramAggregation([1, 2.5], record_min_max=False),
            "exponential": ExponentialBucketHistogramAggregation(max_size=4),
        }.items()
    ]
    meter = provide(reader, **way).get_meter("m")
    for name in ("sum", "last", "drop", "explicit", "exponential", "advised"):
        histogram = meter.create_histogram(name, explicit_bucket_boundaries_advisory=[3])
        for amount in (1, 2, 4, 0):
            histogram.record(amount)
    data = collected(reader)
    assert list(data) == ["sum", "last", "explicit", "exponential", "advised"]
    assert values(data["sum"]) == {(): 7}
    assert values(data["last"]) == {(): 0}
    (point,) = data["explicit"].data_points
    assert (point.bucket_counts, point.explicit_bounds, point.count) == ((2, 1, 1), (1.0, 2.5), 4)
    assert (point.min, point.max) == (float("inf"), float("-inf"))
    (point,) = data["exponential"].data_points
    assert (point.scale, point.zero_count, point.count, point.flags) == (0, 1, 4, 0)
    assert (point.positive.offset, list(point.positive.bucket_counts)[:3]) == (-1, [1, 1, 1])
    (point,) = data["advised"].data_points
    assert (point.bucket_counts, point.explicit_bounds) == ((3, 1), (3.0,))


def test_a_python_aggregation_is_called(provide: Provide) -> None:
    made: list[Any] = []

    class Own(SumAggregation):
        def _create_aggregation(self, *arguments: Any) -> Any:
            made.append(arguments[1])
            return super()._create_aggregation(*arguments)

    reader = InMemoryMetricReader()
    provider = provide(reader, views=[View(instrument_name="c", aggregation=Own())])
    counter = provider.get_meter("m").create_counter("c")
    counter.add(2, {"a": 1})
    counter.add(3, {"a": 1})
    assert values(collected(reader)["c"]) == {(("a", 1),): 5}
    assert made == [None, {"a": 1}]


def test_a_match_of_a_subclass_is_asked_once_for_an_instrument(provide: Provide) -> None:
    asked: list[str] = []

    class Own(View):
        def _match(self, instrument: Any) -> bool:
            asked.append(instrument.name)
            return bool(instrument.name == "b")

    reader = InMemoryMetricReader()
    meter = provide(reader, views=[Own(instrument_name="*", aggregation=DropAggregation())]).get_meter("m")
    for name in ("a", "b", "a"):
        meter.create_counter(name).add(1)
    assert asked == ["a", "b"]
    assert {name: values(data) for name, data in collected(reader).items()} == {"a": {(): 2}}


def test_a_view_that_fails_loses_only_its_instrument(provide: Provide, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Aggregation):
        def _create_aggregation(self, *arguments: Any) -> Any:
            raise ValueError("broken")

    reader = InMemoryMetricReader()
    meter = provide(reader, views=[View(instrument_name="broken", aggregation=Broken())]).get_meter("m")
    broken, whole = meter.create_counter("broken"), meter.create_counter("whole")
    for _ in range(3):
        broken.add(1)
        whole.add(1)
    assert values(collected(reader)["whole"]) == {(): 3}
    (record,) = caplog.records
    assert record.exc_info is not None
    assert "streams cannot be made" in record.getMessage()


@pytest.mark.parametrize("place", ["view", "reader", "provider"])
def test_cardinality_limits(provide: Provide, way: dict[str, Any], place: str) -> None:
    reader = InMemoryMetricReader(cardinality_limit=3 if place == "reader" else None)
    if place == "view":
        way["views"] = [View(instrument_name="c", cardinality_limit=3, **factory(way))]
    if place == "provider":
        way["cardinality_limit"] = 3
    counter = provide(reader, **way).get_meter("m").create_counter("c")
    for _ in range(2):
        for number in range(10):
            counter.add(1, {"number": number})
    assert values(collected(reader)["c"]) == {
        (("number", 0),): 2,
        (("number", 1),): 2,
        (("number", 2),): 2,
        (("otel.metric.overflow", True),): 14,
    }


def test_the_default_limit_is_2000(provide: Provide) -> None:
    reader = InMemoryMetricReader()
    counter = provide(reader).get_meter("m").create_counter("c")
    for number in range(2500):
        counter.add(1, {"number": number})
    data = values(collected(reader)["c"])
    assert len(data) == 2001
    assert data[(("otel.metric.overflow", True),)] == 500


def test_a_delta_reader_makes_room_again(provide: Provide) -> None:
    from opentelemetry.sdk.metrics import Counter as SDKCounter

    reader = InMemoryMetricReader({SDKCounter: AggregationTemporality.DELTA}, cardinality_limit=4)
    counter = provide(reader).get_meter("m").create_counter("c")
    for collection in range(20):
        for number in range(4):
            counter.add(1, {"number": f"{collection} {number}"})
        collected(reader)
        # The second collection without them lets the series go.
        assert collected(reader) == {}
    counter.add(1, {"number": "last"})
    assert values(collected(reader)["c"]) == {(("number", "last"),): 1}


def test_histograms_of_observable_instruments_are_refused(provide: Provide, caplog: pytest.LogCaptureFixture) -> None:
    from opentelemetry.metrics import Observation

    reader = InMemoryMetricReader()
    provider = provide(reader, views=[View(instrument_name="o", aggregation=ExplicitBucketHistogramAggregation())])
    provider.get_meter("m").create_observable_gauge("o", [lambda options: [Observation(3)]])
    assert values(collected(reader)["o"]) == {(): 3}
    (record,) = caplog.records
    assert "will produce semantic errors when matched" in record.getMessage()


def test_conflicting_views_are_reported(provide: Provide, caplog: pytest.LogCaptureFixture) -> None:
    reader = InMemoryMetricReader()
    meter = provide(reader, views=[View(instrument_name="a", name="same"), View(instrument_name="b", name="same")])
    for name in ("a", "b"):
        meter.get_meter("m").create_counter(name).add(1)
    (record,) = caplog.records
    assert record.name == "opentelemetry.sdk.metrics._internal.metric_reader_storage"
    assert "will cause conflicting metrics identities" in record.getMessage()
