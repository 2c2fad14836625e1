"""Classes of users that derive from ours: `super()` works, overrides are called, foreign spans are parents."""

from __future__ import annotations

from typing import Any, Iterator
from unittest import mock

import pytest

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import (
    Event,
    ReadableSpan,
    Span,
    SpanLimits,
    SpanProcessor,
    SynchronousMultiSpanProcessor,
    Tracer,
    TracerProvider,
    _Span,
)
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.sdk.util.instrumentation import InstrumentationInfo, InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

CONTEXT = SpanContext(0xABC, 0xDEF, False, TraceFlags(1))


def test_a_provider() -> None:
    class Mine(TracerProvider):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, shutdown_on_exit=False, **kwargs)
            self.asked: list[str] = []

        def get_tracer(self, *args: Any, **kwargs: Any) -> Any:
            self.asked.append(args[0])
            return super().get_tracer(*args, **kwargs)

    provider = Mine(resource=Resource({"a": 1}))
    assert provider.get_tracer("x").start_span("s").resource.attributes["a"] == 1  # type: ignore[attr-defined]
    assert provider.asked == ["x"] and isinstance(provider, trace.TracerProvider)


@pytest.mark.filterwarnings("ignore:You should use InstrumentationScope:DeprecationWarning")
def test_a_tracer_that_overrides_start_span() -> None:
    class Mine(Tracer):
        def start_span(self, name: str, *args: Any, **kwargs: Any) -> Any:
            span = super().start_span("mine " + name, *args, **kwargs)
            span.set_attribute("mine", True)
            return span

    tracer = Mine(
        ALWAYS_ON,
        Resource({}),
        SynchronousMultiSpanProcessor(),
        RandomIdGenerator(),
        InstrumentationInfo("a", "b"),
        SpanLimits(),
        InstrumentationScope("a"),
    )
    with tracer.start_as_current_span("x", kind=SpanKind.CLIENT, attributes={"k": 1}, start_time=4) as span:
        assert trace.get_current_span() is span
    assert (span.name, span.kind, span.start_time) == ("mine x", SpanKind.CLIENT, 4)  # type: ignore[attr-defined]
    assert span.attributes == {"k": 1, "mine": True}  # type: ignore[attr-defined]


def test_a_span_by_its_constructor() -> None:
    ended: list[Any] = []

    class Processor(SpanProcessor):
        def on_end(self, span: Any) -> None:
            ended.append(span)

    span = _Span(
        "n",
        CONTEXT,
        parent=SpanContext(1, 2, True),
        attributes={"a": 1},
        events=[Event("e", {"b": 2}, 5)],
        links=[trace.Link(CONTEXT, {"c": 3})],
        kind=SpanKind.SERVER,
        resource=Resource({"r": 1}),
        span_processor=Processor(),
        limits=SpanLimits(max_span_attributes=1),
        instrumentation_scope=InstrumentationScope("lib"),
    )
    with pytest.raises(RuntimeError, match="Calling end\\(\\) on a not started span."):
        span.end()
    span.start(start_time=1)
    span.set_attribute("b", 2)
    span.end(end_time=2)
    (view,) = ended
    assert (view.name, view.context, view.kind, view.start_time, view.end_time) == ("n", CONTEXT, SpanKind.SERVER, 1, 2)
    assert view.attributes == {"b": 2} and view.dropped_attributes == 1
    assert view.events[0].attributes == {"b": 2} and view.links[0].attributes == {"c": 3}
    assert view.resource.attributes["r"] == 1 and view.instrumentation_scope.name == "lib"


def test_a_span_class_of_ones_own() -> None:
    class Mine(Span):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.seen: list[str] = []

        def set_attribute(self, key: str, value: Any) -> None:
            self.seen.append(key)
            super().set_attribute(key, value)

        def end(self, end_time: int | None = None) -> None:
            self.seen.append("end")
            super().end(end_time)

    span = Mine("n", CONTEXT)
    span.start()
    with trace.use_span(span, end_on_exit=True):
        trace.get_current_span().set_attribute("a", 1)
        child: Any = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("child")
    assert span.seen == ["a", "end"] and span.attributes == {"a": 1} and not span.is_recording()
    assert child.parent is CONTEXT or child.parent == CONTEXT
    assert repr(span).startswith('Mine(name="n"')


class Counted(ReadableSpan):
    @property
    def name(self) -> str:
        return "overridden " + super().name


def test_a_readable_span_with_overridden_properties_is_exported_so() -> None:
    span = Counted(name="n", context=CONTEXT, start_time=1, end_time=2)
    exporter = InMemorySpanExporter()
    assert exporter.export([span]) is SpanExportResult.SUCCESS
    assert exporter.get_finished_spans()[0].name == "overridden n"
    from ferrotel import _native  # what the encoder reads

    assert hasattr(_native, "ReadableSpanBase") and isinstance(span, _native.ReadableSpanBase)


