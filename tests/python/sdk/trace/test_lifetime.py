"""Memory: nothing leaks, nothing is freed too early, and what is used again shows nothing of its former life."""

from __future__ import annotations

import gc
import sys
import weakref
from typing import Any, Callable

import pytest

from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider, _Span
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

TRACER: Any = TracerProvider(shutdown_on_exit=False).get_tracer("t")
REMOTE = SpanContext(1, 2, True, TraceFlags(1))


class Thing:
    pass


def test_a_span_that_is_used_again_is_empty() -> None:
    for i in range(300):
        span = TRACER.start_span("old", attributes={"a": i}, kind=SpanKind.SERVER, links=[Link(REMOTE)])
        span.mine, span._events, span._name, span._limits = i, [], 5, span._limits
        span._record_exception = span._set_status_on_exception = False
        span._record_end_metrics = lambda: None
        span.set_status(StatusCode.ERROR)
        gone, _ = weakref.ref(span), (span.context, span._attributes, span.status)
        if i % 2:
            span.end()
        del span
        assert gone() is None
        new = TRACER.start_span("new")
        assert vars(new) == {} and new.name == "new" and new.attributes == {} and new.events == new.links == ()
        assert new.status.status_code is StatusCode.UNSET and new.kind is SpanKind.INTERNAL and new.parent is None
        assert new._record_exception and new._set_status_on_exception and new._record_end_metrics is None
        assert weakref.getweakrefcount(new) == 0 and new.is_recording()


def test_a_view_outlives_its_span() -> None:
    span = TRACER.start_span("n", attributes={"a": 1})
    attributes, view = span._attributes, span._readable_span()
    span.end(5)
    del span
    for _ in range(300):
        TRACER.start_span("other", attributes={"b": 2}).end()
    assert dict(attributes) == {"a": 1} and view.attributes == {"a": 1} and view.name == "n" and view.end_time == 5


def test_weak_references_die_with_the_span() -> None:
    calls: list[Any] = []
    span = TRACER.start_span("n")
    gone = weakref.ref(span, calls.append)
    assert gone() is span
    del span
    assert gone() is None and calls == [gone]


def cycle_through_dict() -> Any:
    span, thing = TRACER.start_span("n"), Thing()
    span.thing, thing.span = thing, span  # type: ignore[attr-defined]
    return thing


def cycle_through_context() -> Any:
    span, thing = TRACER.start_span("n"), Thing()
    span.thing, span.context_with_me = thing, trace.set_span_in_context(span)
    return thing


def cycle_through_scope() -> Any:
    thing = Thing()
    thing.scope = TRACER.start_as_current_span("n", attributes={"thing": thing})  # type: ignore[attr-defined]
    return thing


def cycle_through_use_span() -> Any:
    thing, span = Thing(), TRACER.start_span("n")
    span.thing, thing.scope = thing, trace.use_span(span)  # type: ignore[attr-defined]
    return thing


def cycle_through_private_fields() -> Any:
    thing, span = Thing(), TRACER.start_span("n")
    span._parent, span._span_processor, thing.span = thing, thing, span  # type: ignore[attr-defined]
    return thing


def cycle_through_no_op_span() -> Any:
    thing = Thing()
    thing.span = NonRecordingSpan(thing)  # type: ignore[attr-defined,arg-type]
    return thing


def cycle_through_tracer() -> Any:
    thing, provider = Thing(), TracerProvider(shutdown_on_exit=False)
    processor: Any = SpanProcessor()
    processor.thing, processor.provider = thing, provider
    tracer: Any = provider.get_tracer("t")
    tracer.thing, thing.tracer = thing, tracer  # type: ignore[attr-defined]
    return thing


@pytest.mark.parametrize(
    "make",
    [
        cycle_through_dict,
        cycle_through_context,
        cycle_through_scope,
        cycle_through_use_span,
        cycle_through_private_fields,
        cycle_through_no_op_span,
        cycle_through_tracer,
    ],
)
def test_cycles_are_collected(make: Callable[[], Any]) -> None:
    gone = [weakref.ref(make()) for _ in range(100)]
    gc.collect()
    assert sum(one() is not None for one in gone) == 0


def test_finalizers_make_spans() -> None:
    ended: list[str] = []

    class Processor(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            ended.append(span.name)

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Processor())
    tracer: Any = provider.get_tracer("t")

    class Finalized:
        def __del__(self) -> None:
            with tracer.start_as_current_span("finalizer") as span:
                span.set_attribute("a", 1)

    for _ in range(100):
        span = tracer.start_span("n")
        span.thing = Finalized()
        span.end()
        del span
        scope = tracer.start_as_current_span("never", attributes={"k": Finalized()})
        del scope
        cycle: Any = Finalized()
        cycle.me = cycle
    del cycle
    gc.collect()
    assert ended.count("finalizer") == 300 and ended.count("n") == 100


def test_a_span_of_a_class_with_a_finalizer_may_come_back() -> None:
    saved: list[Any] = []

    class Mine(_Span):
        def __del__(self) -> None:
            saved.append(self)

    span = Mine("n", REMOTE, attributes={"a": 1})
    span.start()
    del span
    assert saved[0].name == "n" and saved[0].attributes == {"a": 1}
    saved[0].end()


