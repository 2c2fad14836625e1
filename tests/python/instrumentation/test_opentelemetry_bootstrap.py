"""The command `opentelemetry-bootstrap`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from opentelemetry.instrumentation import bootstrap
from opentelemetry.instrumentation._requirement import Requirement
from opentelemetry.instrumentation.bootstrap_gen import default_instrumentations, libraries
from opentelemetry.util._importlib_metadata import entry_points

COMMAND = Path(sys.executable).parent / "opentelemetry-bootstrap"


def test_it_prints_requirements_for_what_is_installed() -> None:
    done = subprocess.run([str(COMMAND), "-a", "requirements"], stdout=subprocess.PIPE, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[: len(default_instrumentations)] == default_instrumentations
    names = {Requirement(line).name for line in lines}
    # Installed for the tests, in a release that is instrumented; not installed.
    assert "opentelemetry-instrumentation-urllib3" in names
    assert "opentelemetry-instrumentation-pyramid" not in names


def test_a_release_that_is_not_instrumented_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    proposed = bootstrap._find_installed_libraries(
        ["always"], [{"library": "pytest < 1", "instrumentation": "i"}, {"library": "pytest", "instrumentation": "j"}]
    )
    assert list(proposed) == ["always", "j"]
    assert caplog.messages == [
        f"instrumentation for package pytest<1 is available but version {pytest.__version__} is installed. Skipping."
    ]


def test_what_is_built_in_is_not_proposed() -> None:
    built_in = {
        entry_point.name
        for entry_point in entry_points(group="opentelemetry_instrumentor")
        if entry_point.dist is not None and entry_point.dist.metadata["Name"] == "ferrotel"
    }
    proposed = {Requirement(entry["instrumentation"]).name for entry in libraries}
    proposed |= {Requirement(text).name for text in default_instrumentations}
    assert {name[len("opentelemetry-instrumentation-") :] for name in proposed} & built_in == set()


def test_every_line_of_the_lists_is_a_requirement() -> None:
    for entry in libraries:
        assert Requirement(entry["library"]).name
        assert Requirement(entry["instrumentation"]).name.startswith("opentelemetry-instrumentation-")
    for text in default_instrumentations:
        assert str(Requirement(text).specifier) == "==0.66b1"
