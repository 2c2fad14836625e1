"""What telemetry costs a web server (FastAPI, Flask, Django), with ferrotel and with the official packages.

python benches/web.py [--python PYTHON] [--rounds 9] [--requests 2000] [--check]

Three servers of each kind run at the same time: without telemetry, with ferrotel, with the official packages, the last
two by `opentelemetry-instrument` with OTLP over gRPC to a receiver. In each round each of them answers the same
requests, one server after the other, while the others wait. What counts is the CPU time of the server's process, with
all its threads, until what it made is exported. A ratio is formed within a round.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import contenders
from run import answer, default_python, distribution, facts_of, save_as

PROGRAMS = contenders.HERE / "web_programs"
TARGET = 8.0
"""So many times as much as ferrotel must the official packages add."""

CONNECTIONS = 8
# A batch is exported soon after the requests, and before the time is read.
DELAY = 0.3
RECEIVER = """\
import sys
from ferrotel import _native
# Each request is a trace of its own, and all are counted.
with _native.ViewServer(max_traces=100_000) as receiver:
    print(receiver.grpc_endpoint, flush=True)
    for _ in sys.stdin:
        print(receiver.counts()["spans"], flush=True)
        receiver.clear()
"""
GUNICORN = [
    *("--workers", "1", "--worker-class", "gthread", "--threads", "4", "--keep-alive", "600"),
    *("--log-level", "error", "--no-control-socket", "--bind"),
]
SERVERS = {
    "FastAPI, uvicorn": [
        *("-m", "uvicorn", "fastapi_shop:app", "--no-access-log", "--log-level", "warning"),
        *("--timeout-keep-alive", "600", "--fd"),
    ],
    "Flask, gunicorn": ["-m", "gunicorn", "flask_shop:app", *GUNICORN],
    "Django, gunicorn": ["-m", "gunicorn", "django_shop:app", *GUNICORN],
}


class Receiver:
    """Takes OTLP over gRPC, in a process of its own."""

    def __init__(self, python: str) -> None:
        self._process = subprocess.Popen(
            [python, "-c", RECEIVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=contenders.ENVIRONMENT,
        )
        self.endpoint = self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def spans(self) -> int:
        """How many have come since the last time."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._line())

    def close(self) -> None:
        self._process.communicate()


class Server:
    """A web server with one worker."""

    def __init__(self, kind: str, python: str, endpoint: str | None, disabled: bool = False) -> None:
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._port: int = listener.getsockname()[1]
        number = listener.fileno()
        command = [python, *SERVERS[kind], str(number) if "uvicorn" in kind else f"fd://{number}"]
        environment = dict(contenders.ENVIRONMENT)
        if "Django" in kind:
            # `opentelemetry-instrument` looks for the settings before the server looks into its folder.
            environment.update(DJANGO_SETTINGS_MODULE="django_settings", PYTHONPATH=str(PROGRAMS))
        if disabled:
            environment["FERROTEL_DISABLED"] = "1"
        if endpoint is not None:
            command = [str(Path(python).parent / "opentelemetry-instrument"), *command]
            environment.update(
                OTEL_EXPORTER_OTLP_ENDPOINT=endpoint,
                OTEL_EXPORTER_OTLP_INSECURE="true",
                OTEL_TRACES_EXPORTER="otlp",
                OTEL_METRICS_EXPORTER="otlp",
                OTEL_LOGS_EXPORTER="none",
                OTEL_BSP_SCHEDULE_DELAY=str(int(DELAY * 1000)),
            )
        # It has to find the programs, and nothing else of this folder.
        self._process = subprocess.Popen(command, env=environment, cwd=PROGRAMS, pass_fds=[number])
        listener.close()
        self._connections = [self._connect() for _ in range(CONNECTIONS)]
        self.serve(CONNECTIONS)

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port), timeout=60)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def serve(self, count: int) -> None:
        """So many requests, over connections that are kept."""
        for start in range(0, count, CONNECTIONS):
            for offset, connection in enumerate(self._connections):
                connection.sendall(request(start + offset, self._port))
            for connection in self._connections:
                read_response(connection)

    def cpu(self) -> float:
        """Seconds of CPU time that its process has used, with all threads that live."""
        total = 0
        for process in [self._process.pid, *children(self._process.pid)]:
            for task in Path(f"/proc/{process}/task").iterdir():
                # The clock of `times` ticks a hundred times a second; the scheduler counts nanoseconds.
                total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def close(self) -> None:
        for connection in self._connections:
            connection.close()
        self._process.terminate()
        self._process.wait(60)


def request(number: int, port: int) -> bytes:
    trace_id, span_id = f"{number + 1:032x}", f"{number + 1:016x}"
    return (
        f"GET /orders/{number} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\n"
        f"Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\ntraceparent: 00-{trace_id}-{span_id}-01\r\n\r\n"
    ).encode()


