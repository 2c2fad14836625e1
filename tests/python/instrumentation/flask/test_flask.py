"""`FlaskInstrumentor`: what it adds to applications, and that it takes all of it away again."""

from __future__ import annotations

import threading
from typing import Any, Iterator

import flask
import pytest
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client

from opentelemetry import context, trace
from opentelemetry.instrumentation import flask as instrumentation
from opentelemetry.instrumentation._semconv import _OpenTelemetrySemanticConventionStability
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.propagators import TraceResponsePropagator, set_global_response_propagator
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

FLASK = flask.Flask


class Telemetry:
    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)
        self.providers: dict[str, Any] = {"tracer_provider": self.tracers, "meter_provider": self.meters}

    def spans(self) -> list[Any]:
        return list(self.exporter.get_finished_spans())

    def points(self, name: str) -> list[Any]:
        data: Any = self.reader.get_metrics_data()
        return [
            point
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    stability = _OpenTelemetrySemanticConventionStability
    stability._initialized = False
    made = Telemetry()
    yield made
    if FlaskInstrumentor().is_instrumented_by_opentelemetry:
        FlaskInstrumentor().uninstrument()
    made.tracers.shutdown()
    made.meters.shutdown()
    stability._initialized = False
    assert flask.Flask is FLASK
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert context.get_value("SQLCOMMENTER_ORM_TAGS_AND_VALUES") is None


def shop() -> flask.Flask:
    app = flask.Flask("shop")

    @app.get("/orders/<int:order_id>")
    def order(order_id: int) -> str:
        return f"order {order_id}"

    @app.get("/broken")
    def broken() -> str:
        raise KeyError("price")

    @app.get("/comment")
    def comment() -> Any:
        return context.get_value("SQLCOMMENTER_ORM_TAGS_AND_VALUES") or {}

    return app


def instrumented(telemetry: Telemetry, **arguments: Any) -> flask.Flask:
    app = shop()
    FlaskInstrumentor.instrument_app(app, **telemetry.providers, **arguments)
    return app


def test_applications_made_from_now_on(telemetry: Telemetry) -> None:
    before = shop()
    FlaskInstrumentor().instrument(**telemetry.providers)
    app = shop()
    assert Client(before).get("/orders/7").data == b"order 7"
    assert telemetry.spans() == []
    assert Client(app).get("/orders/7?a=b").data == b"order 7"
    (span,) = telemetry.spans()
    assert (span.name, span.kind) == ("GET /orders/<int:order_id>", SpanKind.SERVER)
    assert span.attributes == {
        "http.method": "GET",
        "http.server_name": "localhost",
        "http.scheme": "http",
        "http.host": "localhost",
        "net.host.name": "localhost",
        "net.host.port": 80,
        "http.target": "/orders/7?a=b",
        "http.flavor": "1.1",
        "http.route": "/orders/<int:order_id>",
        "http.status_code": 200,
    }
    (duration,) = telemetry.points("http.server.duration")
    assert duration.attributes["http.target"] == "/orders/<int:order_id>"
    (active,) = telemetry.points("http.server.active_requests")
    assert active.value == 0

    # Applications that are in use are as they were, too.
    FlaskInstrumentor().uninstrument()
    assert flask.Flask is FLASK
    assert app.wsgi_app.__func__ is FLASK.wsgi_app  # type: ignore[attr-defined]
    assert (app.before_request_funcs[None], app.teardown_request_funcs[None]) == ([], [])
    assert Client(app).get("/orders/7").data == b"order 7"
    assert len(telemetry.spans()) == 1


def test_one_application_and_back(telemetry: Telemetry, caplog: pytest.LogCaptureFixture) -> None:
    app = instrumented(telemetry)
    FlaskInstrumentor.instrument_app(app, **telemetry.providers)
    Client(app).get("/orders/7")
    assert len(telemetry.spans()) == 1
    # A middleware that came later stays.
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    FlaskInstrumentor.uninstrument_app(app)
    assert isinstance(app.wsgi_app, ProxyFix)
    assert Client(app).get("/orders/7").data == b"order 7"
    assert len(telemetry.spans()) == 1
    FlaskInstrumentor.uninstrument_app(app)
    assert [record.message for record in caplog.records] == [
        "Attempting to instrument Flask app while already instrumented",
        "Attempting to uninstrument Flask app while already uninstrumented",
    ]


def test_a_middleware_within_is_believed(telemetry: Telemetry) -> None:
    app = shop()
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    FlaskInstrumentor.instrument_app(app, **telemetry.providers)
    Client(app).get("/orders/7", headers={"X-Forwarded-For": "10.1.2.3", "X-Forwarded-Proto": "https"})
    (span,) = telemetry.spans()
    assert (span.attributes["net.peer.ip"], span.attributes["http.scheme"]) == ("10.1.2.3", "https")


@pytest.mark.parametrize("propagate", [False, True])
def test_a_view_that_raises(telemetry: Telemetry, propagate: bool) -> None:
    app = instrumented(telemetry)
    app.testing = propagate
    if propagate:
        with pytest.raises(KeyError):
            Client(app).get("/broken")
    else:
        assert Client(app).get("/broken").status_code == 500
    (span,) = telemetry.spans()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "KeyError: 'price'")
    assert [event.attributes["exception.type"] for event in span.events] == ["KeyError"]
    (active,) = telemetry.points("http.server.active_requests")
    assert active.value == 0


