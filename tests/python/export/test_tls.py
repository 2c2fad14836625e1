"""TLS and mutual TLS from the Python classes' arguments and variables, with certificates that the test makes."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.trace.export import SpanExportResult

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="the program openssl makes the certificates")

Finish = Callable[..., Any]
SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority, and a server's and a client's certificate of it."""
    folder = tmp_path_factory.mktemp("certificates")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=authority")
    for who in ("server", "client"):
        openssl("req", *key, "-keyout", f"{who}.key", "-out", f"{who}.csr", "-subj", f"/CN={who}")
        signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
        openssl("x509", "-req", "-in", f"{who}.csr", "-out", f"{who}.pem", *signing)
    return folder


@pytest.fixture(params=[False, True], ids=["tls", "mutual"])
def mutual(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def https(certificates: Path, mutual: bool) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    class Quiet(HTTPServer):
        def handle_error(self, *_: Any) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    if mutual:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificates / "ca.pem")
    server = Quiet(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"https://localhost:{server.server_port}/v1/traces"
    server.shutdown()
    thread.join()
    server.server_close()


def test_http(https: str, certificates: Path, mutual: bool, finished: Finish) -> None:
    ca, cert, key = (str(certificates / name) for name in ("ca.pem", "client.pem", "client.key"))
    spans = [finished()]
    exporter = HttpExporter(https, certificate_file=ca, client_certificate_file=cert, client_key_file=key, timeout=5)
    assert exporter.export(spans) is SUCCESS
    assert HttpExporter(https, certificate_file=ca, timeout=2).export(spans) is (FAILURE if mutual else SUCCESS)
    assert HttpExporter(https, timeout=2).export(spans) is FAILURE


def test_http_by_environment(https: str, certificates: Path, finished: Finish, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", https)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(certificates / "ca.pem"))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", str(certificates / "client.pem"))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CLIENT_KEY", str(certificates / "client.key"))
    assert HttpExporter(timeout=5).export([finished()]) is SUCCESS


class TestGrpc:
    """Against a server of the package grpc."""

    grpc = pytest.importorskip("grpc", reason="the package grpc is not installed here")
    messages = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")

    @pytest.fixture
    def address(self, certificates: Path, mutual: bool) -> Iterator[str]:
        grpc, messages = self.grpc, self.messages
        handler = grpc.unary_unary_rpc_method_handler(
            lambda request, context: messages.ExportTraceServiceResponse(),
            request_deserializer=messages.ExportTraceServiceRequest.FromString,
            response_serializer=messages.ExportTraceServiceResponse.SerializeToString,
        )
        service = "opentelemetry.proto.collector.trace.v1.TraceService"
        read = {name: (certificates / name).read_bytes() for name in ("server.key", "server.pem", "ca.pem")}
        pair = [(read["server.key"], read["server.pem"])]
        server = grpc.server(ThreadPoolExecutor(2))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": handler}),))
        credentials = grpc.ssl_server_credentials(pair, read["ca.pem"] if mutual else None, mutual)
        port = server.add_secure_port("localhost:0", credentials)
        server.start()
        yield f"localhost:{port}"
        server.stop(None)

    def test_credentials_of_grpc(self, address: str, certificates: Path, mutual: bool, finished: Finish) -> None:
        read = {path.name: path.read_bytes() for path in certificates.iterdir()}
        full = self.grpc.ssl_channel_credentials(read["ca.pem"], read["client.key"], read["client.pem"])
        assert GrpcExporter(address, credentials=full, timeout=5).export([finished()]) is SUCCESS
        roots = self.grpc.ssl_channel_credentials(read["ca.pem"])
        result = GrpcExporter(address, credentials=roots, timeout=2).export([finished()])
        assert result is (FAILURE if mutual else SUCCESS)
        assert GrpcExporter(address, timeout=2).export([finished()]) is FAILURE

    def test_environment(
        self, address: str, certificates: Path, finished: Finish, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for signal in ("", "TRACES_"):
            with monkeypatch.context() as patch:
                patch.setenv(f"OTEL_EXPORTER_OTLP_{signal}ENDPOINT", f"https://{address}")
                patch.setenv(f"OTEL_EXPORTER_OTLP_{signal}CERTIFICATE", str(certificates / "ca.pem"))
                patch.setenv(f"OTEL_EXPORTER_OTLP_{signal}CLIENT_CERTIFICATE", str(certificates / "client.pem"))
                patch.setenv(f"OTEL_EXPORTER_OTLP_{signal}CLIENT_KEY", str(certificates / "client.key"))
                assert GrpcExporter(timeout=5).export([finished()]) is SUCCESS
