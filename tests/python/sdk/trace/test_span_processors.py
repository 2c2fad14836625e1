"""Processors written in Python: what they are told, in which order, and what becomes of their errors."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest

from opentelemetry import trace
from opentelemetry.sdk.trace import (
    ConcurrentMultiSpanProcessor,
    ReadableSpan,
    SpanProcessor,
    SynchronousMultiSpanProcessor,
    TracerProvider,
)
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision, StaticSampler


class Told(SpanProcessor):
    def __init__(self, name: str = "", calls: list[Any] | None = None) -> None:
        self.name = name
        self.calls: list[Any] = [] if calls is None else calls

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self.calls.append((self.name, "start", span, parent_context))

    def _on_ending(self, span: Any) -> None:
        self.calls.append((self.name, "ending", span))

    def on_end(self, span: Any) -> None:
        self.calls.append((self.name, "end", span))


def provider_with(*processors: Any, **arguments: Any) -> TracerProvider:
    provider = TracerProvider(shutdown_on_exit=False, **arguments)
    for processor in processors:
        provider.add_span_processor(processor)
    return provider


def test_the_order() -> None:
    calls: list[Any] = []
    provider = provider_with(Told("a", calls), Told("b", calls))
    context = trace.set_span_in_context(trace.INVALID_SPAN)
    span: Any = provider.get_tracer("t").start_span("n", context)
    span.end()
    assert [(call[0], call[1]) for call in calls] == [
        ("a", "start"),
        ("b", "start"),
        ("a", "ending"),
        ("b", "ending"),
        ("a", "end"),
        ("b", "end"),
    ]
    assert calls[0][2] is span and calls[0][3] is context and calls[2][2] is span
    assert type(calls[4][2]) is ReadableSpan and calls[4][2] is calls[5][2]
    assert calls[4][2].context == span.context


def test_what_on_start_changes_is_there() -> None:
    class Changing(SpanProcessor):
        def on_start(self, span: Any, parent_context: Any = None) -> None:
            span.set_attribute("added", 1)
            span.update_name("renamed")

    span: Any = provider_with(Changing()).get_tracer("t").start_span("n")
    assert span.attributes == {"added": 1} and span.name == "renamed"


def test_the_end_is_set_when_on_ending_is_called() -> None:
    ends: list[Any] = []

    class Ending(SpanProcessor):
        def _on_ending(self, span: Any) -> None:
            ends.append(span.end_time)

    provider_with(Ending()).get_tracer("t").start_span("n").end(5)
    assert ends == [5]


@pytest.mark.parametrize("name", ["on_start", "_on_ending", "on_end"])
@pytest.mark.parametrize("multi", [SynchronousMultiSpanProcessor, ConcurrentMultiSpanProcessor])
def test_what_a_processor_raises_stays_in_the_log(name: str, multi: Any, caplog: pytest.LogCaptureFixture) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise ValueError(f"out of {name}")

    told, active = Told(), multi()
    provider = provider_with(type("Failing", (SpanProcessor,), {name: fail})(), told, active_span_processor=active)
    with caplog.at_level(logging.DEBUG, "opentelemetry.sdk.trace"):
        for _ in range(3):
            provider.get_tracer("t").start_span("n").end()
    provider.shutdown()
    ours = [record for record in caplog.records if f"Exception in {name} of a span processor" in record.getMessage()]
    assert len(ours) == 3 and sum(record.levelno >= logging.WARNING for record in ours) <= 1
    if multi is SynchronousMultiSpanProcessor:
        assert sum(call[1] == "end" for call in told.calls) == 3


@pytest.mark.parametrize("method", ["on_start", "_on_ending", "on_end"])
def test_processors_make_spans_of_their_own(method: str) -> None:
    """No lock is held while a processor runs."""
    provider = TracerProvider(shutdown_on_exit=False)
    tracer, depth = provider.get_tracer("t"), [0]

    def nested(self: Any, *args: Any, **kwargs: Any) -> None:
        if depth[0] < 3:
            depth[0] += 1
            tracer.start_span("inner").end()

    provider.add_span_processor(type("Nested", (SpanProcessor,), {method: nested})())
    done = threading.Thread(target=lambda: tracer.start_span("outer").end(), daemon=True)
    done.start()
    done.join(10)
    assert not done.is_alive() and depth == [3]


def test_a_processor_may_add_another() -> None:
    provider, told = TracerProvider(shutdown_on_exit=False), Told()

    class Adding(SpanProcessor):
        def on_start(self, span: Any, parent_context: Any = None) -> None:
            provider.add_span_processor(told)

    provider.add_span_processor(Adding())
    provider.get_tracer("t").start_span("n").end()
    assert [call[1] for call in told.calls] == ["ending", "end"]


def test_any_object_with_the_methods_will_do() -> None:
    class Duck:
        def __init__(self) -> None:
            self.ended: list[str] = []

        def on_start(self, span: Any, parent_context: Any = None) -> None: ...

        def on_end(self, span: Any) -> None:
            self.ended.append(span.name)

        def shutdown(self) -> None: ...

    duck = Duck()
    provider_with(duck).get_tracer("t").start_span("n").end()
    assert duck.ended == ["n"]


def test_methods_set_on_the_instance() -> None:
    processor, ended = SpanProcessor(), []
    processor.on_end = ended.append  # type: ignore[method-assign]
    provider_with(processor).get_tracer("t").start_span("n").end()
    assert [span.name for span in ended] == ["n"]


def test_unsampled_spans_are_recorded_and_not_exported() -> None:
    exporter, told = InMemorySpanExporter(), Told()
    provider = provider_with(told, SimpleSpanProcessor(exporter), sampler=StaticSampler(Decision.RECORD_ONLY))
    provider.get_tracer("t").start_span("n").end()
    assert [call[1] for call in told.calls] == ["start", "ending", "end"] and exporter.get_finished_spans() == ()


def test_flush_stops_at_the_deadline() -> None:
    class Slow(SpanProcessor):
        def force_flush(self, timeout_millis: int = 30000) -> bool:
            threading.Event().wait(0.05)
            return True

    for multi in (SynchronousMultiSpanProcessor(), ConcurrentMultiSpanProcessor(1)):
        multi.add_span_processor(Slow())
        multi.add_span_processor(Slow())
        assert multi.force_flush(10) is False
        assert multi.force_flush(5000) is True
        multi.shutdown()


def test_flush_says_what_one_processor_says() -> None:
    class No(SpanProcessor):
        def force_flush(self, timeout_millis: int = 30000) -> bool:
            return False

    for multi in (SynchronousMultiSpanProcessor(), ConcurrentMultiSpanProcessor()):
        multi.add_span_processor(No())
        multi.add_span_processor(SpanProcessor())
        assert multi.force_flush() is False
        multi.shutdown()


def test_the_concurrent_one_tells_all() -> None:
    told = [Told(), Told(), Told()]
    active = ConcurrentMultiSpanProcessor(2)
    provider = provider_with(*told, active_span_processor=active)
    provider.get_tracer("t").start_span("n").end()
    assert [[call[1] for call in one.calls] for one in told] == [["start", "ending", "end"]] * 3
    provider.shutdown()
