"""A recording span: every method and property."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest

from opentelemetry import trace
from opentelemetry.sdk.trace import Event, Span, Tracer, TracerProvider, _Span
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

OTHER = SpanContext(0xA, 0xB, False, TraceFlags(1), TraceState([("k", "v")]))


@pytest.fixture
def tracer() -> Any:
    return TracerProvider(shutdown_on_exit=False).get_tracer("lib", "1.2", "https://schema", {"a": 1})


def test_what_a_new_span_has(tracer: Tracer) -> None:
    before = time.time_ns()
    span = tracer.start_span("name")
    assert type(span) is _Span
    assert isinstance(span, Span) and isinstance(span, trace.Span)
    assert span.name == "name"
    assert span.kind is SpanKind.INTERNAL
    assert span.parent is None
    assert span.start_time is not None and before <= span.start_time <= time.time_ns()
    assert span.end_time is None
    assert span.is_recording()
    assert dict(span.attributes or {}) == {} and span.events == () and span.links == ()
    assert span.status.status_code is StatusCode.UNSET and span.status.description is None
    assert span.instrumentation_scope == InstrumentationScope("lib", "1.2", "https://schema", {"a": 1})
    assert (span.dropped_attributes, span.dropped_events, span.dropped_links) == (0, 0, 0)
    context = span.get_span_context()
    assert context.is_valid and not context.is_remote and context is span.context
    assert context.trace_flags.sampled


def test_everything_given_at_the_start(tracer: Tracer) -> None:
    span = tracer.start_span(
        "name",
        context=trace.set_span_in_context(trace.NonRecordingSpan(OTHER)),
        kind=SpanKind.CONSUMER,
        attributes={"a": 1, "b": [1, 2]},
        links=[Link(OTHER, {"l": True})],
        start_time=1234,
    )
    assert isinstance(span, Span)
    assert span.parent == OTHER and span.context is not None
    assert span.context.trace_id == OTHER.trace_id and span.context.span_id != OTHER.span_id
    assert span.context.trace_state == OTHER.trace_state
    assert span.kind is SpanKind.CONSUMER and span.start_time == 1234
    assert span.attributes == {"a": 1, "b": (1, 2)}
    (link,) = span.links
    assert link.context == OTHER and link.attributes == {"l": True}


def test_attributes(tracer: Tracer) -> None:
    span: Any = tracer.start_span("name")
    span.set_attribute("a", 1)
    span.set_attribute(key="a", value=2)
    span.set_attributes({"b": "x", "c": [True, False], "d": {"e": [1.5, None]}, "f": b"\xff"})
    assert dict(span.attributes) == {"a": 2, "b": "x", "c": (True, False), "d": {"e": (1.5, None)}, "f": b"\xff"}
    with pytest.raises(TypeError):
        span.attributes["a"] = 1
    assert span.attributes.get("zz") is None and "a" in span.attributes and len(span.attributes) == 5


def test_events(tracer: Tracer) -> None:
    span: Any = tracer.start_span("name")
    before = time.time_ns()
    span.add_event("one")
    span.add_event("two", {"a": [1]}, 17)
    span.add_event(name="three", timestamp=18)
    first, second, third = span.events
    assert isinstance(first, Event) and before <= first.timestamp <= time.time_ns()
    assert (second.name, second.timestamp, dict(second.attributes)) == ("two", 17, {"a": (1,)})
    assert (third.name, third.timestamp, dict(third.attributes)) == ("three", 18, {})


def test_links(tracer: Tracer) -> None:
    span: Any = tracer.start_span("name")
    span.add_link(OTHER)
    span.add_link(OTHER, {"a": 1})
    span.add_link(None)
    span.add_link(trace.INVALID_SPAN_CONTEXT)
    span.add_link(trace.INVALID_SPAN_CONTEXT, {"kept": "because it says something"})
    assert [dict(link.attributes) for link in span.links] == [{}, {"a": 1}, {"kept": "because it says something"}]


def test_the_end_comes_once(tracer: Tracer, caplog: pytest.LogCaptureFixture) -> None:
    span: Any = tracer.start_span("name")
    span.end(end_time=99)
    assert span.end_time == 99 and not span.is_recording()
    with caplog.at_level(logging.WARNING, "opentelemetry.sdk.trace"):
        span.end(100)
        span.set_attribute("a", 1)
        span.set_attributes({"a": 1})
        span.add_event("e")
        span.add_link(OTHER)
        span.update_name("other")
        span.set_status(Status(StatusCode.OK))
        span.record_exception(ValueError("x"))
    assert span.end_time == 99 and span.name == "name"
    assert dict(span.attributes) == {} and span.events == () and span.links == ()
    assert span.status.status_code is StatusCode.UNSET
    assert [record.getMessage() for record in caplog.records] == [
        "Calling end() on an ended span.",
        "Setting attribute on ended span.",
        "Setting attribute on ended span.",
        "Tried calling _add_event on an ended span.",
        "Tried calling _add_link on an ended span.",
        "Tried calling update_name on an ended span.",
        "Tried calling set_status on an ended span.",
        "Tried calling _add_event on an ended span.",
    ]


def test_start_only_once(tracer: Tracer, caplog: pytest.LogCaptureFixture) -> None:
    span: Any = tracer.start_span("name", start_time=5)
    span.start(start_time=6)
    assert span.start_time == 5
    assert "Calling start() on a started span." in caplog.text


@pytest.mark.parametrize(
    "calls, code, description",
    [
        ([Status(StatusCode.OK)], StatusCode.OK, None),
        ([Status(StatusCode.ERROR, "why")], StatusCode.ERROR, "why"),
        ([(StatusCode.ERROR, "why")], StatusCode.ERROR, "why"),
        ([Status(StatusCode.ERROR, "a"), Status(StatusCode.ERROR, "b")], StatusCode.ERROR, "b"),
        ([Status(StatusCode.OK), Status(StatusCode.ERROR, "late")], StatusCode.OK, None),
        ([Status(StatusCode.ERROR, "a"), StatusCode.UNSET], StatusCode.ERROR, "a"),
        ([Status(StatusCode.ERROR, "a"), StatusCode.OK], StatusCode.OK, None),
    ],
)
def test_status(tracer: Tracer, calls: list[Any], code: StatusCode, description: str | None) -> None:
    span: Any = tracer.start_span("name")
    for call in calls:
        span.set_status(*call) if isinstance(call, tuple) else span.set_status(call)
    assert (span.status.status_code, span.status.description) == (code, description)


def test_a_description_beside_a_status_is_ignored(tracer: Tracer, caplog: pytest.LogCaptureFixture) -> None:
    span: Any = tracer.start_span("name")
    span.set_status(Status(StatusCode.ERROR, "kept"), "ignored")
    assert span.status.description == "kept"
    assert "Description ignored ignored. Use either `Status` or `(StatusCode, Description)`" in caplog.text


class Broken(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


def test_recorded_exceptions(tracer: Tracer) -> None:
    span: Any = tracer.start_span("name")
    try:
        raise ValueError("boom")
    except ValueError as error:
        span.record_exception(error)
        span.record_exception(error, {"exception.message": "other", "more": 1}, 7, True)
    first, second = span.events
    assert first.name == second.name == "exception"
    assert first.attributes["exception.type"] == "ValueError"
    assert first.attributes["exception.message"] == "boom"
    assert first.attributes["exception.escaped"] == "False"
    stack = first.attributes["exception.stacktrace"]
    assert stack.startswith("Traceback (most recent call last):") and stack.endswith("ValueError: boom\n")
    assert second.timestamp == 7 and second.attributes["exception.escaped"] == "True"
    assert second.attributes["exception.message"] == "other" and second.attributes["more"] == 1


def test_the_type_of_an_exception_has_its_module(tracer: Tracer) -> None:
    span: Any = tracer.start_span("name")
    span.record_exception(Broken())
    (event,) = span.events
    assert event.attributes["exception.type"] == f"{__name__}.Broken"
    assert "Broken" in event.attributes["exception.message"]


def test_a_span_as_context_manager_ends_and_records(tracer: Tracer) -> None:
    span: Any = tracer.start_span("name")
    with pytest.raises(ValueError), span as entered:
        assert entered is span
        raise ValueError("boom")
    assert span.end_time is not None
    assert [event.attributes["exception.escaped"] for event in span.events] == ["True"]
    assert span.status.status_code is StatusCode.ERROR and span.status.description == "ValueError: boom"


def test_a_span_may_say_that_exceptions_are_none_of_its_business(tracer: Tracer) -> None:
    span: Any = tracer.start_span("name", record_exception=False, set_status_on_exception=False)
    with pytest.raises(ValueError), span:
        raise ValueError("boom")
    assert span.events == () and span.status.status_code is StatusCode.UNSET


def test_repr(tracer: Tracer) -> None:
    span: Any = tracer.start_span("name")
    assert repr(span) == f'_Span(name="name", context={span.context})'


def test_spans_are_not_made_by_hand() -> None:
    with pytest.raises(TypeError, match="Span must be instantiated via a tracer."):
        Span("name", OTHER)


def test_update_name(tracer: Tracer) -> None:
    span: Any = tracer.start_span("name")
    span.update_name("other")
    assert span.name == "other"
