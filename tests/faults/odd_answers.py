"""What a collector over HTTP does that is not in order: it drips, breaks off, closes, vanishes."""

from __future__ import annotations

import ctypes
import socket
import struct
import time

from .collector import _Request as Request


def echoes_credentials(request: Request, number: int) -> None:
    """Refuses the credentials, and repeats them."""
    text = f"no such token: {request.headers.get('authorization')}"
    request.answer(401, text.encode(), content_type="text/plain")


def breaks_off(request: Request, number: int) -> None:
    """Accepts, and resets the connection in the middle of what it has to say about it."""
    request.count()
    request.wfile.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 100\r\n\r\n\x0a\x62"
    )
    request.wfile.flush()
    # What is sent after this may overtake it in the client's buffer.
    time.sleep(0.05)
    request.reset()


def drips(request: Request, number: int) -> None:
    """Sends its answer byte by byte, for half a second."""
    request.count()
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    for byte in head:
        request.wfile.write(bytes([byte]))
        request.wfile.flush()
        time.sleep(0.5 / len(head))


def never_ends(request: Request, number: int) -> None:
    """Accepts, and drips a body for as long as anybody listens."""
    request.count()
    request.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 10000\r\n\r\n")
    request.close_connection = True
    try:
        for _ in range(10_000):
            request.wfile.write(b"\x00")
            request.wfile.flush()
            time.sleep(0.1)
    except OSError:
        pass


def closes_idle(request: Request, number: int) -> None:
    """Closes a connection on which nothing comes for a tenth of a second."""
    request.count()
    request.answer(200)
    request.connection.settimeout(0.1)


def closes_at_a_request(request: Request, number: int) -> None:
    """Takes one request of each connection, and closes it when the next one has come."""
    if getattr(request, "served", False):
        request.close_connection = True
        return
    request.served = True  # type: ignore[attr-defined]
    request.count()
    request.answer(200)


def vanishes(request: Request, number: int) -> None:
    """Is gone after its third answer, without closing the connection. New connections are served."""
    request.count()
    request.answer(200)
    if number == 2:
        time.sleep(0.05)
        deaf(request.connection)


class _Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32)]


def deaf(connection: socket.socket) -> None:
    """Has the system drop whatever comes for this connection, unacknowledged: to its peer, the machine is gone."""
    # "Return 0": no byte of a packet is taken (BPF_RET | BPF_K).
    drop = _Instruction(code=0x06, jt=0, jf=0, k=0)
    so_attach_filter = 26
    connection.setsockopt(socket.SOL_SOCKET, so_attach_filter, struct.pack("@HP", 1, ctypes.addressof(drop)))
