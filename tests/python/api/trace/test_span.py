"""Span, SpanContext, TraceFlags, Status, Link and the spans that record nothing."""

from __future__ import annotations

import copy
import logging
import pickle
from collections.abc import Mapping
from typing import Any

import pytest

from opentelemetry import trace
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.trace.span import _SPAN_ID_MAX_VALUE, _TRACE_ID_MAX_VALUE

CONTEXT = trace.SpanContext(
    0x1234, 0x56, is_remote=True, trace_flags=trace.TraceFlags(1), trace_state=trace.TraceState([("a", "b")])
)


def test_a_span_context_has_its_parts() -> None:
    assert CONTEXT.trace_id == 0x1234
    assert CONTEXT.span_id == 0x56
    assert CONTEXT.is_remote is True
    assert CONTEXT.trace_flags == 1 and CONTEXT.trace_flags.sampled
    assert CONTEXT.trace_state["a"] == "b"
    assert CONTEXT.is_valid
    assert repr(CONTEXT) == (
        "SpanContext(trace_id=0x00000000000000000000000000001234, span_id=0x0000000000000056, trace_flags=0x01, "
        "trace_state=['{key=a, value=b}'], is_remote=True)"
    )


def test_a_span_context_unpacks_and_compares_like_a_tuple() -> None:
    trace_id, span_id, is_remote, flags, state, is_valid = CONTEXT
    assert (trace_id, span_id, is_remote, flags, is_valid) == (0x1234, 0x56, True, 1, True)
    assert state == CONTEXT.trace_state
    assert CONTEXT[0] == 0x1234 and len(CONTEXT) == 6
    same = trace.SpanContext(0x1234, 0x56, True, trace.TraceFlags(1), trace.TraceState([("a", "b")]))
    assert same == CONTEXT and hash(same) == hash(same)
    assert CONTEXT != trace.SpanContext(0x1234, 0x57, True)


def test_a_span_context_survives_pickling_and_copying() -> None:
    for made in (pickle.loads(pickle.dumps(CONTEXT)), copy.copy(CONTEXT), copy.deepcopy(CONTEXT)):
        assert isinstance(made, trace.SpanContext)
        assert tuple(made) == tuple(CONTEXT)


def test_a_span_context_cannot_be_changed() -> None:
    context: Any = trace.SpanContext(1, 2, False)
    context.trace_id = 5
    context.trace_flags = trace.TraceFlags(1)
    del context.span_id
    assert (context.trace_id, context.span_id, context.trace_flags) == (1, 2, 0)


@pytest.mark.parametrize(
    ("trace_id", "span_id", "valid"),
    [
        (1, 1, True),
        (_TRACE_ID_MAX_VALUE, _SPAN_ID_MAX_VALUE, True),
        (0, 1, False),
        (1, 0, False),
        (-1, 1, False),
        (1, -1, False),
        (_TRACE_ID_MAX_VALUE + 1, 1, False),
        (1, _SPAN_ID_MAX_VALUE + 1, False),
        (10**80, 9, False),
    ],
)
def test_ids_outside_their_range_make_an_invalid_context(trace_id: int, span_id: int, valid: bool) -> None:
    context = trace.SpanContext(trace_id, span_id, is_remote=False)
    assert context.is_valid is valid
    assert (context.trace_id, context.span_id) == (trace_id, span_id)


def test_the_defaults_of_a_span_context() -> None:
    context = trace.SpanContext(1, 2, False, None, None)
    assert context.trace_flags == trace.DEFAULT_TRACE_OPTIONS
    assert isinstance(context.trace_flags, trace.TraceFlags)
    assert context.trace_state == trace.DEFAULT_TRACE_STATE


def test_trace_flags() -> None:
    assert trace.TraceFlags.get_default() == trace.TraceFlags.DEFAULT == 0
    assert trace.TraceFlags(3).sampled and trace.TraceFlags(3).random_trace_id
    assert not trace.TraceFlags(2).sampled
    assert not trace.TraceFlags(1).random_trace_id
    assert isinstance(trace.TraceFlags(1), int)


def test_trace_state_is_a_mapping() -> None:
    state = trace.TraceState([("a", "1"), ("b", "2")])
    assert isinstance(state, Mapping)
    assert dict(state) == {"a": "1", "b": "2"}


