"""Traces, metrics and logs in one command: two services in two processes, and the view that shows what they did.

Ends with 0 when every request's trace arrived with spans and log records of both services, and the metrics of both too;
else with 1 and a reason.
"""

from __future__ import annotations

import json
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO

HERE = Path(__file__).resolve().parent
START_SECONDS = 30.0
ARRIVAL_SECONDS = 30.0
ESCAPE_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
REQUESTS = ("apple", "pear", "unicorn", "apple")
PAUSE_SECONDS = 0.7  # between two requests, for the reader to see the metrics change
# What each metric shows in the end, for the apples where it has an attribute.
METRICS = {"orders": "2", "orders.active": "0", "order.duration": "n=4", "stock.lookups": "2", "stock.items": "10"}
# A window with fewer lines has no room for a table with all of them.
TABLE_LINES = 24
# For the services. They would send spans and log records every few seconds and metrics every minute, and the reader of
# a demo waits less gladly.
SETTINGS = {
    "OTEL_BSP_SCHEDULE_DELAY": "200",
    "OTEL_BLRP_SCHEDULE_DELAY": "200",
    "OTEL_METRIC_EXPORT_INTERVAL": "500",
}


class DemoError(Exception):
    """What went wrong, in words for the reader."""


class Child:
    """A process of the demo, whose output is read line by line."""

    def __init__(self, name: str, arguments: list[str], environment: dict[str, str]) -> None:
        self.name = name
        self.lines: queue.Queue[str] = queue.Queue()
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            env={**neutral_environment(), "PYTHONUNBUFFERED": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
        assert self.process.stdout is not None
        self.reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self.reader.start()

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self.lines.put(line.rstrip("\n"))

    def poll_line(self, deadline: float) -> str | None:
        """Wait for a line; return None if none came in time."""
        while True:
            try:
                return self.lines.get(timeout=0.1)
            except queue.Empty:
                if self.process.poll() is not None:
                    raise DemoError(f"{self.name} ended with code {self.process.returncode}") from None
                if time.monotonic() > deadline:
                    return None

    def find(self, pattern: str, purpose: str) -> str:
        """Wait for a line with the pattern, and return the pattern's group."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            line = self.poll_line(deadline)
            if line is None:
                raise DemoError(f"{self.name} did not {purpose} in time")
            found = re.search(pattern, ESCAPE_SEQUENCE.sub("", line))
            if found:
                return found.group(1)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(timeout=5)


def main() -> int:
    children: list[Child] = []
    try:
        show_telemetry(children)
    except DemoError as error:
        print(f"The demo failed: {error}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        for child in reversed(children):
            child.stop()
    print(f"{len(REQUESTS)} requests, {len(REQUESTS)} traces, each with spans and log records of both services.")
    print(f"{len(METRICS)} metrics: a counter in each service, an up-down counter, a histogram, an observable gauge.")
    print("To watch a program of your own: python -m ferrotel view")
    return 0


def show_telemetry(children: list[Child]) -> None:
    def start(name: str, arguments: list[str], environment: dict[str, str]) -> Child:
        children.append(Child(name, arguments, environment))
        return children[-1]

    view = start("the view", ["-m", "ferrotel", "view", "--grpc-port", "0", "--http-port", "0", *appearance()], {})
    grpc = view.find(r"gRPC +(http://\S+)", "start")
    http = view.find(r"HTTP +(http://\S+)", "start")
    service_b = start(
        "service B", [str(HERE / "service_b.py"), "--port", "0"], {**SETTINGS, "OTEL_EXPORTER_OTLP_ENDPOINT": http}
    )
    url_b = service_b.find(r"listens on (http://\S+)", "start")
    service_a = start(
        "service A",
        [str(HERE / "service_a.py"), "--port", "0", "--service-b", url_b],
        {**SETTINGS, "OTEL_EXPORTER_OTLP_ENDPOINT": grpc},
    )
    url_a = service_a.find(r"listens on (http://\S+)", "start")

    print(f"view       gRPC {grpc}, HTTP {http}")
    print(f"service-a  {url_a}, exports over gRPC")
    print(f"service-b  {url_b}, exports over HTTP", flush=True)
    screen = Screen(view)
    for item in REQUESTS:
        screen.missing_traces.add(request(f"{url_a}/order?item={item}"))
        screen.print_for(PAUSE_SECONDS)
    screen.print_until_complete()


def neutral_environment() -> dict[str, str]:
    """Return this process's environment without OpenTelemetry's variables: the demo's receiver is its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}


def appearance() -> list[str]:
    size = shutil.get_terminal_size((100, 24))
    is_terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    color = "always" if is_terminal and not os.environ.get("NO_COLOR") else "never"
    redraw = "always" if is_terminal and size.lines >= TABLE_LINES else "never"
    return ["--width", str(size.columns), "--height", str(size.lines), "--color", color, "--redraw", redraw]


def request(url: str) -> str:
    """Send a request to service A, and return the id of the trace that it made."""
    try:
        with urllib.request.urlopen(url, timeout=START_SECONDS) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        answer = json.load(error)  # a failed order has a trace too
    except OSError as error:
        raise DemoError(f"service A did not answer: {error}") from None
    if set(answer["trace_id"]) == {"0"}:
        raise DemoError("service A made no trace: its spans are not recorded")
    return str(answer["trace_id"])


class Screen:
    """Prints what the view shows, and looks for what it must show."""

    def __init__(self, view: Child) -> None:
        self.view = view
        self.missing_traces: set[str] = set()
        self.missing_metrics = set(METRICS)
        self.trace_id = ""
        self.spans_of: set[str] = set()
        self.logs_of: set[str] = set()

    def print_for(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            line = self.view.poll_line(deadline)
            if line is not None:
                self.print(line)

    def print_until_complete(self) -> None:
        deadline = time.monotonic() + ARRIVAL_SECONDS
        while self.missing_traces or self.missing_metrics:
            line = self.view.poll_line(deadline)
            if line is None:
                traces, metrics = sorted(self.missing_traces), sorted(self.missing_metrics)
                missing = [f"metrics {', '.join(metrics)}"] if metrics else []
                if traces:
                    missing.insert(0, f"with spans and log records of both services: {', '.join(traces)}")
                raise DemoError(f"the view did not show all in time; missing {' and '.join(missing)}")
            self.print(line)
        self.print_for(0.3)  # the rest of the table

    def print(self, line: str) -> None:
        print(line, flush=True)
        plain = ESCAPE_SEQUENCE.sub("", line)
        words = plain.split()
        self.missing_metrics -= {name for name in words if METRICS.get(name) in words}
        if words[:1] == ["trace"]:
            self.trace_id, self.spans_of, self.logs_of = words[1], set(), set()
        elif words and words[0] in ("service-a", "service-b"):
            self.spans_of.add(words[0])
        elif re.search(r" (INFO|WARN|ERROR) +[+-]", plain):
            self.logs_of.add("service-a" if " order for " in plain else "service-b")
        elif not words and len(self.spans_of) == 2 and len(self.logs_of) == 2:
            self.missing_traces.discard(self.trace_id)


if __name__ == "__main__":
    sys.exit(main())
