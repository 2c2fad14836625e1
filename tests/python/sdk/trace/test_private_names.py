"""Names outside the documented API that released packages read and write: see the consumers in each test."""

from __future__ import annotations

from typing import Any

import pytest

from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode

OTHER = SpanContext(0xA, 0xB, True)


@pytest.fixture
def provider() -> TracerProvider:
    return TracerProvider(shutdown_on_exit=False)


def new(provider: TracerProvider) -> Any:
    span: Any = provider.get_tracer("lib").start_span("n", attributes={"a": 1}, links=[Link(OTHER)], start_time=3)
    span.add_event("e", {"x": 1}, 4)
    return span


def test_langfuse_reads_the_fields(provider: TracerProvider) -> None:
    span = new(provider)
    span.end(9)
    assert (span._name, span._start_time, span._end_time) == ("n", 3, 9)
    assert span._context is span.get_span_context() and span._kind is SpanKind.INTERNAL
    assert isinstance(span._attributes, BoundedAttributes) and dict(span._attributes) == {"a": 1}
    assert isinstance(span._events, BoundedList) and span._events[0].name == "e"
    assert isinstance(span._links, BoundedList) and span._links[0].context == OTHER
    assert span._status.status_code is StatusCode.UNSET and span._parent is None
    assert span._resource is provider.resource and span._instrumentation_scope.name == "lib"
    assert span._instrumentation_info.name == "lib"
    assert span._format_context(span._context)["span_id"] == f"0x{span._context.span_id:016x}"
    assert span._format_attributes(span._attributes) == {"a": 1}
    assert span._format_events(span._events)[0]["attributes"] == {"x": 1}
    assert len(span._format_links(span._links)) == 1
    assert span._span_processor is provider._active_span_processor
    assert (span._record_exception, span._set_status_on_exception) == (True, True)
    assert span._limits.max_events == 128


def test_the_same_object_is_read_twice(provider: TracerProvider) -> None:
    span = new(provider)
    for name in ("_attributes", "_events", "_links", "_status", "_context", "_resource", "_instrumentation_scope"):
        assert getattr(span, name) is getattr(span, name), name
    span.add_event("later")
    assert [event.name for event in span._events] == ["e", "later"]
    span.set_attribute("b", 2)
    assert dict(span._attributes) == {"a": 1, "b": 2}


def test_openinference_writes_the_fields(provider: TracerProvider) -> None:
    exporter = InMemorySpanExporter()
    span = new(provider)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    events = [Event("mine", {"y": 2}, 6)]
    status = Status(StatusCode.ERROR, "mine")
    resource, scope = Resource({"mine": 1}), InstrumentationScope("mine")
    context = SpanContext(7, 8, False, trace.TraceFlags(1))
    span._attributes = {"b": "x"}
    span._events, span._status, span._links = events, status, [Link(OTHER, {"z": 1})]
    span._name, span._kind, span._parent, span._start_time = "mine", SpanKind.SERVER, OTHER, 5
    span._resource, span._instrumentation_scope, span._context = resource, scope, context
    assert span._status is status and span._parent is OTHER and span._context is context
    span.end(10)
    (done,) = exporter.get_finished_spans()
    assert (done.name, done.kind, done.parent, done.start_time) == ("mine", SpanKind.SERVER, OTHER, 5)
    assert done.attributes == {"b": "x"} and done.status is status and done.context is context
    assert done.events == tuple(events) and done.links[0].attributes == {"z": 1}
    assert done.resource is resource and done.instrumentation_scope is scope


def test_an_end_that_is_taken_back(provider: TracerProvider) -> None:
    """mlflow: `_end_time = None` makes a span writable again."""
    span = new(provider)
    span.end(9)
    span._end_time = None
    assert span.is_recording()
    span.set_attribute("late", 1)
    span._end_time = 9
    assert span.attributes == {"a": 1, "late": 1} and not span.is_recording()


