"""Whether the configured OTLP endpoint answers, and whether it speaks the configured protocol.

Nothing is exported: after connecting, the doctor opens HTTP/2 as a gRPC client would and looks at the answer. Every
step ends within the timeout, name resolution included.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from typing import Mapping, TextIO
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from ferrotel._doctor.findings import Findings
from ferrotel._secrets import shown_url, without_secrets

_DEFAULT_PORTS = {"grpc": 4317, "http": 4318}
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
_SETTINGS_FRAME = 4


class Target:
    """Where spans go by the environment, and which variables say so."""

    def __init__(self, url: str, url_from: str | None, protocol: str, protocol_from: str | None) -> None:
        self.url = url
        self.url_from = url_from
        self.protocol = protocol
        self.protocol_from = protocol_from

    @property
    def family(self) -> str:
        return "grpc" if self.protocol == "grpc" else "http"


def report(environ: Mapping[str, str], timeout: float, findings: Findings, out: TextIO) -> None:
    """Try the endpoint for traces and write what it said; `timeout` in seconds bounds each step."""
    out.write("\nEndpoint for traces\n")
    exporters = [name.strip() for name in environ.get("OTEL_TRACES_EXPORTER", "otlp").split(",")]
    if not any(name.startswith("otlp") for name in exporters):
        out.write(f"  none: OTEL_TRACES_EXPORTER={environ['OTEL_TRACES_EXPORTER']}\n")
        return
    target = configured(environ, exporters)
    origin = f"from {target.url_from}" if target.url_from else "the default"
    out.write(f"  {shown_url(target.url)} ({origin}), {target.protocol} (")
    out.write(f"from {target.protocol_from})\n" if target.protocol_from else "the default)\n")
    if target.protocol not in ("grpc", "http/protobuf", "http/json"):
        findings.problem(
            f"{target.protocol_from}: there is no protocol {target.protocol!r}, only grpc, http/protobuf, http/json."
        )
        return
    try:
        answer = _try(target, timeout)
    except (OSError, ValueError) as error:
        why = without_secrets(str(error) or type(error).__name__, target.url)
        text = f"{shown_url(target.url)} does not answer: {why}"
        out.write(f"  does not answer: {why}\n")
        # Where nothing is configured, nothing need be there.
        (findings.problem if target.url_from else findings.note)(text)
        return
    out.write(f"  answers, {answer}\n")
    _compare(target, answer, findings)


def configured(environ: Mapping[str, str], exporters: list[str]) -> Target:
    """What the OTLP trace exporter takes from the environment; empty values count as unset."""

    def first(*names: str) -> tuple[str | None, str | None]:
        return next(((environ[name].strip(), name) for name in names if environ.get(name, "").strip()), (None, None))

    protocol, protocol_from = first("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    for name, fixed in (("otlp_proto_grpc", "grpc"), ("otlp_proto_http", "http/protobuf")):
        if name in exporters and "otlp" not in exporters:
            protocol, protocol_from = fixed, "OTEL_TRACES_EXPORTER"
    protocol = (protocol or "grpc").lower()
    url, url_from = first("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    default = f"http://localhost:{_DEFAULT_PORTS['grpc' if protocol == 'grpc' else 'http']}"
    return Target(url or default, url_from, protocol, protocol_from)


def _try(target: Target, timeout: float) -> str:
    # gRPC endpoints may be given without a scheme.
    parts = urlsplit(target.url if "://" in target.url else "//" + target.url)
    host = parts.hostname
    if not host:
        raise ValueError("the URL names no host")
    secure = parts.scheme == "https"
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, _DEFAULT_PORTS[target.family])
    proxy = getproxies().get("https" if secure else "http")
    if proxy and not proxy_bypass(f"{host}:{port}"):
        through = urlsplit(proxy if "://" in proxy else "//" + proxy)
        _connect(through.hostname or "", through.port or 80, timeout).close()
        return f"at least the proxy {shown_url(proxy)} on the way does; what stands behind it was not tried"
    if secure:
        with _connect(host, port, timeout) as connection:
            return _negotiated(connection, host, timeout)
    return _spoken(host, port, timeout)


def _connect(host: str, port: int, timeout: float) -> socket.socket:
    error: OSError = socket.timeout(f"no connection within {timeout:g} s")
    deadline = time.monotonic() + timeout
    for address in _addresses(host, port, timeout):
        try:
            return socket.create_connection(address, max(deadline - time.monotonic(), 0.01))
        except OSError as failure:
            error = failure
    raise error


def _addresses(host: str, port: int, timeout: float) -> list[tuple[str, int]]:
    """Resolve on a thread of its own: a name server that does not answer knows no timeout of ours."""
    found: list[tuple[str, int]] = []
    errors: list[OSError] = []

    def resolve() -> None:
        try:
            found.extend((str(info[4][0]), port) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            errors.append(error)

    thread = threading.Thread(target=resolve, daemon=True)
    thread.start()
    thread.join(timeout)
    if errors:
        raise errors[0]
    if not found:
        raise socket.timeout(f"the name {host} was not resolved within {timeout:g} s")
    return found


def _negotiated(connection: socket.socket, host: str, timeout: float) -> str:
    """What TLS agrees on. The certificate is not judged: the exporter may be given one that only it knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    connection.settimeout(timeout)
    with context.wrap_socket(connection, server_hostname=host) as secured:
        agreed = secured.selected_alpn_protocol()
        return f"{secured.version()}, " + ("speaks HTTP/2" if agreed == "h2" else "does not offer HTTP/2")


def _spoken(host: str, port: int, timeout: float) -> str:
    with _connect(host, port, timeout) as connection:
        head = _answer(connection, _PREFACE, timeout)
    if len(head) > 3 and head[3] == _SETTINGS_FRAME and not head.startswith(b"HTTP"):
        return "speaks HTTP/2"
    # A server of HTTP/1 refuses the preface each in its own way; this request it must understand.
    with _connect(host, port, timeout) as connection:
        head = _answer(connection, f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode(), timeout)
    if head.startswith(b"HTTP/1"):
        return "does not offer HTTP/2"
    return "but not in HTTP" if head else "but said nothing"


def _answer(connection: socket.socket, request: bytes, timeout: float) -> bytes:
    connection.settimeout(timeout)
    try:
        connection.sendall(request)
        return connection.recv(9)
    except OSError:
        return b""


def _compare(target: Target, answer: str, findings: Findings) -> None:
    url = shown_url(target.url)
    if "does not offer HTTP/2" in answer and target.family == "grpc":
        text = (
            f"{url} speaks HTTP/1.1 only, gRPC needs HTTP/2. OTLP over gRPC usually has port 4317. "
            "For OTLP over HTTP set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf."
        )
        # A program may well construct the HTTP exporter itself; the environment then need not say so.
        (findings.problem if target.protocol_from else findings.note)(text)
    elif "but " in answer:
        findings.problem(f"{url} answers, {answer}: no OTLP receiver listens there.")
    elif target.family == "http" and _port(url) == _DEFAULT_PORTS["grpc"]:
        findings.note(f"{url}: port 4317 usually belongs to OTLP over gRPC, and 4318 to OTLP over HTTP.")
    elif target.family == "grpc" and _port(url) == _DEFAULT_PORTS["http"]:
        findings.note(f"{url}: port 4318 usually belongs to OTLP over HTTP, and 4317 to OTLP over gRPC.")


def _port(url: str) -> int | None:
    return urlsplit(url if "://" in url else "//" + url).port
