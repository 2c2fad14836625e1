"""A program that does one thing again and again, and looks at what it leaves behind.

`leaks.py WHAT COUNT`. A tenth of the count is done first, so that what is kept for reuse, and what is made once, is
there. The report holds the differences after `COUNT`: Python's `objects` by type (those that the collector knows),
memory `blocks` of Python's allocator, `resident` bytes, `threads` and `files`.
"""

import collections
import gc
import os
import sys
import time

import work

from opentelemetry import baggage, context, propagate, trace

what, count = sys.argv[1], int(sys.argv[2])
work.hang_after(60 + count / 1000)
lines = work.quiet()
telemetry = work.Telemetry(native=what != "spans with Python processors")
tracer, link = telemetry.tracer, trace.Link(trace.SpanContext(1, 2, False))
hooks = telemetry.hooks


def spans():
    with tracer.start_as_current_span("span", attributes={"n": 1, "text": "text"}):
        pass


def spans_with_everything():
    with tracer.start_as_current_span("span", links=[link]) as span:
        span.set_attributes({"n": 1, "list": [1, 2], "map": {"a": hooks.text()}})
        span.add_event("event", {"a": 1})
        span.get_span_context()
        len(span.attributes), len(span.events), len(span.links), span.status, span.resource, span.parent
        tracer.start_span("child").end()


def exceptions():
    try:
        with tracer.start_as_current_span("span"):
            raise ValueError("odd")
    except ValueError:
        pass


def contexts():
    token = context.attach(baggage.set_baggage("key", "value", context.set_value("a", 1)))
    with trace.use_span(trace.NonRecordingSpan(link.context)):
        context.get_value("a"), baggage.get_baggage("key"), dict(context.get_current())
    context.detach(token)


def propagation():
    carrier = {"traceparent": f"00-{1:032x}-{2:016x}-01", "tracestate": "a=b", "baggage": "c=d"}
    found = propagate.extract(carrier)
    baggage.get_all(found)
    with trace.use_span(trace.get_current_span(found)):
        propagate.inject({}, found)


def measurements():
    telemetry.counter.add(1, {"key": "value"})
    telemetry.counter.add(1, {"key": "value", "n": hooks.text()})
    telemetry.histogram.record(0.5, {"key": "v" + str(time.monotonic_ns() % 7)})


def collections_of_metrics():
    measurements()
    telemetry.reader.get_metrics_data()
    telemetry.metering.force_flush()


def log_records():
    telemetry.logger.emit(body="text", attributes={"key": "value", "n": hooks.text()})


def providers():
    made = work.Telemetry(native=True)
    worker = work.Worker(made)
    worker.everything()
    made.shut_down()


def everything():
    worker.everything()


worker = work.Worker(telemetry)
THINGS = {
    "everything": (everything, 1),
    "spans": (spans, 1),
    "spans with everything": (spans_with_everything, 1),
    "spans with Python processors": (spans_with_everything, 1),
    "exceptions": (exceptions, 1),
    "contexts": (contexts, 1),
    "propagation": (propagation, 1),
    "measurements": (measurements, 1),
    "collections": (collections_of_metrics, 100),
    "log records": (log_records, 1),
    "providers": (providers, 1000),
}


class Look:
    """What there is now."""

    def __init__(self):
        telemetry.flush()
        for _ in range(3):
            gc.collect()
        # Before anything is made to hold the rest.
        self.blocks = sys.getallocatedblocks()
        self.objects = collections.Counter(type(each).__name__ for each in gc.get_objects())
        self.resident = int(open_and_read("/proc/self/statm").split()[1]) * os.sysconf("SC_PAGE_SIZE")
        self.threads = len(os.listdir("/proc/self/task"))
        self.files = len(os.listdir("/proc/self/fd"))


def open_and_read(path):
    with open(path) as file:
        return file.read()


thing, dear = THINGS[what]
count = max(count // dear, 20)


def repeat(times):
    for each in range(times):
        thing()
        # So that nothing is dropped, however slow the receiver.
        if each % 50_000 == 49_999:
            telemetry.flush()


repeat(max(count // 10, 10))
Look()
before = Look()
start = time.perf_counter()
repeat(count)
seconds = time.perf_counter() - start
after = Look()
grown = {name: n - before.objects[name] for name, n in after.objects.items() if n != before.objects[name]}
work.report(
    what=what,
    count=count,
    seconds=seconds,
    objects=grown,
    blocks=after.blocks - before.blocks,
    resident=after.resident - before.resident,
    threads=after.threads - before.threads,
    files=after.files - before.files,
    lines=lines.lines[:5],
)
telemetry.shut_down()
