"""The command `opentelemetry-instrument`, and `initialize()`, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).parent / "opentelemetry-instrument"
SPAN = """
from opentelemetry import trace
with trace.get_tracer("app").start_as_current_span("work"):
    pass
"""
QUIET = ("--metrics_exporter", "none", "--logs_exporter", "none")


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(COMMAND), *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_program_without_a_line_of_telemetry_set_up() -> None:
    flags = ("--traces_exporter", "console", "--service_name", "shop", *QUIET)
    done = run(*flags, sys.executable, "-c", SPAN)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"name": "work"' in done.stdout
    assert '"service.name": "shop"' in done.stdout
    assert '"telemetry.auto.version": "0.66b1"' in done.stdout


def test_flags_are_environment_variables() -> None:
    show = "import os; print(os.environ['OTEL_SERVICE_NAME'], os.environ['OTEL_PYTHON_DISABLED_INSTRUMENTATIONS'])"
    flags = ("--service_name", "shop", "--disabled_instrumentations", "flask", "--traces_exporter", "none", *QUIET)
    done = run(*flags, sys.executable, "-c", show, OTEL_SERVICE_NAME="before")
    assert (done.stdout, done.stderr) == ("shop flask\n", "")


def test_the_document_s_flags_are_there() -> None:
    text = run("--help").stdout
    for flag in ("traces_exporter", "metrics_exporter", "logs_exporter", "service_name", "exporter_otlp_endpoint"):
        assert f"--{flag} " in text
    assert run("--version").stdout == "opentelemetry-instrument 0.66b1\n"


def test_python_that_the_program_starts_is_instrumented_too() -> None:
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SPAN!r}], check=True)"
    done = run("--traces_exporter", "console", *QUIET, sys.executable, "-c", program)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count('"name": "work"') == 1


def test_a_module_as_program(tmp_path: Path) -> None:
    (tmp_path / "application.py").write_text(SPAN)
    done = run(*("--traces_exporter", "console", *QUIET, sys.executable, "-m", "application"), PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert '"name": "work"' in done.stdout


def test_the_programs_exit_status_and_output_are_its_own() -> None:
    done = run("--traces_exporter", "none", *QUIET, sys.executable, "-c", "import sys; print('out'); sys.exit(7)")
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "")


@pytest.mark.parametrize(("command", "status"), [("no-such-command-here", 127), ("/", 126)])
def test_a_command_that_cannot_be_run(command: str, status: int) -> None:
    done = run(command)
    assert done.returncode == status
    assert done.stderr.startswith(f"opentelemetry-instrument: {command}: ")
    assert "Traceback" not in done.stderr


def test_an_error_in_setting_up_is_logged_and_the_program_runs() -> None:
    done = run("--traces_exporter", "no_such_exporter", *QUIET, sys.executable, "-c", "print('runs')")
    assert (done.returncode, done.stdout) == (0, "runs\n")
    assert "Failed to auto initialize OpenTelemetry" in done.stderr
    assert "no_such_exporter" in done.stderr


@pytest.mark.parametrize(("swallow", "status"), [("True", 0), ("False", 1)])
def test_initialize(swallow: str, status: int) -> None:
    program = f"""
from opentelemetry.instrumentation.auto_instrumentation import initialize
initialize(swallow_exceptions={swallow})
"""
    environ = {**os.environ, "OTEL_TRACES_EXPORTER": "no_such_exporter"}
    assert subprocess.run([sys.executable, "-c", program], env=environ, stderr=subprocess.PIPE).returncode == status
