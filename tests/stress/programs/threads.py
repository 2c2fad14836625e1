"""A program of many threads that make, end, measure, log, flush, collect and shut down at random.

`threads.py PIPELINE THREADS SECONDS SEED`. PIPELINE: `native` or `python`. Providers are made, used by whoever has
them, shut down by one thread while others go on with them, and made anew. One set is never shut down before the end:
what it was given has to arrive, to the last item.
"""

import os
import random
import signal
import sys
import threading
import time

import work

from opentelemetry import trace

pipeline, threads, seconds, seed = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
work.hang_after(seconds * 3 + 60)
lines = work.quiet()
sys.setswitchinterval(0.0002)
steady = work.Telemetry(pipeline == "native")


def make_fleeting():
    return work.Telemetry(pipeline == "native", endpoint=os.environ["STRESS_FLEETING"])


fleeting = [make_fleeting() for _ in range(2)]
open_spans = []
end = time.monotonic() + seconds
errors = []
made_anew = flushes = collections = handed_over = 0


class Thread(threading.Thread):
    def __init__(self, number):
        super().__init__()
        self.random = random.Random(seed * 1000 + number)
        self.steady = work.Worker(steady)
        self.renews = number == 0

    def run(self):
        try:
            while time.monotonic() < end:
                self.random.choice(self.DEEDS)(self)
        except BaseException as error:
            errors.append(repr(error))
            raise

    def make(self):
        self.steady.everything()

    def make_fleeting(self):
        work.Worker(self.random.choice(fleeting)).everything()

    def hand_over(self):
        """Starts a span that another thread ends."""
        self.steady.spans += 1
        open_spans.append(steady.tracer.start_span("handed over", attributes={"n": 1}))

    def end_others(self):
        global handed_over
        try:
            span = open_spans.pop()
        except IndexError:
            return
        for number in range(5):
            span.set_attribute(str(number), number)
        span.end()
        handed_over += 1

    def share(self):
        """Works on a span that others work on, too."""
        try:
            span = self.random.choice(open_spans)
        except IndexError:
            return
        span.set_attribute("shared", self.name)
        span.add_event("shared")
        span.add_link(trace.SpanContext(1, 2, False))
        assert span.get_span_context().span_id
        len(span.attributes), len(span.events), len(span.links), span.status, span.name

    def flush(self):
        global flushes
        if self.random.random() < 0.05:
            self.random.choice([steady, *fleeting]).tracing.force_flush(100)
            flushes += 1

    def collect(self):
        global collections
        if self.random.random() < 0.05:
            self.random.choice([steady, *fleeting]).reader.get_metrics_data()
            collections += 1

    def renew(self):
        global made_anew
        if self.renews and self.random.random() < 0.2:
            place = self.random.randrange(len(fleeting))
            gone, fleeting[place] = fleeting[place], make_fleeting()
            gone.shut_down()
            made_anew += 1

    DEEDS = [make, make, make_fleeting, hand_over, end_others, share, flush, collect, renew]


workers = [Thread(number) for number in range(threads)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
for span in open_spans:
    span.end()
flushed = steady.flush()
total = {name: sum(getattr(worker.steady, name) for worker in workers) for name in ("spans", "adds", "records")}
python = steady.exporter.exported if steady.exporter else None
work.report(
    flushed=flushed,
    counted=steady.counted(),
    python=python,
    errors=errors[:3],
    made_anew=made_anew,
    flushes=flushes,
    collections=collections,
    handed_over=handed_over,
    lines=lines.lines[:5],
    **total,
)
steady.shut_down()
for each in fleeting:
    each.shut_down()
if threading.active_count() > 1:
    print("threads are left:", threading.enumerate(), file=sys.stderr)
    os.kill(os.getpid(), signal.SIGABRT)
