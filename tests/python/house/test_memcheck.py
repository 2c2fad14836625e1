"""scripts/memcheck.py: which of Valgrind's errors are told."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "memcheck.py"


@pytest.fixture(scope="module")
def memcheck() -> Any:
    spec = importlib.util.spec_from_file_location("memcheck", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def error(kind: str, *stacks: str, more: str = "") -> Any:
    def frames(stack: str) -> str:
        pairs = (frame.split(":") for frame in stack.split())
        return "".join(f"<frame><obj>{obj}</obj><fn>{fn}</fn></frame>" for obj, fn in pairs)

    whole = "".join(f"<stack>{frames(stack)}</stack>" for stack in stacks)
    return fromstring(f"<error><kind>{kind}</kind>{more}{whole}</error>")


OURS, PYTHON = "/x/ferrotel/_native.so:end", "/lib/libpython.so:PyObject_Call"
LOST = "<xwhat><leakedblocks>{}</leakedblocks></xwhat>"


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (error("InvalidRead", f"libc:memcpy {OURS} {PYTHON}"), True),
        (error("InvalidRead", PYTHON, OURS), False),
        (error("UninitValue", OURS, "libc:malloc x:make"), True),
        (error("UninitValue", OURS, "libc:malloc libpython:_PyLong_New"), False),
        (error("UninitValue", OURS), True),
        (error("Leak_DefinitelyLost", OURS, more=LOST.format(100)), True),
        (error("Leak_DefinitelyLost", OURS, more=LOST.format(1)), False),
        (error("Leak_PossiblyLost", OURS, more=LOST.format(100)), False),
        (error("Leak_DefinitelyLost", PYTHON, more=LOST.format(100)), False),
    ],
)
def test_errors_of_ours(memcheck: Any, found: Any, told: bool) -> None:
    assert memcheck._is_ours(found) is told


def test_a_report_without_an_end(memcheck: Any, tmp_path: Path) -> None:
    """A signal ends a process in the middle of its report."""
    report = tmp_path / "1.xml"
    for text, count in (
        ("<valgrindoutput><error><kind>a</kind></error><error><ki", 1),
        ("<valgrindoutput><error></error></valgrindoutput>", 1),
        ("<valgrindoutput><status>", 0),
    ):
        report.write_text('<?xml version="1.0"?>\n' + text)
        assert len(memcheck._errors(report)) == count
