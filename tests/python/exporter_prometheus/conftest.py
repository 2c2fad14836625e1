"""The exporter in both of its lives: with `prometheus_client`, and where that is not installed."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any, Callable, Dict, FrozenSet, Iterator, Tuple

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource

PACKAGE = "opentelemetry.exporter.prometheus"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
Series = Dict[Tuple[str, FrozenSet[Tuple[str, str]]], float]


def import_without_client(patch: pytest.MonkeyPatch) -> ModuleType:
    """The package, imported anew as where there is no `prometheus_client`."""
    for name in [name for name in sys.modules if name.split(".")[0] == "prometheus_client" or name.startswith(PACKAGE)]:
        patch.delitem(sys.modules, name)
    patch.setitem(sys.modules, "prometheus_client", None)
    parent = importlib.import_module("opentelemetry.exporter")
    patch.setattr(parent, "prometheus", None, raising=False)
    return importlib.import_module(PACKAGE)


@pytest.fixture(params=["client", "own"])
def exporter(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The package."""
    if request.param == "client":
        yield importlib.import_module(PACKAGE)
        return
    with pytest.MonkeyPatch.context() as patch:
        module = import_without_client(patch)
        assert module.CollectorRegistry.__module__ == f"{PACKAGE}._registry"
        yield module


class Scraped:
    """A provider whose metrics are in a registry of their own, and what its page says."""

    def __init__(self, exporter: Any, **reader: Any) -> None:
        resource = reader.pop("resource", Resource({"service.name": "shop"}))
        views = reader.pop("views", ())
        self.exporter = exporter
        self.registry = exporter.CollectorRegistry()
        self.reader = exporter.PrometheusMetricReader(registry=self.registry, **reader)
        self.provider = MeterProvider([self.reader], resource=resource, views=views, shutdown_on_exit=False)
        self.meter = self.provider.get_meter("lib", "1.0")

    def text(self) -> str:
        """The page in the text format."""
        page: bytes = self.exporter.generate_latest(self.registry)
        return page.decode()

    def openmetrics(self) -> str:
        """The page in OpenMetrics."""
        client = sys.modules[f"{PACKAGE}._client"]
        encode, content_type = client.choose_encoder(OPENMETRICS)  # type: ignore[attr-defined]
        assert content_type.startswith("application/openmetrics-text")
        page: bytes = encode(self.registry)
        return page.decode()

    def lines(self, start: str) -> list[str]:
        """The lines of the text page that begin so."""
        return [line for line in self.text().splitlines() if line.startswith(start)]

    def series(self) -> Series:
        """What a strict reader understands, without scope labels: the same from both formats."""
        return series(self.text(), parse_text)


def series(page: str, parse: Any) -> Series:
    """The samples of a page, each with its labels that are not of the scope."""
    return {
        (
            sample.name,
            frozenset(item for item in sample.labels.items() if not item[0].startswith("otel_scope_")),
        ): sample.value
        for family in parse(page)
        for sample in family.samples
    }


Scrape = Callable[..., Scraped]


@pytest.fixture
def scraped(exporter: Any) -> Iterator[Scrape]:
    """Makes a provider with a reader; checks at the end that strict parsers take its page."""
    made: list[Scraped] = []

    def make(**reader: Any) -> Scraped:
        made.append(Scraped(exporter, **reader))
        return made[-1]

    yield make
    for one in made:
        text = series(one.text(), parse_text)
        assert series(one.openmetrics(), parse_openmetrics) == text
        one.provider.shutdown()
