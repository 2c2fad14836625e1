"""What `make memcheck` runs under Valgrind, and `make asan` under AddressSanitizer: the way of spans, measurements and
log records from the call to the receiver, with forks, threads, code that fails and a normal end. Prints what arrived.

Usage: hot_path.py [ROUNDS]
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
import time
from typing import Any

from ferrotel import _native
from opentelemetry import baggage, context, propagate, trace
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 20


class Hostile:
    def _fail(self, *_: Any) -> Any:
        raise ValueError("hostile")

    __str__ = __repr__ = __hash__ = __eq__ = __iter__ = __len__ = _fail  # type: ignore[assignment]


class Text(str):
    pass


VALUES: list[Any] = [
    *(
        1,
        -1,
        2**63,
        2**100,
        1.5,
        float("nan"),
        True,
        None,
        "text",
        "tëxt",
        "\ud800",
        "x" * 2000,
        b"\0\xff",
        Text("own"),
    ),
    *(
        [1, 2],
        (1, "a", None),
        [],
        {"a": {"b": [1]}},
        {1: 2},
        object(),
        Hostile(),
        [Hostile()],
        {"h": Hostile()},
        10**400,
    ),
]


class Telling(SpanProcessor):
    """Reads what a span has while it runs and when it has ended."""

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        span.set_attribute("started", True)

    def on_end(self, span: Any) -> None:
        assert span.attributes is not None
        list(span.attributes.items()), list(span.events), list(span.links), span.status, span.resource, span.context


class EverySecond(Sampler):
    def __init__(self) -> None:
        self.calls = 0

    def should_sample(self, *args: Any, **kwargs: Any) -> SamplingResult:
        self.calls += 1
        return SamplingResult(Decision.RECORD_AND_SAMPLE if self.calls % 2 else Decision.DROP, {"by": "sampler"})

    def get_description(self) -> str:
        return "every second"


def spans(tracer: Any) -> None:
    @tracer.start_as_current_span("decorated")
    def decorated(number: int) -> int:
        return number + 1

    with tracer.start_as_current_span("outer", kind=SpanKind.SERVER, attributes={"a": 1, "b": "x"}) as outer:
        for number, value in enumerate(VALUES):
            outer.set_attribute(f"key{number}", value)
            outer.set_attribute("same", value)
        outer.set_attribute(Hostile(), 1)
        outer.set_attributes(dict.fromkeys("abcdefgh", 1.5))
        outer.add_event("event", {"v": VALUES}, timestamp=1)
        outer.add_link(SpanContext(1, 2, True), {"l": 1})
        decorated(1)
        try:
            with tracer.start_as_current_span("failing", links=[Link(SpanContext(3, 4, True), {"k": "v"})]) as failing:
                failing.set_status(Status(StatusCode.ERROR, "bad"))
                raise RuntimeError("on purpose")
        except RuntimeError:
            pass
        for number in range(200):
            outer.set_attribute(f"many{number}", number)
    outer.set_attribute("late", 1)
    outer.end()
    kept = [tracer.start_span(f"kept{number}", context=trace.set_span_in_context(outer)) for number in range(100)]
    repr(kept), [span.get_span_context() for span in kept], [span.attributes for span in kept if span.is_recording()]
    for span in reversed(kept):
        span.update_name("renamed")
        span.end(time.time_ns())
    with trace.use_span(trace.NonRecordingSpan(SpanContext(5, 6, True)), end_on_exit=True):
        trace.get_current_span().set_attribute("nothing", 1)


def contexts() -> None:
    carrier: dict[str, Any] = {}
    whole = baggage.set_baggage("user", "a b;c=d", baggage.set_baggage("hostile", Hostile()))
    whole = context.set_value(
        "key", object(), trace.set_span_in_context(trace.NonRecordingSpan(SpanContext(7, 8, True)), whole)
    )
    token = context.attach(whole)
    propagate.inject(carrier)
    for headers in (
        carrier,
        {"traceparent": "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01", "tracestate": "a=1,b=2", "baggage": "x=%20y;p=1,z"},
        {"traceparent": ["a", "b"], "tracestate": Hostile(), "baggage": b"bytes"},
        {"traceparent": "00-" + "AB" * 16, "baggage": ",".join(f"k{n}={n}" for n in range(200))},
    ):
        received = propagate.extract(headers)
        dict(received), baggage.get_all(received), trace.get_current_span(received).get_span_context().trace_state
        propagate.inject({}, received)
    context.detach(token)
    context.detach(token)


def measurements(meter: Any) -> None:
    counter, histogram = meter.create_counter("counter"), meter.create_histogram("histogram")
    gauge, both = meter.create_gauge("gauge"), meter.create_up_down_counter("both")
    same = {"a": 1, "b": "x"}
    for number in range(50):
        counter.add(1, same)
        counter.add(number, {"a": number % 7, "b": VALUES[number % len(VALUES)]})
        histogram.record(number * 1.5, {"n": number % 3})
        gauge.set(VALUES[number % len(VALUES)])
        both.add(-number)


def records(logger: Any, log: logging.Logger) -> None:
    for value in VALUES:
        logger.emit(body=value, attributes={"v": value}, severity_text="INFO", event_name="event")
    try:
        raise KeyError("on purpose")
    except KeyError:
        log.exception("failed with %s", "this", extra={"extra": [1, {"a": b"b"}]})
    wrong = "%d and %d"
    log.warning(wrong, "no number")


async def tasks(tracer: Any) -> None:
    async def task(number: int) -> None:
        with tracer.start_as_current_span("task", attributes={"n": number}):
            await asyncio.sleep(0)
            if number % 5 == 0:
                raise RuntimeError("on purpose")

    await asyncio.gather(*(task(number) for number in range(20)), return_exceptions=True)


def in_child(work: Any, signalled: bool = False) -> None:
    child = os.fork()
    if child == 0:
        work()
        if signalled:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        sys.exit(0)
    _, status = os.waitpid(child, 0)
    assert (os.WTERMSIG(status) == signal.SIGTERM) if signalled else status == 0, status


def main() -> None:
    logging.raiseExceptions = False
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    view = _native.ViewServer(grpc_port=0, http_port=0)
    http, grpc = view.http_endpoint, view.grpc_endpoint
    resource = Resource({"service.name": "memory"})

    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(GrpcSpans(endpoint=grpc, insecure=True)))
    provider.add_span_processor(BatchSpanProcessor(HttpSpans(endpoint=http + "/v1/traces")))
    telling = TracerProvider(resource=resource, sampler=EverySecond())
    telling.add_span_processor(Telling())
    telling.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter()))
    trace.set_tracer_provider(provider)
    reader = InMemoryMetricReader()
    meters = MeterProvider(
        [reader, PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=http + "/v1/metrics"))], resource=resource
    )
    loggers = LoggerProvider(resource=resource)
    loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(endpoint=grpc, insecure=True)))
    log = logging.getLogger("program")
    log.addHandler(LoggingHandler(logger_provider=loggers))
    log.propagate = False
    meter = meters.get_meter("memory")
    meter.create_observable_gauge("observed", [lambda options: [_observation(number) for number in range(5)]])

    def everything() -> None:
        for each in (
            trace.get_tracer("global"),
            telling.get_tracer("telling"),
            trace.NoOpTracerProvider().get_tracer("n"),
        ):
            spans(each)
        contexts()
        measurements(meter)
        records(loggers.get_logger("memory"), log)

    for round_ in range(ROUNDS):
        everything()
        asyncio.run(tasks(trace.get_tracer("tasks")))
        if round_ % 5 == 0:
            reader.get_metrics_data()
            gc.collect()
            threads = [threading.Thread(target=everything) for _ in range(4)]
            [thread.start() for thread in threads]
            in_child(everything)
            [thread.join() for thread in threads]
    in_child(everything, signalled=True)
    for each in (provider, telling, meters, loggers):
        each.force_flush()
    counts = view.counts()
    print(", ".join(f"{name} {counts[name]}" for name in sorted(counts) if "received" in name))
    view.stop()
    everything()


def _observation(number: int) -> Any:
    from opentelemetry.metrics import Observation

    return Observation(number, {"n": VALUES[number]})


if __name__ == "__main__":
    main()
