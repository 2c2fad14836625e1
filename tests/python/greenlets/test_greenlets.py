"""Programs under gevent and eventlet: contexts do not mix, and nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator

import pytest

from ferrotel import _native

HERE = Path(__file__).parent


COMBINATIONS = [(library, order) for library in ("gevent", "eventlet") for order in ("before", "after")]


@pytest.fixture(scope="module")
def programs() -> Iterator[dict[tuple[str, str], tuple[Any, Any]]]:
    """All of them at once: they mostly wait. Each with a collector of its own."""
    started: dict[tuple[str, str], tuple[Any, Any]] = {}
    for library, order in COMBINATIONS:
        good = _native.ViewServer()
        started[library, order] = (
            good,
            subprocess.Popen(
                [sys.executable, str(HERE / "program.py"), library, order],
                env={**os.environ, "GOOD": good.http_endpoint},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ),
        )
    yield started
    for good, program in started.values():
        program.kill()
        program.communicate()
        good.stop()


@pytest.mark.parametrize(("library", "order"), COMBINATIONS)
def test_a_program_of_greenlets(library: str, order: str, programs: Any) -> None:
    good, program = programs[library, order]
    printed, said = program.communicate(timeout=60)
    assert program.returncode == 0, said
    found = json.loads(printed)
    counts = good.counts()
    names = {span["name"] for span in good.spans()}
    assert found["mixed"] == [], found
    assert found["kept"] == 161
    assert found["child"] == 0
    # Both give a greenlet an empty context, as Python gives a thread.
    assert found["spawned with a parent"] is False
    assert counts["received_spans"] == 162 and "child" in names, (counts, said)
    assert counts["received_logs"] == 80 and counts["received_points"] >= 1, counts
