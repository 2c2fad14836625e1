"""`HTTPXClientInstrumentor` and the transports, for httpx and httpx2, with real requests."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any, Iterator

import httpx
import httpx2
import pytest

from opentelemetry import trace
from opentelemetry.instrumentation import httpx as instrumentation
from opentelemetry.trace import SpanKind, StatusCode

LIBRARIES = [
    (httpx, instrumentation.HTTPXClientInstrumentor, ""),
    (httpx2, instrumentation.HTTPX2ClientInstrumentor, "Httpx2"),
]


class Library:
    def __init__(self, module: Any, instrumentor: Any, suffix: str, recorded: Any) -> None:
        self.module = module
        self.instrumentor = instrumentor
        self.sync_transport = getattr(instrumentation, f"SyncOpenTelemetryTransport{suffix}")
        self.async_transport = getattr(instrumentation, f"AsyncOpenTelemetryTransport{suffix}")
        self.recorded = recorded

    def instrument(self, **arguments: Any) -> None:
        self.instrumentor().instrument(**self.recorded.providers, **arguments)

    def get(self, url: str, is_async: bool, client: Any = None, **arguments: Any) -> Any:
        """A GET by a client that is made for it, unless one is given."""
        if not is_async:
            with client or self.module.Client() as used:
                return used.get(url, **arguments)

        async def get() -> Any:
            async with client or self.module.AsyncClient() as used:
                return await used.get(url, **arguments)

        return asyncio.run(get())


@pytest.fixture(params=LIBRARIES, ids=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest, recorded: Any) -> Iterator[Library]:
    made = Library(*request.param, recorded)
    classes = (made.module.HTTPTransport, made.module.AsyncHTTPTransport)
    before = [dict(vars(each)) for each in classes]
    yield made
    made.instrumentor().uninstrument()
    assert [dict(vars(each)) for each in classes] == before


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def is_async(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_all_clients(library: Library, is_async: bool, recorded: Any, http_server: Any) -> None:
    library.instrument()
    with recorded.tracers.get_tracer("t").start_as_current_span("outer") as outer:
        assert library.get(f"{http_server.url}/orders?q=1", is_async).text == "body"
    span, _ = recorded.spans()
    assert (span.name, span.kind, span.status.status_code) == ("GET", SpanKind.CLIENT, StatusCode.UNSET)
    assert span.parent.span_id == outer.get_span_context().span_id
    assert dict(span.attributes) == {
        "http.method": "GET",
        "http.url": f"{http_server.url}/orders?q=1",
        "http.status_code": 200,
    }
    assert http_server.callers() == [f"{span.get_span_context().span_id:016x}"]
    (point,) = recorded.points("http.client.duration")
    assert dict(point.attributes) == {"http.method": "GET", "http.scheme": "http", "http.status_code": 200}
    assert span.instrumentation_scope.name == "opentelemetry.instrumentation.httpx"


def test_the_stable_generation(
    library: Library, is_async: bool, recorded: Any, http_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
    library.instrument()
    library.get(f"{http_server.url}/status/503?sig=x", is_async)
    with pytest.raises(library.module.ConnectError):
        library.get("http://127.0.0.1:9/", is_async)
    answered, refused = recorded.spans()
    assert dict(answered.attributes) == {
        "http.request.method": "GET",
        "url.full": f"{http_server.url}/status/503?sig=REDACTED",
        "server.address": "127.0.0.1",
        "server.port": http_server.port,
        "network.peer.address": "127.0.0.1",
        "network.peer.port": http_server.port,
        "http.response.status_code": 503,
        "network.protocol.version": "1.1",
        "error.type": "503",
    }
    assert answered.status.status_code is refused.status.status_code is StatusCode.ERROR
    assert refused.attributes["error.type"] == "ConnectError"
    assert [event.name for event in refused.events] == ["exception"]
    (point,) = recorded.points("http.client.request.duration")
    assert point.attributes["http.response.status_code"] == 503
    assert point.attributes["server.port"] == http_server.port


def test_each_redirect_has_a_span(library: Library, is_async: bool, recorded: Any, http_server: Any) -> None:
    library.instrument()
    answer = library.get(f"{http_server.url}/redirect", is_async, follow_redirects=True)
    assert answer.status_code == 204
    spans = recorded.spans()
    assert [span.attributes["http.status_code"] for span in spans] == [302, 204]
    assert http_server.callers() == [f"{span.get_span_context().span_id:016x}" for span in spans]


def test_one_client(library: Library, is_async: bool, recorded: Any, http_server: Any) -> None:
    client = library.module.AsyncClient() if is_async else library.module.Client()
    library.instrumentor.instrument_client(client, **recorded.providers)
    library.get(http_server.url, is_async, client)
    library.get(http_server.url, is_async)
    assert len(recorded.spans()) == 1
    again = library.module.AsyncClient() if is_async else library.module.Client()
    library.instrumentor.instrument_client(again, **recorded.providers)
    library.instrumentor.uninstrument_client(again)
    library.get(http_server.url, is_async, again)
    assert recorded.spans() == []


def test_a_transport(library: Library, is_async: bool, recorded: Any, http_server: Any) -> None:
    # One span is enough where all clients are instrumented too.
    library.instrument()
    if is_async:
        transport = library.async_transport(library.module.AsyncHTTPTransport(), **recorded.providers)
        client = library.module.AsyncClient(transport=transport)
    else:
        transport = library.sync_transport(library.module.HTTPTransport(), **recorded.providers)
        client = library.module.Client(transport=transport)
    assert library.get(http_server.url, is_async, client).status_code == 200
    assert len(recorded.spans()) == 1


def test_hooks_and_what_they_raise(
    library: Library, is_async: bool, recorded: Any, http_server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def on_request(span: Any, request: Any) -> None:
        assert trace.get_current_span() is span
        span.set_attribute("hooked", request.method.decode())

    def on_response(span: Any, request: Any, response: Any) -> None:
        span.set_attribute("answered", response.status_code)
        raise RuntimeError("hook")

    async def on_request_async(span: Any, request: Any) -> None:
        on_request(span, request)

    async def on_response_async(span: Any, request: Any, response: Any) -> None:
        on_response(span, request, response)

    library.instrument(
        request_hook=on_request,
        response_hook=on_response,
        async_request_hook=on_request_async,
        async_response_hook=on_response_async,
    )
    with caplog.at_level(logging.ERROR):
        assert library.get(http_server.url, is_async).status_code == 200
    (span,) = recorded.spans()
    assert (span.attributes["hooked"], span.attributes["answered"]) == ("GET", 200)
    assert caplog.text.count("A hook for HTTP requests raised") == 1


def test_excluded_urls_and_captured_headers(
    library: Library, is_async: bool, recorded: Any, http_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_PYTHON_HTTPX_EXCLUDED_URLS", "health")
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST", "x-asked")
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE", "x-.*")
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS", "x-secret")
    library.instrument()
    library.get(f"{http_server.url}/health", is_async)
    library.get(http_server.url, is_async, headers={"X-Asked": "q"})
    (span,) = recorded.spans()
    captured = {key: value for key, value in span.attributes.items() if ".header." in key}
    assert captured == {
        "http.request.header.x_asked": ("q",),
        "http.response.header.x_answer": ("a",),
        "http.response.header.x_secret": ("[REDACTED]",),
    }
    assert http_server.callers()[0] is None


def test_a_cancelled_request_ends_its_span(library: Library, recorded: Any) -> None:
    library.instrument()

    async def cancelled(port: int) -> None:
        async with library.module.AsyncClient() as client:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.get(f"http://127.0.0.1:{port}/"), 0.2)

    # It takes the connection and says nothing.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        asyncio.run(cancelled(silent.getsockname()[1]))
    (span,) = recorded.spans()
    assert (span.name, list(span.events)) == ("GET", [])
    assert not trace.get_current_span().get_span_context().is_valid
