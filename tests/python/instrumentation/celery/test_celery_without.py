"""A process of celery's pool delivers what it has, where only the SDK is set up and celery is not instrumented."""

from __future__ import annotations

import subprocess
import sys

import pytest

# As billiard ends its workers: celery's signal, and `os._exit`.
PROGRAM = """
import os, sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

def set_up():
    provider = TracerProvider()
    exporter = ConsoleSpanExporter(formatter=lambda span: span.name + "\\n")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider

when = sys.argv[1]
if when != "in the worker":
    provider = set_up()
import celery.signals

child = os.fork()
if child == 0:
    if when == "in the worker":
        provider = set_up()
    provider.get_tracer("t").start_span("task").end()
    celery.signals.worker_process_shutdown.send(sender=None)
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.mark.parametrize("when", ["before celery", "in the worker"])
def test_the_end_of_a_worker_delivers(when: str) -> None:
    command = [sys.executable, "-c", PROGRAM, when]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert done.stdout == "task\n"
