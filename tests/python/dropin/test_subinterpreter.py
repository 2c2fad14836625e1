"""In a sub-interpreter the native module refuses to load, and says what to do; without it all is as ever there."""

from __future__ import annotations

import re

import pytest

from .conftest import Environment

pytestmark = pytest.mark.slow

# What mod_wsgi makes shares all with the main interpreter but its modules; the other kind is isolated.
INTERPRETERS = """
try:
    import _interpreters
    def run(code, isolated):
        other = _interpreters.create("isolated" if isolated else "legacy")
        failed = _interpreters.run_string(other, code)
        assert failed is None, failed
        _interpreters.destroy(other)
except ImportError:
    import sys, _xxsubinterpreters
    def run(code, isolated):
        kind = {"isolated": isolated} if sys.version_info >= (3, 9) else {}
        other = _xxsubinterpreters.create(**kind)
        _xxsubinterpreters.run_string(other, code)
        _xxsubinterpreters.destroy(other)
"""

IMPORT = """
for attempt in range(2):
    try:
        import opentelemetry.trace
    except ImportError as error:
        print(error)
"""


@pytest.fixture(params=[True, False], ids=["isolated", "legacy"])
def isolated(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.mark.parametrize("main", ["", "import opentelemetry.trace"], ids=["not-in-main", "after-main"])
def test_import_fails_clearly(alone: Environment, main: str, isolated: bool) -> None:
    told = alone.output(f"{INTERPRETERS}\n{main}\nrun({IMPORT!r}, {isolated})\nprint('went on')").splitlines()
    assert len(told) == 3 and told[0] == told[1] and told[2] == "went on"
    assert told[0].startswith("ferrotel's native module cannot be loaded in this interpreter: ")
    # In isolated ones CPython 3.12 and newer refuse by themselves.
    assert re.search("does not support (sub-interpreters|loading in subinterpreters)", told[0])
    assert "FERROTEL_DISABLED=1" in told[0]


def test_the_main_interpreter_goes_on(alone: Environment, isolated: bool) -> None:
    """What a sub-interpreter tried and failed to load is not missed by the main one, before and after."""
    code = f"""
{INTERPRETERS}
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
for name in ("before", "after"):
    with provider.get_tracer("t").start_as_current_span(name, attributes={{"a": [1]}}):
        run({IMPORT!r}, {isolated})
print([span.name for span in exporter.get_finished_spans()])
"""
    assert alone.output(code).splitlines()[-1] == "['before', 'after']"


def test_who_does_not_import_it_notices_nothing(alone: Environment, isolated: bool) -> None:
    other = "import json, logging, threading; print('fine')"
    assert alone.output(f"{INTERPRETERS}\nrun({other!r}, {isolated})") == "fine"
    disabled = "import sys; print(any('ferrotel' in entry for entry in sys.path))"
    assert alone.output(f"{INTERPRETERS}\nrun({disabled!r}, {isolated})", FERROTEL_DISABLED="1") == "False"