def test_ids_are_formatted_with_leading_zeros() -> None:
    assert trace.format_trace_id(0xABC) == "0" * 29 + "abc"
    assert trace.format_span_id(0xABC) == "0" * 13 + "abc"


def test_the_invalid_span() -> None:
    assert trace.INVALID_TRACE_ID == trace.INVALID_SPAN_ID == 0
    assert trace.INVALID_SPAN.get_span_context() == trace.INVALID_SPAN_CONTEXT
    assert not trace.INVALID_SPAN_CONTEXT.is_valid


def test_a_non_recording_span_does_nothing_and_takes_everything() -> None:
    span = trace.NonRecordingSpan(CONTEXT)
    assert isinstance(span, trace.Span)
    assert not span.is_recording()
    span.set_attribute("a", 1)
    span.set_attributes({"a": 1})
    span.add_event("e", {"a": 1}, timestamp=1)
    span.add_link(CONTEXT, attributes={"a": 1})
    span.update_name(name="n")
    span.set_status(trace.Status(trace.StatusCode.ERROR, "no"), description=None)
    span.record_exception(ValueError(), attributes=None, timestamp=None, escaped=True)
    span.end(end_time=5)
    assert span.get_span_context() is span._context is CONTEXT
    assert repr(span) == f"NonRecordingSpan({CONTEXT!r})"
    with span as entered:
        assert entered is span


def test_a_subclass_of_non_recording_span_has_attributes_of_its_own() -> None:
    class Mine(trace.NonRecordingSpan):
        def __init__(self, context: trace.SpanContext, extra: str) -> None:
            super().__init__(context)
            self.extra = extra

        def is_recording(self) -> bool:
            return True

    span = Mine(CONTEXT, "x")
    assert span.extra == "x"
    assert span.is_recording()
    assert span.get_span_context() == CONTEXT
    with trace.use_span(span):
        assert trace.get_current_span() is span


def test_span_is_abstract_and_its_subclasses_have_a_dict() -> None:
    assert trace.Span.__abstractmethods__ == {
        "add_event",
        "end",
        "get_span_context",
        "is_recording",
        "record_exception",
        "set_attribute",
        "set_attributes",
        "set_status",
        "update_name",
    }
    with pytest.raises(TypeError):
        trace.Span()  # type: ignore[abstract]


def test_a_span_class_from_before_links_warns_of_add_link() -> None:
    class Old(trace.NonRecordingSpan):
        add_link = trace.Span.add_link

    with pytest.warns(UserWarning, match="add_link"):
        Old(CONTEXT).add_link(CONTEXT)


def test_only_errors_have_a_description(caplog: pytest.LogCaptureFixture) -> None:
    assert trace.Status(trace.StatusCode.ERROR, "no").description == "no"
    assert trace.Status(trace.StatusCode.OK, "yes").description is None
    assert trace.Status(trace.StatusCode.UNSET, "eh").description is None
    assert trace.Status(trace.StatusCode.ERROR, {"a": 1}).description is None  # type: ignore[arg-type]
    assert [(record.name, record.levelno, record.getMessage()) for record in caplog.records] == [
        (
            "opentelemetry.trace.status",
            logging.WARNING,
            "description should only be set when status_code is set to StatusCode.ERROR",
        )
    ] * 2 + [("opentelemetry.trace.status", logging.WARNING, "Invalid status description type, expected str")]


def test_what_a_status_says() -> None:
    assert trace.Status().is_unset and trace.Status().is_ok
    assert trace.Status(trace.StatusCode.OK).is_ok and not trace.Status(trace.StatusCode.OK).is_unset
    assert not trace.Status(trace.StatusCode.ERROR).is_ok
    assert [code.value for code in trace.StatusCode] == [0, 1, 2]


def test_a_link_counts_what_its_attributes_dropped() -> None:
    assert trace.Link(CONTEXT).attributes is None
    assert trace.Link(CONTEXT).dropped_attributes == 0
    link = trace.Link(CONTEXT, {"a": 1})
    assert link.context is CONTEXT and link.attributes == {"a": 1}
    assert trace.Link(CONTEXT, BoundedAttributes(1, {"a": 1, "b": 2})).dropped_attributes == 1


def test_span_kinds() -> None:
    assert {kind.name: kind.value for kind in trace.SpanKind} == {
        "INTERNAL": 0,
        "SERVER": 1,
        "CLIENT": 2,
        "PRODUCER": 3,
        "CONSUMER": 4,
    }
