"""Readers, exporters and producers: what is collected, when, and what becomes of errors."""

from __future__ import annotations

import io
import json
import math
import os
import threading
import time
from typing import Any, Callable, Sequence

import pytest

from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import Counter, MeterProvider, MetricsTimeoutError
from opentelemetry.sdk.metrics import ObservableCounter as SDKObservableCounter
from opentelemetry.sdk.metrics._internal.export import MetricProducer
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ConsoleMetricExporter,
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
    MetricReader,
    MetricsData,
    PeriodicExportingMetricReader,
    ScopeMetrics,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from .conftest import collected, values

Provide = Callable[..., MeterProvider]
DELTA = {Counter: AggregationTemporality.DELTA, SDKObservableCounter: AggregationTemporality.DELTA}


class Keeping(MetricExporter):
    """Keeps what it is given."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.kept: list[MetricsData] = []
        self.calls: list[str] = []
        self.came = threading.Event()
        self.inside = 0

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        self.inside += 1
        assert self.inside == 1
        time.sleep(0.001)
        self.kept.append(metrics_data)
        self.inside -= 1
        self.came.set()
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        self.calls.append("force_flush")
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        self.calls.append("shutdown")


def test_delta_and_cumulative(provide: Provide, way: dict[str, Any]) -> None:
    delta, cumulative = InMemoryMetricReader(DELTA), InMemoryMetricReader()
    meter = provide(delta, cumulative, **way).get_meter("m")
    counter = meter.create_counter("c")
    total = [0]
    meter.create_observable_counter("o", [lambda options: [Observation(total[0])]])
    points = []
    for amount in (1, 2, 4):
        counter.add(amount)
        total[0] += 10 * amount
        data = collected(delta)
        points.append(data["c"].data_points[0])
        assert values(data["c"]) == {(): amount}
        assert values(data["o"]) == {(): 10 * amount}
        data = collected(cumulative)
        assert values(data["c"]) == {(): 2 * amount - 1}
        assert values(data["o"]) == {(): 10 * (2 * amount - 1)}
    assert points[0].time_unix_nano == points[1].start_time_unix_nano
    assert points[1].time_unix_nano == points[2].start_time_unix_nano
    assert "c" not in collected(delta)
    assert values(collected(cumulative)["c"]) == {(): 7}


def test_preferences_are_checked() -> None:
    with pytest.raises(Exception, match="Invalid temporality value found -1"):
        InMemoryMetricReader({Counter: -1})  # type: ignore[dict-item]
    with pytest.raises(Exception, match="Invalid instrument class found <class 'int'>"):
        InMemoryMetricReader({int: AggregationTemporality.DELTA})
    with pytest.raises(ValueError, match="cardinality_limit"):
        InMemoryMetricReader(cardinality_limit=0)


def test_readers_come_and_go(provide: Provide, way: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    first, second = InMemoryMetricReader(), InMemoryMetricReader()
    provider = provide(first, **way)
    counter = provider.get_meter("m").create_counter("c")
    counter.add(1)
    provider.add_metric_reader(second)
    counter.add(2)
    assert values(collected(second)["c"]) == {(): 2}
    provider.remove_metric_reader(first)
    counter.add(4)
    assert values(collected(second)["c"]) == {(): 6}
    assert not caplog.records
    provider.add_metric_reader(second)
    provider.remove_metric_reader(first)
    first.collect()
    assert [record.getMessage().partition("'")[0] for record in caplog.records] == [
        "MetricReader ",
        "MetricReader ",
        "Cannot call collect on a MetricReader until it is registered on a MeterProvider",
    ]


def test_a_reader_belongs_to_one_provider(provide: Provide) -> None:
    reader = InMemoryMetricReader()
    provide(reader)
    with pytest.raises(Exception, match="has been registered already in other MeterProvider instance"):
        MeterProvider(metric_readers=[reader], shutdown_on_exit=False)


def test_periodic_export(provide: Provide, way: dict[str, Any]) -> None:
    exporter = Keeping(preferred_temporality=DELTA)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=20)
    provider = provide(reader, resource=Resource({"service.name": "shop"}), **way)
    counter = provider.get_meter("m").create_counter("c")
    for _ in range(300):
        counter.add(1)
        time.sleep(0.0001)
    assert exporter.came.wait(10)
    assert provider.force_flush()
    counter.add(1)
    provider.shutdown()
    assert exporter.calls == ["force_flush", "shutdown"]
    points = [
        point
        for data in exporter.kept
        for point in data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
    ]
    assert sum(point.value for point in points) == 301  # type: ignore[union-attr]
    assert exporter.kept[0].resource_metrics[0].resource is provider._sdk_config.resource
    counter.add(1)
    assert not provider.get_meter("other").create_counter("c").enabled()


def test_settings_of_the_environment(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "1234.5")
    monkeypatch.setenv("OTEL_METRIC_EXPORT_TIMEOUT", "x")
    reader = PeriodicExportingMetricReader(Keeping())
    assert (reader._export_interval_millis, reader._export_timeout_millis) == (1234.5, 30000)
    reader.shutdown()
    assert caplog.records[0].getMessage() == "Found invalid value for export timeout, using default"
    assert caplog.records[0].name == "opentelemetry.sdk.metrics._internal.export"
    with pytest.raises(ValueError, match="needs to be larger than zero"):
        PeriodicExportingMetricReader(Keeping(), export_interval_millis=0)


def test_without_an_interval_there_is_no_thread(provide: Provide) -> None:
    exporter = Keeping()
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=math.inf)
    provider = provide(reader)
    provider.get_meter("m").create_counter("c").add(1)
    assert reader._daemon_thread is None
    reader.force_flush()
    assert len(exporter.kept) == 1


def test_an_exporter_that_raises_is_reported_and_asked_again(
    provide: Provide, caplog: pytest.LogCaptureFixture
) -> None:
    class Raising(Keeping):
        def export(self, *arguments: Any, **kwargs: Any) -> MetricExportResult:
            self.came.set()
            raise OSError("no network")

    exporter = Raising()
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=5)
    provide(reader).get_meter("m").create_counter("c").add(1)
    for _ in range(3):
        exporter.came.clear()
        assert exporter.came.wait(10)
    assert caplog.records[0].getMessage() == "Exception while exporting metrics"
    assert caplog.records[0].name == "opentelemetry.sdk.metrics._internal.export"


def test_nothing_is_instrumented_while_exporting(provide: Provide) -> None:
    from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, get_value

    seen: list[object] = []

    class Looking(Keeping):
        def export(self, *arguments: Any, **kwargs: Any) -> MetricExportResult:
            seen.append(get_value(_SUPPRESS_INSTRUMENTATION_KEY))
            return MetricExportResult.SUCCESS

    reader = PeriodicExportingMetricReader(Looking(), export_interval_millis=math.inf)
    provide(reader).get_meter("m").create_counter("c").add(1)
    reader.force_flush()
    assert seen == [True]
    assert get_value(_SUPPRESS_INSTRUMENTATION_KEY) is None


def test_the_console_shows_json(provide: Provide) -> None:
    out = io.StringIO()
    reader = PeriodicExportingMetricReader(ConsoleMetricExporter(out=out), export_interval_millis=math.inf)
    meter = provide(reader, resource=Resource({"a": b"\x01"})).get_meter("m", "1")
    meter.create_counter("c", unit="s").add(1, {"b": b"\x02", "nested": {"x": (1,)}})
    reader.force_flush()
    data = json.loads(out.getvalue())
    assert out.getvalue().endswith(f"}}{os.linesep}")
    assert list(data["resource_metrics"][0]) == ["resource", "scope_metrics", "schema_url"]
    metric = data["resource_metrics"][0]["scope_metrics"][0]["metrics"][0]
    assert list(metric) == ["name", "description", "unit", "data"]
    assert list(metric["data"]) == ["data_points", "aggregation_temporality", "is_monotonic"]
    (point,) = metric["data"]["data_points"]
    assert list(point) == ["attributes", "start_time_unix_nano", "time_unix_nano", "value", "exemplars"]
    assert point["attributes"] == {"b": "02", "nested": {"x": [1]}}


def test_a_reader_written_in_python(provide: Provide) -> None:
    class Own(MetricReader):
        got: Any = None

        def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:
            self.got = metrics_data

        def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
            raise ZeroDivisionError("cannot")

    reader = Own(preferred_temporality=DELTA)
    provider = provide(reader)
    provider.get_meter("m").create_counter("c").add(3)
    provider.force_flush()
    assert reader.got.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points[0].value == 3
    with pytest.raises(Exception, match=r"failed during shutdown:\nOwn: ZeroDivisionError\('cannot'\)"):
        provider.shutdown()


def test_producers(provide: Provide, caplog: pytest.LogCaptureFixture) -> None:
    class Bridge(MetricProducer):
        def produce(self, timeout_millis: float = 10_000) -> Sequence[ScopeMetrics]:
            return [ScopeMetrics(InstrumentationScope("bridge"), [], "")]

    class Broken(MetricProducer):
        def produce(self, timeout_millis: float = 10_000) -> Sequence[ScopeMetrics]:
            raise OSError("away")

    reader = InMemoryMetricReader(metric_producers=[Broken(), Bridge()])
    provider = provide(reader, resource=Resource({"a": 1}))
    data: Any = reader.get_metrics_data()
    assert data.resource_metrics[0].resource is provider._sdk_config.resource
    assert [scope.scope.name for scope in data.resource_metrics[0].scope_metrics] == ["bridge"]
    provider.get_meter("own").create_counter("c").add(1)
    data = reader.get_metrics_data()
    assert [scope.scope.name for scope in data.resource_metrics[0].scope_metrics] == ["own", "bridge"]
    assert {record.getMessage() for record in caplog.records} == {"Metric producer Broken failed"}


def test_flushing_names_the_readers_that_fail(provide: Provide) -> None:
    reader = InMemoryMetricReader()
    provider = provide(reader)
    provider.get_meter("m").create_observable_gauge("g", [lambda options: time.sleep(0.05) or []])
    with pytest.raises(
        Exception, match="MeterProvider.force_flush failed because the following metric readers"
    ) as caught:
        provider.force_flush(timeout_millis=10)
    assert "InMemoryMetricReader: MetricsTimeoutError('Timed out while executing callback')" in str(caught.value)
    with pytest.raises(MetricsTimeoutError):
        reader.collect(timeout_millis=10)


def test_callbacks_are_told_how_long_they_may_take(provide: Provide) -> None:
    told: list[float] = []

    def observe(options: CallbackOptions) -> list[Observation]:
        told.append(options.timeout_millis)
        return []

    reader = InMemoryMetricReader()
    provide(reader).get_meter("m").create_observable_gauge("g", [observe])
    reader.collect()
    reader.collect(timeout_millis=500)
    assert 9_000 < told[0] <= 10_000
    assert 0 < told[1] <= 500


def test_the_sdk_measures_its_collections(provide: Provide, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    reader = InMemoryMetricReader()
    provide(reader)
    reader.collect()
    (point,) = collected(reader)["otel.sdk.metric_reader.collection.duration"].data_points
    assert point.count == 1
    assert point.attributes["otel.component.type"] == "InMemoryMetricReader"
    assert point.attributes["otel.component.name"].startswith("InMemoryMetricReader/")
