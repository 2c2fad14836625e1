"""The endpoint that Prometheus scrapes.

It never harms its host: a bounded number of daemon threads, a bounded time for each request, nothing logged about
requests, no wake-ups while nobody scrapes. A forked child closes what it inherits of it and serves nothing.

Specification: `metrics/sdk_exporters/prometheus.md`.
"""

from __future__ import annotations

import gzip
import logging
import os
import selectors
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from opentelemetry.exporter.prometheus._client import REGISTRY, choose_encoder
from opentelemetry.sdk.util._fork import call_after_fork

_logger = logging.getLogger("opentelemetry.exporter.prometheus")

_MAX_REQUESTS = 8
_REQUEST_SECONDS = 30.0
_GZIP_LEVEL = 5


def start_http_server(
    port: int, addr: str = "0.0.0.0", registry: Any = REGISTRY
) -> tuple[ScrapeEndpoint, threading.Thread]:
    """Serves the metrics of a registry on `http://addr:port/metrics`, and on every other path, from a daemon thread.

    Called as that of `prometheus_client` is, and returns likewise: what can be shut down, and its thread. Port 0 takes
    a free one, see `server_port`. OSError where it can't listen there.
    """
    endpoint = ScrapeEndpoint(addr, port, registry)
    try:
        return endpoint, endpoint.start()
    except BaseException:
        endpoint.shutdown()
        endpoint.close_wake_up()
        raise


class ScrapeEndpoint:
    """A listening socket and the threads that answer on it: at most 8 requests at a time, 30 seconds for each."""

    def __init__(self, host: str, port: int, registry: Any) -> None:
        family, _, _, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        self.registry = registry
        self._reset()
        self.socket = socket.create_server(address[:2], family=family, backlog=_MAX_REQUESTS)
        self.socket.setblocking(False)
        self.server_address = self.socket.getsockname()
        self.server_port: int = self.server_address[1]
        self._woken, self._waker = socket.socketpair()
        # Unlike epoll, poll has no file descriptor that a forked child would inherit.
        self._selector = getattr(selectors, "PollSelector", selectors.SelectSelector)()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._selector.register(self.socket, selectors.EVENT_READ)
        call_after_fork(self._close_in_child)

    def _reset(self) -> None:
        self._lock = threading.RLock()
        self._closed = False
        self._requests: dict[socket.socket, float] = {}

    def start(self) -> threading.Thread:
        """Begins to answer."""
        thread = threading.Thread(target=self._serve, name="OtelPrometheusEndpoint", daemon=True)
        thread.start()
        return thread

    def shutdown(self) -> None:
        """Closes the port at once. Requests that are being answered end by themselves."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        for stop in (lambda: self.socket.shutdown(socket.SHUT_RDWR), lambda: self._waker.send(b"\0")):
            # Closing alone would leave the port open until the thread wakes up, and that may have ended already.
            try:
                stop()
            except OSError:
                pass
        self.socket.close()

    server_close = shutdown

    def close_wake_up(self) -> None:
        """Closes what wakes the thread up: for when there is none."""
        self._woken.close()
        self._waker.close()

    def _serve(self) -> None:
        try:
            while not self._closed:
                # Only while requests are being answered is there something to look at without being asked.
                ready = self._selector.select(1.0 if self._requests else None)
                self._end_slow_requests()
                if ready and not self._closed:
                    self._accept()
        finally:
            self.close_wake_up()

    def _accept(self) -> None:
        try:
            connection, _ = self.socket.accept()
        except OSError:
            # Nobody there any more, closed meanwhile, or out of file descriptors: then not at full speed.
            time.sleep(0.01)
            return
        with self._lock:
            admitted = len(self._requests) < _MAX_REQUESTS
            if admitted:
                self._requests[connection] = time.monotonic() + _REQUEST_SECONDS
        if not admitted:
            connection.close()
            return
        try:
            threading.Thread(target=self._answer, args=(connection,), name="OtelPrometheusScrape", daemon=True).start()
        except RuntimeError:
            self._end(connection)

    def _answer(self, connection: socket.socket) -> None:
        try:
            connection.settimeout(_REQUEST_SECONDS)
            _Handler(connection, self.registry)
        except Exception:
            # The scraper went away, or took too long.
            _logger.debug("A scrape was not answered", exc_info=True)
        finally:
            self._end(connection)

    def _end(self, connection: socket.socket) -> None:
        with self._lock:
            self._requests.pop(connection, None)
        try:
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        connection.close()

    def _end_slow_requests(self) -> None:
        now = time.monotonic()
        with self._lock:
            slow = [connection for connection, deadline in self._requests.items() if deadline < now]
        for connection in slow:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _close_in_child(self) -> None:
        inherited = [self.socket, self._woken, self._waker, *self._requests]
        self._reset()
        self._closed = True
        for one in inherited:
            # close() would wait for the files that the parent's threads have made of a connection.
            descriptor = one.detach()
            if descriptor >= 0:
                os.close(descriptor)


class _Handler(BaseHTTPRequestHandler):
    """Answers one request, and closes."""

    protocol_version = "HTTP/1.1"

    def __init__(self, connection: socket.socket, registry: Any) -> None:
        self.registry = registry
        super().__init__(connection, None, None)  # type: ignore[arg-type]

    def handle(self) -> None:
        self.handle_one_request()

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/favicon.ico":
            self._reply(204, b"")
            return
        registry = self.registry
        names = parse_qs(url.query).get("name[]")
        if names and hasattr(registry, "restricted_registry"):
            registry = registry.restricted_registry(names)
        encode, content_type = choose_encoder(",".join(self.headers.get_all("accept", [])))
        try:
            page = encode(registry)
        except Exception as error:
            _logger.exception("Exception while making the page for Prometheus")
            self._reply(500, f"{type(error).__name__}: {error}\n".encode("utf-8", "replace"))
            return
        headers = {"Content-Type": content_type}
        if _takes_gzip(",".join(self.headers.get_all("accept-encoding", []))):
            page = gzip.compress(page, _GZIP_LEVEL)
            headers["Content-Encoding"] = "gzip"
        self._reply(200, page, headers)

    do_HEAD = do_GET

    def do_OPTIONS(self) -> None:
        self._reply(200, b"", {"Allow": "OPTIONS, GET, HEAD"})

    def _reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {"Content-Type": "text/plain; charset=utf-8"}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        return "ferrotel"

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: scrapes are routine."""


def _takes_gzip(accept_encoding: str) -> bool:
    for part in accept_encoding.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if name == "gzip":
            return not any(
                parameter.replace(" ", "") in ("q=0", "q=0.0", "q=0.00", "q=0.000") for parameter in parameters
            )
    return False
