"""A program that forks while spans are made, in the way that its argument names."""

import os
import sys
import threading
import time

import pipeline


def _busy(work):
    """A thread that does this until the program says stop; it is here, and in no child."""
    stop = threading.Event()

    def loop():
        while not stop.is_set():
            work()

    thread = threading.Thread(target=loop)
    thread.start()

    def end():
        stop.set()
        thread.join()

    return end


def _forked(work):
    """A child that does this, and exits as a program does."""
    child = os.fork()
    if child == 0:
        pipeline.reset()
        work()
        pipeline.report()
        sys.exit(0)
    return child


def _wait(children):
    for child in children:
        assert os.waitpid(child, 0)[1] == 0, "a child failed"


def children(count):
    """Children that make spans and exit, while the parent makes spans on two threads."""
    end = _busy(lambda: pipeline.spans(1, 0.001))
    started = []
    for _ in range(int(count)):
        pipeline.span()
        started.append(_forked(lambda: pipeline.spans(10)))
        if len(started) == 20:
            _wait(started)
            started = []
    _wait(started)
    end()
    pipeline.ending()


def grandchildren():
    """A child forks in its turn, while a thread of its own makes spans."""

    def child():
        end = _busy(lambda: pipeline.spans(1, 0.001))
        grandchildren = [_forked(lambda: pipeline.spans(10)) for _ in range(4)]
        end()
        _wait(grandchildren)

    pipeline.spans(10)
    _wait([_forked(child) for _ in range(4)])
    pipeline.ending()


def counters(count):
    """The parent and its children count with one counter, and each child delivers its own at its exit."""
    pipeline.order(10)
    _wait([_forked(lambda: pipeline.order(10)) for _ in range(int(count))])
    pipeline.order(10)
    pipeline.ending()


def in_the_locks(count):
    """Forks while threads are inside of everything that has a lock: queues, instruments, collections, log records.
    Each child uses all of it, and must not find a lock that nobody will release."""
    from opentelemetry import metrics, trace
    from opentelemetry._logs import LogRecord, get_logger, get_logger_provider

    counter = metrics.get_meter("faults").create_counter("orders")
    histogram = metrics.get_meter("faults").create_histogram("sizes")
    logger = get_logger("faults")
    number = 0

    def measure():
        nonlocal number
        number += 1
        counter.add(1, {"n": number % 3000})
        histogram.record(number, {"n": number % 7})

    def everything():
        with trace.get_tracer(f"t{time.monotonic_ns() % 50}").start_as_current_span("child"):
            measure()
            logger.emit(LogRecord(timestamp=time.time_ns(), body="an order"))
        metrics.get_meter(f"m{time.monotonic_ns() % 50}").create_counter("c").add(1)

    ends = [
        _busy(lambda: pipeline.spans(1, 0.0005)),
        _busy(lambda: (measure(), time.sleep(0.0002))),
        _busy(lambda: (logger.emit(LogRecord(timestamp=time.time_ns(), body="x")), time.sleep(0.0005))),
        _busy(lambda: (metrics.get_meter_provider().force_flush(), time.sleep(0.01))),
        _busy(lambda: (get_logger_provider().force_flush(), time.sleep(0.01))),
        _busy(lambda: (everything(), time.sleep(0.002))),
    ]
    hung = 0
    for _ in range(int(count)):
        child = os.fork()
        if child == 0:
            everything()
            everything()
            os._exit(0)
        deadline = time.monotonic() + 20
        ended = 0
        while not ended:
            ended, status = os.waitpid(child, os.WNOHANG)
            if not ended:
                if time.monotonic() > deadline:
                    os.kill(child, 9)
                    os.waitpid(child, 0)
                    hung += 1
                    break
                time.sleep(0.0005)
        assert hung or status == 0, status
    for end in ends:
        end()
    print(f"hung: {hung}")
    pipeline.ending()
    sys.exit(1 if hung else 0)


how, *rest = sys.argv[1:]
if __name__ == "__main__":
    pipeline.set_up(metrics=how in ("counters", "in_the_locks"), logs=how == "in_the_locks")
    globals()[how](*rest)
