"""Jaeger's headers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentelemetry import baggage, trace
from opentelemetry.context import Context
from opentelemetry.propagators.jaeger import JaegerPropagator
from opentelemetry.propagators.textmap import DefaultGetter

PROPAGATOR = JaegerPropagator()


def cases(section: str) -> list[Any]:
    path = Path(__file__).parents[2] / "vectors" / "jaeger.json"
    return [pytest.param(case, id=case["name"]) for case in json.loads(path.read_text())[section]]


def context_of(values: dict[str, Any]) -> Context:
    span_context = trace.SpanContext(
        int(values["trace_id"], 16), int(values["span_id"], 16), True, trace.TraceFlags(values["flags"])
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(span_context), Context())


@pytest.mark.parametrize("case", cases("extract"))
def test_extract(case: dict[str, Any]) -> None:
    context = PROPAGATOR.extract(case["headers"], Context({"a": 1}))
    assert context["a"] == 1
    assert list(baggage.get_all(context).items()) == [tuple(pair) for pair in case["baggage"]]
    found = trace.get_current_span(context).get_span_context()
    expected = context_of(case["expect"]) if case["expect"] else Context()
    assert found == trace.get_current_span(expected).get_span_context()


@pytest.mark.parametrize("case", cases("inject"))
def test_inject(case: dict[str, Any]) -> None:
    context = context_of(case["context"])
    for name, value in case["baggage"]:
        context = baggage.set_baggage(name, value, context)
    carrier: dict[str, str] = {}
    PROPAGATOR.inject(carrier, context)
    assert carrier == case["expect"]


def test_parent_of_a_recording_span() -> None:
    class Recording(trace.NonRecordingSpan):
        parent = trace.SpanContext(1, 0xABC, False)

        def is_recording(self) -> bool:
            return True

    carrier: dict[str, str] = {}
    PROPAGATOR.inject(carrier, trace.set_span_in_context(Recording(trace.SpanContext(1, 2, False)), Context()))
    assert carrier["uber-trace-id"].split(":")[2] == "0000000000000abc"


def test_values_that_are_no_strings() -> None:
    context = baggage.set_baggage("flag", True, context_of({"trace_id": "1", "span_id": "1", "flags": 0}))
    context = baggage.set_baggage("lone", "\ud800", context)
    carrier: dict[str, str] = {}
    PROPAGATOR.inject(carrier, context)
    assert carrier["uberctx-flag"] == "True"
    assert carrier["uberctx-lone"] == "%3F"


def test_bounds_of_what_is_read() -> None:
    carrier: dict[str, str] = {"uber-trace-id": "1:1:0:1", **{f"uberctx-k{i}": "x" * 5000 for i in range(1000)}}
    asked: list[str] = []

    class Counting(DefaultGetter):
        def get(self, carrier: Any, key: str) -> list[str] | None:
            asked.append(key)
            return super().get(carrier, key)

    assert baggage.get_all(PROPAGATOR.extract(carrier, getter=Counting())) == {}
    assert len(asked) == 181


def test_bounds_of_what_is_written() -> None:
    context = context_of({"trace_id": "1", "span_id": "1", "flags": 0})
    for i in range(100):
        context = baggage.set_baggage(f"k{i}", "y" * 200, context)
    carrier: dict[str, str] = {}
    PROPAGATOR.inject(carrier, context)
    written = [
        len(key) - len("uberctx-") + 1 + len(value) for key, value in carrier.items() if key.startswith("uberctx-")
    ]
    assert 8000 < sum(written) + len(written) - 1 <= 8192


def test_without_a_span_nothing_is_written() -> None:
    carrier: dict[str, str] = {}
    PROPAGATOR.inject(carrier, baggage.set_baggage("k", "v", Context()))
    assert carrier == {}
    assert PROPAGATOR.fields == {"uber-trace-id"}


HEADERS = ["uber-trace-id", "uberctx-a", "uberctx-"]


@given(st.dictionaries(st.sampled_from(HEADERS), st.one_of(st.text(), st.binary(), st.none())))
def test_no_value_raises(carrier: Any) -> None:
    assert isinstance(PROPAGATOR.extract(carrier), Context)