def test_no_route(telemetry: Telemetry) -> None:
    assert Client(instrumented(telemetry)).get("/nowhere").status_code == 404
    (span,) = telemetry.spans()
    assert (span.name, span.status.status_code) == ("GET /nowhere", StatusCode.UNSET)
    assert "http.route" not in span.attributes
    (duration,) = telemetry.points("http.server.duration")
    assert "http.target" not in duration.attributes


def test_excluded_urls(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(instrumented(telemetry, excluded_urls="orders/7,comment"))
    assert client.get("/orders/7").status_code == client.get("/comment").status_code == 200
    assert (telemetry.spans(), telemetry.points("http.server.duration")) == ([], [])
    client.get("/orders/8")
    assert len(telemetry.spans()) == 1
    monkeypatch.setattr(instrumentation, "_excluded_urls_from_env", instrumentation.parse_excluded_urls("orders"))
    Client(instrumented(telemetry)).get("/orders/8")
    assert len(telemetry.spans()) == 1


def test_hooks_and_what_they_raise(telemetry: Telemetry, caplog: pytest.LogCaptureFixture) -> None:
    def request_hook(span: trace.Span, environ: dict[str, Any]) -> None:
        span.set_attribute("http.method", environ["REQUEST_METHOD"].lower())

    def response_hook(span: trace.Span, status: str, headers: list[tuple[str, str]]) -> None:
        headers.append(("X-Status", status))
        raise ValueError("mine")

    app = instrumented(telemetry, request_hook=request_hook, response_hook=response_hook)
    assert Client(app).get("/orders/7").headers["X-Status"] == "200 OK"
    assert telemetry.spans()[0].attributes["http.method"] == "get"
    assert "mine" in caplog.text


def test_comments_for_sql(telemetry: Telemetry) -> None:
    assert Client(instrumented(telemetry)).get("/comment").json == {
        "framework": f"flask:{instrumentation.flask_version}",
        "controller": "comment",
        "route": "/comment",
    }
    some = instrumented(telemetry, commenter_options={"framework": False, "controller": False})
    assert Client(some).get("/comment").json == {"route": "/comment"}
    assert Client(instrumented(telemetry, enable_commenter=False)).get("/comment").json == {}


def test_a_streamed_response_ends_its_span_when_it_is_closed(telemetry: Telemetry) -> None:
    app = instrumented(telemetry)
    current: list[int] = []
    closed: list[str] = []

    def parts() -> Iterator[str]:
        for _ in range(3):
            current.append(trace.get_current_span().get_span_context().span_id)
            yield "part"

    @app.get("/stream")
    def stream() -> flask.Response:
        response = flask.Response(parts())
        response.call_on_close(lambda: closed.append("once"))
        return response

    @app.get("/stream-with-context")
    def stream_with_context() -> flask.Response:
        return flask.Response(flask.stream_with_context(parts()))

    for path in ("/stream", "/stream-with-context"):
        response = Client(app).get(path)
        assert telemetry.spans() == []
        assert trace.get_current_span() is trace.INVALID_SPAN
        assert response.data == b"partpartpart"
        response.close()
        (span,) = telemetry.spans()
        assert current == [span.context.span_id] * 3
        telemetry.exporter.clear()
        current.clear()
    assert closed == ["once"]
    # A client that goes away.
    Client(app).get("/stream").close()
    assert (len(telemetry.spans()), closed) == (1, ["once", "once"])


def test_a_stream_that_breaks(telemetry: Telemetry) -> None:
    app = instrumented(telemetry)

    def parts() -> Iterator[str]:
        yield "part"
        raise KeyError("price")

    app.add_url_rule("/plain", "plain", lambda: flask.Response(parts()))
    app.add_url_rule("/kept", "kept", lambda: flask.Response(flask.stream_with_context(parts())))
    for path in ("/plain", "/kept"):
        with pytest.raises(KeyError):
            Client(app).get(path).get_data()
    for span in telemetry.spans():
        assert span.status.status_code is StatusCode.ERROR
        assert [event.attributes["exception.type"] for event in span.events] == ["KeyError"]
    assert [span.name for span in telemetry.spans()] == ["GET /plain", "GET /kept"]


def test_a_context_for_another_thread_ends_no_span(telemetry: Telemetry) -> None:
    app = instrumented(telemetry)
    ended_within: list[int] = []

    @app.get("/thread")
    def threaded() -> str:
        @flask.copy_current_request_context
        def work() -> None:
            assert flask.request.path == "/thread"

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        ended_within.append(len(telemetry.spans()))
        return "done"

    assert Client(app).get("/thread").data == b"done"
    assert (ended_within, len(telemetry.spans())) == ([0], 1)


def test_test_contexts(telemetry: Telemetry) -> None:
    app = instrumented(telemetry)
    with app.test_request_context("/orders/7"):
        pass
    assert telemetry.spans() == []
    with app.test_request_context("/orders/7"):
        app.preprocess_request()
        assert trace.get_current_span().is_recording()
    assert [span.name for span in telemetry.spans()] == ["GET /orders/<int:order_id>"]
    telemetry.exporter.clear()
    with app.test_client() as client:
        client.get("/orders/7")
    assert len(telemetry.spans()) == 1


def test_an_application_within_another(telemetry: Telemetry) -> None:
    inner, outer = instrumented(telemetry), instrumented(telemetry)

    @outer.get("/inner")
    def call() -> Any:
        environ = flask.request.environ
        environ["PATH_INFO"] = "/orders/7"
        return flask.Response(b"".join(inner.wsgi_app(environ, lambda *_: None)))  # type: ignore[arg-type,return-value]

    assert Client(outer).get("/inner").data == b"order 7"
    within, around = telemetry.spans()
    assert (within.name, within.kind) == ("GET /orders/<int:order_id>", SpanKind.INTERNAL)
    assert (around.name, around.kind) == ("GET /inner", SpanKind.SERVER)
    assert within.parent.span_id == around.context.span_id


def test_the_response_tells_the_trace(telemetry: Telemetry) -> None:
    set_global_response_propagator(TraceResponsePropagator())
    try:
        header = Client(instrumented(telemetry)).get("/orders/7").headers["traceresponse"]
    finally:
        set_global_response_propagator(None)
    (span,) = telemetry.spans()
    assert header == f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-{span.context.trace_flags:02x}"


def test_the_stable_generation_with_captured_headers(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST", "X-Tenant")
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE", "Content-Length")
    Client(instrumented(telemetry)).get("/orders/7", headers={"X-Tenant": "7"})
    (span,) = telemetry.spans()
    assert span.attributes["http.request.header.x_tenant"] == ("7",)
    assert span.attributes["http.response.header.content_length"] == ("7",)
    assert span.attributes["http.request.method"] == "GET"
    assert "http.method" not in span.attributes
    (duration,) = telemetry.points("http.server.request.duration")
    assert duration.attributes["http.route"] == "/orders/<int:order_id>"
    assert telemetry.points("http.server.duration") == []


def test_a_request_that_never_reached_the_span_is_told(telemetry: Telemetry, caplog: pytest.LogCaptureFixture) -> None:
    app = shop()
    app.before_request(lambda: ("closed", 503))
    FlaskInstrumentor.instrument_app(app, **telemetry.providers)
    assert Client(app).get("/orders/7").status_code == 503
    assert [record.message for record in caplog.records] == [
        "Flask environ's OpenTelemetry span missing at _start_response(503 SERVICE UNAVAILABLE)"
    ]


def test_classes_from_before_make_instrumented_applications(telemetry: Telemetry) -> None:
    init = flask.Flask.__init__

    class Derived(flask.Flask):  # type: ignore[misc]
        pass

    FlaskInstrumentor().instrument(**telemetry.providers)
    app = Derived("derived")
    FlaskInstrumentor().uninstrument()
    assert flask.Flask.__init__ is init
    assert not getattr(Derived("later"), "_is_instrumented_by_opentelemetry", False)
    FlaskInstrumentor().instrument(**telemetry.providers)
    try:
        app = Derived("derived")
        app.test_client().get("/nothing")
    finally:
        FlaskInstrumentor().uninstrument()
    assert [span.name for span in telemetry.spans()] == ["GET /nothing"]
