"""Collectors to send to: a good one, and bad ones of every kind."""

from __future__ import annotations

import gzip
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable

from . import wire

#: What a collector does with its n-th request, n from 0: it returns whether the request counts as received.
Behaviour = Callable[["_Request", int], bool]


class Collector:
    """OTLP over HTTP. Counts what it has accepted, by span id."""

    def __init__(self, behaviour: Behaviour | None = None, port: int = 0) -> None:
        self.behaviour = behaviour or good
        self.requests = 0
        self.connections = 0
        self.spans: set[bytes] = set()
        self.repeated = 0
        self.instances: set[str] = set()
        self.points: list[float] = []
        self.log_records = 0
        self.lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _Request)
        self._server.collector = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def accept(self, path: str, body: bytes) -> None:
        received = wire.read(path, body)
        with self.lock:
            for span in received.spans:
                self.repeated += span in self.spans
                self.spans.add(span)
            self.instances |= received.instances
            self.points.extend(received.points)
            self.log_records += received.log_records

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Collector:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 512
    collector: Collector

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error here."""


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    body: bytes

    def setup(self) -> None:
        super().setup()
        with self.server.collector.lock:
            self.server.collector.connections += 1

    def do_POST(self) -> None:
        collector = self.server.collector
        self.body = self.rfile.read(int(self.headers.get("content-length", "0")))
        if self.headers.get("content-encoding") == "gzip":
            self.body = gzip.decompress(self.body)
        with collector.lock:
            number = collector.requests
            collector.requests += 1
        if collector.behaviour(self, number):
            collector.accept(self.path, self.body)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "content_type" not in headers:
            self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:
        pass


def good(request: _Request, number: int) -> bool:
    request.answer(200)
    return True


def slow(request: _Request, number: int) -> bool:
    time.sleep(0.5)
    request.answer(200)
    return True


def resets_every_second(request: _Request, number: int) -> bool:
    """Sends half of an answer, then resets the connection."""
    if number % 2:
        request.answer(200)
        return True
    request.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 100\r\n\r\nhalf")
    request.wfile.flush()
    request.reset()
    return False


def throttles(status: int, refusals: int, retry_after: str | None = "1") -> Behaviour:
    """Refuses the first requests with this status, and says when to come again."""

    def behaviour(request: _Request, number: int) -> bool:
        if number >= refusals:
            request.answer(200)
            return True
        request.answer(status, **({} if retry_after is None else {"retry_after": retry_after}))
        return False

    return behaviour


def refuses(status: int) -> Behaviour:
    def behaviour(request: _Request, number: int) -> bool:
        request.answer(status, b"no such tenant", content_type="text/plain")
        return False

    return behaviour


def hostile(request: _Request, number: int) -> bool:
    """Accepts, and answers with 200 MB."""
    request.send_response(200)
    request.send_header("content-type", "application/x-protobuf")
    request.send_header("content-length", str(200 << 20))
    request.end_headers()
    block = bytes(1 << 20)
    try:
        for _ in range(200):
            request.wfile.write(block)
    except OSError:
        pass
    request.close_connection = True
    return True


def partial(request: _Request, number: int) -> bool:
    """Accepts all but three, and says so."""
    reason = b"three were too old"
    inner = b"\x08\x03\x12" + bytes([len(reason)]) + reason
    request.answer(200, b"\x0a" + bytes([len(inner)]) + inner)
    return True


class Mute:
    """A port that takes connections, and neither reads nor says anything."""

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(64)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def __enter__(self) -> Mute:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


class ClosedPort:
    """A port at which nothing listens."""

    def __init__(self) -> None:
        # Bound, so that nobody else gets it, and not listening.
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def __enter__(self) -> ClosedPort:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
