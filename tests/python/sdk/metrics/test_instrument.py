"""Instruments: what they take, what they refuse, and where it goes."""

from __future__ import annotations

import gc
import weakref
from decimal import Decimal
from fractions import Fraction
from typing import Any, Callable
from unittest.mock import Mock, patch

import pytest

from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider, UpDownCounter, _Gauge
from opentelemetry.sdk.metrics._internal.instrument import _Counter
from opentelemetry.sdk.metrics._internal.measurement import Measurement
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader

from .conftest import collected, values

LOGGER = "opentelemetry.sdk.metrics._internal.instrument"
Provide = Callable[..., MeterProvider]


def test_every_kind_reports_its_own_points(provide: Provide, way: dict[str, Any]) -> None:
    reader = InMemoryMetricReader()
    meter = provide(reader, **way).get_meter("meter")
    meter.create_counter("Requests", unit="{request}", description="Served").add(2, {"route": "/"})
    meter.create_up_down_counter("active").add(-3)
    meter.create_histogram("duration").record(7)
    meter.create_gauge("temperature").set(-4.5)
    data = collected(reader)
    assert list(data) == ["requests", "active", "duration", "temperature"]
    assert values(data["requests"]) == {(("route", "/"),): 2}
    assert data["requests"].is_monotonic
    assert values(data["active"]) == {(): -3}
    assert not data["active"].is_monotonic
    (point,) = data["duration"].data_points
    assert (point.count, point.sum, point.min, point.max) == (1, 7, 7, 7)
    assert point.bucket_counts == (0, 0, 1, *[0] * 13)
    assert point.explicit_bounds[:3] == (0.0, 5.0, 10.0)
    (point,) = data["temperature"].data_points
    assert (point.value, point.start_time_unix_nano, point.exemplars) == (-4.5, None, [])
    metric = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics[0]  # type: ignore[union-attr]
    assert (metric.name, metric.unit, metric.description) == ("requests", "{request}", "Served")
    assert metric.data.aggregation_temporality is AggregationTemporality.CUMULATIVE  # type: ignore[union-attr]


def test_attributes_are_told_apart_by_value_and_type_and_not_by_order(provide: Provide, way: dict[str, Any]) -> None:
    reader = InMemoryMetricReader()
    counter = provide(reader, **way).get_meter("m").create_counter("c")
    for _ in range(2):
        counter.add(1, {"a": 1, "b": "x" + str(0)})
        counter.add(1, {"b": "".join(["x", "0"]), "a": int("1")})
        counter.add(1, {"a": True, "b": "x0"})
        counter.add(1, {"a": 1.0, "b": "x0"})
        counter.add(1, {"a": "1", "b": "x0"})
        counter.add(1, {"a": None, "b": "x0"})
        counter.add(1, {"a": (1, 2)})
        counter.add(1, {"a": [1, 2]})
        counter.add(1, {"a": {"b": 1}})
        counter.add(1, {})
        counter.add(1)
        counter.add(1, attributes=None)
    points = collected(reader)["c"].data_points
    assert [(point.attributes, type(point.attributes.get("a")), point.value) for point in points] == [
        ({"a": 1, "b": "x0"}, int, 4),
        ({"a": True, "b": "x0"}, bool, 2),
        ({"a": 1.0, "b": "x0"}, float, 2),
        ({"a": "1", "b": "x0"}, str, 2),
        ({"a": None, "b": "x0"}, type(None), 2),
        ({"a": (1, 2)}, tuple, 4),
        ({"a": {"b": 1}}, dict, 2),
        ({}, type(None), 6),
    ]


def test_attributes_may_be_changed_afterwards(provide: Provide, way: dict[str, Any]) -> None:
    reader = InMemoryMetricReader()
    counter = provide(reader, **way).get_meter("m").create_counter("c")
    attributes: dict[str, Any] = {"route": "a"}
    counter.add(1, attributes)
    attributes["route"] = "b"
    counter.add(2, attributes)
    attributes["method"] = "GET"
    counter.add(4, attributes)
    attributes.clear()
    counter.add(8, attributes)
    assert values(collected(reader)["c"]) == {
        (("route", "a"),): 1,
        (("route", "b"),): 2,
        (("method", "GET"), ("route", "b")): 4,
        (): 8,
    }


