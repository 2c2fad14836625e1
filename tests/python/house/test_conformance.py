"""The harness of `make conformance`: it notices what it must."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

import ferrotel

TESTS = Path(__file__).parents[2]
OVERLAY = Path(ferrotel.__file__).resolve().parent / "_overlay"


@pytest.fixture(autouse=True)
def harness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TESTS))


def module(name: str) -> Any:
    return importlib.import_module(f"conformance.{name}")


def run(folder: Path, source: str) -> Any:
    """The result of a suite with one file."""
    (folder / "tests").mkdir()
    (folder / "empty.ini").write_text("[pytest]\n")
    (folder / "tests/test_it.py").write_text(module("soft_imports").soften(source))
    return module("process").run_file(folder, "tests/test_it.py", OVERLAY, [TESTS], folder)


def outcomes(result: Any) -> dict[str, str]:
    return {test.partition("::")[2]: outcome for test, outcome in result.outcomes.items()}


def test_a_missing_name_costs_the_tests_that_use_it(tmp_path: Path) -> None:
    source = """
from opentelemetry.trace import (
    NoSuchName,
    SpanKind,
)
import opentelemetry.no_such_module as absent

def test_without():
    assert SpanKind.SERVER.value == 1

def test_call():
    NoSuchName()

def test_attribute():
    absent.name

def test_iteration():
    list(NoSuchName)
"""
    result = run(tmp_path, source)
    assert outcomes(result) == {
        "test_without": "passed",
        "test_call": "failed",
        "test_attribute": "failed",
        "test_iteration": "failed",
    }
    assert result.missing_names == ["opentelemetry.trace.NoSuchName", "opentelemetry.no_such_module"]
    assert result.complaints == []


def test_crashes_and_hangs_cost_one_test_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module("process"), "TEST_LIMIT", 5.0)
    source = """
import os, time, pytest

def test_before():
    pass

def test_crash():
    os.abort()

@pytest.mark.skip
def test_skip():
    pass

def test_hang():
    time.sleep(1000)

def test_after():
    assert False
"""
    result = run(tmp_path, source)
    assert outcomes(result) == {
        "test_before": "passed",
        "test_crash": "crashed",
        "test_skip": "skipped",
        "test_hang": "hung",
        "test_after": "failed",
    }


def test_a_file_that_cannot_be_collected_is_a_complaint(tmp_path: Path) -> None:
    result = run(tmp_path, "raise ValueError('no file of tests')")
    assert result.outcomes == {}
    assert "no file of tests" in result.complaints[0]


def test_a_module_from_elsewhere_is_a_complaint(tmp_path: Path) -> None:
    source = """
import sys, types

def test_it():
    module = sys.modules["opentelemetry.official"] = types.ModuleType("opentelemetry.official")
    module.__file__ = "/elsewhere/opentelemetry/official.py"
"""
    result = run(tmp_path, source)
    assert outcomes(result) == {"test_it": "passed"}
    assert result.complaints == ["modules from elsewhere than ferrotel: opentelemetry.official"]


def test_the_record_reads_as_it_was_written(tmp_path: Path) -> None:
    expectations = module("expectations")
    passed = {"sdk/tests/a.py::T::test_b", "sdk/tests/a.py::test_c[x y]", "sdk/tests/a/b.py::test_d"}
    expectations.write_passed(passed, tmp_path / "passed.txt")
    assert expectations.read_passed(tmp_path / "passed.txt") == passed


def test_every_difference_has_a_reason_and_every_recorded_test_a_suite() -> None:
    expectations = module("expectations")
    differences = expectations.read_differences()
    assert all(reason.strip() for reason in differences.values())
    assert not differences.keys() & expectations.read_passed()
    lines = (TESTS / "conformance/suites.txt").read_text().splitlines()
    suites = {line.split("==")[0] for line in lines if not line.startswith("#")}
    recorded = {"opentelemetry-" + test.split("/")[0].replace("_", "-") for test in expectations.read_passed()}
    assert recorded <= suites


def test_kinds(tmp_path: Path) -> None:
    suite = tmp_path / "opentelemetry_sdk-1.0"
    (suite / "src/opentelemetry/sdk").mkdir(parents=True)
    (suite / "src/opentelemetry/sdk/thing.py").write_text("_secret = 1\ndef named(): pass\nimport imported\n")
    (suite / "tests").mkdir()
    (suite / "tests/test_public.py").write_text(
        """
from unittest.mock import patch
from opentelemetry.sdk import thing

def helper():
    return thing._secret

def test_public():
    thing.named()

@patch("opentelemetry.sdk.thing.named")
def test_patch_of_a_public_name(_):
    pass

@patch("opentelemetry.sdk.thing.imported")
def test_patch_of_an_import(_):
    pass

def test_through_a_helper():
    helper()

def test_by_name():
    getattr(thing, "_secret")
"""
    )
    (suite / "tests/test_blocked.py").write_text(
        "from opentelemetry.sdk._hidden import name\n\nclass TestIt:\n    def test_it(self):\n        pass\n"
    )
    kinds = module("classify").Classifier(tmp_path).kinds(suite)
    assert kinds == {
        "tests/test_blocked.py": {"TestIt::test_it": "blocked"},
        "tests/test_public.py": {
            "test_public": "public",
            "test_patch_of_a_public_name": "public",
            "test_patch_of_an_import": "internal",
            "test_through_a_helper": "internal",
            "test_by_name": "internal",
        },
    }
