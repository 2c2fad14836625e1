"""A program that makes spans and ends in the way that its argument names."""

import os
import signal
import sys
import threading
import time

import pipeline


def normal():
    pipeline.spans(500)
    pipeline.ending()


def sys_exit():
    pipeline.spans(500)
    pipeline.ending()
    sys.exit(3)


def unhandled_exception():
    pipeline.spans(500)
    pipeline.ending()
    raise RuntimeError("nobody handles this")


def waits():
    pipeline.spans(500)
    pipeline.report(ready=True)
    while True:
        time.sleep(0.01)


def with_handler():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    waits()


def busy():
    """Makes spans until it is killed; those up to its last report had been made before the signal."""
    ready = threading.Event()

    def work():
        while True:
            pipeline.span()
            if pipeline.made == 2000:
                ready.set()

    threading.Thread(target=work, daemon=True).start()
    ready.wait()
    pipeline.report(ready=True)
    while True:
        time.sleep(0.01)


def puts_default_back():
    """As a server does that handles SIGTERM, and then lets it have its effect."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    pipeline.spans(500)
    signal.signal(signal.SIGTERM, before)
    pipeline.ending()
    signal.raise_signal(signal.SIGTERM)
    os._exit(99)


def kills_itself():
    pipeline.spans(500)
    pipeline.ending()
    os.kill(os.getpid(), signal.SIGTERM)
    os._exit(99)


def counter_waits():
    pipeline.order(500)
    pipeline.report(ready=True)
    while True:
        time.sleep(0.01)


def daemon_threads():
    """Threads go on making spans while the interpreter goes down."""
    for _ in range(4):
        threading.Thread(target=lambda: pipeline.spans(10**9, 0.0001), daemon=True).start()
    time.sleep(0.3)
    pipeline.ending()


def late_threads():
    """Threads that are no daemons go on after the end of the main one, and the interpreter waits for them."""

    def work():
        threading.main_thread().join()
        pipeline.spans(250)
        pipeline.ending()

    for _ in range(2):
        threading.Thread(target=work).start()


class _Finalized:
    def __del__(self):
        _uncounted(10)


def _uncounted(count):
    made = pipeline.made
    pipeline.spans(count)
    pipeline.made = made


def finalizers():
    """What comes after the shutdown is ignored, and harmless: in the interpreter's last moments, too."""
    sys.modules["faults_last"] = _Finalized()
    cycle = [_Finalized()]
    cycle.append(cycle)
    pipeline.spans(500)
    pipeline.ending()


def twice():
    """Shut down twice, and used afterwards: that is ignored, and harmless."""
    pipeline.spans(250)
    provider.shutdown()
    provider.shutdown()
    _uncounted(10)
    pipeline.ending()


def all_twice():
    from opentelemetry import metrics
    from opentelemetry._logs import LogRecord, get_logger, get_logger_provider

    pipeline.spans(250)
    counter = metrics.get_meter("faults").create_counter("orders")
    for each in 2 * [provider, metrics.get_meter_provider(), get_logger_provider()]:
        counter.add(1)
        get_logger("faults").emit(LogRecord(timestamp=time.time_ns(), body="an order"))
        each.shutdown()
    for each in (provider, metrics.get_meter_provider(), get_logger_provider()):
        each.force_flush()
    counter.add(1)
    get_logger("faults").emit(LogRecord(timestamp=time.time_ns(), body="an order"))
    _uncounted(10)
    pipeline.ending()


def everything():
    """All three signals have something to deliver."""
    from opentelemetry import metrics
    from opentelemetry._logs import LogRecord, get_logger

    metrics.get_meter("faults").create_counter("orders").add(1)
    for _ in range(500):
        get_logger("faults").emit(LogRecord(timestamp=time.time_ns(), body="an order"))
    pipeline.spans(500)
    pipeline.ending()


def _child(count):
    pipeline.reset()
    pipeline.spans(count)
    pipeline.report()


def kept():
    """Everything is on the disk or delivered; then nothing more happens until the program is killed."""
    for _ in range(5):
        pipeline.spans(100)
        provider.force_flush()
    pipeline.report(ready=True)
    while True:
        time.sleep(0.01)


def children(method):
    """Children of multiprocessing end with `os._exit`."""
    import multiprocessing

    context = multiprocessing.get_context(method)
    pipeline.spans(50)
    processes = [context.Process(target=_child, args=(50,)) for _ in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    pipeline.ending()


def _task(_):
    pipeline.span()
    pipeline.report(task=1)


def pool():
    """The end of the `with` sends SIGTERM to the workers."""
    import multiprocessing

    with multiprocessing.get_context("fork").Pool(4, initializer=pipeline.reset) as workers:
        workers.map(_task, range(100), chunksize=1)
    pipeline.ending()


WITH_LOGS = ("all_twice", "everything")
WITH_METRICS = ("counter_waits", *WITH_LOGS)

how, *rest = sys.argv[1:]
if how == "finalizers":
    import atexit

    # Before the SDK's own, so that it runs after that.
    atexit.register(lambda: _uncounted(10))
if __name__ in ("__main__", "__mp_main__"):
    provider = pipeline.set_up(metrics=how in WITH_METRICS, logs=how in WITH_LOGS)
if __name__ == "__main__":
    globals()[how](*rest)