def test_fields_as_keywords() -> None:
    """logfire makes spans of a dict of all fields."""
    source = ReadableSpan("n", CONTEXT, attributes={"a": 1}, start_time=1, end_time=2, kind=SpanKind.PRODUCER)
    fields = {
        name: getattr(source, name)
        for name in (
            "name",
            "context",
            "parent",
            "resource",
            "attributes",
            "events",
            "links",
            "kind",
            "status",
            "start_time",
            "end_time",
            "instrumentation_scope",
        )
    }
    made = ReadableSpan(**{**fields, "attributes": {**fields["attributes"], "b": 2}})
    assert made.attributes == {"a": 1, "b": 2} and made.kind is SpanKind.PRODUCER and made.context == CONTEXT


@pytest.mark.parametrize("base", [ParentBased, TraceIdRatioBased])
def test_a_sampler_derived_from_a_built_in_one(base: Any) -> None:
    class Mine(base):  # type: ignore[misc]
        asked = 0

        def should_sample(self, *args: Any, **kwargs: Any) -> SamplingResult:
            Mine.asked += 1
            return super().should_sample(*args, **kwargs)  # type: ignore[no-any-return]

    sampler: Sampler = Mine(ALWAYS_ON) if base is ParentBased else Mine(1.0)
    span = TracerProvider(sampler=sampler, shutdown_on_exit=False).get_tracer("t").start_span("n")
    assert span.is_recording() and Mine.asked == 1


def test_an_exporter_behind_a_simple_processor_of_ones_own() -> None:
    class Exporter(SpanExporter):
        names: list[str] = []

        def export(self, spans: Any) -> SpanExportResult:
            self.names.extend(span.name for span in spans)
            return SpanExportResult.SUCCESS

    class Processor(SimpleSpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            if span.name != "hidden":
                super().on_end(span)

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Processor(Exporter()))
    for name in ("hidden", "shown"):
        provider.get_tracer("t").start_span(name).end()
    assert Exporter.names == ["shown"]


def test_an_event_class_of_ones_own() -> None:
    class Mine(Event):
        @property
        def attributes(self) -> Any:
            return {"mine": 1}

    span: Any = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("n")
    mine = Mine("e", {"a": 1}, 5)
    span._add_event(mine)
    assert span.events[0].attributes == {"mine": 1}
    span._events = [mine]
    assert span.events == (mine,)


class Proxy:
    """What wrapt's ObjectProxy does: everything goes to the wrapped object, its class included."""

    def __init__(self, wrapped: Any) -> None:
        object.__setattr__(self, "wrapped", wrapped)

    @property
    def __class__(self) -> Any:
        return type(self.wrapped)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wrapped, name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.wrapped)


def test_a_proxy_of_a_span() -> None:
    tracer: Any = TracerProvider(shutdown_on_exit=False).get_tracer("t")
    span = tracer.start_span("n")
    proxy: Any = Proxy(span)
    assert isinstance(proxy, trace.Span)
    with pytest.raises(ValueError), trace.use_span(proxy, end_on_exit=True):
        assert trace.get_current_span() is proxy
        child = tracer.start_span("child")
        raise ValueError("boom")
    assert child.parent == span.context and not span.is_recording()
    assert span.status.status_code is StatusCode.ERROR and len(span.events) == 1


def test_a_foreign_parent_whose_context_is_none() -> None:
    class Mine(trace.NonRecordingSpan):
        def get_span_context(self) -> Any:
            return None

    context = trace.set_span_in_context(Mine(CONTEXT))
    assert TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("n", context).is_recording()


def test_a_span_context_of_ones_own() -> None:
    class Mine(SpanContext):
        pass

    mine = Mine(1, 2, True, TraceFlags(1))
    context = trace.set_span_in_context(trace.NonRecordingSpan(mine))
    span: Any = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("n", context)
    assert span.parent is mine and span.context.trace_id == 1


def test_methods_replaced_on_one_object() -> None:
    tracer: Any = TracerProvider(shutdown_on_exit=False).get_tracer("t")
    span = tracer.start_span("n")
    ends: list[int] = []
    span.end = lambda *args: ends.append(1)
    span.end()
    assert ends == [1] and span.is_recording()
    span.set_status(Status(StatusCode.OK))
    assert span.status.is_ok


def test_methods_replaced_on_the_class() -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("x")
    with mock.patch.object(Span, "end", autospec=True) as end, mock.patch.object(
        Span, "set_attribute"
    ) as set_attribute:
        with tracer.start_as_current_span("patched") as span:
            span.set_attribute("key", 1)
    assert end.call_count == 1 and set_attribute.call_args == mock.call("key", 1)
    assert span.is_recording()
    with tracer.start_as_current_span("whole again") as span:
        span.set_attribute("key", 1)
    assert not span.is_recording() and span.attributes == {"key": 1}
