"""Collections that are encoded and sent without Python objects, to a real receiver."""

from __future__ import annotations

import math
from typing import Any, Callable, Iterator

import pytest

from ferrotel import _native
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource

from .conftest import python_reservoirs

Provide = Callable[..., MeterProvider]


class EngineExporter(MetricExporter):
    """As the OTLP exporters: `export` is what the engine's exporter does, which a reader may feed directly."""

    def __init__(self, endpoint: str) -> None:
        super().__init__()
        self.client = _native.OtlpMetricExporter(
            protocol="http/protobuf", endpoint=f"{endpoint}/v1/metrics", headers=[], timeout=5, compression="none"
        )
        self.exported: list[MetricsData] = []

    def _engine_exporter(self) -> Any:
        return self.client

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        self.exported.append(metrics_data)
        assert self.client.export(metrics_data) is None
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        self.client.shutdown()


@pytest.fixture
def server() -> Iterator[Any]:
    with _native.ViewServer() as running:
        yield running


def measure(provider: MeterProvider) -> None:
    meter = provider.get_meter("meter", "1")
    counter = meter.create_counter("orders", unit="{order}")
    counter.add(2, {"country": "nl"})
    counter.add(3, {"country": "nl"})
    meter.create_histogram("duration").record(7)
    meter.create_observable_gauge("temperature", [lambda options: [Observation(21.5, {"room": 1})]])
    assert provider.force_flush()


def received(server: Any) -> dict[str, Any]:
    return {metric["name"]: metric for metric in server.metrics()}


def test_no_python_object_is_made(provide: Provide, server: Any) -> None:
    exporter = EngineExporter(server.http_endpoint)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=math.inf)
    measure(provide(reader, resource=Resource({"service.name": "shop"})))
    assert exporter.exported == []
    assert set(received(server)) == {"orders", "duration", "temperature"}


@pytest.mark.parametrize("way", ["reservoir", "producer", "reader"])
def test_what_python_has_a_say_in_gets_objects(provide: Provide, server: Any, way: str) -> None:
    seen: list[MetricsData] = []

    class Looking(PeriodicExportingMetricReader):
        def _receive_metrics(self, metrics_data: MetricsData, *arguments: Any, **kwargs: Any) -> None:
            seen.append(metrics_data)
            super()._receive_metrics(metrics_data, *arguments, **kwargs)

    class Producer:
        def produce(self, timeout_millis: float = 10_000) -> list[Any]:
            return []

    exporter = EngineExporter(server.http_endpoint)
    kind = Looking if way == "reader" else PeriodicExportingMetricReader
    producers: Any = [Producer()] if way == "producer" else []
    reader = kind(exporter, export_interval_millis=math.inf, metric_producers=producers)
    views = [View(instrument_name="orders", exemplar_reservoir_factory=python_reservoirs)] if way == "reservoir" else []
    measure(provide(reader, views=views))
    assert len(exporter.exported) == 1
    assert len(seen) == (way == "reader")
    assert set(received(server)) == {"orders", "duration", "temperature"}


def test_a_refusal_is_one_line_and_nothing_is_raised(provide: Provide, caplog: pytest.LogCaptureFixture) -> None:
    exporter = EngineExporter("http://127.0.0.1:9")
    exporter.client = _native.OtlpMetricExporter(
        protocol="http/protobuf", endpoint="http://127.0.0.1:9/v1/metrics", headers=[], timeout=0.2, compression="none"
    )
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=math.inf)
    provider = provide(reader)
    provider.get_meter("m").create_counter("c").add(1)
    assert provider.force_flush()
    assert any(record.levelname == "ERROR" for record in caplog.records)
    provider.shutdown()


def test_both_ways_send_the_same(provide: Provide, server: Any) -> None:
    sent = []
    for producers in ([], [type("Producer", (), {"produce": lambda self, timeout_millis: []})()]):
        exporter = EngineExporter(server.http_endpoint)
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=math.inf, metric_producers=producers)
        measure(provide(reader))
        found = received(server)
        sent.append({name: without_times(metric) for name, metric in found.items()})
        server.clear()
    assert sent[0] == sent[1]


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_times(each) for name, each in value.items() if "time" not in name and name != "resource"}
    return [without_times(each) for each in value] if isinstance(value, list) else value
