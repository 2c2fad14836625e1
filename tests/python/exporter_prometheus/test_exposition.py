"""The two text formats, against the parsers and the writers of `prometheus_client`."""

from __future__ import annotations

import math
from typing import Any

import prometheus_client.core as client
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.exposition import generate_latest as client_text
from prometheus_client.openmetrics.exposition import generate_latest as client_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from opentelemetry.exporter.prometheus import _metric_families as own
from opentelemetry.exporter.prometheus._exposition import (
    OPENMETRICS,
    TEXT,
    choose_encoder,
    generate_latest,
    generate_openmetrics,
)

FAMILIES = ["CounterMetricFamily", "GaugeMetricFamily", "HistogramMetricFamily", "InfoMetricFamily"]
# What a line ends with for a reader is not only \n for Python's splitlines: \x85 and the like must survive too.
TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=12)
NUMBERS = st.one_of(st.floats(), st.integers(-(2**60), 2**60))


class Registry:
    def __init__(self, *families: Any) -> None:
        self.families = families

    def collect(self) -> Any:
        return self.families


def sample_pages(kind: str, help_text: str, labels: dict[str, str], value: float, exemplar: bool) -> list[Registry]:
    """The same family, made of the client's classes and of ours."""
    registries = []
    for module in (client, own):
        arguments = {} if kind.startswith("Info") else {"unit": "seconds"}
        family = getattr(module, kind)("some_name", help_text, **arguments)
        suffix = {"C": "_total", "G": "", "H": "_bucket", "I": "_info"}[kind[0]]
        extra = {"le": "+Inf"} if kind[0] == "H" else {}
        example = module.Exemplar({"trace_id": "ab"}, 1.5, 1_700_000_000.25) if exemplar and kind[0] in "CH" else None  # type: ignore[attr-defined]
        family.add_sample(family.name + suffix, {**labels, **extra}, value, exemplar=example)
        registries.append(Registry(family))
    return registries


@given(
    kind=st.sampled_from(FAMILIES),
    help_text=TEXTS,
    value=NUMBERS,
    exemplar=st.booleans(),
    labels=st.dictionaries(st.sampled_from(["a", "b_c", "Z9"]), TEXTS),
)
def test_pages_are_those_of_the_client(
    kind: str, help_text: str, labels: dict[str, str], value: float, exemplar: bool
) -> None:
    theirs, ours = sample_pages(kind, help_text, labels, value, exemplar)
    assert generate_latest(ours) == client_text(theirs)
    assert generate_openmetrics(ours) == client_openmetrics(theirs)


@given(help_text=TEXTS, value=NUMBERS, labels=st.dictionaries(st.sampled_from(["a", "b_c", "Z9"]), TEXTS))
def test_strict_parsers_read_back_what_was_written(help_text: str, labels: dict[str, str], value: float) -> None:
    family = own.GaugeMetricFamily("some_name", help_text, unit="seconds")
    family.add_sample("some_name_seconds", labels, value)
    for page, parse in ((generate_latest, parse_text), (generate_openmetrics, parse_openmetrics)):
        (read,) = parse(page(Registry(family)).decode())
        (sample,) = read.samples
        assert sample.labels == labels and (sample.value == float(value) or math.isnan(value))
        # The client's parser of the old format strips the text.
        assert read.documentation.strip() == help_text.strip() and read.type == "gauge"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.0"),
        (-0.0, "-0.0"),
        (3, "3.0"),
        (999999, "999999.0"),
        (1000000, "1e+06"),
        (1234567.5, "1.2345675e+06"),
        (-1234567.5, "-1234567.5"),
        (1e16, "1e+16"),
        (5e-324, "5e-324"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
        (2**63, "9.223372036854776e+18"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    family = own.GaugeMetricFamily("n", "")
    family.add_sample("n", {}, value)
    assert generate_latest(Registry(family)).decode().splitlines()[-1] == f"n {text}"


PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, TEXT),
        ("", TEXT),
        ("*/*", TEXT),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TEXT),
        (PROMETHEUS_2, OPENMETRICS),
        (PROMETHEUS_3, OPENMETRICS),
        ("application/openmetrics-text", OPENMETRICS),
        ('Application/OpenMetrics-Text; Version="1.0.0"; charset=utf-8', OPENMETRICS),
        ("application/openmetrics-text;version=0.0.1", TEXT),
        ("application/openmetrics-text;version=2.0.0", TEXT),
        ("application/openmetrics-text;q=0", TEXT),
        ("application/openmetrics-text;q=nonsense,,;;=", TEXT),
        ("application/openmetrics-text;q=0.2,text/plain;q=0.3", TEXT),
        ("text/plain;q=0.2,application/openmetrics-text;q=0.3", OPENMETRICS),
        (
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,text/plain;q=0.1",
            TEXT,
        ),
    ],
)
def test_content_negotiation(accept: Any, content_type: str) -> None:
    encode, found = choose_encoder(accept)
    assert found == content_type
    assert encode(Registry()) == (b"# EOF\n" if content_type == OPENMETRICS else b"")


def test_a_lone_surrogate_in_a_description() -> None:
    assert b"a?b" in generate_latest(Registry(own.GaugeMetricFamily("n", "a\ud800b")))


def test_families() -> None:
    one, other = own.CounterMetricFamily("x_total", "d", unit="s"), own.CounterMetricFamily("x", "d", unit="s")
    assert one.name == "x_s" and one == other and "x_s" in repr(one) and one != "x_s"
    other.add_sample("x_s_total", {}, 1)
    assert one != other
    with pytest.raises(ValueError, match="without a name"):
        own.GaugeMetricFamily("", "")


def test_the_registry(exporter: Any) -> None:
    registry = exporter.CollectorRegistry()
    collector = Registry(own.GaugeMetricFamily("n", ""))
    registry.register(collector)
    assert [family.name for family in registry.collect()] == ["n"]
    registry.unregister(collector)
    assert list(registry.collect()) == []
    with pytest.raises(KeyError):
        registry.unregister(collector)


def test_our_registry_takes_a_collector_once() -> None:
    from opentelemetry.exporter.prometheus._registry import CollectorRegistry

    registry, collector = CollectorRegistry(), Registry()
    registry.register(collector)
    with pytest.raises(ValueError, match="registered already"):
        registry.register(collector)
