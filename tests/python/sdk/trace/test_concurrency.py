"""Threads and signals: nothing is lost, nothing waits for ever."""

from __future__ import annotations

import signal
import sys
import threading
from typing import Any, Callable, Iterator

import pytest

from opentelemetry import trace
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.trace import SpanContext, StatusCode, get_current_span

THREADS = 8


@pytest.fixture(autouse=True)
def quick_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def run(*work: Callable[[], Any]) -> None:
    failed: list[BaseException] = []

    def guarded(one: Callable[[], Any]) -> None:
        try:
            one()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(one,), daemon=True) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "deadlock"
    assert failed == []


@pytest.fixture
def tracer() -> Any:
    limits = SpanLimits(max_span_attributes=10_000, max_events=100_000, max_links=100_000)
    return TracerProvider(shutdown_on_exit=False, span_limits=limits).get_tracer("t")


def test_one_span_changed_by_all(tracer: Any) -> None:
    span, count = tracer.start_span("n"), 300

    def change(number: int) -> Callable[[], None]:
        def work() -> None:
            for i in range(count):
                span.set_attribute(f"{number}.{i}", [i])
                span.add_event("e", {"i": i})
                span.add_link(SpanContext(1, i + 1, False))
                span.update_name(str(i))

        return work

    run(*map(change, range(THREADS)))
    assert len(span.attributes) == len(span.events) == len(span.links) == THREADS * count
    assert span.attributes["3.7"] == (7,)


def test_reading_while_others_write(tracer: Any) -> None:
    """A lock held while Python objects are made would wait for the interpreter, and the interpreter for the lock."""
    span = tracer.start_span("n", attributes={"a": 1})
    span.add_event("e", {"a": 1})
    span.set_status(StatusCode.ERROR, "x")

    def read() -> None:
        for _ in range(200):
            span._status = span.status
            for name in ("events", "links", "status", "resource", "instrumentation_scope", "attributes", "parent"):
                getattr(span, name)
            dict(span.attributes), span.to_json(), span.kind, span.start_time, span._limits, span._readable_span()

    def write() -> None:
        for i in range(2000):
            span.set_attribute("a", i)
            if i % 20 == 0:
                span.add_event("e")
                span.add_link(SpanContext(1, 2, False))

    run(read, write, write, read)
    assert span.attributes["a"] == 1999 and len(span.events) == 201


def test_a_span_ended_by_all_ends_once() -> None:
    ended: list[Any] = []

    class Processor(SpanProcessor):
        def on_end(self, span: Any) -> None:
            ended.append(span)

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Processor())
    for _ in range(50):
        span = provider.get_tracer("t").start_span("n")
        run(*[span.end] * 4)
    assert len(ended) == 50


def test_spans_in_many_threads_with_processors_that_make_spans(tracer: Any) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    inner: Any = tracer
    ends: list[str] = []

    class Nested(SpanProcessor):
        def on_start(self, span: Any, parent_context: Any = None) -> None:
            with inner.start_as_current_span("inner") as own:
                assert get_current_span() is own

        def on_end(self, span: Any) -> None:
            ends.append(span.name)

    provider.add_span_processor(Nested())
    outer = provider.get_tracer("t")

    def work() -> None:
        for i in range(100):
            with outer.start_as_current_span("a") as a:
                a.set_attribute("i", i)
                with outer.start_as_current_span("b") as b:
                    assert b.parent == a.context and get_current_span() is b  # type: ignore[attr-defined]
            assert get_current_span() is trace.INVALID_SPAN

    def add() -> None:
        for _ in range(20):
            provider.add_span_processor(SpanProcessor())

    run(*[work] * THREADS, add)
    assert len(ends) == THREADS * 200


def test_tracers_asked_for_by_all() -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    found: list[Any] = []
    run(*[lambda: found.append([provider.get_tracer(str(i)) for i in range(50)])] * THREADS)
    assert all(tracers == found[0] for tracers in found)


def test_a_tracer_whose_parts_change(tracer: Any) -> None:
    from opentelemetry.sdk.resources import Resource

    def change() -> None:
        for i in range(300):
            tracer.resource = Resource({"i": i})
            tracer._span_limits = SpanLimits()

    def make() -> None:
        for _ in range(1000):
            span = tracer.start_span("n", attributes={"a": 1})
            assert "i" in span.resource.attributes or "service.name" in span.resource.attributes

    run(change, make, make)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_signal_handlers_make_spans(tracer: Any) -> None:
    shared, calls = tracer.start_span("shared"), [0]

    def handler(*_: Any) -> None:
        calls[0] += 1
        with tracer.start_as_current_span("in handler") as span:
            span.set_attribute("a", 1)
            shared.set_attribute("handler", calls[0])
            shared.add_event("signal")

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        for i in range(3000):
            with tracer.start_as_current_span("n", attributes={"i": [i]}) as span:
                shared.set_attribute("main", i)
                assert get_current_span() is span
                # Seldom: reading all events takes longer the more there are, and a slow machine makes more of them.
                if i % 500 == 0:
                    assert len(shared.events) <= calls[0]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert calls[0] > 0 and shared.attributes["main"] == 2999 and len(shared.events) == calls[0]


def test_an_interrupt_in_a_block_goes_through(tracer: Any) -> None:
    with pytest.raises(KeyboardInterrupt), tracer.start_as_current_span("n") as span:
        signal.raise_signal(signal.SIGINT)
        for _ in range(100):
            pass
    assert not span.is_recording() and span.events == ()
