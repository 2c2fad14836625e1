"""Objects that misbehave at random, wherever a program hands one over: nothing is raised, and what was made is kept."""

from __future__ import annotations

import logging
import os
from typing import Any, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferrotel import _native
from opentelemetry import baggage, propagate, trace
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, Status, StatusCode

# `make fuzz` asks for many more.
EXAMPLES = settings(max_examples=int(os.environ.get("FERROTEL_FUZZ_EXAMPLES", "25")))

METHODS = (
    *(
        "__str__",
        "__repr__",
        "__hash__",
        "__eq__",
        "__len__",
        "__iter__",
        "__next__",
        "__bool__",
        "__int__",
        "__index__",
    ),
    *(
        "__float__",
        "__getitem__",
        "__contains__",
        "__bytes__",
        "__format__",
        "__lt__",
        "keys",
        "items",
        "values",
        "get",
    ),
    *("encode", "decode", "__getattribute__", "__class_getitem__", "__del__", "__buffer__", "__call__", "append"),
)
BASES = (object, str, int, float, bytes, list, dict, tuple, Exception)
START: dict[type, Any] = {
    str: "text",
    int: 7,
    float: 1.5,
    bytes: b"\xff",
    list: [1, "a"],
    dict: {"k": 1},
    tuple: (1, 2),
}


def _raises(error: type) -> Any:
    def method(*_: Any, **__: Any) -> Any:
        raise error("hostile")

    return method


def _returns(value: Any) -> Any:
    return lambda *_, **__: value


BEHAVIOURS = (
    *map(_raises, (ValueError, TypeError, AttributeError, RecursionError, MemoryError, StopIteration, UnicodeError)),
    *map(_returns, (None, "x", "\ud800", -1, 2**70, float("nan"), object(), [], {"a": 1}, b"", NotImplemented)),
    lambda self, *_: self,
    lambda self, *_: iter([1, self, "\0"]),
)


@st.composite
def hostile(draw: Any) -> Any:
    base = draw(st.sampled_from(BASES))
    methods = draw(st.dictionaries(st.sampled_from(METHODS), st.sampled_from(BEHAVIOURS), max_size=6))
    # Objects whose end raises are told by Python itself, on stderr.
    made = type("Hostile", (base,), {name: method for name, method in methods.items() if name != "__del__"})
    return made(START[base]) if base in START else made()


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.integers(min_value=10**300) | st.floats() | st.text() | st.binary()
)
VALUES = st.recursive(
    SCALARS | hostile(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=4)
    ),
    max_leaves=8,
)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@EXAMPLES
@given(VALUES, VALUES)
def test_spans(one: Any, other: Any) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False, resource=Resource({"good": 1, "bad": one}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("t", attributes={"bad": one})
    span: Any = tracer.start_span("s", attributes={"bad": one}, links=[Link(SpanContext(1, 2, True), {"bad": other})])
    span.set_attribute(one, other)
    span.set_attribute("value", one)
    span.set_attributes(one)
    span.set_attributes({"both": [one, other], "nested": {"k": other}})
    span.add_event("e", {"bad": other})
    span.add_event(one, one)  # type: ignore[arg-type]
    span.record_exception(one, other)  # type: ignore[arg-type]
    span.set_status(Status(StatusCode.ERROR), one)
    span.update_name(one)
    span.set_attribute("last", "kept")
    span.end()
    (finished,) = exporter.get_finished_spans()
    assert finished.attributes is not None and finished.attributes["last"] == "kept"
    for encode in (_native.encode_spans, _native.encode_spans_json):
        assert b"kept" in encode([finished])


@EXAMPLES
@given(VALUES, VALUES)
def test_metrics(one: Any, other: Any) -> None:
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader], shutdown_on_exit=False).get_meter("m")
    for instrument in (meter.create_counter("c"), meter.create_up_down_counter("u")):
        instrument.add(one, {"bad": other})
        instrument.add(1, one)
        instrument.add(1, {"k": one, "l": [one, other]})
        instrument.add(1, {"last": "kept"})
    histogram = meter.create_histogram("h")
    histogram.record(one, {"k": other})
    histogram.record(2.5, {"last": "kept"})
    data = reader.get_metrics_data()
    for encode in (_native.encode_metrics, _native.encode_metrics_json):
        assert encode(data).count(b"kept") == 3


@EXAMPLES
@given(VALUES, VALUES)
def test_logs(one: Any, other: Any) -> None:
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    logger = provider.get_logger("l")
    logger.emit(LogRecord(body=one, attributes={"bad": other, "last": "kept"}))
    logger.emit(body={"b": one, "c": [other]}, attributes={"last": "kept"}, severity_text=one, event_name=other)
    kept = list(exporter.get_finished_logs())
    assert len(kept) == 2
    for encode in (_native.encode_logs, _native.encode_logs_json):
        assert encode(kept).count(b"kept") == 2


@EXAMPLES
@given(VALUES, VALUES)
def test_carriers_and_baggage(one: Any, other: Any) -> None:
    context = trace.set_span_in_context(trace.NonRecordingSpan(SpanContext(1, 2, True)))
    context = baggage.set_baggage("bad", one, context)
    context = baggage.set_baggage("good", "kept", context)
    carrier: dict[str, Any] = {}
    propagate.inject(carrier, context)
    assert "good=kept" in carrier["baggage"] and "\n" not in carrier["baggage"]
    for hostile_carrier in (one, {"traceparent": one, "tracestate": other, "baggage": one}):
        propagate.extract(hostile_carrier)
        propagate.inject(hostile_carrier, context)
