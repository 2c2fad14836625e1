"""A type checker finds the overlay where it is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Environment

pytestmark = pytest.mark.slow

PROGRAM = """
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter()))
trace.set_tracer_provider(provider)
with trace.get_tracer(__name__).start_as_current_span("work") as span:
    span.set_attribute("n", 1)
    reveal_type(span.get_span_context().trace_id)
"""


def check(environment: Environment, program: Path) -> str:
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(environment.python), program.name]
    result = subprocess.run(command, cwd=str(program.parent), stdout=subprocess.PIPE, text=True)
    return result.stdout


def test_program_passes(alone: Environment, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    told = check(alone, program)
    assert 'Revealed type is "int"' in told
    assert told.endswith("Success: no issues found in 1 source file\n")


def test_mistake_is_found(alone: Environment, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM + "trace.get_tracer(1)\n")
    assert 'Argument 1 to "get_tracer" has incompatible type "int"' in check(alone, program)
