"""W3C Trace Context through the propagator class."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.propagators.textmap import DefaultGetter, DefaultSetter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

PROPAGATOR = TraceContextTextMapPropagator()
VALID = "00-12345678901234567890123456789012-1234567890123456-01"


def cases(section: str) -> list[Any]:
    path = Path(__file__).parents[2] / "vectors" / "tracecontext.json"
    return [pytest.param(case, id=case["name"]) for case in json.loads(path.read_text())[section]]


def carrier_of(headers: list[list[str]]) -> dict[str, list[str]]:
    carrier: dict[str, list[str]] = {}
    for name, value in headers:
        carrier.setdefault(name, []).append(value)
    return carrier


def span_context_of(context: Context) -> trace.SpanContext:
    return trace.get_current_span(context).get_span_context()


class OwnGetter(DefaultGetter):
    """Not the default one: the headers are asked for in Python."""


class OwnSetter(DefaultSetter):
    """Not the default one: the headers are written in Python."""


@pytest.mark.parametrize("getter", [DefaultGetter(), OwnGetter()], ids=["default", "own"])
@pytest.mark.parametrize("case", cases("extract"))
def test_extract(case: dict[str, Any], getter: DefaultGetter) -> None:
    carrier = carrier_of(case["headers"])
    carriers: list[Any] = [carrier]
    if all(len(values) == 1 for values in carrier.values()):
        carriers.append({name: values[0] for name, values in carrier.items()})
    for each in carriers:
        context = PROPAGATOR.extract(each, getter=getter)
        expected = case["expect"]
        if expected is None:
            assert context == {}
            continue
        span_context = span_context_of(context)
        assert trace.format_trace_id(span_context.trace_id) == expected["trace_id"]
        assert trace.format_span_id(span_context.span_id) == expected["span_id"]
        assert span_context.trace_flags == expected["flags"]
        assert isinstance(span_context.trace_flags, trace.TraceFlags)
        assert span_context.trace_state.to_header() == expected["tracestate"]
        assert span_context.is_remote
        assert isinstance(trace.get_current_span(context), trace.NonRecordingSpan)


@pytest.mark.parametrize("case", [case for case in cases("extract") if case.values[0]["expect"] is None])
def test_extract_returns_the_context_where_nothing_arrives(case: dict[str, Any]) -> None:
    context = Context({"k": "v"})
    assert PROPAGATOR.extract(carrier_of(case["headers"]), context) is context


def test_extract_adds_to_the_context() -> None:
    context = PROPAGATOR.extract({"traceparent": VALID}, Context({"k": "v"}))
    assert context["k"] == "v"
    assert span_context_of(context).is_valid


def test_extract_ignores_the_current_context() -> None:
    token = attach(Context({"k": "v"}))
    try:
        assert PROPAGATOR.extract({}) == {}
        assert "k" not in PROPAGATOR.extract({"traceparent": VALID})
    finally:
        detach(token)


@pytest.mark.parametrize("setter", [DefaultSetter(), OwnSetter()], ids=["default", "own"])
@pytest.mark.parametrize("case", cases("inject"))
def test_inject(case: dict[str, Any], setter: DefaultSetter) -> None:
    given_ = case["context"]
    span_context = trace.SpanContext(
        int(given_["trace_id"], 16),
        int(given_["span_id"], 16),
        False,
        trace.TraceFlags(given_["flags"]),
        trace.TraceState.from_header([given_["tracestate"]]),
    )
    context = trace.set_span_in_context(trace.NonRecordingSpan(span_context))
    carrier: dict[str, Any] = {}
    PROPAGATOR.inject(carrier, context, setter)
    assert carrier == case["expect"]
    assert set(carrier) <= PROPAGATOR.fields


def test_inject_without_a_span_writes_nothing() -> None:
    carrier: dict[str, Any] = {}
    PROPAGATOR.inject(carrier)
    PROPAGATOR.inject(carrier, Context())
    assert carrier == {}


def test_inject_uses_the_current_context() -> None:
    token = attach(PROPAGATOR.extract({"traceparent": VALID}))
    try:
        carrier: dict[str, Any] = {}
        PROPAGATOR.inject(carrier)
        assert carrier == {"traceparent": VALID}
    finally:
        detach(token)


def test_inject_a_span_of_somebody_else() -> None:
    class Foreign(trace.NonRecordingSpan):
        def get_span_context(self) -> trace.SpanContext:
            return mock.Mock(trace_id=1, span_id=2, trace_flags=3, trace_state=None, is_remote=False)

    carrier: dict[str, Any] = {}
    PROPAGATOR.inject(carrier, trace.set_span_in_context(Foreign(trace.INVALID_SPAN_CONTEXT)))
    assert carrier == {"traceparent": "00-00000000000000000000000000000001-0000000000000002-03"}


def test_fields() -> None:
    assert PROPAGATOR.fields == {"traceparent", "tracestate"}


def test_subclass_with_other_headers() -> None:
    class Prefixed(TraceContextTextMapPropagator):
        _TRACEPARENT_HEADER_NAME = "x-traceparent"
        _TRACESTATE_HEADER_NAME = "x-tracestate"

    propagator = Prefixed()
    context = propagator.extract({"x-traceparent": VALID, "x-tracestate": "a=1", "traceparent": "no"})
    carrier: dict[str, Any] = {}
    propagator.inject(carrier, context)
    assert carrier == {"x-traceparent": VALID, "x-tracestate": "a=1"}
    assert propagator.fields == {"x-traceparent", "x-tracestate"}


def test_tracestate_is_dropped_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    context = PROPAGATOR.extract({"traceparent": VALID, "tracestate": "x" * 8193})
    assert span_context_of(context).is_valid
    assert [(r.name, r.getMessage()) for r in caplog.records] == [
        (
            "opentelemetry.trace.propagation.tracecontext",
            "tracestate header exceeded the maximum length of 8192 characters",
        )
    ]


hostile = st.one_of(
    st.none(), st.text(), st.binary(), st.integers(), st.lists(st.one_of(st.none(), st.text(), st.binary())),
    st.characters(categories=["Cs"]), st.dictionaries(st.text(), st.text()),
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["traceparent", "tracestate", "other"]), hostile))
def test_no_value_raises(carrier: Any) -> None:
    assert isinstance(PROPAGATOR.extract(carrier), Context)
    assert isinstance(PROPAGATOR.extract({**carrier, "traceparent": VALID}), Context)


@given(
    st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.integers(0, 255),
    st.dictionaries(st.from_regex(r"[a-z0-9][a-z0-9_*/@-]{0,9}", fullmatch=True),
                    st.from_regex(r"[!-+\--<>-~]{1,9}", fullmatch=True), max_size=32),
)  # fmt: skip
def test_round_trip(trace_id: int, span_id: int, flags: int, entries: dict[str, str]) -> None:
    sent = trace.SpanContext(trace_id, span_id, True, trace.TraceFlags(flags), trace.TraceState(list(entries.items())))
    carrier: dict[str, Any] = {}
    PROPAGATOR.inject(carrier, trace.set_span_in_context(trace.NonRecordingSpan(sent)))
    assert span_context_of(PROPAGATOR.extract(carrier)) == sent
