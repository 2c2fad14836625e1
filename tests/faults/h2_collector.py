"""A collector that speaks gRPC frame by frame, and so can end streams and connections as servers and proxies do."""

from __future__ import annotations

import socket
import struct
import threading
import time
from typing import Callable

from .collector import Counts
from .odd_answers import deaf

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
NO_ERROR, REFUSED_STREAM, INTERNAL_ERROR, ENHANCE_YOUR_CALM = 0, 7, 2, 11

#: What a collector does with its n-th request, n from 0.
Behaviour = Callable[["Connection", int, bytes, int], None]


class H2Collector(Counts):
    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__()
        self.behaviour = behaviour
        self.port = 0
        self._connections: list[socket.socket] = []
        self.start()

    def start(self) -> None:
        """Listens, on the same port as before."""
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        """Goes away, with its connections."""
        for each in (self._listener, *self._connections):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()
        self._connections.clear()

    def close(self) -> None:
        self.stop()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connected, _ = listener.accept()
            except OSError:
                return
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections.append(connected)
            threading.Thread(target=Connection(self, connected).serve, daemon=True).start()


class Connection:
    def __init__(self, collector: H2Collector, connected: socket.socket) -> None:
        self.collector = collector
        self.socket = connected
        #: How many requests have come over it.
        self.requests = 0

    def serve(self) -> None:
        try:
            self._read(24)
            self.send(SETTINGS)
            bodies: dict[int, bytes] = {}
            while True:
                length, kind, flags, stream = struct.unpack(">IBBI", b"\0" + self._read(9))
                payload = self._read(length)
                if kind == SETTINGS and not flags & ACK:
                    self.send(SETTINGS, ACK)
                elif kind == PING and not flags & ACK:
                    self.send(PING, ACK, 0, payload)
                elif kind == DATA:
                    bodies[stream] = bodies.get(stream, b"") + payload
                    if payload:
                        self.send(WINDOW_UPDATE, 0, 0, struct.pack(">I", len(payload)))
                    if flags & END_STREAM:
                        self._handle(stream, bodies.pop(stream))
        except (OSError, EOFError):
            pass

    def _handle(self, stream: int, framed: bytes) -> None:
        number = self.collector.next_request()
        self.requests += 1
        # Five bytes stand before the message: compressed or not, and its length.
        self.collector.behaviour(self, stream, framed[5:], number)

    def take(self, stream: int, body: bytes) -> None:
        """Accepts a request, and says so."""
        self.collector.accept("traces", body)
        self.begin_answer(stream)
        self.send(HEADERS, END_HEADERS | END_STREAM, stream, _literal("grpc-status", "0"))

    def begin_answer(self, stream: int) -> None:
        """An answer without the status at its end."""
        # 0x88: `:status: 200`, of HPACK's static table.
        self.send(HEADERS, END_HEADERS, stream, b"\x88" + _literal("content-type", "application/grpc"))
        self.send(DATA, 0, stream, b"\0\0\0\0\0")

    def go_away(self, last_stream: int, code: int = NO_ERROR, why: bytes = b"") -> None:
        self.send(GOAWAY, 0, 0, struct.pack(">II", last_stream, code) + why)

    def reset_stream(self, stream: int, code: int) -> None:
        self.send(RST_STREAM, 0, stream, struct.pack(">I", code))

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def send(self, kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> None:
        self.socket.sendall(struct.pack(">IBBI", len(payload), kind, flags, stream)[1:] + payload)

    def _read(self, count: int) -> bytes:
        got = b""
        while len(got) < count:
            piece = self.socket.recv(count - len(got))
            if not piece:
                raise EOFError
            got += piece
        return got


def _literal(name: str, value: str) -> bytes:
    """A header that is in no table (RFC 7541, 6.2.2)."""
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def good(connection: Connection, stream: int, body: bytes, number: int) -> None:
    connection.take(stream, body)


def goes_away_idle(connection: Connection, stream: int, body: bytes, number: int) -> None:
    """Ends each connection in order after two answers, as servers do that limit a connection's age."""
    connection.take(stream, body)
    if connection.requests == 2:
        connection.go_away(stream)
        connection.close()


def goes_away_busy(connection: Connection, stream: int, body: bytes, number: int) -> None:
    """Says with each second request that it will end the connection, and still answers it."""
    if connection.requests == 2:
        connection.go_away(stream)
        time.sleep(0.05)
    connection.take(stream, body)
    if connection.requests == 2:
        connection.close()


def goes_away_before(connection: Connection, stream: int, body: bytes, number: int) -> None:
    """Ends each connection with the second request, which it does not take any more."""
    if connection.requests == 2:
        connection.go_away(stream - 2)
        connection.close()
        return
    connection.take(stream, body)


def goes_away_angry(connection: Connection, stream: int, body: bytes, number: int) -> None:
    """Ends the first two connections with an error, in the middle of a request."""
    if number < 2:
        connection.go_away(stream, ENHANCE_YOUR_CALM, b"too_many_pings")
        connection.close()
        return
    connection.take(stream, body)


def refuses_streams(connection: Connection, stream: int, body: bytes, number: int) -> None:
    """Refuses every other stream before it looks at it."""
    if number % 2:
        connection.reset_stream(stream, REFUSED_STREAM)
        return
    connection.take(stream, body)


def breaks_off(connection: Connection, stream: int, body: bytes, number: int) -> None:
    """Takes the second request, and resets the connection before it has said so. Then it is good."""
    if number == 1:
        connection.collector.accept("traces", body)
        connection.begin_answer(stream)
        time.sleep(0.05)
        connection.reset()
        return
    connection.take(stream, body)


def vanishes(connection: Connection, stream: int, body: bytes, number: int) -> None:
    """Is gone after its third answer, without closing the connection. New connections are served."""
    connection.take(stream, body)
    if number == 2:
        time.sleep(0.05)
        deaf(connection.socket)
