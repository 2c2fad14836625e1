"""Programs that would crash, hang or leak if the native code kept a reference too many or too few."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest

from opentelemetry import context, trace
from opentelemetry.context.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider

PROGRAM = """
import threading, time
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

class Slow(SpanProcessor):
    def on_start(self, span, parent_context=None):
        sum(range(300))

    def on_end(self, span):
        sum(range(300))

provider = TracerProvider()
{processor}
tracer = provider.get_tracer("daemon")

def work():
    while True:
        with tracer.start_as_current_span("a") as span:
            span.set_attribute("list", [1, 2, 3])

for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.1)
print("end of the program")
"""


@pytest.mark.parametrize("processor", ["", "provider.add_span_processor(Slow())"], ids=["native", "python"])
def test_daemon_threads_that_make_spans_do_not_break_the_exit(processor: str) -> None:
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(processor=processor)],
            capture_output=True,
            timeout=60,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"end of the program\n", b"")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_errors_inside_the_native_code_do_not_pile_up(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(100)
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("x")

    def kibibytes() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4

    def work(count: int) -> None:
        for _ in range(count):
            tracer.start_span("a", start_time=1.5).end()  # type: ignore[arg-type]

    work(2000)
    before = kibibytes()
    work(60_000)
    assert kibibytes() - before < 4000


def test_a_cycle_of_provider_and_processor_is_collected() -> None:
    class Knows(SpanProcessor):
        provider: TracerProvider | None = None

    def make() -> weakref.ref[Knows]:
        processor = Knows()
        processor.provider = TracerProvider(shutdown_on_exit=False)
        processor.provider.add_span_processor(processor)
        return weakref.ref(processor)

    known = make()
    gc.collect()
    assert known() is None


@pytest.mark.parametrize("base", [Context, trace.NonRecordingSpan, Span], ids=lambda base: base.__name__)
def test_a_cycle_of_a_class_and_its_instance_is_collected(base: Any) -> None:
    def make() -> weakref.ref[Any]:
        kind = type("Kind", (base,), {})
        kind.instance = kind.__new__(kind)
        return weakref.ref(kind)

    known = make()
    gc.collect()
    assert known() is None


def test_a_non_recording_span_that_holds_itself_is_collected() -> None:
    class Held(trace.NonRecordingSpan):
        pass

    def make() -> weakref.ref[Held]:
        span = Held(trace.INVALID_SPAN_CONTEXT)
        span._context = span  # type: ignore[assignment]
        return weakref.ref(span)

    known = make()
    gc.collect()
    assert known() is None


def test_a_resource_that_dies_while_it_is_replaced_may_start_spans() -> None:
    tracer: Any = TracerProvider(shutdown_on_exit=False).get_tracer("x")
    seen: list[Any] = []

    class Last(Resource):
        def __del__(self) -> None:
            seen.append(tracer.start_span("from the end").resource.attributes.get("number"))

    for number in range(200):
        tracer.resource = Last({"number": number})
    tracer.resource = Resource({})
    # A span's block of memory keeps its resource until the next span uses it: use every block that this thread has.
    spans = [tracer.start_span("anew") for _ in range(200)]
    del spans
    for _ in range(2000):
        context.get_current()
    gc.collect()
    assert len(seen) == 200


def test_a_context_is_whole_for_keys_that_look_at_it_while_it_is_filled() -> None:
    seen: list[Any] = []
    watched: list[Any] = []

    class Key:
        def __hash__(self) -> int:
            for made in watched:
                watched.remove(made)
                seen.append(context.get_value("after", made))
            return 1

    base = context.set_value("before", 1, Context())
    base = context.set_value(Key(), 2, base)  # type: ignore[arg-type]
    base = context.set_value("after", 3, base)
    made = trace.set_span_in_context(trace.INVALID_SPAN, base)
    watched.append(made)
    assert len(made) == 4
    assert seen == [3]


def test_a_span_that_its_finalizer_revives_works_and_dies_once() -> None:
    kept: list[Any] = []

    class Revived(Span):
        def __del__(self) -> None:
            kept.append(self)

    span = Revived.__new__(Revived)
    del span
    assert len(kept) == 1
    kept[0]._name = "again"
    assert kept.pop().name == "again"
    gc.collect()
    assert kept == []
