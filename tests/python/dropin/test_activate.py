"""The .pth file and `ferrotel.activate()`: where they take effect, what they refuse, what they cost."""

from __future__ import annotations

import resource
import statistics
from pathlib import Path

import pytest

from .conftest import Environment

pytestmark = pytest.mark.slow


def test_overlay_stands_before_site_packages(alone: Environment) -> None:
    path = alone.output("import sys; print(*sys.path, sep='\\n')").splitlines()
    assert path.index(str(alone.overlay)) < path.index(str(alone.site_packages))
    assert path.count(str(alone.overlay)) == 1


def test_interpreter_start_imports_nothing_of_ours(alone: Environment) -> None:
    code = "import sys; print([name for name in sys.modules if name.startswith(('ferrotel', 'opentelemetry'))])"
    assert alone.output(code) == "[]"


def test_activate_by_hand(official_only: Environment, target: Path) -> None:
    code = """
import ferrotel, opentelemetry
ferrotel.activate()
ferrotel.activate()
from opentelemetry import trace
print(trace.__file__)
"""
    overlay = target / "ferrotel" / "_overlay"
    assert overlay in Path(official_only.output(code, PYTHONPATH=str(target))).parents


def test_without_activate_a_target_folder_changes_nothing(official_only: Environment, target: Path) -> None:
    file = official_only.file_of("opentelemetry.trace", PYTHONPATH=str(target))
    assert official_only.site_packages in file.parents


def test_activate_after_official_modules_names_them(official_only: Environment, target: Path) -> None:
    code = """
import sys, ferrotel, opentelemetry.trace
before = list(sys.path)
try:
    ferrotel.activate()
except RuntimeError as error:
    print(error, sys.path == before)
"""
    told = official_only.output(code, PYTHONPATH=str(target))
    assert "opentelemetry.context, " in told
    assert "opentelemetry.trace, " in told
    assert told.endswith("Call it before the first import of opentelemetry. True")


def test_activate_obeys_the_switch(official_only: Environment, target: Path) -> None:
    code = "import ferrotel; ferrotel.activate(); import opentelemetry.trace as t; print(t.__file__)"
    file = Path(official_only.output(code, PYTHONPATH=str(target), FERROTEL_DISABLED="1"))
    assert official_only.site_packages in file.parents


def test_another_pth_file_that_imports_official_modules_first(official_first: Environment) -> None:
    early = official_first.site_packages / "aaa_early.pth"
    early.write_text("import opentelemetry.trace\n")
    try:
        result = official_first.run("-c", "import opentelemetry.trace as t; print(t.__file__)")
    finally:
        early.unlink()
    assert official_first.site_packages / "opentelemetry" in Path(result.stdout.strip()).parents
    # Some Pythons process a virtual environment's .pth files twice.
    assert set(result.stderr.splitlines()) == {result.stderr.splitlines()[0]}
    assert result.stderr.startswith("ferrotel: the official OpenTelemetry packages stay in effect.")
    assert "opentelemetry.trace" in result.stderr


def test_cost_at_interpreter_start(alone: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    """CPU time of interpreter starts with and without the .pth file, interleaved. Far under a millisecond is what is
    wanted; the bound leaves room for a busy machine."""
    pth = alone.site_packages / "ferrotel_activate.pth"
    aside = pth.with_suffix(".aside")

    def start() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        alone.run("-c", "pass")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1000

    start()
    differences = []
    for _ in range(60):
        with_it = start()
        pth.rename(aside)
        try:
            differences.append(with_it - start())
        finally:
            aside.rename(pth)
    median = statistics.median(differences)
    with capsys.disabled():
        print(f"\n.pth at interpreter start: median {median:.2f} ms of CPU over {len(differences)} interleaved pairs")
    assert median < 2