@pytest.mark.parametrize(
    "amount, expected",
    [
        (True, 1),
        (2**62, 2**62),
        (2**64 + 1, 2**64 + 1),
        (0.1, 0.1),
        (Decimal("1.5"), 1.5),
        (Fraction(3, 4), 0.75),
        (type("Float", (float,), {})(2.5), 2.5),
        (type("Int", (int,), {})(7), 7),
        (type("Index", (), {"__index__": lambda self: 9, "__lt__": lambda self, other: False})(), 9),
    ],
)
def test_amounts(provide: Provide, amount: Any, expected: Any) -> None:
    reader = InMemoryMetricReader()
    counter = provide(reader).get_meter("m").create_counter("c")
    counter.add(amount)
    assert values(collected(reader)["c"]) == {(): expected}
    counter.add(amount)
    assert values(collected(reader)["c"]) == {(): 2 * expected}


def test_sums_of_whole_numbers_are_exact(provide: Provide, way: dict[str, Any]) -> None:
    reader = InMemoryMetricReader()
    counter = provide(reader, **way).get_meter("m").create_up_down_counter("c")
    for amount in (2**63 - 1, 2**63 - 1, 5, -(2**70)):
        counter.add(amount)
    assert values(collected(reader)["c"]) == {(): 2 * (2**63 - 1) + 5 - 2**70}
    counter.add(0.5)
    assert isinstance(values(collected(reader)["c"])[()], float)


