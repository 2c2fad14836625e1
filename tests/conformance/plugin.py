"""The pytest plugin of the processes that run the suites.

It writes one JSON line an event to $CONFORMANCE_LOG at once, so that what ran before a crash or a hang is known, and
leaves out the tests that $CONFORMANCE_DONE lists.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from . import soft_imports

LOG = os.environ["CONFORMANCE_LOG"]
DONE = frozenset(json.loads(os.environ["CONFORMANCE_DONE"]))
# The folder that the API and SDK must come from.
OVERLAY = Path(os.environ["CONFORMANCE_OVERLAY"])


def record(**fields: object) -> None:
    with open(LOG, "a") as log:
        log.write(json.dumps(fields) + "\n")


soft_imports.on_missing.append(lambda name: record(missing=name))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [item for item in items if item.nodeid not in DONE]


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        record(uncollected=report.nodeid, text=str(report.longrepr)[-300:])


def pytest_runtest_logstart(nodeid: str) -> None:
    record(start=nodeid)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    crash = getattr(report.longrepr, "reprcrash", None)
    record(
        test=report.nodeid, outcome=report.outcome, text="" if report.passed else str(crash or report.longrepr)[-300:]
    )


def pytest_runtest_logfinish(nodeid: str) -> None:
    record(finish=nodeid)


def pytest_sessionfinish() -> None:
    record(end=True, stray=[name for name in sorted(sys.modules) if is_stray(name)])


def is_stray(name: str) -> bool:
    """Was a module of the API or SDK loaded from elsewhere than ferrotel?"""
    parts = name.split(".")
    if parts[0] != "opentelemetry" or parts[1:2] in ([], ["proto"], ["semconv"], ["test"]):
        return False
    file = getattr(sys.modules[name], "__file__", None)
    return file is not None and OVERLAY not in Path(file).resolve().parents
