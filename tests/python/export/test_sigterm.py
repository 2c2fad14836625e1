"""SIGTERM without a handler: what is queued is delivered first, and nothing else changes for the program."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from typing import Any, Iterator

import pytest

from ferrotel import _native

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the handler is for Linux")

PREAMBLE = """
import os, signal, sys, time
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

def caught():
    "Whether the system has a handler for SIGTERM in this process."
    with open("/proc/self/status") as status:
        mask = next(line.split()[1] for line in status if line.startswith("SigCgt"))
    return bool(int(mask, 16) >> (signal.SIGTERM - 1) & 1)

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
def span():
    with provider.get_tracer("t").start_as_current_span("work"):
        pass
"""


@pytest.fixture
def receiver() -> Iterator[Any]:
    with _native.ViewServer() as receiver:
        yield receiver


def run(receiver: Any, program: str, *prefix: str, **environ: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint, **environ}
    return subprocess.run(
        [*prefix, sys.executable, "-c", PREAMBLE + program],
        env=environ,
        capture_output=True,
        timeout=30,
        encoding="utf-8",
    )


def received(receiver: Any) -> int:
    return len(receiver.spans())


def test_the_program_still_sees_the_default_action(receiver: Any) -> None:
    ended = run(
        receiver,
        """
span()
assert caught()
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
assert signal.signal(signal.SIGTERM, signal.SIG_DFL) is signal.SIG_DFL
assert caught()
os.kill(os.getpid(), signal.SIGTERM)
""",
    )
    assert (ended.returncode, ended.stderr, received(receiver)) == (-signal.SIGTERM, "", 1)


def test_a_program_that_ignores_it_is_left_alone(receiver: Any) -> None:
    ended = run(
        receiver,
        """
span()
assert signal.signal(signal.SIGTERM, signal.SIG_IGN) is signal.SIG_DFL
span()
assert not caught()
os.kill(os.getpid(), signal.SIGTERM)
print("still here")
""",
    )
    assert (ended.returncode, ended.stdout, received(receiver)) == (0, "still here\n", 2)


def test_a_handler_of_the_program_is_never_replaced(receiver: Any) -> None:
    ended = run(
        receiver,
        """
handler = lambda *_: print("handled", flush=True)
signal.signal(signal.SIGTERM, handler)
span()
assert signal.getsignal(signal.SIGTERM) is handler
os.kill(os.getpid(), signal.SIGTERM)
os._exit(0)
""",
    )
    assert (ended.returncode, ended.stdout, received(receiver)) == (0, "handled\n", 0)


def test_signal_signal_refuses_what_it_always_refused(receiver: Any) -> None:
    ended = run(
        receiver,
        """
import threading, traceback
span()
for arguments in [(signal.SIGTERM, None), ("x", signal.SIG_DFL), (signal.SIGKILL, signal.SIG_DFL), (0, signal.SIG_DFL)]:
    try:
        signal.signal(*arguments)
    except Exception as error:
        frames = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
        print(type(error).__name__, *frames[1:])
def elsewhere():
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    except ValueError as error:
        print(error)
thread = threading.Thread(target=elsewhere)
thread.start()
thread.join()
""",
    )
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["TypeError", "TypeError", "OSError", "ValueError"]
    assert {line.split()[1] for line in lines[:4]} == {"signal"}
    assert lines[4].startswith("signal only works in main thread")


def test_a_variable_switches_it_off(receiver: Any) -> None:
    ended = run(receiver, "span(); assert not caught(); os.kill(os.getpid(), 15)", FERROTEL_SIGTERM_TIMEOUT="0")
    assert (ended.returncode, received(receiver)) == (-signal.SIGTERM, 0)


def test_a_malformed_variable_counts_as_none(receiver: Any) -> None:
    ended = run(receiver, "span(); os.kill(os.getpid(), 15)", FERROTEL_SIGTERM_TIMEOUT="soon")
    assert (ended.returncode, received(receiver)) == (-signal.SIGTERM, 1)


def test_nothing_is_installed_before_there_is_something_to_deliver(receiver: Any) -> None:
    assert run(receiver, "assert not caught()").returncode == 0


def test_a_forked_child_begins_with_the_default_action(receiver: Any) -> None:
    ended = run(
        receiver,
        """
span()
child = os.fork()
if child == 0:
    if caught():
        os._exit(1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if caught():
        os._exit(2)
    time.sleep(30)
time.sleep(0.2)
os.kill(child, signal.SIGTERM)
assert os.waitpid(child, 0)[1] == signal.SIGTERM
busy = os.fork()
if busy == 0:
    span()
    os.kill(os.getpid(), signal.SIGTERM)
assert os.waitpid(busy, 0)[1] == signal.SIGTERM
import subprocess
plain = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(30)"])
plain.terminate()
assert plain.wait() == -signal.SIGTERM
""",
    )
    assert (ended.returncode, ended.stderr, received(receiver)) == (0, "", 2)


def test_several_signals_at_once_are_one(receiver: Any) -> None:
    environ = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint}
    program = PREAMBLE + "span(); print(flush=True)\nwhile True: time.sleep(0.01)"
    process = subprocess.Popen([sys.executable, "-c", program], env=environ, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    for _ in range(50):
        process.send_signal(signal.SIGTERM)
    assert process.wait(10) == -signal.SIGTERM
    process.stdout.close()
    assert received(receiver) == 1


def test_python_that_never_gives_the_interpreter_up_ends_all_the_same(receiver: Any) -> None:
    """A counter is delivered by Python code, for which there is no chance here."""
    environ = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint}
    program = (
        PREAMBLE
        + """
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
meters = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())])
meters.get_meter("t").create_counter("c").add(1)
span()
print(flush=True)
"x" * 10 in ("x" * 200_000 + "y") and sum(range(10**12))
"""
    )
    process = subprocess.Popen([sys.executable, "-c", program], env=environ, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    start = time.monotonic()
    process.terminate()
    assert process.wait(10) == -signal.SIGTERM
    process.stdout.close()
    assert time.monotonic() - start < 4 and received(receiver) == 1


def test_the_first_process_of_a_container_goes_on_as_without_us(receiver: Any) -> None:
    unshare = shutil.which("unshare")
    prefix = [str(unshare), "--user", "--map-root-user", "--pid", "--fork"]
    if unshare is None or subprocess.run([*prefix, "true"], stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("no process id namespaces here")
    ended = run(
        receiver,
        """
assert os.getpid() == 1
for _ in range(2):
    span()
    os.kill(1, signal.SIGTERM)
print("still here", flush=True)
os._exit(7)
""",
        *prefix,
    )
    assert (ended.returncode, ended.stdout, received(receiver)) == (7, "still here\n", 2)
