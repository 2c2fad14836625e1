"""The demo of the examples folder: two services, and their traces, metrics and logs in one place."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[3] / "examples" / "demo.py"


def run(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(DEMO)],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        env={**os.environ, "COLUMNS": "110", **environment},
    )


def test_both_services_appear_in_one_tree() -> None:
    # What a user has configured for other programs does not concern the demo.
    ended = run(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="http://127.0.0.1:9", OTEL_PROPAGATORS="none")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    blocks = re.findall(r"^trace .*?\n\n", ended.stdout, re.MULTILINE | re.DOTALL)
    whole = [block for block in blocks if "service-a" in block and "service-b" in block]
    assert len({block.split()[1] for block in whole}) == 4
    for block in whole:
        # Service B's span hangs below the one with which service A called it.
        assert re.search(r"service-a +└ call_service_b +CLIENT.*\n(.*\n)*? *service-b +└ handle_request +SERVER", block)
    assert any("out of stock" in block for block in whole)
    failed = [block for block in whole if "KeyError" in block]
    assert len({block.split()[1] for block in failed}) == 1
    assert "ERROR" in failed[-1]
    # Each log record stands under the span in which it was written.
    assert re.search(r"GET /order +SERVER.*\n +│ INFO +\+\S+ \S+  order for ", whole[0])
    assert re.search(r"handle_request +SERVER.*\n(.*\n)*? +│ INFO +\+\S+ \S+  12 of apple in stock", ended.stdout)
    assert re.search(r"ERROR +\+\S+ \S+  no such item\n.*✗ KeyError: unicorn", failed[-1])


def test_the_metrics_of_both_services_are_shown() -> None:
    ended = run()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    last: dict[tuple[str, str, str], str] = {}
    for service, name, attributes, value in re.findall(
        r"^metric  (\S+)  (\S+)(?:  (item=.*?))?  (.*)$", ended.stdout, re.MULTILINE
    ):
        last[service, name, attributes] = value
    assert last["service-a", "orders", "item=apple http.status_code=200"].startswith("2 {order}")
    assert last["service-a", "orders", "item=unicorn http.status_code=502"].startswith("1 {order}")
    assert re.search(r"^n=4 avg=[\d.]+ ms  \S+ .*[▁▂▃▄▅▆▇█].* \S+", last["service-a", "order.duration", ""])
    assert last["service-a", "orders.active", ""].startswith("0 {order}")
    assert last["service-b", "stock.lookups", "item=apple"].startswith("2 {lookup}")
    assert last["service-b", "stock.items", "item=apple"].startswith("10 {item}")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"OTEL_SDK_DISABLED": "true"}, "service A made no trace"),
        ({"OTEL_TRACES_SAMPLER": "always_off"}, "did not show all in time; missing with spans and log records of both"),
        ({"OTEL_PROPAGATORS": "none"}, "did not show all in time; missing with spans and log records of both"),
        ({"OTEL_BLRP_SCHEDULE_DELAY": "90000"}, "did not show all in time; missing with spans and log records of both"),
        ({"OTEL_METRIC_EXPORT_INTERVAL": "90000"}, "did not show all in time; missing metrics order.duration"),
        ({"PYTHONHOME": "/nowhere"}, "service B ended with code 1"),
    ],
)
def test_what_goes_wrong_is_a_failure_with_a_reason(
    settings: dict[str, str], reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = importlib.util.spec_from_file_location("demo", DEMO)
    assert spec is not None
    assert spec.loader is not None
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    monkeypatch.setattr(demo, "SETTINGS", {**demo.SETTINGS, **settings})
    monkeypatch.setattr(demo, "ARRIVAL_SECONDS", 3.0)
    assert demo.main() == 1
    assert f"The demo failed: {reason}" in capsys.readouterr().err.replace("the view ", "")
