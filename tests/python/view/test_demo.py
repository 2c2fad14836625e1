"""The demo of the examples folder: two services, one trace."""

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
    blocks = [block for block in ended.stdout.split("\n\n") if block.startswith("trace ")]
    whole = [block for block in blocks if "service-a" in block and "service-b" in block]
    assert len({block.split()[1] for block in whole}) == 3
    for block in whole:
        # Service B's span hangs below the one with which service A called it.
        assert re.search(r"service-a +└ call_service_b +CLIENT.*\n(.*\n)*? *service-b +└ handle_request +SERVER", block)
    assert any("out of stock" in block for block in whole)
    failed = [block for block in whole if "KeyError" in block]
    assert len(failed) == 1
    assert "ERROR" in failed[0]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"OTEL_SDK_DISABLED": "true"}, "service A made no trace"),
        ({"OTEL_TRACES_SAMPLER": "always_off"}, "did not show the traces in time; missing with spans of both"),
        ({"OTEL_PROPAGATORS": "none"}, "did not show the traces in time; missing with spans of both"),
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
