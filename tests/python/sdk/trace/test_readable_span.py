"""The read-only view of a span, and spans that programs make themselves."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

CONTEXT = SpanContext(0xABC, 0xDEF, False, TraceFlags(1))


def full() -> ReadableSpan:
    return ReadableSpan(
        name="n",
        context=CONTEXT,
        parent=SpanContext(0xABC, 0x123, True),
        resource=Resource({"r": 1}, "https://schema"),
        attributes={"a": 1},
        events=[Event("e", {"x": 1}, 1_000_000_000)],
        links=[Link(SpanContext(1, 2, False), {"y": 2})],
        kind=SpanKind.CLIENT,
        status=Status(StatusCode.ERROR, "why"),
        start_time=1_500_000_000_000_000_000,
        end_time=1_500_000_001_000_000_000,
        instrumentation_scope=InstrumentationScope("lib", "1"),
    )


def test_the_defaults() -> None:
    span = ReadableSpan("n")
    assert (span.name, span.context, span.get_span_context(), span.parent) == ("n", None, None, None)
    assert span.attributes == {} and span.events == () and span.links == ()
    assert span.kind is SpanKind.INTERNAL and span.status.status_code is StatusCode.UNSET
    assert (span.start_time, span.end_time, span.instrumentation_scope) == (None, None, None)
    assert (span.dropped_attributes, span.dropped_events, span.dropped_links) == (0, 0, 0)
    assert span.resource.attributes["telemetry.sdk.language"] == "python"


def test_every_field() -> None:
    span = full()
    assert (span.name, span.context, span.kind) == ("n", CONTEXT, SpanKind.CLIENT)
    assert span.parent == SpanContext(0xABC, 0x123, True)
    assert span.resource == Resource({"r": 1}, "https://schema")
    assert span.attributes == {"a": 1}
    assert [(e.name, e.timestamp, e.attributes) for e in span.events] == [("e", 1_000_000_000, {"x": 1})]
    assert [(link.context.span_id, link.attributes) for link in span.links] == [(2, {"y": 2})]
    assert span.status.description == "why"
    assert (span.start_time, span.end_time) == (1_500_000_000_000_000_000, 1_500_000_001_000_000_000)
    assert span.instrumentation_scope == InstrumentationScope("lib", "1")


def test_json() -> None:
    shown = json.loads(full().to_json())
    assert shown["name"] == "n"
    assert shown["context"] == {"trace_id": "0x" + f"{0xABC:032x}", "span_id": f"0x{0xDEF:016x}", "trace_state": "[]"}
    assert (shown["kind"], shown["parent_id"]) == ("SpanKind.CLIENT", f"0x{0x123:016x}")
    assert shown["start_time"] == "2017-07-14T02:40:00.000000Z"
    assert shown["status"] == {"status_code": "ERROR", "description": "why"}
    assert shown["attributes"] == {"a": 1}
    assert shown["events"] == [{"name": "e", "timestamp": "1970-01-01T00:00:01.000000Z", "attributes": {"x": 1}}]
    assert shown["links"][0]["attributes"] == {"y": 2}
    assert shown["resource"] == {"attributes": {"r": 1}, "schema_url": "https://schema"}
    assert "\n" not in full().to_json(indent=None)


def test_json_of_a_live_span() -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")
    span: Any = tracer.start_span("n", attributes={"a": [1]})
    span.add_event("e", {"b": 2}, 5)
    shown = json.loads(span.to_json())
    assert shown["end_time"] is None and shown["attributes"] == {"a": [1]} and shown["events"][0]["name"] == "e"


def test_the_view_of_a_span_sees_its_end() -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")
    span: Any = tracer.start_span("n", attributes={"a": 1})
    span.end(7)
    view = span._readable_span()
    assert type(view) is ReadableSpan
    assert (view.name, view.end_time, view.context, view.attributes) == ("n", 7, span.context, {"a": 1})
    assert not hasattr(view, "set_attribute")


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy])
def test_copies(how: Any) -> None:
    span = full()
    span.mine = [1]  # type: ignore[attr-defined]
    made: Any = how(span)
    assert type(made) is ReadableSpan and made is not span and made.mine == [1]
    assert made.to_json() == span.to_json()
    made._name = "other"
    assert span.name == "n"


def test_a_deep_copy_shares_no_attributes() -> None:
    span = ReadableSpan("n", attributes=BoundedAttributes(attributes={"a": 1}, immutable=False))
    made: Any = copy.deepcopy(span)
    made._attributes["a"] = 2
    assert span.attributes == {"a": 1} and made.attributes == {"a": 2}


def test_what_did_not_fit_is_known() -> None:
    attributes = BoundedAttributes(1, {"a": 1, "b": 2})
    assert ReadableSpan("n", attributes=attributes).dropped_attributes == 1


def test_the_older_form_of_the_scope() -> None:
    span: Any = TracerProvider(shutdown_on_exit=False).get_tracer("lib", "1").start_span("n")
    with pytest.warns(DeprecationWarning):
        info = span.instrumentation_info
    assert (info.name, info.version) == ("lib", "1")
    with pytest.warns(DeprecationWarning):
        assert ReadableSpan("n").instrumentation_info is None
