"""Whatever a program puts into baggage and span contexts, and whatever arrives: no header begins inside of another."""

from __future__ import annotations

import os
import re
from http.client import HTTPConnection
from typing import Any, Mapping

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from opentelemetry import baggage, propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.propagators.b3 import B3MultiFormat, B3SingleFormat
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.jaeger import JaegerPropagator
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

PROPAGATORS: list[Any] = [
    TraceContextTextMapPropagator(),
    W3CBaggagePropagator(),
    B3SingleFormat(),
    B3MultiFormat(),
    JaegerPropagator(),
]
ALL = CompositePropagator(PROPAGATORS)

# `make fuzz` asks for many more.
EXAMPLES = settings(max_examples=int(os.environ.get("FERROTEL_FUZZ_EXAMPLES", "15")))

EVIL = "v\r\nx-evil: 1"
TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
VALUE = re.compile(r"[\t\x20-\x7e]*")
# Line breaks and their like more often than they would come.
TEXTS = st.text() | st.text("a=,;%\r\n\t \0\x85\u2028é\ud800", max_size=30) | st.sampled_from([EVIL, "x" * 9000])


def injected(**context: Any) -> dict[str, str]:
    carrier: dict[str, str] = {}
    whole = trace.set_span_in_context(NonRecordingSpan(SpanContext(1, 2, True, TraceFlags(1), **context)))
    ALL.inject(carrier, whole)
    assert_sendable(carrier)
    return carrier


def assert_sendable(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        assert TOKEN.fullmatch(name) and VALUE.fullmatch(value) and len(value) <= 32 * 514, (name, value)
    # As a client of the standard library sends them: it raises, into the program, what it can't send.
    connection = HTTPConnection("localhost")
    connection.putrequest("GET", "/")
    for name, value in headers.items():
        connection.putheader(name, value)


@EXAMPLES
@given(st.dictionaries(TEXTS, TEXTS | st.integers() | st.none(), max_size=8))
@example({EVIL: EVIL})
@example({"": "x", "é": "é", "a b": "1", "a:b": "1"})
def test_baggage_of_a_program(entries: dict[str, Any]) -> None:
    context = trace.set_span_in_context(NonRecordingSpan(SpanContext(1, 2, True)))
    for name, value in entries.items():
        context = baggage.set_baggage(name, value, context)
    carrier: dict[str, str] = {}
    ALL.inject(carrier, context)
    assert_sendable(carrier)
    assert set(carrier) >= {"traceparent", "b3", "x-b3-traceid", "uber-trace-id"}
    assert len(carrier.get("baggage", "")) <= 8192


class Pretender(TraceState):
    def to_header(self) -> str:
        return EVIL


@EXAMPLES
@given(st.dictionaries(TEXTS, TEXTS, max_size=40))
@example({"a": EVIL, "b": "kept"})
def test_trace_states_of_a_program(entries: dict[str, str]) -> None:
    state = TraceState()
    for key, value in entries.items():
        state = state.add(key, value).update(value, key)
    for made in (state, TraceState(list(entries.items())), entries, ",".join(f"{k}={v}" for k, v in entries.items())):
        header = injected(trace_state=made).get("tracestate", "")
        assert len(TraceState.from_header([header])) == header.count("=")


def test_what_is_left_of_a_trace_state_with_a_line_break(caplog: pytest.LogCaptureFixture) -> None:
    assert injected(trace_state={"a": EVIL, "b": "kept"})["tracestate"] == "b=kept"
    assert "Invalid key/value pair" in caplog.text
    assert "tracestate" not in injected(trace_state=Pretender())


@EXAMPLES
@given(st.fixed_dictionaries(dict.fromkeys(("tracestate", "baggage", "uberctx-a"), TEXTS)))
@example({"tracestate": f"a={EVIL}", "baggage": f"a={EVIL},b=1;p={EVIL}", "uberctx-a": "%0d%0ax-evil:1"})
def test_what_arrives_and_goes_on(headers: dict[str, str]) -> None:
    parents = {"traceparent": f"00-{1:032x}-{1:016x}-01", "b3": f"{1:032x}-{1:016x}-1", "uber-trace-id": "1:1:0:1"}
    for propagator in (*PROPAGATORS, ALL):
        carrier: dict[str, str] = {}
        ALL.inject(carrier, propagator.extract({**parents, **headers}))
        assert_sendable(carrier)


class Number(int):
    def __str__(self) -> str:
        return EVIL

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return EVIL


def test_ids_that_write_themselves() -> None:
    carrier: dict[str, str] = {}
    context = trace.set_span_in_context(
        NonRecordingSpan(SpanContext(Number(1), Number(2), True, TraceFlags(Number(1))))
    )
    ALL.inject(carrier, context)
    assert_sendable(carrier)
    assert carrier["traceparent"] == f"00-{1:032x}-{2:016x}-01"


def test_the_global_propagator_is_covered() -> None:
    assert {field for p in PROPAGATORS for field in p.fields} >= set(propagate.get_global_textmap().fields)
