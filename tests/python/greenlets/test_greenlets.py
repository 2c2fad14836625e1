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
ANSWERS_AFTER = 0.4


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


@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("library", ["gevent", "eventlet"])
def test_a_program_of_greenlets(library: str, order: str, slow: str, mute: str) -> None:
    with _native.ViewServer() as good:
        environ = {**os.environ, "GOOD": good.http_endpoint, "SLOW": slow, "MUTE": mute}
        ran = subprocess.run(
            [sys.executable, str(HERE / "program.py"), library, order],
            env=environ,
            capture_output=True,
            timeout=60,
            text=True,
        )
        assert ran.returncode == 0, ran.stderr
        found = json.loads(ran.stdout)
        counts = good.counts()
        names = {span["name"] for span in good.spans()}
    assert found["mixed"] == [], found
    assert found["kept"] == 161
    assert found["child"] == 0
    # Both give a greenlet an empty context, as Python gives a thread.
    assert found["spawned with a parent"] is False
    assert counts["received_spans"] == 162 and "child" in names, (counts, ran.stderr)
    assert counts["received_logs"] == 80 and counts["received_points"] >= 1, counts

    flushed, took, longest = found["force_flush"]
    assert flushed is False and 0.7 < took < 5 and longest < took / 3, found
    if library == "gevent":
        assert found["gevent.Timeout"] > 5, found
    for exporting in ("SimpleSpanProcessor", "SimpleLogRecordProcessor", "PeriodicExportingMetricReader"):
        took, longest = found[exporting]
        assert took >= ANSWERS_AFTER and longest < took / 2, (exporting, found)
