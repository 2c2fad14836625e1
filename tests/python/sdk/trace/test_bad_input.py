"""Whatever a program hands over, the call returns, one message says what was wrong, and the rest is kept."""

from __future__ import annotations

import enum
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode

TRACER: Any = TracerProvider(shutdown_on_exit=False).get_tracer("t")


class Hostile:
    """Raises wherever it can."""

    def _fail(self, *args: Any) -> Any:
        raise ValueError("hostile")

    __str__ = __repr__ = __hash__ = __eq__ = __iter__ = __len__ = __bool__ = _fail
    __int__ = __index__ = __float__ = __lt__ = __gt__ = __getitem__ = __contains__ = keys = items = _fail


class HostileMapping(dict):  # type: ignore[type-arg]
    def items(self) -> Any:
        raise ValueError("hostile")

    __iter__ = keys = items


class HostileList(list):  # type: ignore[type-arg]
    def __iter__(self) -> Any:
        yield 1
        raise ValueError("hostile")


def doubling(depth: int) -> list[Any]:
    made: list[Any] = [1]
    for _ in range(depth):
        made = [made, made]
    return made


LIST: list[Any] = []
LIST += [LIST, LIST]
DICT: dict[str, Any] = {}
DICT["self"] = [DICT, DICT]

HOSTILE: list[Any] = [
    None,
    5,
    -1,
    1.5,
    float("nan"),
    2**70,
    10**5000,
    "",
    "\ud800",
    "x" * 1_000_000,
    b"\xff",
    [],
    [[1], {2}],
    {},
    {1: 2},
    {"": 1, None: 2, "k": object()},
    object(),
    object,
    Hostile(),
    [Hostile()],
    {"h": Hostile()},
    HostileMapping(a=1),
    HostileList([1, 2]),
    LIST,
    DICT,
    doubling(40),
    (i for i in range(3)),
]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_every_argument_of_every_method(number: int) -> None:
    thing = HOSTILE[number]
    logging.disable(logging.CRITICAL)
    try:
        span = TRACER.start_span("before", attributes={"kept": 1})
        for call in (
            lambda: span.set_attribute(thing, 1),
            lambda: span.set_attribute("value", thing),
            lambda: span.set_attributes(thing),
            lambda: span.set_attributes({"value": thing}),
            lambda: span.add_event(thing),
            lambda: span.add_event("e", thing),
            lambda: span.add_event("e", {"value": thing}),
            lambda: span.add_event("e", {}, thing),
            lambda: span.add_link(thing),
            lambda: span.add_link(SpanContext(1, 2, False), thing),
            lambda: span.update_name(thing),
            lambda: span.set_status(thing),
            lambda: span.set_status(StatusCode.ERROR, thing),
            lambda: span.record_exception(thing),
            lambda: span.record_exception(ValueError(), thing, thing),
            lambda: TRACER.start_span(thing),
            lambda: TRACER.start_span("n", kind=thing),
            lambda: TRACER.start_span("n", attributes=thing),
            lambda: TRACER.start_span("n", links=thing),
            lambda: TRACER.start_span("n", links=[thing, Link(SpanContext(1, 2, False))]),
            lambda: TRACER.start_span("n", start_time=thing),
            lambda: span.end(thing),
        ):
            call()
        assert not span.is_recording()
        assert span.attributes["kept"] == 1 and isinstance(span.name, str)
        assert all(isinstance(event.timestamp, int) for event in span.events)
    finally:
        logging.disable(logging.NOTSET)


def test_the_good_links_are_kept() -> None:
    span = TRACER.start_span("n", links=[None, 5, Link(SpanContext(1, 2, False), {"a": 1})])
    assert [dict(link.attributes) for link in span.links] == [{"a": 1}]


def test_the_good_attributes_are_kept(caplog: pytest.LogCaptureFixture) -> None:
    span = TRACER.start_span("n")
    span.set_attributes({"": 1, "a": 1, "h": Hostile(), "b": 2})
    assert span.attributes["a"] == 1 and span.attributes["b"] == 2 and "" not in span.attributes
    assert "invalid attribute key" in caplog.text


def test_a_bad_key_is_counted_and_told(caplog: pytest.LogCaptureFixture) -> None:
    span = TRACER.start_span("n")
    for key in ("", None, 5, Hostile()):
        span.set_attribute(key, 1)
    assert span.attributes == {} and span.dropped_attributes == 4
    assert all("must be non-empty string" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    "given_time, used",
    [(-5, 0), (1.5, 1), (2**70, 2**64 - 1), (10**5000, 2**64 - 1), (float("inf"), 2**64 - 1), (True, 1), (0, 0)],
    ids=lambda value: type(value).__name__,
)
def test_odd_times(given_time: Any, used: int) -> None:
    span = TRACER.start_span("n", start_time=given_time)
    span.add_event("e", timestamp=given_time)
    span.end(given_time)
    assert (span.start_time, span.events[0].timestamp, span.end_time) == (used, used, used)


