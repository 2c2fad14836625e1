"""Logs around forks, signals and the interpreter's end: programs of their own."""

from __future__ import annotations

import subprocess
import sys
import textwrap

from .conftest import Receiver

_SETUP = """
import logging, os, signal, sys, threading, time
from ferrotel import _native
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter


class Exporter(LogRecordExporter):
    def __init__(self):
        self.engine = _native.OtlpLogRecordExporter(
            protocol="http/json", endpoint=sys.argv[1], headers=(), timeout=5.0, compression="none"
        )

    def _engine_exporter(self):
        return self.engine

    def export(self, batch):
        raise AssertionError

    def shutdown(self):
        self.engine.shutdown()

    def force_flush(self, timeout_millis=30000):
        return True


provider = LoggerProvider()
provider.add_log_record_processor(BatchLogRecordProcessor(Exporter()))
handler = LoggingHandler(logger_provider=provider)
logging.root.addHandler(handler)
logging.root.setLevel(logging.INFO)
logger = logging.getLogger("app")
"""


def run(program: str, receiver: Receiver) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _SETUP + textwrap.dedent(program), receiver.url],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_what_waits_is_delivered_at_exit(receiver: Receiver) -> None:
    assert run("logger.info('at the end')", receiver) == ""
    assert receiver.bodies() == ["at the end"]


def test_logging_at_the_interpreters_end(receiver: Receiver) -> None:
    program = """
    import atexit

    class Late:
        def __del__(self):
            logging.getLogger("late").info("from a finalizer at the end")

    late = Late()
    late.me = late
    # Before the provider was made, so it runs after the provider's shutdown.
    atexit.register(logger.info, "in time")
    logger.info("hello")
    """
    run(program, receiver)
    assert receiver.bodies() == ["hello", "in time"]


def test_a_signal_handler_may_log(receiver: Receiver) -> None:
    program = """
    signal.signal(signal.SIGALRM, lambda *_: logger.info("tick"))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    for number in range(2000):
        logger.info("number %d", number)
        logging.getLogger(f"new.{number}").info("one more")
        if number % 500 == 0:
            provider.force_flush()
    signal.setitimer(signal.ITIMER_REAL, 0)
    """
    run(program, receiver)
    bodies = receiver.bodies()
    assert bodies.count("one more") + sum(body.startswith("number") for body in bodies) == 4000
    assert "tick" in bodies


def test_a_fork_while_another_thread_holds_loggings_locks(receiver: Receiver) -> None:
    program = """
    stop = False

    class Slow:
        def __str__(self):
            time.sleep(0.01)
            return "slow"

    def holding():
        while not stop:
            logger.info("%s", Slow())
            with logging._lock:
                time.sleep(0.005)

    thread = threading.Thread(target=holding)
    thread.start()
    for number in range(10):
        time.sleep(0.003)
        child = os.fork()
        if child == 0:
            logger.info("child %d", number)
            provider.force_flush()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    stop = True
    thread.join()
    """
    run(program, receiver)
    assert sorted(body for body in receiver.bodies() if "child" in body) == [f"child {n}" for n in range(10)]


def test_flushing_the_handler_never_waits(receiver: Receiver) -> None:
    program = """
    start = time.monotonic()
    logger.info("a")
    handler.flush()
    logging.shutdown()
    assert time.monotonic() - start < 2
    logger.info("b")
    """
    run(program, receiver)
    assert receiver.bodies() == ["a", "b"]


def test_threads_that_log_while_the_interpreter_ends(receiver: Receiver) -> None:
    program = """
    def forever():
        while True:
            logger.info("x")

    for _ in range(4):
        threading.Thread(target=forever, daemon=True).start()
    time.sleep(0.2)
    """
    run(program, receiver)
    assert "x" in receiver.bodies()
