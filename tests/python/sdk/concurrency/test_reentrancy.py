"""Code of the program's that runs inside of telemetry, and comes back to the same place."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import pytest

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.util._once import Once


def run(program: str) -> str:
    """What a program prints that hangs where this goes wrong."""
    program = "import faulthandler; faulthandler.dump_traceback_later(30, exit=True)\n" + program
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, capture_output=True, timeout=60, text=True)
    assert ran.returncode == 0 and ran.stderr == "", ran.stderr
    return ran.stdout


@pytest.mark.parametrize("how", ["by two threads", "by what it asks"])
def test_the_first_batch_processor_may_be_made_twice_at_once(how: str) -> None:
    # The first one reads the environment, which a program may have replaced by Python code of its own.
    printed = run(
        f"""
import os, threading, time
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor

made = []
def make():
    made.append(BatchSpanProcessor(OTLPSpanExporter("http://127.0.0.1:9/v1/traces")))

class Environ(dict):
    def get(self, name, default=None):
        if name == "FERROTEL_SIGTERM_TIMEOUT":
            if {how!r} == "by two threads":
                time.sleep(0.2)
            else:
                make()
        return dict.get(self, name, default)

os.environ = Environ(os.environ)
threads = [threading.Thread(target=make) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(made))
for processor in made:
    processor.shutdown()
"""
    )
    assert printed.strip() == ("2" if how == "by two threads" else "3")


def test_a_span_that_falls_out_of_a_full_queue_may_be_the_last_to_hold_a_resource() -> None:
    printed = run(
        """
import gc
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor
import logging
logging.disable(logging.CRITICAL)

batch = BatchSpanProcessor(OTLPSpanExporter("http://127.0.0.1:9/v1/traces"), max_queue_size=2, max_export_batch_size=2)
provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(batch)
tracer = provider.get_tracer("lasting")
ended = []

class Ending(Resource):
    def __del__(self):
        tracer.start_span("at the resource's end").end()
        ended.append(1)

def fleeting():
    gone = TracerProvider(resource=Ending({}), shutdown_on_exit=False)
    gone.add_span_processor(batch)
    gone.get_tracer("fleeting").start_span("fleeting").end()

for _ in range(50):
    fleeting()
    gc.collect()
    for _ in range(200):
        # By a method of a class of PyO3's, where the native code lets go of Python objects at once.
        tracer.start_span("lasting").end()
print(len(ended) > 0)
"""
    )
    assert printed.strip() == "True"


class Again:
    """Calls `again` in the middle of whatever asks for its text, its hash or its truth, once."""

    def __init__(self, again: Any) -> None:
        self.again = again

    def __call__(self) -> None:
        again, self.again = self.again, lambda: None
        again()


def in_time(work: Any) -> None:
    """A thread that hangs does not hold the others up."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive(), "it waits for itself"


def test_a_configurator_may_ask_for_tracers_and_meters() -> None:
    tracing = TracerProvider(shutdown_on_exit=False)
    metering = MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False)
    again = Again(lambda: tracing.get_tracer("one"))

    def configure(scope: Any) -> Any:
        again()
        return tracing_default(scope)

    tracing_default = tracing._tracer_configurator
    tracing._tracer_configurator = configure
    tracers: list[Any] = []
    in_time(lambda: tracers.append(tracing.get_tracer("one")))
    assert tracers[0] is tracing.get_tracer("one")

    meter = metering.get_meter("one")
    counters: list[Any] = []

    class Unit(str):
        def __str__(self) -> str:
            again = Again(lambda: counters.append(meter.create_counter("c", "u")))
            again()
            return "u"

    in_time(lambda: counters.append(meter.create_counter("c", Unit("u"))))
    assert len(set(map(id, counters))) == 1


def test_what_is_done_once_may_ask_for_itself() -> None:
    once, done = Once(), []

    def work() -> None:
        done.append(1)
        if len(done) == 1:
            once.do_once(work)

    in_time(lambda: once.do_once(work))
    assert 1 <= len(done) <= 2 and not once.do_once(work)


def test_an_exporter_may_make_and_flush_what_it_exports() -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    kept = InMemorySpanExporter()

    class Exporter(InMemorySpanExporter):
        def export(self, spans: Any) -> Any:
            if spans[0].name == "outer":
                with provider.get_tracer("again").start_as_current_span("inner"):
                    provider.force_flush()
            return kept.export(spans)

    provider.add_span_processor(SimpleSpanProcessor(Exporter()))
    in_time(lambda: provider.get_tracer("t").start_span("outer").end())
    assert sorted(span.name for span in kept.get_finished_spans()) == ["inner", "outer"]


def test_a_processor_may_change_the_list_that_it_is_in() -> None:
    provider = TracerProvider(resource=Resource({}), shutdown_on_exit=False)
    told: list[str] = []

    class Adds(SpanProcessor):
        def on_end(self, span: Any) -> None:
            told.append("adds")
            provider.add_span_processor(Added())

    class Added(SpanProcessor):
        def on_end(self, span: Any) -> None:
            told.append("added")

    provider.add_span_processor(Adds())
    tracer = provider.get_tracer("t")
    in_time(lambda: tracer.start_span("first").end())
    assert told == ["adds"]
    in_time(lambda: tracer.start_span("second").end())
    assert told == ["adds", "adds", "added"]


def test_a_callback_may_collect_and_measure() -> None:
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader], shutdown_on_exit=False).get_meter("m")
    counter = meter.create_counter("calls")
    again = Again(lambda: reader.get_metrics_data())

    def callback(options: Any) -> Any:
        counter.add(1)
        again()
        return [metrics.Observation(trace.get_current_span().get_span_context().trace_id)]

    meter.create_observable_gauge("gauge", [callback])
    found: list[Any] = []
    in_time(lambda: found.append(reader.get_metrics_data()))
    (points,) = [
        metric.data.data_points
        for metric in found[0].resource_metrics[0].scope_metrics[0].metrics
        if metric.name == "calls"
    ]
    assert points[0].value == 2
