"""Ctrl-C, and a signal handler's `sys.exit()`, in code of the program's that telemetry runs: they reach the program."""

from __future__ import annotations

import logging
import os
import signal
from typing import Any, Callable, Iterator, NoReturn

import pytest

from opentelemetry import context
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Sampler


def interrupt(*_: Any, **__: Any) -> NoReturn:
    """As if the signal came just here."""
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(1000):
        pass
    raise AssertionError("the handler did not run")


class Text:
    def __str__(self) -> str:
        interrupt()
        return ""

    __repr__ = __str__


class Links:
    def __iter__(self) -> Iterator[Any]:
        interrupt()


def tracer(processor: SpanProcessor | None = None, **settings: Any) -> Any:
    provider = TracerProvider(shutdown_on_exit=False, **settings)
    if processor is not None:
        provider.add_span_processor(processor)
    return provider.get_tracer("interrupted")


def made(base: type, *methods: str) -> Any:
    return type("Made", (base,), dict.fromkeys((*methods, "get_description"), interrupt))()


def logger() -> Any:
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(InMemoryLogRecordExporter()))
    return provider.get_logger("interrupted")


def native_logger() -> Any:
    # Without a processor nothing is Python's.
    return LoggerProvider(shutdown_on_exit=False).get_logger("interrupted")


def counter() -> Any:
    return MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False).get_meter("interrupted").create_counter("c")


def observe(callback: Callable[[CallbackOptions], Any]) -> None:
    reader = InMemoryMetricReader()
    MeterProvider([reader], shutdown_on_exit=False).get_meter("m").create_observable_gauge("g", [callback])
    reader.get_metrics_data()


def warn() -> None:
    """A log line of the SDK's, with a handler of the program's."""
    handler = logging.Handler()
    handler.emit = interrupt  # type: ignore[method-assign]
    target = logging.getLogger("opentelemetry")
    target.addHandler(handler)
    try:
        span = tracer().start_span("span")
        span.end()
        span.set_attribute("late", 1)
    finally:
        target.removeHandler(handler)


PLACES: dict[str, Callable[[], Any]] = {
    "set_attribute": lambda: tracer().start_span("span").set_attribute("key", Text()),
    "set_attributes": lambda: tracer().start_span("span").set_attributes({"key": [1, {"deep": Text()}]}),
    "attributes at the start": lambda: tracer().start_span("span", attributes={"key": Text()}),
    "a span's name": lambda: tracer().start_span(Text()),
    "an event": lambda: tracer().start_span("span").add_event("event", {"key": Text()}),
    "links": lambda: tracer().start_span("span", links=Links()),
    "a sampler": lambda: tracer(sampler=made(Sampler, "should_sample")).start_span("span"),
    "an id generator": lambda: tracer(id_generator=made(RandomIdGenerator, "generate_span_id")).start_span("span"),
    "on_start": lambda: tracer(made(SpanProcessor, "on_start")).start_span("span"),
    "_on_ending": lambda: tracer(made(SpanProcessor, "_on_ending")).start_span("span").end(),
    "on_end": lambda: tracer(made(SpanProcessor, "on_end")).start_span("span").end(),
    "an exporter": lambda: tracer(SimpleSpanProcessor(made(SpanExporter, "export"))).start_span("span").end(),
    "a log line's handler": warn,
    "a record's body": lambda: native_logger().emit(body=Text()),
    "a record's attributes": lambda: logger().emit(attributes={"key": Text()}),
    "a measurement's attributes": lambda: counter().add(1, {"key": Text()}),
    "a callback": lambda: observe(interrupt),
    "an observation's attributes": lambda: observe(lambda _: [Observation(1, {"key": Text()})]),  # type: ignore[dict-item]
}


class Ended(BaseException):
    """What a handler raises to end the program, or a greenlet."""


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit, Ended])
@pytest.mark.parametrize("place", PLACES)
def test_what_a_signal_handler_raises_reaches_the_program(place: str, raised: type[BaseException]) -> None:
    def handler(*_: Any) -> NoReturn:
        raise raised

    before = signal.signal(signal.SIGINT, handler)
    try:
        with pytest.raises(raised):
            PLACES[place]()
    finally:
        signal.signal(signal.SIGINT, before)
    # It is raised once.
    tracer().start_span("afterwards").set_attribute("key", "value")
    assert context.get_current() == {}
