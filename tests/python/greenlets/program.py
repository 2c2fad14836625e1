"""A program whose threads are greenlets: `program.py LIBRARY ORDER`, where ORDER says when the library patches the
standard library, `before` or `after` opentelemetry is imported.

GOOD, SLOW and MUTE in the environment are collectors. Prints what it saw as JSON.
"""

import json
import os
import sys
import time
import warnings

library, order = sys.argv[1:]
warnings.simplefilter("ignore")
if library == "gevent":
    import gevent as green
    import gevent.monkey

    patch, sleep = gevent.monkey.patch_all, green.sleep
else:
    import eventlet as green

    patch, sleep = green.monkey_patch, green.sleep

if order == "before":
    patch()

from opentelemetry import trace  # noqa: E402
from opentelemetry._logs import SeverityNumber  # noqa: E402
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter  # noqa: E402
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: E402
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: E402
from opentelemetry.sdk._logs import LoggerProvider  # noqa: E402
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, SimpleLogRecordProcessor  # noqa: E402
from opentelemetry.sdk.metrics import MeterProvider  # noqa: E402
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: E402
from opentelemetry.sdk.resources import Resource  # noqa: E402
from opentelemetry.sdk.trace import TracerProvider  # noqa: E402
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor  # noqa: E402
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: E402

if order == "after":
    patch()

import threading  # noqa: E402

GOOD, SLOW, MUTE = (os.environ[name] for name in ("GOOD", "SLOW", "MUTE"))
found = {}

provider = TracerProvider(resource=Resource({"service.name": "greenlets"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(GOOD + "/v1/traces")))
kept = InMemorySpanExporter()
provider.add_span_processor(BatchSpanProcessor(kept, schedule_delay_millis=50))
tracer = provider.get_tracer("greenlets")
logs = LoggerProvider()
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(GOOD + "/v1/logs")))
meters = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter(GOOD + "/v1/metrics"))])
counter = meters.get_meter("greenlets").create_counter("turns")


def current():
    return getattr(trace.get_current_span(), "name", None)


def turns():
    """Greenlets that take turns inside of their spans."""
    mixed = []

    def work(number):
        with tracer.start_as_current_span(f"outer {number}") as outer:
            sleep(number % 5 * 0.001)
            if current() != outer.name:
                mixed.append((outer.name, current()))
            with tracer.start_as_current_span(f"inner {number}") as inner:
                sleep(number % 3 * 0.001)
                if current() != inner.name or inner.parent.span_id != outer.context.span_id:
                    mixed.append((inner.name, current()))
            counter.add(1)
            logs.get_logger("greenlets").emit(severity_number=SeverityNumber.INFO, body=f"turn {number}")

    with tracer.start_as_current_span("spawns") as spawns:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(40)]
        greenlets = [green.spawn(work, number) for number in range(40, 80)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for greenlet in greenlets:
            (greenlet.join if library == "gevent" else greenlet.wait)()
        if current() != spawns.name:
            mixed.append((spawns.name, current()))
    found["mixed"] = mixed
    # The Python worker is a greenlet itself.
    end = time.monotonic() + 20
    while len(kept.get_finished_spans()) < 161 and time.monotonic() < end:
        sleep(0.02)
    spans = {span.name: span for span in kept.get_finished_spans()}
    found["kept"] = len(spans)
    spawned = spans["outer 41"].parent
    found["spawned with a parent"] = bool(spawned and spawned.span_id == spans["spawns"].context.span_id)


class Ticks:
    """How long the other greenlets had to wait, at most."""

    def __enter__(self):
        self.longest, self.count, self.going = 0.0, 0, True
        self.greenlet = green.spawn(self.tick)
        self.began = time.monotonic()
        sleep(0.01)
        return self

    def tick(self):
        last = time.monotonic()
        while self.going:
            sleep(0.005)
            now = time.monotonic()
            self.longest, last, self.count = max(self.longest, now - last), now, self.count + 1

    def __exit__(self, *_):
        sleep(0.01)
        self.going = False
        self.took = time.monotonic() - self.began


def waits():
    """What waits for a collector lets the others run."""
    silent = TracerProvider(shutdown_on_exit=False)
    silent.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(MUTE + "/v1/traces", timeout=30)))
    silent.get_tracer("silent").start_span("never answered").end()
    with Ticks() as ticks:
        flushed = silent.force_flush(600)
    found["force_flush"] = flushed, ticks.took, ticks.longest
    if library == "gevent":
        with Ticks() as ticks:
            try:
                with green.Timeout(0.2):
                    silent.force_flush(20000)
                found["gevent.Timeout"] = None
            except green.Timeout:
                found["gevent.Timeout"] = ticks.count
    simple = TracerProvider(shutdown_on_exit=False)
    simple.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(SLOW + "/v1/traces")))
    with Ticks() as ticks:
        simple.get_tracer("simple").start_span("answered slowly").end()
    found["SimpleSpanProcessor"] = ticks.took, ticks.longest
    slow_logs = LoggerProvider(shutdown_on_exit=False)
    slow_logs.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(SLOW + "/v1/logs")))
    with Ticks() as ticks:
        slow_logs.get_logger("simple").emit(body="answered slowly")
    found["SimpleLogRecordProcessor"] = ticks.took, ticks.longest
    slow_meters = MeterProvider(
        [PeriodicExportingMetricReader(OTLPMetricExporter(SLOW + "/v1/metrics"))], shutdown_on_exit=False
    )
    slow_meters.get_meter("slow").create_counter("c").add(1)
    with Ticks() as ticks:
        slow_meters.force_flush()
    found["PeriodicExportingMetricReader"] = ticks.took, ticks.longest


def fork():
    """A child made by a greenlet, which ends as a program ends."""
    pid = os.fork()
    if pid == 0:
        with tracer.start_as_current_span("child"):
            sleep(0.001)
        sys.exit()
    found["child"] = os.waitpid(pid, 0)[1]


turns()
waits()
fork()
print(json.dumps(found))
# No flush: the exit delivers.
