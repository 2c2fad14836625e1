"""A receiver for OTLP over HTTP that costs next to nothing: it counts the items of each request and says yes.

Run by itself it prints the port it listens on, then serves until stdin is closed, then prints how many items (spans,
metrics, log records) came to which path.
"""

from __future__ import annotations

import socket
import sys
import threading
from typing import BinaryIO, Iterator

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"


class Sink:
    def __init__(self) -> None:
        self.items: dict[str, int] = {}
        """By the path to which they were sent."""
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            for path, body in requests(stream):
                count = count_items(body)
                with self._lock:
                    self.items[path] = self.items.get(path, 0) + count
                connection.sendall(ANSWER)


def requests(stream: BinaryIO) -> Iterator[tuple[str, bytes]]:
    while True:
        start = stream.readline()
        if not start:
            return
        length, chunked = 0, False
        for line in iter(stream.readline, b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            elif name.lower() == b"transfer-encoding":
                chunked = True
        path = start.split()[1].decode()
        yield path, b"".join(chunks(stream)) if chunked else stream.read(length)


def chunks(stream: BinaryIO) -> Iterator[bytes]:
    while True:
        size = int(stream.readline(), 16)
        chunk = stream.read(size)
        stream.readline()
        if not size:
            return
        yield chunk


def count_items(body: bytes) -> int:
    """How many spans, metrics or log records an uncompressed request holds: always field 2 of field 2 of field 1."""
    return sum(
        1
        for resource in fields(body, 0, len(body), 1)
        for scope in fields(body, *resource, 2)
        for _ in fields(body, *scope, 2)
    )


def fields(body: bytes, at: int, end: int, wanted: int) -> Iterator[tuple[int, int]]:
    """Where the length-delimited fields with the number `wanted` lie. (These messages have no other wire type.)"""
    while at < end:
        number = body[at] >> 3
        at += 1
        length = shift = 0
        while True:
            byte = body[at]
            at += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if number == wanted:
            yield at, at + length
        at += length


def main() -> None:
    sink = Sink()
    print(sink.port, flush=True)
    sys.stdin.read()
    for path, count in sorted(sink.items.items()):
        print(path, count, flush=True)


if __name__ == "__main__":
    main()
