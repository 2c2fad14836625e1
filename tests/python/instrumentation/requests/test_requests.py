"""`RequestsInstrumentor` against a real server."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Iterator

import pytest
import requests

from opentelemetry.instrumentation._semconv import _OpenTelemetrySemanticConventionStability
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

SEND = requests.Session.send


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = self.headers.get("traceparent", "none").encode()
        self.send_response({"/absent": 404, "/moved": 302}.get(self.path, 200))
        self.send_header("content-length", str(len(body)))
        if self.path == "/moved":
            self.send_header("location", "/found")
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
def exporter() -> Iterator[InMemorySpanExporter]:
    _OpenTelemetrySemanticConventionStability._initialized = False
    yield InMemorySpanExporter()
    RequestsInstrumentor().uninstrument()
    assert requests.Session.send is SEND


def instrument(exporter: InMemorySpanExporter, **options: Any) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    RequestsInstrumentor().instrument(tracer_provider=provider, **options)


def test_a_request_is_a_span_whose_context_is_sent(exporter: InMemorySpanExporter, url: str) -> None:
    instrument(exporter)
    answer = requests.get(f"{url}/things?sig=secret", timeout=10).text
    (span,) = exporter.get_finished_spans()
    assert (span.name, span.kind, span.status.status_code) == ("GET", SpanKind.CLIENT, StatusCode.UNSET)
    assert answer.split("-")[1:3] == [f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"]
    attributes: Any = span.attributes
    assert attributes["http.url"] == f"{url}/things?sig=REDACTED"
    assert (attributes["http.method"], attributes["http.status_code"]) == ("GET", 200)


def test_errors_redirects_and_suppression(exporter: InMemorySpanExporter, url: str) -> None:
    instrument(exporter)
    requests.get(f"{url}/absent", timeout=10)
    requests.get(f"{url}/moved", timeout=10)
    with pytest.raises(requests.ConnectionError):
        requests.get("http://127.0.0.1:1/", timeout=10)
    with suppress_instrumentation():
        assert requests.get(url, timeout=10).text == "none"
    absent, moved, refused = exporter.get_finished_spans()
    assert [span.status.status_code for span in (absent, moved, refused)] == [
        StatusCode.ERROR,
        StatusCode.UNSET,
        StatusCode.ERROR,
    ]
    assert [event.name for event in refused.events] == ["exception"]


def test_hooks_that_raise_are_logged(
    exporter: InMemorySpanExporter, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    def hook(*_: Any) -> None:
        raise RuntimeError("hook")

    instrument(exporter, request_hook=hook, response_hook=hook)
    assert requests.get(url, timeout=10).status_code == 200
    assert len(exporter.get_finished_spans()) == 1
    assert caplog.text.count("A hook for HTTP requests raised") == 2
