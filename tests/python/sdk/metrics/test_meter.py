"""What a meter and its instruments are called, and what readers and reservoirs are told of them."""

from __future__ import annotations

import threading
from typing import Any, Callable

import pytest

from opentelemetry import trace
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import AlwaysOnExemplarFilter, ExemplarReservoir, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.trace import TracerProvider

from .conftest import collected, values
from .test_readers import Keeping

Provide = Callable[..., MeterProvider]


def scopes(reader: InMemoryMetricReader) -> list[Any]:
    data = reader.get_metrics_data()
    assert data is not None
    return list(data.resource_metrics[0].scope_metrics)


def test_the_scope_is_that_of_the_meter(provide: Provide) -> None:
    reader = InMemoryMetricReader()
    provide(reader).get_meter("shop.orders", "1.2", "https://example.org/1", {"team": 7}).create_counter("c").add(1)
    (group,) = scopes(reader)
    scope = group.scope
    assert (scope.name, scope.version, scope.schema_url) == ("shop.orders", "1.2", "https://example.org/1")
    assert dict(scope.attributes) == {"team": 7}
    assert group.schema_url == "https://example.org/1"


def test_a_name_that_is_none_stays_with_the_meter(provide: Provide, caplog: pytest.LogCaptureFixture) -> None:
    meter = provide().get_meter("")
    assert meter.name == ""
    meter.create_counter("c").add(3)
    assert [record.getMessage() for record in caplog.records] == ["Meter name cannot be None or empty."]


def test_unit_and_description_reach_the_metric(provide: Provide) -> None:
    reader = InMemoryMetricReader()
    meter = provide(reader).get_meter("m")
    meter.create_counter("said", unit="By", description="Bytes that left").add(1)
    meter.create_counter("unsaid").add(1)
    (group,) = scopes(reader)
    assert [(metric.name, metric.unit, metric.description) for metric in group.metrics] == [
        ("said", "By", "Bytes that left"),
        ("unsaid", "", ""),
    ]


def test_a_description_may_be_long_and_of_any_characters(provide: Provide) -> None:
    # The specification: at least three bytes of UTF-8 a character, and at least 1023 characters.
    description = "größe 漢字 " * 200
    reader = InMemoryMetricReader()
    provide(reader).get_meter("m").create_counter("c", description=description).add(1)
    assert scopes(reader)[0].metrics[0].description == description


def test_every_observable_kind_reports_its_own_points(provide: Provide, way: dict[str, Any]) -> None:
    reader = InMemoryMetricReader()
    meter = provide(reader, **way).get_meter("m")
    meter.create_observable_counter("counter", [lambda options: [Observation(2, {"a": 1})]])
    meter.create_observable_up_down_counter("up_down", [lambda options: [Observation(-3)]])
    meter.create_observable_gauge("gauge", [lambda options: [Observation(-4.5)]])
    data = collected(reader)
    assert (values(data["counter"]), data["counter"].is_monotonic) == ({(("a", 1),): 2}, True)
    assert (values(data["up_down"]), data["up_down"].is_monotonic) == ({(): -3}, False)
    assert (values(data["gauge"]), type(data["gauge"]).__name__) == ({(): -4.5}, "Gauge")


def test_two_meters_may_have_instruments_of_one_name(provide: Provide, caplog: pytest.LogCaptureFixture) -> None:
    reader = InMemoryMetricReader()
    provider = provide(reader)
    provider.get_meter("first").create_counter("c").add(1)
    provider.get_meter("second").create_histogram("c").record(2)
    assert [(group.scope.name, group.metrics[0].name) for group in scopes(reader)] == [("first", "c"), ("second", "c")]
    assert not caplog.records


def test_many_threads_ask_for_meters(provide: Provide) -> None:
    reader = InMemoryMetricReader()
    provider = provide(reader)
    begin = threading.Barrier(4)

    def ask() -> None:
        begin.wait()
        for number in range(50):
            provider.get_meter(f"m{number}").create_counter("c").add(1)
            provider.force_flush()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [(group.scope.name, group.metrics[0].data.data_points[0].value) for group in scopes(reader)]
    assert sorted(found) == sorted((f"m{number}", 4) for number in range(50))


def test_a_reader_chooses_the_aggregation_of_a_kind(provide: Provide, way: dict[str, Any]) -> None:
    reader = InMemoryMetricReader(preferred_aggregation={Histogram: ExponentialBucketHistogramAggregation()})
    meter = provide(reader, **way).get_meter("m")
    meter.create_histogram("h").record(3)
    meter.create_counter("c").add(1)
    data = collected(reader)
    assert type(data["h"]).__name__ == "ExponentialHistogram"
    assert type(data["c"]).__name__ == "Sum"


def test_a_reservoir_is_offered_everything_of_a_measurement(provide: Provide) -> None:
    offered: list[Any] = []

    class Own(ExemplarReservoir):
        def __init__(self, **kwargs: Any) -> None:
            self.kwargs = kwargs

        def offer(self, *arguments: Any) -> None:
            offered.append(arguments)

        def collect(self, point_attributes: Any) -> list[Any]:
            return []

    reader = InMemoryMetricReader()
    views = [View(instrument_name="c", exemplar_reservoir_factory=lambda aggregation: Own)]
    counter = provide(reader, views=views, exemplar_filter=AlwaysOnExemplarFilter()).get_meter("m").create_counter("c")
    with TracerProvider(shutdown_on_exit=False).get_tracer("t").start_as_current_span("s") as span:
        counter.add(3, {"a": 1})
    ((value, time_unix_nano, attributes, context),) = offered
    assert (value, dict(attributes)) == (3, {"a": 1})
    assert span.start_time <= time_unix_nano <= span.end_time  # type: ignore[attr-defined]
    assert trace.get_current_span(context) is span


def test_the_timeout_of_an_export_by_variable(provide: Provide, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_METRIC_EXPORT_TIMEOUT", "1234")
    given: list[float] = []

    class Timed(Keeping):
        def export(self, metrics_data: Any, timeout_millis: float = 10_000, **kwargs: Any) -> Any:
            given.append(timeout_millis)
            return super().export(metrics_data)

    exporter = Timed()
    provide(PeriodicExportingMetricReader(exporter, export_interval_millis=5)).get_meter("m").create_counter("c").add(1)
    assert exporter.came.wait(10)
    assert given[0] == 1234