def test_attributes_that_are_made_mutable(provider: TracerProvider) -> None:
    """traceloop and mlflow: `_attributes._immutable`."""
    span = new(provider)
    span._attributes["direct"] = 1
    span.end(9)
    with pytest.raises(TypeError):
        span._attributes["late"] = 1
    span._attributes._immutable = False
    span._attributes["late"] = 2
    del span._attributes["a"]
    span._attributes._immutable = True
    assert span.attributes == {"direct": 1, "late": 2}
    with pytest.raises(TypeError):
        del span._attributes["late"]
    with pytest.raises(KeyError):
        span._attributes["gone"]


def test_values_the_engine_has_no_room_for_are_kept(provider: TracerProvider) -> None:
    span = new(provider)
    marker = object()
    for name in ("_name", "_context", "_parent", "_start_time", "_end_time", "_attributes", "_events", "_links"):
        setattr(span, name, marker)
        assert getattr(span, name) is marker, name
    with pytest.raises(TypeError):
        del span._name
    span._name, span._end_time = "back", None
    assert span.name == "back" and span.is_recording()


def test_a_field_of_ones_own(provider: TracerProvider) -> None:
    span = new(provider)
    span._mine = 1
    span.mine = 2
    assert vars(span)["_mine"] == 1 and span.mine == 2
    del span.mine
    assert not hasattr(span, "mine")


def test_a_processor_writes_to_the_view_that_it_gets(provider: TracerProvider) -> None:
    class Redacting(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            span._attributes = dict.fromkeys(span.attributes or (), "***")

    exporter = InMemorySpanExporter()
    provider.add_span_processor(Redacting())
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    new(provider).end()
    assert exporter.get_finished_spans()[0].attributes == {"a": "***"}


def test_phoenix_reassigns_the_processors(provider: TracerProvider) -> None:
    first, second = InMemorySpanExporter(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(first))
    active: Any = provider._active_span_processor
    tracer = provider.get_tracer("t")
    with active._lock:
        assert len(active._span_processors) == 1
        active._span_processors = (SimpleSpanProcessor(second),)
    tracer.start_span("n").end()
    active._span_processors = []
    assert active._span_processors == ()
    tracer.start_span("m").end()
    assert [len(e.get_finished_spans()) for e in (first, second)] == [0, 1]


def test_logfire_assigns_the_tracers_resource(provider: TracerProvider) -> None:
    tracer: Any = provider.get_tracer("t")
    tracer.resource = Resource({"new": 1})
    assert tracer.start_span("n").resource.attributes["new"] == 1
    tracer._set_resource(Resource({"newer": 1}))
    assert tracer.start_span("n").resource.attributes["newer"] == 1


def test_airflow_reads_sampler_and_lock_and_handles_forks(provider: TracerProvider) -> None:
    with provider._tracers_lock:
        assert provider._tracers == {}
    assert provider.sampler.get_description().startswith("ParentBased")
    before = provider.resource.attributes["service.name"]
    tracer: Any = provider.get_tracer("t")
    provider._handle_fork()
    assert provider.resource.attributes["service.name"] == before
    assert tracer.resource is provider._resource


def test_openinference_replaces_the_resource(provider: TracerProvider) -> None:
    provider._resource = Resource({"mine": 1})
    assert provider.resource.attributes["mine"] == 1
    assert provider.get_tracer("new").start_span("n").resource.attributes["mine"] == 1  # type: ignore[attr-defined]


def test_the_key_of_the_span_in_a_context(provider: TracerProvider) -> None:
    from opentelemetry.trace.propagation import _SPAN_KEY

    span = new(provider)
    assert context_api.get_value(_SPAN_KEY, trace.set_span_in_context(span)) is span
    assert trace.get_current_span(context_api.set_value(_SPAN_KEY, span)) is span


def test_what_tests_import() -> None:
    import opentelemetry.sdk.trace as module

    for name in (
        "_Span",
        "_TracerConfig",
        "_RuleBasedTracerConfigurator",
        "_default_tracer_configurator",
        "_disable_tracer_configurator",
        "SynchronousMultiSpanProcessor",
        "ConcurrentMultiSpanProcessor",
        "EventBase",
        "BoundedAttributes",
        "sampling",
        "logger",
    ):
        assert hasattr(module, name), name
    assert module._Span.__mro__[1] is module.Span
