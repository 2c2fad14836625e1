"""A provider with a reader to look into, made so that the engine does the work, or Python does."""

from __future__ import annotations

from typing import Any, Callable, Iterator

import pytest

from opentelemetry.sdk.metrics import MeterProvider, TraceBasedExemplarFilter
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import View


class PythonFilter(TraceBasedExemplarFilter):
    """The default one, but written in Python: every measurement takes the way through Python."""


def python_reservoirs(aggregation: type) -> Any:
    """The default reservoirs, but from a factory of a program's own: Python aggregates."""
    from opentelemetry.sdk.metrics._internal.view import _default_reservoir_factory

    return _default_reservoir_factory(aggregation)


WAYS: dict[str, Callable[[], dict[str, Any]]] = {
    "engine": dict,
    "python measures": lambda: {"exemplar_filter": PythonFilter()},
    "python aggregates": lambda: {
        "views": [View(instrument_name="*", exemplar_reservoir_factory=python_reservoirs)],
    },
}


@pytest.fixture(params=list(WAYS))
def way(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Arguments for a provider, one after the other of the ways that a measurement may take."""
    return WAYS[request.param]()


@pytest.fixture
def provide() -> Iterator[Callable[..., MeterProvider]]:
    """Makes providers that are shut down afterwards."""
    made: list[MeterProvider] = []

    def make(*readers: Any, **arguments: Any) -> MeterProvider:
        made.append(MeterProvider(metric_readers=readers, shutdown_on_exit=False, **arguments))
        return made[-1]

    yield make
    for provider in made:
        if not provider._shutdown:
            provider.shutdown()


def collected(reader: InMemoryMetricReader) -> dict[str, Any]:
    """The data of one collection, by the metrics' names."""
    data = reader.get_metrics_data()
    if data is None:
        return {}
    return {
        metric.name: metric.data
        for resource_metrics in data.resource_metrics
        for scope_metrics in resource_metrics.scope_metrics
        for metric in scope_metrics.metrics
    }


def values(data: Any) -> dict[Any, Any]:
    """The values of a sum or gauge, by sorted attributes."""
    return {tuple(sorted(point.attributes.items())): point.value for point in data.data_points}
