"""Starting to trace imports neither `logging` nor `typing`, and no one notices."""

from __future__ import annotations

import copy
import logging
import pickle
import subprocess
import sys
import unittest
from typing import Any
from unittest import mock

import pytest

from ferrotel import _late

PROGRAM = """
import sys
before = set(sys.modules)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
"""
DEAR = "argparse concurrent dataclasses email importlib.metadata inspect json logging random re traceback typing urllib"


def answer(program: str) -> str:
    # -S and -I: nothing of an environment's own .pth files, and no sitecustomize.
    paths = [path for path in sys.path if path]
    code = f"import sys; sys.path[:] = {paths!r}\n{PROGRAM}\n{program}"
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


def test_the_import_leaves_dear_modules_alone() -> None:
    assert answer(f"print(*sorted(set({DEAR!r}.split()) & set(sys.modules) - before))") == ""


def test_with_a_provider_every_logger_is_a_real_one() -> None:
    said = answer(
        "TracerProvider(shutdown_on_exit=False); OTLPSpanExporter()\n"
        "import logging\n"
        "names = ('opentelemetry.sdk.trace', 'opentelemetry.exporter.otlp.proto.grpc.exporter')\n"
        "print(*(type(logging.root.manager.loggerDict[name]).__name__ for name in names))\n"
        "print(*(type(rule).__name__ for rule in logging.getLogger(names[1]).filters))"
    )
    assert said.splitlines() == ["Logger Logger", "DuplicateFilter"]


def test_with_an_exporter_too() -> None:
    assert answer("OTLPSpanExporter(); print('logging' in sys.modules)") == "True"


def test_what_is_said_before_comes_through() -> None:
    # An exporter's line without a provider.
    said = answer(
        "from opentelemetry.attributes import BoundedAttributes\n"
        "sys.stderr = sys.stdout\n"
        "BoundedAttributes(attributes={'': 1})"
    )
    assert said.startswith("invalid attribute key ``")


@pytest.mark.parametrize("module", ["sdk.resources", "trace", "sdk.trace", "sdk.util._configurator"])
def test_names_of_types_are_made_when_asked_for(module: str) -> None:
    names = {
        "sdk.resources": "Attributes LabelValue AnyValue",
        "trace": "_Links types",
        "sdk.trace": "_TracerConfiguratorT",
        "sdk.util._configurator": "ConfiguratorRulesT",
    }[module]
    for name in names.split():
        assert answer(f"from opentelemetry.{module} import {name} as found; print(found is not None)") == "True"


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A logger that was made before `logging` was imported."""
    monkeypatch.setattr(_late, "_waiting", {})
    logger: Any = _late._LateLogger("opentelemetry.late")
    yield logger
    real = logging.getLogger("opentelemetry.late")
    real.filters.clear()
    real.setLevel(logging.NOTSET)


def test_a_late_logger_is_taken_for_the_real_one(late: Any) -> None:
    real = logging.getLogger("opentelemetry.late")
    assert isinstance(late, logging.Logger)
    assert (late.name, repr(late)) == ("opentelemetry.late", repr(real))
    late.setLevel("ERROR")
    late.propagate = False
    assert (real.level, real.propagate) == (logging.ERROR, False)
    late.propagate = True
    assert copy.copy(late) is real
    assert pickle.loads(pickle.dumps(late)) is real


def test_its_filters_are_kept_until_then(late: Any) -> None:
    rule = logging.Filter("opentelemetry")
    late.addFilter(rule)
    real = logging.getLogger("opentelemetry.late")
    assert real.filters == []
    _late.import_logging()
    assert real.filters == [rule]
    assert real.filters == [rule]


def test_tests_may_watch_and_replace_it(late: Any) -> None:
    with unittest.TestCase().assertLogs(late, "WARNING") as watched:
        late.warning("once %d", 1)
    assert watched.output == ["WARNING:opentelemetry.late:once 1"]
    with mock.patch.object(late, "warning") as replaced:
        late.warning("twice")
    replaced.assert_called_once_with("twice")
    assert late.warning.__func__ is logging.Logger.warning
