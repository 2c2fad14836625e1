"""Collectors whose TLS is good, or is not."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from .collector import Collector, _Server

CERTIFICATES = Path(__file__).resolve().parent / "tls"


def trusting(name: str) -> dict[str, str]:
    """The environment of a program that trusts the certificate of this name."""
    return {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(CERTIFICATES / f"{name}.pem")}


class TlsCollector(Collector):
    """Shows the certificate of this name, and is good otherwise."""

    def __init__(self, name: str) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(CERTIFICATES / f"{name}.pem")
        super().__init__()

    def make_server(self, port: int) -> _Server:
        server = super().make_server(port)
        server.wrap = self._wrap
        return server

    def _wrap(self, connection: Any) -> Any:
        # The handshake comes with the first read, on the thread of the connection.
        return self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
