"""A collector that speaks gRPC, and refuses as a gRPC server does."""

from __future__ import annotations

from concurrent import futures
from typing import Any

from .collector import Counts

_SERVICE = "opentelemetry.proto.collector.trace.v1.TraceService"


class GrpcCollector(Counts):
    """Refuses the first requests with a status, and says with `RetryInfo` when to come again where it is told to."""

    def __init__(self, status: str = "OK", refusals: int = 0, retry_millis: int | None = None) -> None:
        import grpc

        super().__init__()
        self._status = grpc.StatusCode[status]
        self._refusals = refusals
        self._retry_millis = retry_millis
        self._server = grpc.server(futures.ThreadPoolExecutor(8))
        handler = grpc.unary_unary_rpc_method_handler(self._export)
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, {"Export": handler}),))
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def _export(self, body: bytes, context: Any) -> bytes:
        if self.next_request() < self._refusals:
            if self._retry_millis is not None:
                context.set_trailing_metadata((("grpc-status-details-bin", _retry_info(self._retry_millis)),))
            context.abort(self._status, "not now")
        self.accept("traces", body)
        return b""

    def close(self) -> None:
        self._server.stop(0)


def _retry_info(millis: int) -> bytes:
    duration = b"\x10" + _varint(millis * 1_000_000)
    info = _field(1, duration)
    url = b"type.googleapis.com/google.rpc.RetryInfo"
    return b"\x08\x08" + _field(3, _field(1, url) + _field(2, info))


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])
