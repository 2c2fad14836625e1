"""How much a span holds."""

from __future__ import annotations

from typing import Any

import pytest

from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.trace import Link, SpanContext

LINK = SpanContext(1, 2, False)


def span_with(**limits: Any) -> Any:
    provider = TracerProvider(shutdown_on_exit=False, span_limits=SpanLimits(**limits))
    links = [Link(LINK, {"a": 1, "b": 2, "c": "long"}) for _ in range(3)]
    span = provider.get_tracer("t").start_span("n", attributes={"a": 1, "b": "longer"}, links=links)
    span.set_attribute("c", ["longest", b"longest", {"k": "longest"}])
    for i in range(3):
        span.add_event("e", {"a": i, "b": "text", "c": 3})
    return span


def test_the_defaults() -> None:
    limits = SpanLimits()
    assert (limits.max_span_attributes, limits.max_event_attributes, limits.max_link_attributes) == (128, 128, 128)
    assert (limits.max_events, limits.max_links) == (128, 128)
    assert (limits.max_attribute_length, limits.max_span_attribute_length) == (None, None)


def test_counts() -> None:
    span = span_with(max_span_attributes=2, max_events=1, max_links=2, max_event_attributes=1, max_link_attributes=2)
    assert list(span.attributes) == ["b", "c"] and span.dropped_attributes == 1
    assert [event.attributes for event in span.events] == [{"c": 3}] and span.dropped_events == 2
    assert span.events[0].dropped_attributes == 2
    assert [dict(link.attributes) for link in span.links] == [{"b": 2, "c": "long"}] * 2 and span.dropped_links == 1


def test_lengths() -> None:
    span = span_with(max_attribute_length=3, max_span_attribute_length=2)
    assert span.attributes["b"] == "lo" and span.attributes["c"][0] == "lo"
    assert span.events[0].attributes["b"] == "tex"
    assert span.links[0].attributes["c"] == "lon"


def test_zero_and_unlimited() -> None:
    span = span_with(max_span_attributes=0, max_events=0, max_links=0)
    assert span.attributes == {} and span.events == () and span.links == ()
    assert (span.dropped_attributes, span.dropped_events, span.dropped_links) == (3, 3, 3)
    span = span_with(max_span_attributes=SpanLimits.UNSET)
    for i in range(1000):
        span.set_attribute(str(i), i)
    assert len(span.attributes) == 1003


def test_an_attribute_that_is_set_again_is_the_newest() -> None:
    provider = TracerProvider(shutdown_on_exit=False, span_limits=SpanLimits(max_span_attributes=2))
    span: Any = provider.get_tracer("t").start_span("n", attributes={"a": 1, "b": 2})
    span.set_attribute("a", 3)
    span.set_attribute("c", 4)
    assert dict(span.attributes) == {"a": 3, "c": 4} and span.dropped_attributes == 1


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_ATTRIBUTE_COUNT_LIMIT", "7")
    monkeypatch.setenv("OTEL_SPAN_EVENT_COUNT_LIMIT", "5")
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "")
    monkeypatch.setenv("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "9")
    limits = SpanLimits(max_links=3)
    assert (limits.max_span_attributes, limits.max_event_attributes, limits.max_link_attributes) == (7, 7, 7)
    assert (limits.max_events, limits.max_links) == (5, 3)
    assert (limits.max_attribute_length, limits.max_span_attribute_length) == (9, None)


@pytest.mark.parametrize(
    ("variable", "limit"),
    [
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "max_span_attributes"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "max_span_attribute_length"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "max_events"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "max_links"),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "max_event_attributes"),
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "max_link_attributes"),
    ],
)
def test_every_variable_has_its_limit(variable: str, limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = vars(SpanLimits())
    monkeypatch.setenv(variable, "11")
    assert vars(SpanLimits()) == {**before, limit: 11}


@pytest.mark.parametrize("value", ["-1", "x", "1.5"])
def test_a_limit_that_is_none_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SPAN_LINK_COUNT_LIMIT", value)
    with pytest.raises(ValueError, match="OTEL_SPAN_LINK_COUNT_LIMIT must be a non-negative integer"):
        SpanLimits()
    with pytest.raises(ValueError):
        SpanLimits(max_events=-5)
