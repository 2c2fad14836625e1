"""A distributed trace in one command: two services in two processes, and the view that shows what they did.

Ends with 0 when every request's trace arrived with spans of both services, else with 1 and a reason.
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
COLOR_SEQUENCE = re.compile(r"\x1b\[[0-9;]*m")
REQUESTS = ("apple", "pear", "unicorn")
# For the services. They would send their spans every 5 seconds, and the reader of a demo waits less gladly.
SETTINGS = {"OTEL_BSP_SCHEDULE_DELAY": "200"}


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

    def next_line(self, deadline: float, purpose: str) -> str:
        while True:
            try:
                return self.lines.get(timeout=0.1)
            except queue.Empty:
                if self.process.poll() is not None:
                    raise DemoError(f"{self.name} ended with code {self.process.returncode}") from None
                if time.monotonic() > deadline:
                    raise DemoError(f"{self.name} did not {purpose} in time") from None

    def find(self, pattern: str, purpose: str) -> str:
        """Wait for a line with the pattern, and return the pattern's group."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            found = re.search(pattern, COLOR_SEQUENCE.sub("", self.next_line(deadline, purpose)))
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
        show_traces(children)
    except DemoError as error:
        print(f"The demo failed: {error}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        for child in reversed(children):
            child.stop()
    print(f"{len(REQUESTS)} requests, {len(REQUESTS)} traces, each with spans of both services.")
    print("To watch a program of your own: python -m ferrotel view")
    return 0


def show_traces(children: list[Child]) -> None:
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
    print_until_complete(view, {request(f"{url_a}/order?item={item}") for item in REQUESTS})


def neutral_environment() -> dict[str, str]:
    """Return this process's environment without OpenTelemetry's variables: the demo's receiver is its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}


def appearance() -> list[str]:
    width = ["--width", str(shutil.get_terminal_size((100, 24)).columns)]
    colorful = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return [*width, "--color", "always" if colorful else "never"]


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


def print_until_complete(view: Child, missing: set[str]) -> None:
    """Print what the view shows until each trace has been shown with spans of both services."""
    deadline = time.monotonic() + ARRIVAL_SECONDS
    trace_id = ""
    services: set[str] = set()
    while missing:
        try:
            line = view.next_line(deadline, "show the traces")
        except DemoError as error:
            raise DemoError(f"{error}; missing with spans of both services: {', '.join(sorted(missing))}") from None
        print(line, flush=True)
        words = COLOR_SEQUENCE.sub("", line).split()
        if words[:1] == ["trace"]:
            trace_id, services = words[1], set()
        elif words and words[0] in ("service-a", "service-b"):
            services.add(words[0])
        elif not words and services >= {"service-a", "service-b"}:
            missing.discard(trace_id)


if __name__ == "__main__":
    sys.exit(main())
