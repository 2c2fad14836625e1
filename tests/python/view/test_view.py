"""The program `python -m ferrotel view`, run as a user runs it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import IO, TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = [sys.executable, "-m", "ferrotel", "view"]
FREE_PORTS = ["--grpc-port", "0", "--http-port", "0"]
TRACE_ID = "5b8efff798038103d269b633813fc60c"
RESOURCE = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}


def request_body(name: str, span_id: str = "eee19b7ec3c1b174", **fields: Any) -> bytes:
    span = {"traceId": TRACE_ID, "spanId": span_id, "name": name, "kind": 2, **fields}
    span.setdefault("startTimeUnixNano", "1795521600000000000")
    span.setdefault("endTimeUnixNano", "1795521600005000000")
    span["attributes"] = [{"key": "user.id", "value": {"intValue": "7"}}]
    return json.dumps({"resourceSpans": [{"resource": RESOURCE, "scopeSpans": [{"spans": [span]}]}]}).encode()


def metrics_body(second: int, value: int) -> bytes:
    noon = 1795521600000000000
    point = {
        "startTimeUnixNano": str(noon),
        "timeUnixNano": str(noon + second * 10**9),
        "asInt": str(value),
        "attributes": [{"key": "route", "value": {"stringValue": "/"}}],
    }
    total = {"isMonotonic": True, "aggregationTemporality": 2, "dataPoints": [point]}
    metric = {"name": "requests", "unit": "{request}", "sum": total}
    return json.dumps({"resourceMetrics": [{"resource": RESOURCE, "scopeMetrics": [{"metrics": [metric]}]}]}).encode()


def logs_body(body: str, **fields: Any) -> bytes:
    record = {"timeUnixNano": "1795521600003000000", "severityNumber": 13, "body": {"stringValue": body}, **fields}
    return json.dumps({"resourceLogs": [{"resource": RESOURCE, "scopeLogs": [{"logRecords": [record]}]}]}).encode()


def post(url: str, body: bytes) -> tuple[int, bytes]:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.status, response.read()


def read_until(stream: IO[str], pattern: str) -> str:
    text = ""
    for line in stream:
        text += line
        if re.search(pattern, line):
            return text
    raise AssertionError(f"the view ended without {pattern!r}:\n{text}")


class RunningView:
    def __init__(self, *arguments: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *FREE_PORTS, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            env={**os.environ, **environment},
        )
        assert self.process.stdout is not None
        self.out = self.process.stdout
        found = re.search(r"HTTP +(http://\S+)", read_until(self.out, "OTLP over HTTP"))
        assert found is not None
        self.base = found.group(1)
        self.url = f"{self.base}/v1/traces"

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.out.close()


@pytest.fixture
def view() -> Iterator[RunningView]:
    running = RunningView()
    yield running
    running.close()


def test_a_posted_span_is_shown(view: RunningView) -> None:
    assert post(view.url, request_body("GET /users")) == (200, b"{}")
    shown = read_until(view.out, "GET /users")
    assert f"trace {TRACE_ID}" in shown
    assert re.search(r"^  shop  GET /users  SERVER  █+  5\.00 ms$", shown, re.MULTILINE)
    assert "user.id" not in shown
    assert "\x1b" not in shown


def test_a_late_child_shows_the_trace_again(view: RunningView) -> None:
    post(view.url, request_body("root"))
    read_until(view.out, "root")
    post(view.url, request_body("late", "00000000000000aa", parentSpanId="eee19b7ec3c1b174"))
    shown = read_until(view.out, "late")
    assert "updated" in shown
    assert "root" in shown
    assert "└ late" in shown


def test_attributes_and_colors_on_demand() -> None:
    view = RunningView("--attributes", "--color", "always")
    try:
        post(view.url, request_body("root", status={"code": 2, "message": "it broke"}))
        shown = read_until(view.out, "user.id")
    finally:
        view.close()
    assert "\x1b[1;31mERROR it broke\x1b[0m" in shown
    assert "user.id = 7" in shown


def test_hostile_names_reach_the_terminal_escaped(view: RunningView) -> None:
    post(view.url, request_body("\x1b]0;owned\x07\x1b[2Jname"))
    assert r"\u{1b}]0;owned\u{7}\u{1b}[2Jname" in read_until(view.out, "owned")


def test_a_log_record_stands_under_its_span_or_alone(view: RunningView) -> None:
    post(f"{view.base}/v1/logs", logs_body("during", traceId=TRACE_ID, spanId="eee19b7ec3c1b174", flags=1))
    post(f"{view.base}/v1/logs", logs_body("outside"))
    alone = read_until(view.out, "outside")
    assert re.search(r"^log  12:00:00\.003Z  WARN   shop  outside$", alone, re.MULTILINE)
    assert "during" not in alone  # it waits for its trace
    post(view.url, request_body("root"))
    shown = read_until(view.out, "during")
    assert re.search(r"^  shop  root .*\n +WARN  \+3\.00 ms  during$", shown, re.MULTILINE)


def test_changed_metrics_are_lines_where_nothing_can_be_redrawn(view: RunningView) -> None:
    for second, value in [(5, 10), (10, 10), (15, 40)]:
        post(f"{view.base}/v1/metrics", metrics_body(second, value))
        if value != 10 or second == 5:
            shown = read_until(view.out, "requests")
    assert shown == "metric  shop  requests  route=/  40 {request}  6/s\n"


def test_metrics_and_logs_are_hidden_on_request() -> None:
    view = RunningView("--no-metrics", "--no-logs", "--exit-after", "1")
    try:
        assert post(f"{view.base}/v1/metrics", metrics_body(5, 10)) == (200, b"{}")
        assert post(f"{view.base}/v1/logs", logs_body("silent")) == (200, b"{}")
        post(view.url, request_body("only"))
        rest = view.out.read()
    finally:
        view.close()
    assert "requests" not in rest
    assert "silent" not in rest
    assert rest.endswith("ferrotel view: 1 spans received, 1 data points of metrics, 1 log records\n")


def test_the_table_is_redrawn_on_request_into_a_pipe() -> None:
    view = RunningView("--redraw", "always", "--width", "90", "--height", "20", "--color", "never")
    try:
        post(f"{view.base}/v1/metrics", metrics_body(5, 10))
        first = read_until(view.out, "requests")
        assert "── metrics ── 1 series ─" in first
        post(f"{view.base}/v1/metrics", metrics_body(10, 40))
        again = read_until(view.out, "requests")
    finally:
        view.close()
    assert again.startswith("\x1b[?2026h\x1b[3F\x1b[4M── metrics")  # title, head and one row are overwritten
    assert re.search(r"shop +requests +route=/ +counter +40 +6/s +\{request\}", again)


def test_exit_after_a_number_of_traces() -> None:
    view = RunningView("--exit-after", "1")
    try:
        post(view.url, request_body("only"))
        rest = view.out.read()
        assert view.process.wait(timeout=10) == 0
    finally:
        view.close()
    assert rest.endswith("ferrotel view: 1 spans received\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_cleanly(view: RunningView, number: signal.Signals) -> None:
    view.process.send_signal(number)
    assert view.process.wait(timeout=10) == 0
    assert view.out.read().endswith("ferrotel view: 0 spans received\n")


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_taken_port_is_named(protocol: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ended = subprocess.run(
            [*COMMAND, *FREE_PORTS, f"--{protocol}-port", str(port)], capture_output=True, encoding="utf-8", timeout=60
        )
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert f"port {port} " in ended.stderr
    assert "is taken: another program already listens" in ended.stderr
    assert f"--{protocol}-port N" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--host", "0.0.0.0"], "must be a loopback address"),
        (["--grpc-port", "70000"], "a port is a number from 0 to 65535"),
        (["--http-port", "many"], "a whole number is required"),
        (["--max-traces", "0"], "a number from 1 is required"),
        (["--max-series", "-1"], "a number from 1 is required"),
        (["--redraw", "sometimes"], "invalid choice: 'sometimes'"),
    ],
)
def test_bad_options_are_explained(arguments: list[str], reason: str) -> None:
    ended = subprocess.run([*COMMAND, *FREE_PORTS, *arguments], capture_output=True, encoding="utf-8", timeout=60)
    assert ended.returncode == 2
    assert reason in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_closed_pipe_ends_it_quietly(view: RunningView) -> None:
    view.process.stdout = None
    view.out.close()
    post(view.url, request_body("nobody reads this"))
    assert view.process.wait(timeout=10) == 0


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_commands_typed_in_a_terminal() -> None:
    import pty

    # A process that leads a session, with the terminal as its own: only then may it read from it.
    pid, terminal = pty.fork()
    if pid == 0:
        try:
            os.environ.pop("NO_COLOR", None)
            os.environ["TERM"] = "xterm"
            os.execv(sys.executable, [*COMMAND, *FREE_PORTS])
        finally:
            os._exit(127)
    text = ""

    def wait_for(pattern: str) -> str:
        nonlocal text
        deadline = time.monotonic() + 20
        while not re.search(pattern, text):
            assert time.monotonic() < deadline, text
            text += os.read(terminal, 4096).decode("utf-8", "replace")
        seen, text = text, ""
        return seen

    try:
        greeting = wait_for(r"q \+ Enter quits")
        found = re.search(r"HTTP +(http://\S+)", greeting)
        assert found is not None
        base = found.group(1)
        post(f"{base}/v1/traces", request_body("typed"))
        shown = wait_for("5.00 ms")
        assert "\x1b[1mtyped" in shown
        assert "user.id" not in shown
        os.write(terminal, b"a\n")
        wait_for("user.id = 7")
        post(f"{base}/v1/metrics", metrics_body(5, 10))
        assert "\x1b[1m" in wait_for(r"requests.*10")
        os.write(terminal, b"m\n")
        # Up by title, head, row, and the line that the Enter key has added; then nothing.
        wait_for("\x1b\\[\\?2026h\x1b\\[4F\x1b\\[5M\x1b\\[\\?2026l$")
        os.write(terminal, b"m\n")
        wait_for("metrics ── 1 series")
        os.write(terminal, b"q\n")
        assert "1 spans received" in wait_for("spans received")
        assert os.waitpid(pid, 0)[1] == 0
        pid = 0
    finally:
        if pid:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        os.close(terminal)
