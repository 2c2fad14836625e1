"""Traces, metrics and logs in one command: two services without a line of telemetry, and the view that shows them.

`shop.py` (Flask, requests) and `stock.py` (FastAPI, SQLAlchemy on SQLite) run under `opentelemetry-instrument`. Ends
with 0 when every request's trace arrived, from the shop's route to the stock's SELECT and with log records of both, and
the metrics of both; else with 1 and a reason.
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO

HERE = Path(__file__).resolve().parent
INSTRUMENT = Path(sys.executable).parent / "opentelemetry-instrument"
START_SECONDS = 30.0
ARRIVAL_SECONDS = 30.0
ESCAPE_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
REQUESTS = ("apple", "pear", "unicorn", "apple")
PAUSE_SECONDS = 0.7  # between two requests, for the reader to see the metrics change
# What the instrumentations measure, and what the view shows of it in the end: three requests that went well, and one
# that did not.
METRICS = {
    ("shop", "http.server.request.duration"): "n=3",
    ("shop", "http.client.request.duration"): "n=3",
    ("stock", "http.server.request.duration"): "n=3",
}
# What every trace has, in the lines of its tree.
SPANS = [
    r"shop +GET /order/<item> +SERVER",
    r"shop .* CLIENT",
    r"stock .* POST /stock/\{item\}/take +SERVER",
    r"stock .* SELECT.* CLIENT",
]
# And its log records: the first is the shop's, the second one of the stock's.
LOGS = [r" INFO .* order for ", r" (INFO|WARN|ERROR) .* (in stock|out of stock|is known here)"]
FAILED_ORDER = 502
# A window with fewer lines has no room for a table with all of them.
TABLE_LINES = 24
# For the services. They would send spans and log records every few seconds and metrics every minute, and the reader of
# a demo waits less gladly. The names of attributes are the stable ones.
SETTINGS = {
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database",
    "OTEL_BSP_SCHEDULE_DELAY": "200",
    "OTEL_BLRP_SCHEDULE_DELAY": "200",
    "OTEL_METRIC_EXPORT_INTERVAL": "500",
}


class DemoError(Exception):
    """What went wrong, in words for the reader."""


class Child:
    """A process of the demo, whose output is read line by line."""

    def __init__(self, name: str, arguments: list[str], environment: dict[str, str], folder: str | None = None) -> None:
        self.name = name
        self.lines: queue.Queue[str] = queue.Queue()
        self.last_line = ""
        self.process = subprocess.Popen(
            arguments,
            cwd=folder,
            env={**neutral_environment(), "PYTHONUNBUFFERED": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        assert self.process.stdout is not None
        self.reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self.reader.start()

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self.last_line = line.strip() or self.last_line
                self.lines.put(line.rstrip("\n"))

    def poll_line(self, deadline: float) -> str | None:
        """Wait for a line; return None if none came in time."""
        while True:
            try:
                return self.lines.get(timeout=0.1)
            except queue.Empty:
                if self.process.poll() is not None:
                    said = f": {self.last_line}" if self.last_line else ""
                    raise DemoError(f"{self.name} ended with code {self.process.returncode}{said}") from None
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
    folder = tempfile.mkdtemp()
    try:
        show_telemetry(children, folder)
    except DemoError as error:
        print(f"The demo failed: {error}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        for child in reversed(children):
            child.stop()
        shutil.rmtree(folder, ignore_errors=True)
    count = len(REQUESTS)
    print(f"{count} requests, {count} traces: from the shop's route to the stock's SELECT, with their log records.")
    print("Neither application has a line of telemetry: opentelemetry-instrument brought it.")
    print("To watch a program of your own: python -m ferrotel view")
    return 0


def show_telemetry(children: list[Child], folder: str) -> None:
    def start(name: str, arguments: list[str], environment: dict[str, str]) -> Child:
        children.append(Child(name, [sys.executable, *arguments], environment))
        return children[-1]

    def start_instrumented(name: str, endpoint: str, arguments: list[str], environment: dict[str, str]) -> Child:
        settings = {**SETTINGS, **environment, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
        command = [str(INSTRUMENT), "--service_name", name, sys.executable, "-m", *arguments]
        children.append(Child(f"the {name}", command, settings, folder))
        return children[-1]

    view = start("the view", ["-m", "ferrotel", "view", "--grpc-port", "0", "--http-port", "0", *appearance()], {})
    grpc = view.find(r"gRPC +(http://\S+)", "start")
    http = view.find(r"HTTP +(http://\S+)", "start")
    stock = start_instrumented(
        "stock",
        http,
        ["uvicorn", "stock:app", "--app-dir", str(HERE), "--port", "0"],
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
    )
    stock_url = stock.find(r"running on (http://\S+)", "start")
    shop = start_instrumented(
        "shop",
        grpc,
        ["gunicorn", "shop:app", "--chdir", str(HERE), "--bind", "127.0.0.1:0", "--no-control-socket"],
        {"STOCK_URL": stock_url},
    )
    shop_url = shop.find(r"Listening at: (http://\S+)", "start")

    print(f"view   gRPC {grpc}, HTTP {http}")
    print(f"shop   {shop_url}, Flask under gunicorn, exports over gRPC")
    print(f"stock  {stock_url}, FastAPI under uvicorn, exports over HTTP", flush=True)
    screen = Screen(view)
    for item in REQUESTS:
        request(f"{shop_url}/order/{item}")
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


def request(url: str) -> None:
    """Send a request to the shop. An order that fails has a trace too."""
    try:
        with urllib.request.urlopen(url, timeout=START_SECONDS):
            pass
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != FAILED_ORDER:
            raise DemoError(f"the shop answered {error.code}") from None
    except OSError as error:
        raise DemoError(f"the shop did not answer: {error}") from None


class Screen:
    """Prints what the view shows, and looks for what it must show."""

    def __init__(self, view: Child) -> None:
        self.view = view
        self.whole_traces: set[str] = set()
        self.missing_metrics = set(METRICS)
        self.trace_id = ""
        self.missing: set[str] = set()

    def print_for(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            line = self.view.poll_line(deadline)
            if line is not None:
                self.print(line)

    def print_until_complete(self) -> None:
        deadline = time.monotonic() + ARRIVAL_SECONDS
        while len(self.whole_traces) < len(REQUESTS) or self.missing_metrics:
            line = self.view.poll_line(deadline)
            if line is None:
                missing = [" of the ".join(reversed(metric)) for metric in sorted(self.missing_metrics)]
                found = f"{len(self.whole_traces)} of {len(REQUESTS)} traces are whole"
                raise DemoError("; ".join(["the view did not show all in time", found, *missing]))
            self.print(line)
        self.print_for(0.3)  # the rest of the table

    def print(self, line: str) -> None:
        print(line, flush=True)
        plain = ESCAPE_SEQUENCE.sub("", line)
        words = plain.split()
        self.missing_metrics -= {
            metric for metric in self.missing_metrics if {*metric, METRICS[metric]}.issubset(words)
        }
        if words[:1] == ["trace"]:
            self.trace_id, self.missing = words[1], {*SPANS, *LOGS}
        self.missing -= {pattern for pattern in self.missing if re.search(pattern, plain)}
        if not words and not self.missing and self.trace_id:
            self.whole_traces.add(self.trace_id)


if __name__ == "__main__":
    sys.exit(main())
