"""A program whose telemetry is interrupted by more telemetry, on the same thread, wherever Python code can run.

`reentry.py HOW PIPELINE SECONDS`. HOW: `signals` (a handler, by a timer that runs out all the time), `finalizers`
(`__del__` of garbage and weak references' callbacks, in every callback and out of turn), `collector` (its own
callbacks, too, which CPython up to 3.11 calls in the middle of an allocation).
PIPELINE: `native` or `python`.
"""

import gc
import signal
import sys
import time
import weakref

import work

how, pipeline, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
work.hang_after(seconds + 30)
lines = work.quiet()
hooks = work.Hooks()
telemetry = work.Telemetry(pipeline == "native", hooks)
host, intruder = work.Worker(telemetry), work.Worker(telemetry)
depth = intrusions = 0
spans = []


def intrude():
    """Does everything in the middle of whatever is under way; what it calls may do so once more."""
    global depth, intrusions
    if depth > 1 or time.monotonic() > end:
        return
    depth += 1
    try:
        intrusions += 1
        if spans:
            # The span that is being worked on just now.
            spans[-1].set_attribute("intruder", intrusions)
            spans[-1].add_event("intrusion")
        intruder.everything()
        if intrusions % 50 == 0:
            telemetry.reader.get_metrics_data()
        if intrusions % 200 == 0:
            telemetry.flush()
    finally:
        depth -= 1


class Garbage:
    """Found by the collector alone."""

    def __init__(self):
        self.itself = self

    def __del__(self):
        intrude()


class Watched:
    pass


def litter():
    """Leaves garbage whose end makes telemetry."""
    if depth > 0 or time.monotonic() > end:
        return
    Garbage()
    watched = Watched()
    watched.itself = watched
    watched.reference = references[:]
    del watched.reference
    references.append(weakref.ref(watched, lambda gone: intrude()))
    del references[:-3]


references = []
end = time.monotonic() + seconds


def at_signal(*_):
    intrude()
    # Not before: a machine that is busy would do nothing else. At moments that do not go with the loop's.
    if time.monotonic() < end:
        signal.setitimer(signal.ITIMER_REAL, 0.0001 + intrusions % 7 * 0.0001)


if how == "signals":
    signal.signal(signal.SIGALRM, at_signal)
    signal.setitimer(signal.ITIMER_REAL, 0.001)
else:
    hooks.visit = litter
    gc.set_threshold(1, 20, 100)
    if how == "collector":
        gc.callbacks.append(lambda phase, info: intrude() if phase == "stop" else None)

rounds = 0
while time.monotonic() < end:
    rounds += 1
    host.spans += 1
    span = telemetry.tracer.start_span("host")
    spans.append(span)
    litter() if how != "signals" else None
    host.everything()
    spans.pop()
    span.end()

if how == "signals":
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
else:
    gc.callbacks.clear()
    gc.set_threshold(700, 10, 10)
    hooks.visit = work.nothing
    references.clear()
    gc.collect()
flushed = telemetry.flush()
made = {name: getattr(host, name) + getattr(intruder, name) for name in ("spans", "adds", "records")}
work.report(
    rounds=rounds,
    intrusions=intrusions,
    flushed=flushed,
    counted=telemetry.counted(),
    python=telemetry.exporter.exported if telemetry.exporter else None,
    lines=lines.lines[:5],
    **made,
)
telemetry.shut_down()
