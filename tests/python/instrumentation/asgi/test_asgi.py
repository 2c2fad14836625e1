"""The ASGI middleware, around applications that are driven by hand."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import logging
from typing import Any

import pytest
from asgiref.compatibility import guarantee_single_callable
from asgiref.testing import ApplicationCommunicator

from opentelemetry import context, trace
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware, collect_request_attributes
from opentelemetry.instrumentation.propagators import TraceResponsePropagator, set_global_response_propagator
from opentelemetry.instrumentation.utils import suppress_http_instrumentation
from opentelemetry.trace import SpanKind, StatusCode

TRACE_ID, PARENT_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE_ID}-{PARENT_ID}-01".encode()
START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
BODY = {"type": "http.response.body", "body": b"well"}


async def well(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({**START, "headers": [(b"content-length", b"4")]})
    await send(dict(BODY))


def served(telemetry: Any, server: Any, app: Any = well, options: Any = None, **scope: Any) -> Any:
    middleware = OpenTelemetryMiddleware(app, **telemetry.providers, **(options or {}))
    return asyncio.run(server(middleware, **scope).serve())


def test_a_request_is_one_span(telemetry: Any, server: Any) -> None:
    inner = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        inner.append(trace.get_current_span().get_span_context().span_id)
        await well(scope, receive, send)

    headers = [
        (b"host", b"shop.example:8000"),
        (b"user-agent", b"Googlebot/2.1"),
        (b"traceparent", TRACEPARENT),
        (b"content-length", b"12"),
    ]
    answer = served(telemetry, server, app, path="/orders/7", query_string=b"a=%2F&sig=x", headers=headers)
    assert (answer.status, answer.body) == (200, b"well")
    span = telemetry.span()
    assert (span.name, span.kind, span.status.status_code) == ("GET /orders/7", SpanKind.SERVER, StatusCode.UNSET)
    assert [span.context.span_id] == inner
    assert (f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE_ID, PARENT_ID)
    assert span.instrumentation_scope.name == "opentelemetry.instrumentation.asgi"
    assert dict(span.attributes) == {
        "http.method": "GET",
        "http.scheme": "http",
        "http.host": "127.0.0.1:8000",
        "http.flavor": "1.1",
        "http.target": "/orders/7",
        "http.url": "http://shop.example:8000/orders/7?a=%2F&sig=REDACTED",
        "http.server_name": "shop.example:8000",
        "http.user_agent": "Googlebot/2.1",
        "user_agent.synthetic.type": "bot",
        "net.host.port": 8000,
        "net.peer.ip": "127.0.0.1",
        "net.peer.port": 4711,
        "http.status_code": 200,
    }
    points = telemetry.metrics()
    assert {name: len(each) for name, each in points.items()} == {
        "http.server.active_requests": 1,
        "http.server.duration": 1,
        "http.server.request.size": 1,
        "http.server.response.size": 1,
    }
    assert points["http.server.active_requests"][0].value == 0
    assert (points["http.server.request.size"][0].sum, points["http.server.response.size"][0].sum) == (12, 4)
    assert dict(points["http.server.duration"][0].attributes) == {
        "http.method": "GET",
        "http.host": "127.0.0.1:8000",
        "http.scheme": "http",
        "http.status_code": 200,
        "http.flavor": "1.1",
        "http.server_name": "shop.example:8000",
        "net.host.port": 8000,
    }
    assert points["http.server.duration"][0].exemplars[0].span_id == span.context.span_id


@pytest.mark.parametrize("opt_in", ["http", "http/dup"])
def test_the_stable_generation(telemetry: Any, server: Any, monkeypatch: pytest.MonkeyPatch, opt_in: str) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", opt_in)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "status": 503})
        await send(dict(BODY))

    served(telemetry, server, app, path="/orders", query_string=b"a=b", method="BREW")
    span = telemetry.span()
    assert (span.name, span.status.status_code) == ("HTTP /orders", StatusCode.ERROR)
    new = {
        "http.request.method": "_OTHER",
        "http.request.method_original": "BREW",
        "url.scheme": "http",
        "url.path": "/orders",
        "url.query": "a=b",
        "server.address": "127.0.0.1:8000",
        "server.port": 8000,
        "client.address": "127.0.0.1",
        "client.port": 4711,
        "network.protocol.version": "1.1",
        "http.response.status_code": 503,
        "error.type": "503",
    }
    assert new.items() <= dict(span.attributes).items()
    assert ("http.method" in span.attributes) == (opt_in == "http/dup")
    points = telemetry.metrics()
    assert ("http.server.duration" in points) == (opt_in == "http/dup")
    (duration,) = points["http.server.request.duration"]
    assert dict(duration.attributes) == {
        "error.type": "503",
        "http.request.method": "_OTHER",
        "http.response.status_code": 503,
        "network.protocol.version": "1.1",
        "url.scheme": "http",
    }
    assert duration.explicit_bounds[0] == 0.005


SEND, RECEIVE = "GET / http send", "GET / http receive"


@pytest.mark.parametrize(
    ("options", "asked", "made"),
    [
        ({}, "", []),
        ({}, "send", [SEND, SEND]),
        ({}, "receive, send", [RECEIVE, SEND, SEND]),
        ({"exclude_spans": []}, "", [RECEIVE, SEND, SEND]),
        ({"exclude_spans": ["send"]}, "send", [RECEIVE]),
        ({"exclude_spans": ["receive", "send"]}, "receive,send", []),
        ({"client_request_hook": lambda *_: None}, "", [RECEIVE]),
        ({"client_response_hook": lambda *_: None}, "", [SEND, SEND]),
    ],
)
def test_spans_of_events_are_asked_for(
    telemetry: Any, server: Any, monkeypatch: pytest.MonkeyPatch, options: Any, asked: str, made: list[str]
) -> None:
    monkeypatch.setenv("FERROTEL_ASGI_SPANS", asked)
    served(telemetry, server, options=options)
    *events, request = telemetry.spans()
    assert request.name == "GET /"
    assert [span.name for span in events] == made
    assert all(span.parent.span_id == request.context.span_id and span.kind is SpanKind.INTERNAL for span in events)
    kinds = [span.attributes["asgi.event.type"] for span in events if span.name == SEND]
    assert kinds == (["http.response.start", "http.response.body"] if kinds else [])


def test_hooks(telemetry: Any, server: Any, caplog: pytest.LogCaptureFixture) -> None:
    def request(span: Any, scope: Any) -> None:
        span.update_name("named")
        scope["seen"] = trace.get_current_span() is span

    def response(span: Any, scope: Any, event: Any) -> None:
        raise KeyError(event["type"])

    served(
        telemetry,
        server,
        options={"server_request_hook": request, "client_response_hook": response, "exclude_spans": ["receive"]},
    )
    start, body, span = telemetry.spans()
    assert span.name == "named"
    assert [each.events[0].attributes["exception.message"] for each in (start, body)] == [
        "'http.response.start'",
        "'http.response.body'",
    ]
    assert start.attributes["http.status_code"] == 200
    logged = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(logged) == 1
    assert "hook" in logged[0].getMessage()


def test_headers_are_captured(telemetry: Any, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_"
    monkeypatch.setenv(prefix + "SERVER_REQUEST", "X-.*")
    monkeypatch.setenv(prefix + "SERVER_RESPONSE", "etag,x-trailer")
    monkeypatch.setenv(prefix + "SANITIZE_FIELDS", ".*secret.*")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "headers": ((b"ETag", b"7"),), "trailers": True})
        await send(dict(BODY))
        assert trace.get_current_span().is_recording()
        await send({"type": "http.response.trailers", "headers": [(b"x-trailer", b"last")]})
        assert not trace.get_current_span().is_recording()

    headers = [(b"host", b"h"), (b"x-a", b"1"), (b"x-a", b"2"), (b"x-secret", b"s"), (b"y", b"3")]
    served(telemetry, server, app, headers=headers)
    captured = {key: value for key, value in telemetry.span().attributes.items() if ".header." in key}
    assert captured == {
        "http.request.header.x_a": ("1", "2"),
        "http.request.header.x_secret": ("[REDACTED]",),
        "http.response.header.etag": ("7",),
        "http.response.header.x_trailer": ("last",),
    }


def test_what_gets_no_telemetry(telemetry: Any, server: Any) -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])
        assert not trace.get_current_span().is_recording()

    served(telemetry, server, app, options={"excluded_urls": "shop.example.*/health"}, path="/health")
    served(telemetry, server, app, type="lifespan")
    with suppress_http_instrumentation():
        served(telemetry, server, app)
    assert seen == ["http", "lifespan", "http"]
    assert telemetry.spans() == []
    assert telemetry.metrics() == {}


def test_a_span_around_makes_it_internal(telemetry: Any, server: Any) -> None:
    with telemetry.tracer.start_as_current_span("outer"):
        served(telemetry, server, headers=[(b"host", b"h"), (b"traceparent", TRACEPARENT)])
    span, outer = telemetry.spans()
    assert (span.kind, span.parent.span_id) == (SpanKind.INTERNAL, outer.context.span_id)


def test_the_response_tells_the_trace(telemetry: Any, server: Any) -> None:
    set_global_response_propagator(TraceResponsePropagator())
    try:
        answer = served(telemetry, server)
    finally:
        set_global_response_propagator(None)
    span = telemetry.span()
    start, body = answer.sent
    flags = span.context.trace_flags
    assert start["headers"][1:] == [
        [b"traceresponse", f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-{flags:02x}".encode()],
        [b"access-control-expose-headers", b"traceresponse"],
    ]
    assert "headers" not in body


@pytest.mark.parametrize("started", [False, True])
def test_an_exception_is_recorded_once(telemetry: Any, server: Any, started: bool) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if started:
            await send(dict(START))
        raise ValueError("whatever")

    with pytest.raises(ValueError, match="whatever"):
        served(telemetry, server, app)
    span = telemetry.span()
    assert [event.attributes["exception.type"] for event in span.events] == ["ValueError"]
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "ValueError: whatever")
    assert telemetry.metrics()["http.server.active_requests"][0].value == 0


def test_cancelled_while_it_waits(telemetry: Any, server: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(dict(START))
        await asyncio.sleep(60)

    async def main() -> None:
        middleware = OpenTelemetryMiddleware(app, **telemetry.providers)
        task = asyncio.ensure_future(server(middleware).serve())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    span = telemetry.span()
    assert (span.attributes["http.status_code"], span.status.status_code) == (200, StatusCode.UNSET)
    assert telemetry.metrics()["http.server.active_requests"][0].value == 0


def test_thrown_away_in_another_context(telemetry: Any, server: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    request = server(OpenTelemetryMiddleware(app, **telemetry.providers)).serve()

    async def begin() -> None:
        request.send(None)

    asyncio.run(begin())
    request.close()
    assert telemetry.span().name == "GET /"
    assert caplog.records == []


def test_a_client_that_is_gone(telemetry: Any, server: Any) -> None:
    async def gone(event: Any) -> None:
        raise OSError("gone")

    middleware = OpenTelemetryMiddleware(well, **telemetry.providers)
    request = server(middleware)
    with pytest.raises(OSError, match="gone"):
        asyncio.run(middleware(request.scope, request.receive, gone))
    span = telemetry.span()
    assert [event.attributes["exception.message"] for event in span.events] == ["gone"]


def test_work_after_the_response(telemetry: Any, server: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(dict(START))
        await send({**BODY, "more_body": True})
        assert telemetry.spans() == []
        await send(dict(BODY))
        assert len(telemetry.spans()) == 1
        with telemetry.tracer.start_as_current_span("after"):
            pass

    served(telemetry, server, app)
    request, after = telemetry.spans()
    assert after.parent.span_id == request.context.span_id


def test_requests_at_the_same_time(telemetry: Any, server: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        with telemetry.tracer.start_as_current_span(scope["path"]):
            await asyncio.sleep(0)
            length = [(b"Content-Length", b"10")] if scope["path"] == "/0" else []
            await send({**START, "headers": length})
            await asyncio.sleep(0)
        await send(dict(BODY))

    async def main() -> None:
        middleware = OpenTelemetryMiddleware(app, **telemetry.providers)
        await asyncio.gather(*(server(middleware, f"/{number}").serve() for number in range(20)))

    asyncio.run(main())
    spans = telemetry.spans()
    requests = {span.context.span_id: span for span in spans if span.kind is SpanKind.SERVER}
    assert len(requests) == len(spans) / 2 == 20
    for span in spans:
        if span.kind is not SpanKind.SERVER:
            assert requests[span.parent.span_id].name == f"GET {span.name}"
    points = telemetry.metrics()
    assert points["http.server.active_requests"][0].value == 0
    assert points["http.server.duration"][0].count == 20
    # No response's length is taken for another's.
    assert points["http.server.response.size"][0].count == 1


def test_an_async_generator_is_closed_elsewhere(telemetry: Any, server: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def parts() -> Any:
        with telemetry.tracer.start_as_current_span("parts"):
            yield b"1"
            yield b"2"

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(dict(START))
        async for part in parts():
            await send({**BODY, "body": part, "more_body": True})
            break
        await send(dict(BODY))

    served(telemetry, server, app)
    names = {span.name: span for span in telemetry.spans()}
    assert names["parts"].parent.span_id == names["GET /"].context.span_id


def test_a_websocket(telemetry: Any, server: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        while True:
            event = await receive()
            if event["type"] == "websocket.connect":
                await send({"type": "websocket.accept"})
            elif event["type"] == "websocket.receive":
                await send({"type": "websocket.send", "text": "pong"})
            else:
                break

    request = server(OpenTelemetryMiddleware(app, **telemetry.providers), "/live", type="websocket", scheme="ws")
    del request.scope["method"]
    request.incoming = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "ping"},
        {"type": "websocket.disconnect", "code": 1006},
    ]
    asyncio.run(request.serve())
    span = telemetry.span()
    assert (span.name, span.kind) == ("HTTP /live", SpanKind.SERVER)
    assert (span.attributes["http.scheme"], span.attributes["http.status_code"]) == ("ws", 200)
    assert telemetry.metrics() == {}


def test_a_websocket_that_is_refused(telemetry: Any, server: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.http.response.start", "status": 403, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b""})

    served(telemetry, server, app, type="websocket")
    assert telemetry.span().attributes["http.status_code"] == 403


def applications() -> list[Any]:
    class Single:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await well(scope, receive, send)

    class Double:
        def __init__(self, scope: Any) -> None:
            self.scope = scope

        async def __call__(self, receive: Any, send: Any) -> None:
            await well(self.scope, receive, send)

    def hinted(*arguments: Any) -> Any:
        return functools.partial(well, *arguments)

    hinted._asgi_double_callable = True  # type: ignore[attr-defined]

    def not_async(scope: Any, receive: Any, send: Any) -> Any:
        return well(scope, receive, send)

    return [Single(), Double, hinted, not_async, functools.partial(well), guarantee_single_callable(Double)]


class Provider:
    def __init__(self, failing: bool = False) -> None:
        self.flushed: list[int] = []
        self.failing = failing

    def force_flush(self, timeout_millis: int) -> bool:
        self.flushed.append(timeout_millis)
        if self.failing:
            raise OSError("no collector")
        return True


@pytest.mark.parametrize("end", ["complete", "failed"])
def test_a_shutdown_delivers_first(
    telemetry: Any, server: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, end: str
) -> None:
    spans, records = Provider(failing=True), Provider()
    lifespan = "opentelemetry.instrumentation.asgi._lifespan."
    monkeypatch.setattr(lifespan + "get_tracer_provider", lambda: spans)
    monkeypatch.setattr(lifespan + "get_logger_provider", lambda: records)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "lifespan.startup.complete"})
        assert spans.flushed == []
        await send({"type": f"lifespan.shutdown.{end}"})

    sent = served(telemetry, server, app, type="lifespan").sent
    assert [event["type"] for event in sent] == ["lifespan.startup.complete", f"lifespan.shutdown.{end}"]
    assert len(spans.flushed) == len(records.flushed) == 1
    assert 0 < records.flushed[0] <= spans.flushed[0] <= 3000
    assert [record.getMessage() for record in caplog.records] == ["A provider could not deliver what it holds"]


@pytest.mark.parametrize("app", applications(), ids=lambda app: getattr(app, "__name__", type(app).__name__))
def test_applications_of_both_generations(telemetry: Any, server: Any, app: Any) -> None:
    assert served(telemetry, server, app).body == b"well"
    assert telemetry.span().attributes["http.status_code"] == 200


def test_under_asgiref(telemetry: Any, server: Any) -> None:
    async def main() -> Any:
        middleware = OpenTelemetryMiddleware(well, **telemetry.providers)
        communicator = ApplicationCommunicator(middleware, server(None).scope)
        await communicator.send_input({"type": "http.request"})
        start, body = await communicator.receive_output(20), await communicator.receive_output(20)
        await communicator.wait(20)
        return start["status"], body["body"]

    assert asyncio.run(main()) == (200, b"well")
    assert telemetry.span().name == "GET /"


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({"server": None, "headers": []}, {"http.host": "0.0.0.0", "net.host.port": 80, "http.url": "http://0.0.0.0/"}),
        ({"server": ("/run/app.sock", None), "client": None}, {"http.host": "/run/app.sock"}),
        ({"query_string": b"\xff"}, {"http.url": "http://shop.example:8000/?\ufffd"}),
        ({"headers": [(b"Host", b"h"), (b"User-Agent", b"\xe9")]}, {"http.user_agent": "é", "http.server_name": "h"}),
        ({"headers": iter([(b"host", b"h")])}, {"http.server_name": "h"}),
        ({"headers": [(b"host", b"user:pw@h")]}, {"http.url": "http://REDACTED:REDACTED@h/"}),
        ({"headers": [(b"host", b"a"), (b"host", b"b")]}, {"http.server_name": "a,b", "http.url": "http://a/"}),
    ],
)
def test_unusual_scopes(telemetry: Any, server: Any, scope: Any, expected: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert list(scope["headers"]) == list(scope["headers"])
        await well(scope, receive, send)

    request = server(OpenTelemetryMiddleware(app, **telemetry.providers), **scope)
    assert asyncio.run(request.serve()).body == b"well"
    assert expected.items() <= dict(telemetry.span().attributes).items()


def test_the_public_functions_read_a_scope(server: Any) -> None:
    attributes = collect_request_attributes(server(None, "/x").scope)
    assert attributes["http.url"] == "http://shop.example:8000/x"


def test_telemetry_that_fails_harms_no_request(
    telemetry: Any, server: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def details(scope: Any) -> Any:
        raise KeyError("route")

    for _ in range(2):
        assert served(telemetry, server, options={"default_span_details": details}).body == b"well"
    assert [record.levelno for record in caplog.records if "could not be started" in record.message] == [logging.ERROR]

    # An application that sends what is no event hears of it from its server.
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"no": "type"})

    assert served(telemetry, server, app).sent == [{"no": "type"}]


def test_the_context_is_what_it_was(telemetry: Any, server: Any) -> None:
    key = context.create_key("tenant")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        context.attach(context.set_value("left", "behind"))
        await well(scope, receive, send)

    async def main() -> None:
        token = context.attach(context.set_value(key, "blue"))
        await server(OpenTelemetryMiddleware(app, **telemetry.providers)).serve()
        assert context.get_value("left") is None
        assert context.get_value(key) == "blue"
        context.detach(token)

    contextvars.copy_context().run(asyncio.run, main())
    assert telemetry.span().kind is SpanKind.SERVER
