"""The short form of `make stress`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from stress.running import complaints, leaks, run

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")


@pytest.mark.parametrize("pipeline", ["native", "python"])
def test_64_threads_at_random(pipeline: str) -> None:
    result = run("threads.py", pipeline, "64", "1", "1", patience=200)
    assert list(complaints(result)) == [], result
    assert result["spans"] > 100 and result["handed_over"] > 10, result


@pytest.mark.parametrize("pipeline", ["native", "python"])
@pytest.mark.parametrize("how", ["signals", "finalizers", "collector"])
def test_telemetry_in_the_middle_of_telemetry(how: str, pipeline: str) -> None:
    result = run("reentry.py", how, pipeline, "0.6", patience=100)
    assert list(complaints(result)) == [], result
    assert result["intrusions"] > 20, result


@pytest.mark.parametrize("what", ["everything", "exceptions"])
def test_nothing_is_left_behind(what: str) -> None:
    result = run("leaks.py", what, "2000", patience=200)
    assert list(leaks(result, blocks=0.1, resident=4 << 20)) == [], result


def test_providers_leave_no_thread_and_no_file_behind() -> None:
    result = run("leaks.py", "providers", "20000", patience=200)
    assert list(leaks(result, blocks=20, resident=4 << 20)) == [], result
