"""Meters, instruments, and where their values go."""

from __future__ import annotations

import json
import time
from typing import Any, Callable, Iterator

import pytest

from opentelemetry import metrics
from opentelemetry.metrics import _internal
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.util._once import Once


@pytest.fixture(autouse=True)
def fresh_meter_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_internal, "_METER_PROVIDER_SET_ONCE", Once())
    monkeypatch.setattr(_internal, "_METER_PROVIDER", None)


@pytest.fixture
def reader() -> InMemoryMetricReader:
    return InMemoryMetricReader()


@pytest.fixture
def meter(reader: InMemoryMetricReader) -> Iterator[Any]:
    """As "MeterProvider and Meter" in the document, with a reader to look into."""
    resource = Resource.create({"service.name": "my-service"})
    provider = MeterProvider(resource=resource, metric_readers=[reader])
    metrics.set_meter_provider(provider)

    yield metrics.get_meter("my.module.name", "1.0.0")
    provider.shutdown()


def points(reader: InMemoryMetricReader, name: str) -> list[Any]:
    data: Any = reader.get_metrics_data()
    (scope,) = data.resource_metrics[0].scope_metrics
    (metric,) = [metric for metric in scope.metrics if metric.name == name]
    return list(metric.data.data_points)


def test_meter_provider_and_meter(meter: Any, reader: InMemoryMetricReader) -> None:
    meter.create_counter("c").add(1)
    data: Any = reader.get_metrics_data()
    assert data.resource_metrics[0].resource.attributes["service.name"] == "my-service"
    scope = data.resource_metrics[0].scope_metrics[0].scope
    assert (scope.name, scope.version) == ("my.module.name", "1.0.0")


def test_counter(meter: Any, reader: InMemoryMetricReader) -> None:
    request_counter = meter.create_counter(
        name="http.requests",
        description="Total HTTP requests",
        unit="1",
    )

    request_counter.add(1, {"http.method": "GET", "http.route": "/api/users"})

    request_counter.add(1, {"http.route": "/api/users", "http.method": "GET"})
    (point,) = points(reader, "http.requests")
    assert (point.attributes, point.value) == ({"http.method": "GET", "http.route": "/api/users"}, 2)


def test_up_down_counter(meter: Any, reader: InMemoryMetricReader) -> None:
    active_connections = meter.create_up_down_counter(
        name="db.connections.active",
        description="Active database connections",
    )

    active_connections.add(1)  # Connection opened
    assert points(reader, "db.connections.active")[0].value == 1
    active_connections.add(-1)  # Connection closed
    assert points(reader, "db.connections.active")[0].value == 0


def test_histogram(meter: Any, reader: InMemoryMetricReader) -> None:
    def handle_request() -> None:
        time.sleep(0.006)

    latency_histogram = meter.create_histogram(
        name="http.request.duration",
        description="HTTP request latency",
        unit="ms",
    )

    start = time.monotonic()
    handle_request()
    duration = (time.monotonic() - start) * 1000
    latency_histogram.record(duration, {"http.method": "GET", "http.route": "/api"})

    (point,) = points(reader, "http.request.duration")
    assert (point.count, point.sum, point.min, point.max) == (1, duration, duration, duration)
    # More than five milliseconds.
    assert point.bucket_counts[:2] == (0, 0)


def test_observable_gauge(meter: Any, reader: InMemoryMetricReader) -> None:
    usage = iter([12.5, 80.0])

    def cpu_usage_callback(options: Any) -> Any:
        yield metrics.Observation(next(usage), {"cpu": "total"})

    meter.create_observable_gauge(
        name="system.cpu.usage",
        description="CPU usage percentage",
        unit="%",
        callbacks=[cpu_usage_callback],
    )
    for expected in (12.5, 80.0):
        (point,) = points(reader, "system.cpu.usage")
        assert (point.attributes, point.value) == ({"cpu": "total"}, expected)


def test_observable_counter(meter: Any, reader: InMemoryMetricReader) -> None:
    def get_total_request_count() -> int:
        return 42

    def total_requests_callback(options: Any) -> Any:
        yield metrics.Observation(get_total_request_count(), {})

    meter.create_observable_counter(
        name="http.requests.total",
        description="Total requests from external counter",
        callbacks=[total_requests_callback],
    )
    assert [point.value for point in points(reader, "http.requests.total")] == [42]
    assert [point.value for point in points(reader, "http.requests.total")] == [42]


def test_custom_metrics_with_histograms_and_counters(start: Callable[..., Any]) -> None:
    out, error = start("custom_metrics").finish()
    assert error == ""
    (of_resource,) = json.loads(out)["resource_metrics"]
    assert of_resource["resource"]["attributes"]["service.name"] == "metrics-demo"
    (of_scope,) = of_resource["scope_metrics"]
    assert of_scope["scope"]["name"] == "__main__"
    found = {metric["name"]: metric["data"]["data_points"] for metric in of_scope["metrics"]}
    assert list(found) == ["app.request.count", "app.users.active", "app.request.duration_ms"]
    get, put = {"method": "GET", "route": "/"}, {"method": "PUT", "route": "/orders"}
    assert [(point["attributes"], point["value"]) for point in found["app.request.count"]] == [(get, 3), (put, 1)]
    assert [(point["attributes"], point["value"]) for point in found["app.users.active"]] == [({}, 0)]
    assert [(point["attributes"], point["count"]) for point in found["app.request.duration_ms"]] == [(get, 3), (put, 1)]
    assert all(point["min"] >= 1 for point in found["app.request.duration_ms"])
