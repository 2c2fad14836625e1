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

#: What a collector does with its n-th request, n from 0. What it takes it counts before it answers: a program may be
#: gone, and its outcome be looked at, as soon as it has the answer.
Behaviour = Callable[["_Request", int], None]


class Counts:
    """What a collector has accepted."""

    port: int

    def __init__(self) -> None:
        self.requests = 0
        self.spans: set[bytes] = set()
        self.traces: set[bytes] = set()
        self.repeated = 0
        self.instances: set[str] = set()
        self._orders: dict[str, float] = {}
        self.log_records = 0
        self.kept: list[tuple[str, bytes]] = []
        self.lock = threading.Lock()

    def next_request(self) -> int:
        """The number of a request that has come."""
        with self.lock:
            self.requests += 1
            return self.requests - 1

    def accept(self, path: str, body: bytes) -> None:
        received = wire.read(path, body)
        with self.lock:
            for span in received.spans:
                self.repeated += span in self.spans
                self.spans.add(span)
            self.traces.update(received.traces)
            self.instances |= received.instances
            for instance, value in received.orders:
                self._orders[instance] = max(value, self._orders.get(instance, 0))
            self.log_records += received.log_records

    @property
    def orders(self) -> int:
        """What the counter says, of all processes together."""
        return int(sum(self._orders.values()))

    def keep(self, path: str, body: bytes) -> None:
        """Accepts what is read later: reading takes longer than making it did."""
        with self.lock:
            self.kept.append((path, body))

    def read_kept(self) -> None:
        with self.lock:
            kept, self.kept = self.kept, []
        for path, body in kept:
            self.accept(path, body)

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Counts:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Collector(Counts):
    """OTLP over HTTP."""

    def __init__(self, behaviour: Behaviour | None = None) -> None:
        super().__init__()
        self.behaviour = behaviour or good
        self.host = "127.0.0.1"
        self.port = 0
        self.start()

    def start(self) -> None:
        """Listens, on the same port as before."""
        self._server = self.make_server(self.port)
        self._server.collector = self
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def make_server(self, port: int) -> _Server:
        return _Server((self.host, port), _Request)

    def stop(self) -> None:
        """Goes away, with its connections."""
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._server.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self) -> None:
        self.stop()


class Away(Collector):
    """One that is not there before it is started."""

    def __init__(self) -> None:
        super().__init__()
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 512
    collector: Collector
    #: Puts something around each connection.
    wrap: Callable[[Any], Any] | None = None

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        return (self.wrap(connection) if self.wrap else connection), address

    def __init__(self, *arguments: Any) -> None:
        self.connections: set[socket.socket] = set()
        super().__init__(*arguments)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error here."""


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    body: bytes

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def do_POST(self) -> None:
        collector = self.server.collector
        self.body = self.rfile.read(int(self.headers.get("content-length", "0")))
        if self.headers.get("content-encoding") == "gzip":
            self.body = gzip.decompress(self.body)
        collector.behaviour(self, collector.next_request())

    def count(self) -> None:
        self.server.collector.accept(self.path, self.body)

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


def good(request: _Request, number: int) -> None:
    request.count()
    request.answer(200)


def fast(request: _Request, number: int) -> None:
    request.server.collector.keep(request.path, request.body)
    request.answer(200)


def slow(request: _Request, number: int) -> None:
    time.sleep(0.5)
    request.count()
    request.answer(200)


def resets_every_second(request: _Request, number: int) -> None:
    """Sends a part of the status line, then resets the connection."""
    if number % 2:
        request.count()
        request.answer(200)
        return
    request.wfile.write(b"HTTP/1.1 5")
    request.wfile.flush()
    request.reset()


def throttles(status: int, refusals: int, retry_after: str | None = "1") -> Behaviour:
    """Refuses the first requests with this status, and says when to come again."""

    def behaviour(request: _Request, number: int) -> None:
        if number >= refusals:
            request.count()
            request.answer(200)
            return
        request.answer(status, **({} if retry_after is None else {"retry_after": retry_after}))

    return behaviour


def refuses(status: int) -> Behaviour:
    def behaviour(request: _Request, number: int) -> None:
        request.answer(status, b"no such tenant", content_type="text/plain")

    return behaviour


def hostile(request: _Request, number: int) -> None:
    """Accepts, and answers with 200 MB."""
    request.count()
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


def partial(request: _Request, number: int) -> None:
    """Accepts all but three, and says so."""
    request.count()
    reason = b"three were too old"
    inner = b"\x08\x03\x12" + bytes([len(reason)]) + reason
    request.answer(200, b"\x0a" + bytes([len(inner)]) + inner)


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
