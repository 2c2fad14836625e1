"""Programs under gevent and eventlet: contexts do not mix, nothing is lost, and nobody else has to wait."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Iterator

import pytest

from ferrotel import _native

HERE = Path(__file__).parent
ANSWERS_AFTER = 0.3


class _Slow(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        time.sleep(ANSWERS_AFTER)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def slow() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Slow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def mute() -> Iterator[str]:
    """Takes connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


COMBINATIONS = [(library, order) for library in ("gevent", "eventlet") for order in ("before", "after")]


@pytest.fixture(scope="module")
def programs(slow: str, mute: str) -> Iterator[dict[tuple[str, str], tuple[Any, Any]]]:
    """All of them at once: they mostly wait. Each with a collector of its own."""
    started: dict[tuple[str, str], tuple[Any, Any]] = {}
    for library, order in COMBINATIONS:
        good = _native.ViewServer()
        started[library, order] = (
            good,
            subprocess.Popen(
                [sys.executable, str(HERE / "program.py"), library, order],
                env={**os.environ, "GOOD": good.http_endpoint, "SLOW": slow, "MUTE": mute},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ),
        )
    yield started
    for good, program in started.values():
        program.kill()
        program.communicate()
        good.stop()


@pytest.mark.parametrize(("library", "order"), COMBINATIONS)
def test_a_program_of_greenlets(library: str, order: str, programs: Any) -> None:
    good, program = programs[library, order]
    printed, said = program.communicate(timeout=60)
    assert program.returncode == 0, said
    found = json.loads(printed)
    counts = good.counts()
    names = {span["name"] for span in good.spans()}
    assert found["mixed"] == [], found
    assert found["kept"] == 161
    assert found["child"] == 0
    # Both give a greenlet an empty context, as Python gives a thread.
    assert found["spawned with a parent"] is False
    assert counts["received_spans"] == 162 and "child" in names, (counts, said)
    assert counts["received_logs"] == 80 and counts["received_points"] >= 1, counts

    flushed, took, longest = found["force_flush"]
    assert flushed is False and 0.5 < took < 5 and longest < took / 3, found
    if library == "gevent":
        assert found["gevent.Timeout"] > 5, found
    for exporting in ("SimpleSpanProcessor", "SimpleLogRecordProcessor", "PeriodicExportingMetricReader"):
        took, longest = found[exporting]
        assert took >= ANSWERS_AFTER and longest < took / 2, (exporting, found)