def read_response(connection: socket.socket) -> None:
    answer = connection.recv(65536)
    while b"\r\n\r\n" not in answer:
        answer += more(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *headers = head.split(b"\r\n")
    if b" 200 " not in status:
        raise SystemExit(f"benches: the server answered {status!r}")
    length = next(int(line.partition(b":")[2]) for line in headers if line.lower().startswith(b"content-length:"))
    while len(body) < length:
        body += more(connection)


def more(connection: socket.socket) -> bytes:
    part = connection.recv(65536)
    if not part:
        raise SystemExit("benches: the server closed a connection")
    return part


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Turn(NamedTuple):
    """Milliseconds of CPU time for one request."""

    off: float
    ferrotel: float
    official: float

    @property
    def ratio(self) -> float:
        return (self.official - self.off) / max(self.ferrotel - self.off, 1e-6)


def measure(kind: str, ferrotel: str, official: str, rounds: int, requests: int) -> tuple[list[Turn], dict[str, int]]:
    receivers = {"ferrotel": Receiver(ferrotel), "official": Receiver(ferrotel)}
    servers = {
        "off": Server(kind, ferrotel, None, disabled=True),
        "ferrotel": Server(kind, ferrotel, receivers["ferrotel"].endpoint),
        "official": Server(kind, official, receivers["official"].endpoint),
    }
    turns = []
    spans = dict.fromkeys(receivers, 0)
    try:
        for number in range(rounds + 1):
            costs = {}
            for name, server in list(servers.items())[:: 1 if number % 2 else -1]:
                before = server.cpu()
                server.serve(requests)
                # Also what the exporter does counts.
                time.sleep(3 * DELAY)
                costs[name] = (server.cpu() - before) / requests * 1000
                if name in receivers:
                    came = receivers[name].spans()
                    spans[name] += came if number else 0
            # The first round warms up.
            if number:
                turns.append(Turn(**costs))
            print(f"\rbenches: {kind}, round {number} of {rounds}", end="", file=sys.stderr, flush=True)
    finally:
        print(file=sys.stderr)
        for server in servers.values():
            server.close()
        for receiver in receivers.values():
            receiver.close()
    return turns, spans


def main() -> int:
    parser = argparse.ArgumentParser(description="ferrotel beside the official packages under web servers")
    parser.add_argument("--python", default="", help="the CPython to measure on (default: the one that runs this)")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each server (default: 9)")
    parser.add_argument("--requests", type=int, default=2000, help="requests in a turn (default: 2000)")
    parser.add_argument("--only", choices=list(SERVERS), help="one of the servers")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    parser.add_argument("--ferrotel-python", help="measure the ferrotel that this interpreter sees, not a fresh wheel")
    options = parser.parse_args()
    python = contenders.interpreter(options.python) if options.python else default_python()
    ferrotel = options.ferrotel_python or contenders.ferrotel_python(python, "benches/web.txt")
    official = contenders.official_python(python, "web-official.txt")
    missed = []
    rows: dict[str, Any] = {}
    print(f"{'CPU ms for a request':22}{'off':>8}{'ferrotel':>10}{'official':>10}{'added':>9}{'added':>9}{'ratio':>8}")
    for kind in [options.only] if options.only else SERVERS:
        turns, spans = measure(kind, ferrotel, official, options.rounds, options.requests)
        if min(spans.values()) < options.rounds * options.requests:
            raise SystemExit(f"benches: {kind}: spans are missing, so that nothing is measured: {spans}")
        off, ours, theirs = (median(column) for column in zip(*turns))
        added, added_official = (
            median(turn.ferrotel - turn.off for turn in turns),
            median(turn.official - turn.off for turn in turns),
        )
        ratio = median(turn.ratio for turn in turns)
        print(f"{kind:22}{off:8.3f}{ours:10.3f}{theirs:10.3f}{added:9.3f}{added_official:9.3f}{ratio:7.1f}x")
        rows[kind] = {
            "turns": [turn._asdict() for turn in turns],
            "spans": spans,
            "off": off,
            "ferrotel": added,
            "official": added_official,
            "ratio": ratio,
        }
        if ratio < TARGET:
            missed.append(kind)
    made = [
        f"{kind} {name} {count / options.rounds / options.requests:.1f}"
        for kind, row in rows.items()
        for name, count in row["spans"].items()
    ]
    full_version = answer(ferrotel, "import platform; print(platform.python_version())")
    print(
        "\nMedians of the rounds; the same figures are CPU seconds for 1,000 requests. added: less what the server\n"
        "takes without telemetry. One worker, OTLP over gRPC, spans and metrics.\n"
        f"Python {full_version}, {os.cpu_count()} cores; ferrotel {distribution(ferrotel, 'ferrotel')}, "
        f"opentelemetry-sdk {distribution(official, 'opentelemetry-sdk')}.\n"
        f"Spans for a request: {', '.join(made)}."
    )
    save_as("web", {"facts": facts_of(ferrotel, official), "rows": rows})
    if missed:
        print("target missed:", "; ".join(missed))
    return 1 if missed and options.check else 0


if __name__ == "__main__":
    raise SystemExit(main())
