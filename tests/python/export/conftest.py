"""Receivers to export to: a small HTTP server that keeps requests, and the collector rotel as a process of its own."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, Iterator, NamedTuple

import pytest

from opentelemetry.sdk._shared_internal import DuplicateFilter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider


class Request(NamedTuple):
    """One POST."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def plain(self) -> bytes:
        """The body, decompressed."""
        encoding = self.headers.get("content-encoding", "")
        return {"gzip": gzip.decompress, "deflate": zlib.decompress}.get(encoding, bytes)(self.body)


@pytest.fixture(autouse=True)
def no_line_is_a_repetition() -> None:
    """Loggers that let a line pass once in a while forget what another test made them say."""
    for logger in logging.root.manager.loggerDict.values():
        for rule in getattr(logger, "filters", ()):
            if isinstance(rule, DuplicateFilter):
                rule.last_log = None


@pytest.fixture
def from_json() -> Callable[[Any, bytes], Any]:
    """Reads a message from OTLP/JSON."""
    return _from_json


def _from_json(message: Any, text: bytes) -> Any:
    """Ids are in hexadecimal digits there, in base64 for protobuf's own parser."""
    json_format = pytest.importorskip("google.protobuf.json_format")

    def with_ids(value: Any) -> Any:
        if isinstance(value, list):
            return [with_ids(item) for item in value]
        if not isinstance(value, dict):
            return value
        ids = ("traceId", "spanId")
        return {
            key: base64.b64encode(bytes.fromhex(item)).decode() if key in ids else with_ids(item)
            for key, item in value.items()
        }

    return json_format.ParseDict(with_ids(json.loads(text)), message())


class Server(NamedTuple):
    """The HTTP server: what came, and what to answer next (status and headers; 200 when the list is empty)."""

    url: str
    requests: list[Request]
    answers: list[tuple[int, dict[str, str]]]


@pytest.fixture
def server() -> Iterator[Server]:
    yield from run_server()


def run_server() -> Iterator[Server]:
    requests: list[Request] = []
    answers: list[tuple[int, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            requests.append(Request(self.path, headers, body))
            status, extra = answers.pop(0) if answers else (200, {})
            self.send_response(status)
            for name, value in {**extra, "content-length": "0"}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Server(f"http://127.0.0.1:{httpd.server_port}", requests, answers)
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Rotel(NamedTuple):
    """A collector that writes what it receives."""

    grpc: str
    http: str
    log: Path

    def wait_for(self, text: str) -> str:
        """What it wrote, once `text` is in it."""
        deadline = time.monotonic() + 15
        while text not in (written := self.log.read_text()):
            assert time.monotonic() < deadline, f"{text!r} never arrived:\n{written[-3000:]}"
            time.sleep(0.02)
        return written

    def span(self, name: str) -> str:
        """What it wrote about the last span of this name, resource and scope included."""
        written = self.wait_for(f"Name           : {name}\n")
        time.sleep(0.05)
        blocks = re.split(r"(?m)^(?=ResourceSpans #)", self.log.read_text() or written)
        return [block for block in blocks if f"Name           : {name}\n" in block][-1]


def rotel_agent() -> str:
    """The collector's program, out of the package rotel."""
    found = [Path(folder, "rotel", "rotel-agent") for folder in sys.path]
    program = next((str(path) for path in found if path.is_file()), None) or shutil.which("rotel-agent")
    if program is None:
        pytest.skip("the package rotel is not installed here")
    return program


class Relay(NamedTuple):
    """A collector that sends on, as protobuf over HTTP, what it receives."""

    grpc: str
    http: str
    server: Server

    def sent_on(self, path: str, message: Any, marker: str) -> Any:
        """The request of this type that it sent on and that has `marker` in it."""
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            for request in list(self.server.requests):
                if request.path == path and marker.encode() in request.plain:
                    return message.FromString(request.plain)
            time.sleep(0.02)
        raise AssertionError(f"{marker!r} never arrived")


def run_rotel(folder: Path, *options: str, exporter: str = "blackhole") -> Iterator[Rotel]:
    grpc, http = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    log = folder / "log"
    command = [rotel_agent(), "start", "--otlp-grpc-endpoint", grpc, "--otlp-http-endpoint", http]
    with open(log, "wb") as out, subprocess.Popen(
        [*command, "--exporter", exporter, *options], stdout=out, stderr=out
    ) as process:
        try:
            _wait_for_port(http)
            _wait_for_port(grpc)
            yield Rotel(grpc, http, log)
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture(scope="session")
def rotel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rotel]:
    """Writes every span that it receives."""
    yield from run_rotel(tmp_path_factory.mktemp("rotel"), "--debug-log=traces", "--debug-log-verbosity=detailed")


@pytest.fixture(scope="session")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    """Sends on every metric and log record that it receives, so that they can be decoded whole."""
    for server in run_server():
        options = ["--otlp-exporter-protocol", "http", "--otlp-exporter-endpoint", server.url, "--disable-batching"]
        for rotel in run_rotel(tmp_path_factory.mktemp("relay"), *options, exporter="otlp"):
            yield Relay(rotel.grpc, rotel.http, server)


@pytest.fixture(scope="session")
def quiet_rotel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rotel]:
    """Swallows what it receives: for measuring."""
    yield from run_rotel(tmp_path_factory.mktemp("rotel"))


def _wait_for_port(address: str) -> None:
    host, port = address.split(":")
    deadline = time.monotonic() + 15
    while True:
        try:
            socket.create_connection((host, int(port)), 1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, f"nothing listens on {address}"
            time.sleep(0.02)


Finish = Callable[..., ReadableSpan]


@pytest.fixture
def finished() -> Finish:
    """Makes a span that has ended."""

    def finish(name: str = "a", **arguments: Any) -> ReadableSpan:
        provider = TracerProvider(shutdown_on_exit=False, resource=Resource({"service.name": "test"}))
        span = provider.get_tracer("scope", "1.0").start_span(name, **arguments)
        span.end()
        return span  # type: ignore[return-value]

    return finish
