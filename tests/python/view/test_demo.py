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
    whole = [block for block in blocks if re.search(r"shop +GET /order/<item> +SERVER", block) and "SELECT" in block]
    assert len({block.split()[1] for block in whole}) == 4
    for block in whole:
        # The stock's span hangs below the one with which the shop called it, and the database's below that.
        assert re.search(
            r"shop +└ .* CLIENT.*\n(.*\n)*? *stock +└ POST /stock/\{item\}/take +SERVER"
            r".*\n(.*\n)*? *stock +.*SELECT.* CLIENT",
            block,
        )
    assert any("out of stock" in block for block in whole)
    failed = [block for block in whole if "KeyError" in block]
    assert len({block.split()[1] for block in failed}) == 1
    assert "ERROR" in failed[-1]
    # Each log record stands under the span in which it was written.
    assert re.search(r"GET /order/<item> +SERVER.*\n +│ INFO +\+\S+ \S+  order for ", whole[0])
    assert re.search(r"/take +SERVER.*\n(.*\n)*? +│? ?INFO +\+\S+ \S+  12 of apple in stock", ended.stdout)
    assert re.search(r"ERROR +\+\S+ \S+  no unicorn is known here\n(.*\n)*?.*✗ KeyError: 'unicorn'", failed[-1])
    assert re.search(r"^metric  stock  http.server.request.duration .*/take .*  n=3 avg=", ended.stdout, re.MULTILINE)


def test_the_applications_know_nothing_of_telemetry() -> None:
    for name in ("shop.py", "stock.py"):
        code = (DEMO.parent / name).read_text().partition('"""\n\nfrom')[2]
        assert "telemetry" not in code


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"OTEL_SDK_DISABLED": "true"}, "did not show all in time; 0 of 4 traces are whole"),
        ({"OTEL_PROPAGATORS": "none"}, "did not show all in time; 0 of 4 traces are whole"),
        ({"OTEL_BLRP_SCHEDULE_DELAY": "90000"}, "did not show all in time; 0 of 4 traces are whole"),
        (
            {"OTEL_METRIC_EXPORT_INTERVAL": "90000"},
            "traces are whole; http.client.request.duration of the shop",
        ),
        ({"PYTHONHOME": "/nowhere"}, "the stock ended with code 1"),
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
    said = capsys.readouterr().err
    assert said.startswith("The demo failed: ")
    assert reason in said