def test_long_chains_of_spans_are_freed() -> None:
    before: Any = None
    for _ in range(100_000):
        span = TRACER.start_span("n")
        span.before, before = before, span
    del span, before


def use(span: Any, name: str, value: Any) -> None:
    try:
        getattr(span, name)(value)
    except TypeError:
        pass


def test_the_collector_runs_anywhere() -> None:
    before = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for i in range(300):
            with TRACER.start_as_current_span("n", attributes={"a": [i, {"b": [i]}]}) as span:
                span.add_event("e", {"a": [1]})
                span.me = span
                span.events, span.links, span.status, span.attributes, dict(context_api.get_current())
                assert len(span.get_span_context().trace_state) == 0
    finally:
        gc.set_threshold(*before)


SPAN_USES: dict[str, Callable[[Any, Any], Any]] = {
    "set_attribute": lambda s, x: s.set_attribute("k", x),
    "set_attribute key": lambda s, x: s.set_attribute(x, 1),
    "set_attribute missing": lambda s, x: s.set_attribute(x),
    "set_attribute name": lambda s, x: s.set_attribute(nonsense=x),
    "set_attributes": lambda s, x: s.set_attributes({"k": x}),
    "set_attributes direct": lambda s, x: s.set_attributes(x),
    "add_event": lambda s, x: s.add_event(x, {"k": x}, x),
    "add_link": lambda s, x: s.add_link(x, {"k": x}),
    "update_name": lambda s, x: s.update_name(x),
    "end": lambda s, x: s.end(x, x),
    "start": lambda s, x: s.start(x, x),
    "record_exception": lambda s, x: s.record_exception(x, x, x, x),
    "set_status": lambda s, x: s.set_status(x, x),
    "use_span": lambda s, x: trace.use_span(x, x, x, x),
    "use_span block": lambda s, x: trace.use_span(x).__enter__(),
    "scope exit": lambda s, x: trace.use_span(s).__exit__(x, x, x),
    "scope decorator": lambda s, x: trace.use_span(s)(x, x),
    "start_span": lambda s, x: TRACER.start_span(x, x, x, x, x, x),
    "start_span names": lambda s, x: TRACER.start_span("n", attributes=x, links=[x], start_time=x, kind=x),
    "start_as_current_span": lambda s, x: TRACER.start_as_current_span(x, x, x, x, x, x),
    "set_span_in_context": lambda s, x: trace.set_span_in_context(x, x),
    "set_span": lambda s, x: trace.set_span_in_context(x),
    "get_current_span": lambda s, x: trace.get_current_span(x),
    "set_value": lambda s, x: context_api.set_value("k", x),
    "set_value key": lambda s, x: context_api.set_value(x, x, x),
    "get_value": lambda s, x: context_api.get_value(x, context_api.set_value("k", x)),
    "detach": lambda s, x: context_api.detach(x),
    "attach": lambda s, x: context_api.detach(context_api.attach(x)),
    "SpanContext": lambda s, x: SpanContext(x, x, x, x, x),
    "NonRecordingSpan": lambda s, x: NonRecordingSpan(x).get_span_context(),
    "ReadableSpan": lambda s, x: ReadableSpan(x, x, x, x, x, x, x, x),
    "sampler": lambda s, x: setattr(TRACER, "span_processor", TRACER.span_processor),
    **{
        field: (lambda s, x, field=field: (setattr(s, field, x), getattr(s, field)))  # type: ignore[misc]
        for field in (
            "_name",
            "_attributes",
            "_events",
            "_links",
            "_parent",
            "_status",
            "_limits",
            "_resource",
            "_kind",
        )
    },
}


@pytest.mark.parametrize("name", SPAN_USES)
@pytest.mark.filterwarnings("ignore")
def test_references_are_given_back(name: str) -> None:
    import logging

    logging.disable(logging.CRITICAL)
    try:
        for thing in (Thing(), "text that is not interned " + name, [1, 2, 3.5]):
            work, span = SPAN_USES[name], TRACER.start_span("n")
            token = context_api.attach(context_api.Context())

            def loop(count: int, work: Any = work, span: Any = span, thing: Any = thing) -> None:
                for _ in range(count):
                    try:
                        work(span, thing)
                    except Exception:
                        pass

            loop(5)
            span = None
            gc.collect()
            loop(10, span=TRACER.start_span("n"))
            context_api.detach(token)
            loop.__defaults__ = None
            # Any call that reports something drops the exceptions that were let go before it.
            TRACER.start_span("n", kind="none")
            gc.collect()
            assert sys.getrefcount(thing) < 8, name
    finally:
        logging.disable(logging.NOTSET)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_stays_flat() -> None:
    def resident() -> int:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4

    def work(count: int) -> None:
        for i in range(count):
            with TRACER.start_as_current_span("n", attributes={"a": [1, "x" * 50]}, links=[Link(REMOTE)]) as span:
                span.set_attribute("k", i)
                span.add_event("e", {"i": i})
                span.mine, span._events, span._parent = object(), [], 5
                span.attributes, span.status, span.context, span.resource, dict(context_api.get_current())
                span._status = Status(StatusCode.ERROR, "x" * 100)
                assert len(span._readable_span().attributes) == 2
                use(span, "set_attribute", i)

    work(3000)
    before = resident()
    work(20_000)
    assert resident() - before < 4000
