"""What is measured: one function per operation, the same calls for every implementation.

Each takes a `Subject` and returns a function that does the operation a given number of times. The loop itself is part
of what is measured, on every side alike.
"""

from __future__ import annotations

from itertools import repeat
from typing import Any, Callable, NamedTuple

from opentelemetry import context, propagate, trace


class Subject(NamedTuple):
    """What the operations work on."""

    tracer: trace.Tracer
    """Of a provider with default settings and the pipeline under test."""
    unsampled: trace.Tracer
    """Of a provider with the sampler ALWAYS_OFF."""
    encode: Callable[[], Any] | None
    """Encodes 512 spans as OTLP, where this is done from Python."""


Run = Callable[[int], None]

HEADERS = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
ALL_HEADERS = {
    **HEADERS,
    "tracestate": "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
    "baggage": "user.id=42,user.tier=gold",
}


def bare(subject: Subject) -> Run:
    tracer = subject.tracer

    def run(count: int) -> None:
        for _ in repeat(None, count):
            with tracer.start_as_current_span("operation"):
                pass

    return run


def attributes_4(subject: Subject) -> Run:
    tracer = subject.tracer

    def run(count: int) -> None:
        for _ in repeat(None, count):
            with tracer.start_as_current_span("operation") as span:
                span.set_attribute("http.request.method", "GET")
                span.set_attribute("http.route", "/users/{id}")
                span.set_attribute("url.scheme", "https")
                span.set_attribute("server.address", "shop.example")

    return run


def event(subject: Subject) -> Run:
    tracer = subject.tracer

    def run(count: int) -> None:
        for _ in repeat(None, count):
            with tracer.start_as_current_span("operation") as span:
                span.add_event("cache.miss", {"cache.key": "user:42"})

    return run


def child(subject: Subject) -> Run:
    tracer = subject.tracer

    def run(count: int) -> None:
        with tracer.start_as_current_span("parent"):
            for _ in repeat(None, count):
                with tracer.start_as_current_span("operation"):
                    pass

    return run


def start_end(subject: Subject) -> Run:
    tracer = subject.tracer

    def run(count: int) -> None:
        for _ in repeat(None, count):
            tracer.start_span("operation").end()

    return run


def non_recording(subject: Subject) -> Run:
    tracer = subject.unsampled

    def run(count: int) -> None:
        for _ in repeat(None, count):
            with tracer.start_as_current_span("operation"):
                pass

    return run


def exception(subject: Subject) -> Run:
    tracer = subject.tracer

    def run(count: int) -> None:
        for _ in repeat(None, count):
            try:
                with tracer.start_as_current_span("operation"):
                    raise ValueError("no such user")
            except ValueError:
                pass

    return run


def set_attribute(subject: Subject) -> Run:
    tracer = subject.tracer

    def run(count: int) -> None:
        with tracer.start_as_current_span("operation") as span:
            for _ in repeat(None, count):
                span.set_attribute("http.route", "/users/{id}")

    return run


def is_recording(subject: Subject) -> Run:
    tracer = subject.tracer

    def run(count: int) -> None:
        with tracer.start_as_current_span("operation"):
            for _ in repeat(None, count):
                trace.get_current_span().is_recording()

    return run


def attach_detach(subject: Subject) -> Run:
    def run(count: int) -> None:
        value = context.set_value("key", "value")
        for _ in repeat(None, count):
            context.detach(context.attach(value))

    return run


def extract(subject: Subject) -> Run:
    def run(count: int) -> None:
        for _ in repeat(None, count):
            propagate.extract(HEADERS)

    return run


def extract_all(subject: Subject) -> Run:
    def run(count: int) -> None:
        for _ in repeat(None, count):
            propagate.extract(ALL_HEADERS)

    return run


def inject(subject: Subject) -> Run:
    tracer = subject.tracer

    def run(count: int) -> None:
        with tracer.start_as_current_span("operation"):
            for _ in repeat(None, count):
                propagate.inject({})

    return run


def inject_all(subject: Subject) -> Run:
    tracer = subject.tracer

    def run(count: int) -> None:
        token = context.attach(propagate.extract(ALL_HEADERS))
        with tracer.start_as_current_span("operation"):
            for _ in repeat(None, count):
                propagate.inject({})
        context.detach(token)

    return run


def encode(subject: Subject) -> Run | None:
    encode_batch = subject.encode
    if encode_batch is None:
        return None

    def run(count: int) -> None:
        for _ in repeat(None, count):
            encode_batch()

    return run


OPERATIONS = (
    bare,
    attributes_4,
    event,
    child,
    start_end,
    non_recording,
    exception,
    set_attribute,
    is_recording,
    attach_detach,
    extract,
    extract_all,
    inject,
    inject_all,
    encode,
)