def test_what_is_refused_is_reported_and_not_measured(
    provide: Provide, way: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    reader = InMemoryMetricReader()
    meter = provide(reader, **way).get_meter("m")
    counter, histogram = meter.create_counter("c"), meter.create_histogram("h")
    meter.create_up_down_counter("u").add(float("nan"))
    meter.create_gauge("g").set(float("-inf"))
    counter.add(-1)
    counter.add(float("inf"))
    histogram.record(-0.5)
    histogram.record(float("nan"))
    assert collected(reader) == {}
    assert [(record.name, record.levelname, record.getMessage()) for record in caplog.records] == [
        (LOGGER, "WARNING", message)
        for message in (
            "Add amount nan is not finite on UpDownCounter u, ignoring measurement.",
            "Set amount -inf is not finite on Gauge g, ignoring measurement.",
            "Add amount must be non-negative on Counter c.",
            "Add amount inf is not finite on Counter c, ignoring measurement.",
            "Record amount must be non-negative on Histogram h.",
            "Record amount nan is not finite on Histogram h, ignoring measurement.",
        )
    ]


def test_a_zero_is_measured(provide: Provide, way: dict[str, Any]) -> None:
    reader = InMemoryMetricReader()
    provide(reader, **way).get_meter("m").create_counter("c").add(0)
    assert values(collected(reader)["c"]) == {(): 0}


def test_a_consumer_of_somebody_elses_gets_measurements() -> None:
    consumer = Mock()
    counter = _Counter("Name", Mock(), consumer, "unit", "description")
    assert (counter.name, counter.unit, counter.description) == ("name", "unit", "description")
    counter.add(1.5, {"a": [1]}, None)
    ((measurement,), _) = consumer.consume_measurement.call_args
    assert isinstance(measurement, Measurement)
    assert (measurement.value, measurement.instrument, measurement.attributes) == (1.5, counter, {"a": (1,)})
    other = counter._measurement_consumer = Mock()
    counter.add(2)
    assert consumer.consume_measurement.call_count == other.consume_measurement.call_count == 1


def test_a_replaced_consume_measurement_is_called(provide: Provide) -> None:
    reader = InMemoryMetricReader()
    provider = provide(reader)
    counter = provider.get_meter("m").create_counter("c")
    with patch.object(provider._measurement_consumer, "consume_measurement") as consume:
        counter.add(1)
    consume.assert_called_once()


def test_replaced_methods_of_the_public_class_are_called(provide: Provide) -> None:
    counter = provide(InMemoryMetricReader()).get_meter("m").create_counter("c")
    with patch.object(Counter, "add") as add:
        counter.add(3)
    add.assert_called_once_with(3)


def test_subclasses_are_real(provide: Provide) -> None:
    class Doubling(_Counter):
        def add(self, amount: Any, attributes: Any = None, context: Any = None) -> None:
            super().add(2 * amount, attributes, context)

    class Silent(_Counter):
        def _is_enabled(self) -> bool:
            return False

    reader = InMemoryMetricReader()
    provider = provide(reader)
    meter: Any = provider.get_meter("m")
    doubling = Doubling("doubling", meter._instrumentation_scope, provider._measurement_consumer)
    silent = Silent("silent", meter._instrumentation_scope, provider._measurement_consumer)
    for cls in (Doubling, Silent):
        reader._instrument_class_temporality[cls] = AggregationTemporality.CUMULATIVE
        reader._instrument_class_aggregation[cls] = reader._instrument_class_aggregation[_Counter]
    doubling.add(2)
    silent.add(2)
    assert {name: values(data) for name, data in collected(reader).items()} == {"doubling": {(): 4}}


@pytest.mark.parametrize("kind", [Counter, UpDownCounter, Histogram, _Gauge])
def test_only_meters_make_instruments(kind: Any) -> None:
    with pytest.raises(TypeError, match="must be instantiated via a meter"):
        kind("name", Mock(), Mock())


@pytest.mark.parametrize("name, unit", [("", ""), ("1", ""), ("a b", ""), ("x" * 256, ""), ("x", "é"), ("x", "u" * 64)])
def test_bad_names_and_units(provide: Provide, name: str, unit: str) -> None:
    with pytest.raises(Exception, match="Expected ASCII string of maximum length"):
        provide().get_meter("m").create_counter(name, unit=unit)


def test_the_same_instrument_is_made_once(provide: Provide, caplog: pytest.LogCaptureFixture) -> None:
    meter = provide().get_meter("m")
    assert meter.create_counter("c") is meter.create_counter("C")
    assert meter.create_counter("c", unit="s") is not meter.create_counter("c")
    assert not caplog.records
    first = meter.create_histogram("h", explicit_bucket_boundaries_advisory=[1, 2])
    assert meter.create_histogram("h", explicit_bucket_boundaries_advisory=[1, 3]) is first
    (record,) = caplog.records
    assert record.name == "opentelemetry.metrics._internal"
    assert "different advisory value [1, 2]" in record.getMessage()


def test_enabled(provide: Provide) -> None:
    from opentelemetry.sdk.metrics._internal import _disable_meter_configurator, _MeterConfig
    from opentelemetry.sdk.metrics.view import DropAggregation, View

    reader = InMemoryMetricReader()
    provider = provide(reader, views=[View(instrument_name="dropped", aggregation=DropAggregation())])
    meter = provider.get_meter("m")
    counter, dropped = meter.create_counter("kept"), meter.create_counter("dropped")
    assert counter.enabled()
    assert not dropped.enabled()
    dropped.add(1)
    counter.add(1)
    provider._set_meter_configurator(meter_configurator=_disable_meter_configurator)
    assert not counter.enabled()
    counter.add(2)
    config = _MeterConfig(is_enabled=True)
    provider._set_meter_configurator(meter_configurator=lambda scope: config)
    counter.add(4)
    config.is_enabled = False
    counter.add(8)
    config.is_enabled = True
    counter.add(16)
    assert {name: values(data) for name, data in collected(reader).items()} == {"kept": {(): 21}}
    assert not provide().get_meter("m").create_counter("c").enabled()


def test_bound_instruments(provide: Provide, way: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    reader = InMemoryMetricReader()
    provider = provide(reader, **way)
    meter = provider.get_meter("m")
    attributes = {"route": "/"}
    counter = meter.create_counter("c")
    bound = counter.bind(attributes)
    changes = meter.create_up_down_counter("u").bind(None)
    histogram = meter.create_histogram("h").bind({"a": [1]})
    gauge = meter.create_gauge("g").bind({})
    attributes["route"] = "changed"
    bound.add(1)
    bound.add(amount=2)
    bound.add(-1)
    counter.add(4, {"route": "/"})
    changes.add(-5)
    histogram.record(6)
    gauge.set(7)
    data = collected(reader)
    assert values(data["c"]) == {(("route", "/"),): 7}
    assert values(data["u"]) == {(): -5}
    (point,) = data["h"].data_points
    assert (point.attributes, point.sum) == ({"a": (1,)}, 6)
    assert values(data["g"]) == {(): 7}
    assert [record.getMessage() for record in caplog.records] == ["Add amount must be non-negative on Counter c."]
    second = InMemoryMetricReader()
    provider.add_metric_reader(second)
    bound.add(8)
    assert values(collected(reader)["c"]) == {(("route", "/"),): 15}
    assert values(collected(second)["c"]) == {(("route", "/"),): 8}


def test_instruments_are_let_go_of(provide: Provide) -> None:
    provider = MeterProvider(metric_readers=[InMemoryMetricReader()], shutdown_on_exit=False)
    counter = provider.get_meter("m").create_counter("c")
    bound = counter.bind({"a": 1})
    counter.add(1, {"some": "value"})
    bound.add(1)
    gone = weakref.ref(counter)
    del counter, bound, provider
    gc.collect()
    assert gone() is None