@pytest.mark.parametrize("no_time", [float("nan"), "now", object(), [1]])
def test_what_is_no_time_means_now(no_time: Any) -> None:
    before = TRACER.start_span("n").start_time
    span = TRACER.start_span("n", start_time=no_time)
    assert before <= span.start_time <= TRACER.start_span("n").start_time


class Big(int):
    def __str__(self) -> str:
        return "no digits"

    __repr__ = __str__


class Color(enum.IntEnum):
    RED = 2**70
    BLUE = 3


@pytest.mark.parametrize(
    "value, read",
    [
        (2**63, 2**63),
        (-(2**63), -(2**63)),
        (2**70, 2**70),
        (-(10**5000), -(10**5000)),
        (Big(2**80), 2**80),
        (Color.RED, 2**70),
        (Color.BLUE, 3),
        (bytearray(b"\x01"), (1,)),
        (range(3), (0, 1, 2)),
        ("a\ud800b", "a\ufffdb"),
        ([None, [True]], (None, (True,))),
        ({"a": {"b": None}}, {"a": {"b": None}}),
        ({1: 2, "k": 3}, {"1": 2, "k": 3}),
        ({1}, "{1}"),
        (object(), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_unusual_values(value: Any, read: Any) -> None:
    span = TRACER.start_span("n", attributes={"v": value})
    assert span.attributes["v"] == read and type(span.attributes["v"]) is type(read)


def test_nan_stays_nan() -> None:
    span = TRACER.start_span("n", attributes={"v": float("nan"), "w": [float("inf")]})
    assert span.attributes["v"] != span.attributes["v"] and span.attributes["w"] == (float("inf"),)


@pytest.mark.parametrize("value", [LIST, DICT, doubling(60)], ids=["list", "dict", "doubling"])
def test_endless_values_end(value: Any, caplog: pytest.LogCaptureFixture) -> None:
    span = TRACER.start_span("n", attributes={"v": value, "after": 1})
    assert span.attributes["after"] == 1 and "cycle" in caplog.text
    assert len(caplog.records) < 10


def test_conversion_that_comes_back_to_the_span() -> None:
    """The value is converted before the span is locked."""
    span = TRACER.start_span("n")

    class Reentrant(list):  # type: ignore[type-arg]
        def __iter__(self) -> Any:
            span.set_attribute("inner", 1)
            span.add_event("inner")
            return iter([1])

    span.set_attribute("v", Reentrant([1]))
    span.add_event("e", {"v": Reentrant([1])})
    assert span.attributes == {"inner": 1, "v": (1,)} and [e.name for e in span.events] == ["inner", "inner", "e"]


def test_a_mapping_that_changes_while_it_is_read() -> None:
    class Changing:
        def __str__(self) -> str:
            mapping.clear()
            return "changed"

    mapping: dict[str, Any] = {f"k{i}": Changing() for i in range(20)}
    span = TRACER.start_span("n", attributes=mapping)
    assert len(span.attributes) == 20


def test_wrong_kinds_are_internal() -> None:
    for kind in (5, "SERVER", None, object(), Hostile(), -1, 300):
        assert TRACER.start_span("n", kind=kind).kind is SpanKind.INTERNAL


def test_statuses_that_are_none(caplog: pytest.LogCaptureFixture) -> None:
    span = TRACER.start_span("n")
    for status in (None, "ERROR", 2, object()):
        span.set_status(status)
    assert span.status.status_code is StatusCode.UNSET and "A status must be" in caplog.text
    span.set_status(Status(StatusCode.ERROR), None)
    assert span.status.status_code is StatusCode.ERROR


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(min_size=1), inner),
        max_leaves=20,
    )
)
def test_any_value_comes_back(value: Any) -> None:
    def expected(value: Any) -> Any:
        if isinstance(value, str):
            return "".join("\ufffd" if 0xD800 <= ord(c) < 0xE000 else c for c in value)
        if isinstance(value, list):
            return tuple(expected(item) for item in value)
        if isinstance(value, dict):
            return {expected(key): expected(item) for key, item in value.items()}
        return value

    logging.disable(logging.CRITICAL)
    try:
        assert TRACER.start_span("n", attributes={"v": value}).attributes["v"] == expected(value)
    finally:
        logging.disable(logging.NOTSET)


def test_arguments_are_checked_as_python_does() -> None:
    span = TRACER.start_span("n")
    for wrong in (
        lambda: span.set_attribute("a"),
        lambda: span.set_attribute("a", 1, 2),
        lambda: span.set_attribute("a", value=1, more=2),
        lambda: span.set_attribute("a", key=1),
        lambda: span.add_event(),
        lambda: span.update_name(),
        lambda: span.end(1, 2),
        lambda: span.is_recording(1),
        lambda: span.get_span_context(1),
        lambda: trace.use_span(),  # type: ignore[call-arg]
    ):
        with pytest.raises(TypeError):
            wrong()
