"""`OpenTelemetryMiddleware`: spans, metrics and their attributes; what it leaves to the application and the server."""

from __future__ import annotations

import threading
import urllib.request
from http.client import HTTPConnection
from typing import Any, Callable, Iterator
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.util import setup_testing_defaults

import pytest

from opentelemetry import baggage, trace
from opentelemetry.instrumentation import wsgi
from opentelemetry.instrumentation._semconv import _OpenTelemetrySemanticConventionStability
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

TRACE_ID, PARENT_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE_ID}-{PARENT_ID}-01"


class Telemetry:
    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)

    def middleware(self, app: Callable[..., Any], **arguments: Any) -> OpenTelemetryMiddleware:
        return OpenTelemetryMiddleware(app, tracer_provider=self.tracers, meter_provider=self.meters, **arguments)

    def spans(self) -> list[Any]:
        return list(self.exporter.get_finished_spans())

    def metrics(self) -> dict[str, Any]:
        data: Any = self.reader.get_metrics_data()
        return {
            metric.name: metric
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    made = Telemetry()
    yield made
    made.tracers.shutdown()
    made.meters.shutdown()


@pytest.fixture(autouse=True)
def _old_generation() -> Iterator[None]:
    stability = _OpenTelemetrySemanticConventionStability
    stability._initialized = False
    yield
    stability._initialized = False


def environ(**more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"RAW_URI": "/shop?q=1", "PATH_INFO": "/shop", "QUERY_STRING": "q=1", **more}
    setup_testing_defaults(made)
    return made


def hello(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Id", "a"), ("X-Id", "b")])
    return [b"hello"]


def ignore(*_: Any) -> None:
    pass


def call(app: Callable[..., Any], **more: Any) -> bytes:
    response = app(environ(**more), ignore)
    body = b"".join(response)
    response.close()
    return body


def test_a_request_is_a_server_span_of_the_caller_s_trace(telemetry: Telemetry) -> None:
    app = telemetry.middleware(hello)
    assert call(app, HTTP_TRACEPARENT=TRACEPARENT, REMOTE_ADDR="10.0.0.7", REMOTE_PORT="40123") == b"hello"
    (span,) = telemetry.spans()
    assert (span.name, span.kind, span.status.status_code) == ("GET /shop", SpanKind.SERVER, StatusCode.UNSET)
    assert (format(span.context.trace_id, "032x"), format(span.parent.span_id, "016x")) == (TRACE_ID, PARENT_ID)
    assert span.attributes == {
        "http.method": "GET",
        "http.server_name": "127.0.0.1",
        "http.scheme": "http",
        "http.host": "127.0.0.1",
        "net.host.name": "127.0.0.1",
        "net.host.port": 80,
        "net.peer.ip": "10.0.0.7",
        "net.peer.port": 40123,
        "http.target": "/shop?q=1",
        "http.flavor": "1.0",
        "http.status_code": 200,
    }
    assert span.instrumentation_scope.name == "opentelemetry.instrumentation.wsgi"
    assert span.instrumentation_scope.version == "0.66b1"


def test_metrics(telemetry: Telemetry) -> None:
    call(telemetry.middleware(hello))
    metrics = telemetry.metrics()
    assert set(metrics) == {"http.server.duration", "http.server.active_requests"}
    (active,) = metrics["http.server.active_requests"].data.data_points
    assert active.value == 0
    assert metrics["http.server.duration"].unit == "ms"
    (duration,) = metrics["http.server.duration"].data.data_points
    assert duration.count == 1
    assert duration.attributes["http.status_code"] == 200
    assert "http.target" not in duration.attributes


@pytest.mark.parametrize("opt_in", ["http", "http/dup"])
def test_the_stable_generation(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, opt_in: str) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", opt_in)
    call(telemetry.middleware(hello), REQUEST_METHOD="get", REMOTE_ADDR="10.0.0.7", HTTP_USER_AGENT="Googlebot/2.1")
    (span,) = telemetry.spans()
    new = {
        "http.request.method": "GET",
        "http.request.method_original": "get",
        "url.scheme": "http",
        "url.path": "/shop",
        "url.query": "q=1",
        "server.address": "127.0.0.1",
        "server.port": 80,
        "client.address": "10.0.0.7",
        "network.protocol.version": "1.0",
        "user_agent.original": "Googlebot/2.1",
        "user_agent.synthetic.type": "bot",
        "http.response.status_code": 200,
    }
    assert {key: span.attributes[key] for key in new} == new
    assert ("http.method" in span.attributes) is (opt_in == "http/dup")
    if opt_in == "http":
        assert set(span.attributes) == set(new)
    metrics = telemetry.metrics()
    assert metrics["http.server.request.duration"].unit == "s"
    (duration,) = metrics["http.server.request.duration"].data.data_points
    assert duration.attributes == {
        "http.request.method": "GET",
        "url.scheme": "http",
        "network.protocol.version": "1.0",
        "http.response.status_code": 200,
    }
    assert ("http.server.duration" in metrics) is (opt_in == "http/dup")


def test_inside_of_a_span_it_is_internal(telemetry: Telemetry) -> None:
    call(telemetry.middleware(telemetry.middleware(hello)))
    inner, outer = telemetry.spans()
    assert (inner.kind, outer.kind) == (SpanKind.INTERNAL, SpanKind.SERVER)
    assert inner.parent.span_id == outer.context.span_id


def test_a_streamed_response_s_span_is_current_in_it_and_ends_at_its_close(telemetry: Telemetry) -> None:
    seen: list[Any] = []
    closed: list[str] = []

    class Parts:
        def __iter__(self) -> Iterator[bytes]:
            for part in (b"a", b"b", b"c"):
                seen.append((trace.get_current_span().get_span_context().span_id, baggage.get_baggage("user")))
                yield part

        def close(self) -> None:
            closed.append("once")

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Parts:
        start_response("200 OK", [])
        return Parts()

    response: Any = telemetry.middleware(app)(environ(HTTP_BAGGAGE="user=7"), ignore)
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert next(response) == b"a"
    # Between two parts the server is at work, not the application.
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert (telemetry.spans(), closed) == ([], [])
    response.close()
    response.close()
    (span,) = telemetry.spans()
    assert seen == [(span.context.span_id, "7")]
    assert (closed, list(response)) == (["once"], [])


def test_a_response_that_is_closed_unread_is_closed_and_its_span_ends(telemetry: Telemetry) -> None:
    closed: list[str] = []

    class Body(list):  # type: ignore[type-arg]
        def close(self) -> None:
            closed.append("once")

    response: Any = telemetry.middleware(lambda *_: Body([b"a"]))(environ(), ignore)
    response.close()
    assert (closed, len(telemetry.spans())) == (["once"], 1)


def test_errors_are_the_application_s_and_on_the_span(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http")

    def raises(*_: Any) -> Any:
        raise KeyError("order")

    def raises_in_the_body(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"a"
        raise KeyError("order")

    for app in (raises, raises_in_the_body):
        with pytest.raises(KeyError):
            call(telemetry.middleware(app))
    for span in telemetry.spans():
        assert span.status.status_code is StatusCode.ERROR
        assert [event.attributes["exception.type"] for event in span.events] == ["KeyError"]
    assert telemetry.spans()[0].attributes["error.type"] == "KeyError"
    durations = telemetry.metrics()["http.server.request.duration"].data.data_points
    assert {point.attributes.get("error.type") for point in durations} == {"KeyError", None}
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_a_program_that_exits_ends_its_span(telemetry: Telemetry) -> None:
    def exits(*_: Any) -> Any:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        call(telemetry.middleware(exits))
    assert len(telemetry.spans()) == 1


@pytest.mark.parametrize(
    ("status", "code", "attribute"),
    [("404 Not Found", StatusCode.UNSET, 404), ("503 Busy", StatusCode.ERROR, 503), ("200", StatusCode.UNSET, 200)],
)
def test_status(telemetry: Telemetry, status: str, code: StatusCode, attribute: int) -> None:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        start_response(status, [])
        return []

    call(telemetry.middleware(app))
    (span,) = telemetry.spans()
    assert (span.status.status_code, span.attributes["http.status_code"]) == (code, attribute)


def test_methods_and_ports_that_a_client_makes_up(telemetry: Telemetry) -> None:
    call(telemetry.middleware(hello), REQUEST_METHOD="FROBNICATE", SERVER_PORT="socket")
    (span,) = telemetry.spans()
    assert (span.name, span.attributes["http.method"]) == ("HTTP", "_OTHER")
    assert "net.host.port" not in span.attributes


def test_hooks_and_what_they_raise(telemetry: Telemetry, caplog: pytest.LogCaptureFixture) -> None:
    def request_hook(span: trace.Span, environ: dict[str, Any]) -> None:
        span.update_name(environ["PATH_INFO"])

    def response_hook(span: trace.Span, environ: dict[str, Any], status: str, headers: Any) -> None:
        span.set_attribute("answered", status)
        raise ValueError("mine")

    assert call(telemetry.middleware(hello, request_hook=request_hook, response_hook=response_hook)) == b"hello"
    (span,) = telemetry.spans()
    assert (span.name, span.attributes["answered"]) == ("/shop", "200 OK")
    (record,) = caplog.records
    assert record.name == wsgi.__name__ and "mine" in caplog.text


def test_captured_headers(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST", "X-Tenant.*,Authorization")
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE", "x-id")
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS", "auth.*")
    call(telemetry.middleware(hello), HTTP_X_TENANT_ID="7", HTTP_AUTHORIZATION="Bearer x", HTTP_X_OTHER="no")
    (span,) = telemetry.spans()
    headers = {key: value for key, value in span.attributes.items() if ".header." in key}
    assert headers == {
        "http.request.header.x_tenant_id": ("7",),
        "http.request.header.authorization": ("[REDACTED]",),
        "http.response.header.x_id": ("a,b",),
    }


def test_a_real_server(telemetry: Telemetry) -> None:
    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    server = make_server("127.0.0.1", 0, telemetry.middleware(hello), handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/a?token=x"
        with urllib.request.urlopen(urllib.request.Request(url, headers={"traceparent": TRACEPARENT})) as response:
            assert response.read() == b"hello"
        connection = HTTPConnection("127.0.0.1", server.server_port)
        connection.request("HEAD", "/b")
        assert connection.getresponse().status == 200
        connection.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    first, second = telemetry.spans()
    assert (first.name, second.name) == ("GET /a", "HEAD /b")
    assert format(first.context.trace_id, "032x") == TRACE_ID
    assert second.parent is None
