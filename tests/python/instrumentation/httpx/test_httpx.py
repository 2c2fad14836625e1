"""`HTTPXClientInstrumentor` and `HTTPX2ClientInstrumentor` against a real server, with both kinds of clients."""

from __future__ import annotations

import asyncio
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Iterator

import httpx
import httpx2
import pytest

from opentelemetry.instrumentation._semconv import _OpenTelemetrySemanticConventionStability
from opentelemetry.instrumentation.httpx import (
    HTTPX2ClientInstrumentor,
    HTTPXClientInstrumentor,
    SyncOpenTelemetryTransport,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

LIBRARIES: list[Any] = [(httpx, HTTPXClientInstrumentor), (httpx2, HTTPX2ClientInstrumentor)]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = self.headers.get("traceparent", "none").encode()
        self.send_response(404 if self.path == "/absent" else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    _OpenTelemetrySemanticConventionStability._initialized = False
    return InMemorySpanExporter()


def provider(exporter: InMemorySpanExporter) -> TracerProvider:
    made = TracerProvider(shutdown_on_exit=False)
    made.add_span_processor(SimpleSpanProcessor(exporter))
    return made


def get(library: Any, url: str, is_async: bool) -> str:
    async def ask() -> str:
        async with library.AsyncClient() as client:
            return str((await client.get(url)).text)

    if is_async:
        return asyncio.run(ask())
    with library.Client() as client:
        return str(client.get(url).text)


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(("library", "instrumentor"), LIBRARIES)
def test_all_clients(exporter: InMemorySpanExporter, url: str, library: Any, instrumentor: Any, is_async: bool) -> None:
    before = (library.HTTPTransport.handle_request, library.AsyncHTTPTransport.handle_async_request)
    instrumentor().instrument(tracer_provider=provider(exporter))
    try:
        answer = get(library, f"{url}/things", is_async)
        get(library, f"{url}/absent", is_async)
        with pytest.raises(library.ConnectError):
            get(library, "http://127.0.0.1:1/", is_async)
    finally:
        instrumentor().uninstrument()
    assert (library.HTTPTransport.handle_request, library.AsyncHTTPTransport.handle_async_request) == before
    found, absent, refused = exporter.get_finished_spans()
    assert (found.name, found.kind, found.status.status_code) == ("GET", SpanKind.CLIENT, StatusCode.UNSET)
    assert answer.split("-")[1:3] == [f"{found.context.trace_id:032x}", f"{found.context.span_id:016x}"]
    assert dict(found.attributes or {}) == {
        "http.method": "GET",
        "http.url": f"{url}/things",
        "http.status_code": 200,
    }
    assert (absent.status.status_code, refused.status.status_code) == (StatusCode.ERROR, StatusCode.ERROR)
    assert get(library, url, is_async) == "none"


def test_one_client_and_no_doubles(exporter: InMemorySpanExporter, url: str) -> None:
    HTTPXClientInstrumentor().instrument(tracer_provider=provider(exporter))
    try:
        with httpx.Client() as client:
            HTTPXClientInstrumentor.instrument_client(client, tracer_provider=provider(exporter))
            client.get(url)
            assert len(exporter.get_finished_spans()) == 1
            HTTPXClientInstrumentor.uninstrument_client(client)
            assert client.get(url).text == "none"
        transport = SyncOpenTelemetryTransport(httpx.HTTPTransport(), tracer_provider=provider(exporter))
        with httpx.Client(transport=transport) as client:
            client.get(url)
    finally:
        HTTPXClientInstrumentor().uninstrument()
    assert len(exporter.get_finished_spans()) == 2


def test_hooks_that_raise_are_logged(
    exporter: InMemorySpanExporter, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    def hook(*_: Any) -> None:
        raise RuntimeError("hook")

    with httpx.Client() as client:
        HTTPXClientInstrumentor.instrument_client(
            client, tracer_provider=provider(exporter), request_hook=hook, response_hook=hook
        )
        assert client.get(url).status_code == 200
    assert len(exporter.get_finished_spans()) == 1
    assert caplog.text.count("A hook for HTTP requests raised") == 2
