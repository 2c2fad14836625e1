"""What the examples need: a provider of their own that a test can look into, a real receiver, and programs to run."""

from __future__ import annotations

import contextvars
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from ferrotel import _native
from opentelemetry import propagate, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.util._once import Once

PROGRAMS = Path(__file__).parent / "programs"
SECONDS = 30


@pytest.fixture(autouse=True)
def fresh_globals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each example finds the API as a new process does, and leaves no trace of itself."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    before = propagate.get_global_textmap()
    yield
    propagate.set_global_textmap(before)


@pytest.fixture
def alone() -> Callable[..., Any]:
    """Runs a function in a copy of the context: what the example attaches stays in there."""
    return lambda function, *arguments: contextvars.copy_context().run(function, *arguments)


@pytest.fixture
def provider() -> Iterator[TracerProvider]:
    """A provider of the example's, set as the global one."""
    made = TracerProvider(resource=Resource.create({"service.name": "my-service"}), shutdown_on_exit=False)
    trace.set_tracer_provider(made)
    yield made
    made.shutdown()


@pytest.fixture
def exporter(provider: TracerProvider) -> InMemorySpanExporter:
    """Holds the finished spans of `provider`."""
    made = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(made))
    return made


@pytest.fixture
def server() -> Iterator[Any]:
    """A real OTLP receiver, on ports of its own: stands for the one on 4317 and 4318."""
    with _native.ViewServer() as running:
        yield running


class Program:
    """A file of programs/ in a process of its own."""

    def __init__(self, name: str, *arguments: str) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAMS / f"{name}.py"), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env={**environment, "PYTHONUNBUFFERED": "1"},
        )

    def port(self) -> int:
        """The port that the program listens on: the first line that it prints."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.strip().isdigit():
            self.process.kill()
            raise AssertionError(line + "".join(self.process.communicate()))
        return int(line)

    def finish(self) -> tuple[str, str]:
        """Waits for the program's end, which has to be a good one; what it wrote on both streams."""
        out, error = self.process.communicate(timeout=SECONDS)
        assert self.process.returncode == 0, error
        return out, error

    def stop(self) -> tuple[str, str]:
        """As an orchestrator stops a service."""
        self.process.send_signal(signal.SIGTERM)
        return self.finish()


@pytest.fixture
def start() -> Iterator[Callable[..., Program]]:
    """Starts a program, with arguments."""
    started: list[Program] = []

    def run(name: str, *arguments: str) -> Program:
        started.append(Program(name, *arguments))
        return started[-1]

    yield run
    for program in started:
        program.process.kill()
        program.process.communicate()
