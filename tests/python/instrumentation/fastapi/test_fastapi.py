"""`FastAPIInstrumentor`: what it adds to applications, and that it takes all of it away again."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from typing import Any

import fastapi
import pytest
from fastapi.responses import StreamingResponse
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router

from opentelemetry import trace
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.trace import SpanKind, StatusCode


def shop(**options: Any) -> fastapi.FastAPI:
    app = fastapi.FastAPI(**options)

    @app.get("/orders/{order_id}")
    async def order(order_id: int) -> Any:
        return {"id": order_id}

    @app.post("/orders/{order_id}")
    async def change(order_id: int) -> Any:
        return {"id": order_id}

    @app.get("/broken")
    async def broken() -> Any:
        raise KeyError("price")

    @app.get("/refused")
    async def refused() -> Any:
        raise fastapi.HTTPException(418, "a teapot")

    @app.websocket("/live/{name}")
    async def live(socket: fastapi.WebSocket, name: str) -> None:
        await socket.accept()
        await socket.send_text(name)
        await socket.close()

    items = fastapi.APIRouter(prefix="/items")

    @items.get("/{item_id}")
    async def item(item_id: int) -> Any:
        return {"id": item_id}

    app.include_router(items, prefix="/v1")
    return app


def get(server: Any, app: Any, path: str, **scope: Any) -> Any:
    return asyncio.run(server(app, path, **scope).serve())


def details(span: Any) -> tuple[Any, ...]:
    return span.name, span.attributes.get("http.route"), span.attributes.get("http.status_code")


def test_spans_are_named_after_routes(telemetry: Any, server: Any) -> None:
    app = shop()
    FastAPIInstrumentor.instrument_app(app, **telemetry.providers)
    for path, method, expected in (
        ("/orders/7", "GET", ("GET /orders/{order_id}", "/orders/{order_id}", 200)),
        ("/orders/8", "GET", ("GET /orders/{order_id}", "/orders/{order_id}", 200)),
        ("/orders/7", "POST", ("POST /orders/{order_id}", "/orders/{order_id}", 200)),
        ("/orders/7", "PUT", ("PUT /orders/{order_id}", "/orders/{order_id}", 405)),
        ("/orders/x", "GET", ("GET /orders/{order_id}", "/orders/{order_id}", 422)),
        ("/v1/items/3", "GET", ("GET /v1/items/{item_id}", "/v1/items/{item_id}", 200)),
        ("/refused", "GET", ("GET /refused", "/refused", 418)),
        ("/missing", "GET", ("GET", None, 404)),
    ):
        telemetry.exporter.clear()
        get(server, app, path, method=method)
        span = telemetry.span()
        assert details(span) == expected
        assert (span.kind, span.status.status_code, span.events) == (SpanKind.SERVER, StatusCode.UNSET, ())
        assert span.instrumentation_scope.name == "opentelemetry.instrumentation.fastapi"
        assert span.attributes["http.target"] == path
    targets = {
        (point.attributes.get("http.target"), point.attributes["http.method"]): point.count
        for point in telemetry.metrics()["http.server.duration"]
        if point.attributes["http.status_code"] == 200
    }
    assert targets[("/orders/{order_id}", "GET")] == 2


def test_the_route_is_there_from_the_start(telemetry: Any, server: Any) -> None:
    app = shop()
    named = []

    def hook(span: Any, scope: Any) -> None:
        named.append((span.name, span.attributes["http.route"]))

    FastAPIInstrumentor.instrument_app(app, server_request_hook=hook, **telemetry.providers)
    get(server, app, "/orders/7")
    assert named == [("GET /orders/{order_id}", "/orders/{order_id}")]


def test_a_websocket(telemetry: Any, server: Any) -> None:
    app = shop()
    FastAPIInstrumentor.instrument_app(app, **telemetry.providers)
    request = server(app, "/live/x", type="websocket", scheme="ws")
    del request.scope["method"]
    request.incoming = [{"type": "websocket.connect"}]
    asyncio.run(request.serve())
    assert [event["type"] for event in request.sent] == ["websocket.accept", "websocket.send", "websocket.close"]
    assert details(telemetry.span()) == ("HTTP /live/{name}", "/live/{name}", 200)
    assert telemetry.metrics() == {}


def test_routes_may_change(telemetry: Any, server: Any) -> None:
    app = shop()
    FastAPIInstrumentor.instrument_app(app, **telemetry.providers)
    get(server, app, "/late/1")

    @app.get("/late/{number}")
    async def late(number: int) -> Any:
        return number

    get(server, app, "/late/1")
    app.router.routes[:] = [route for route in app.router.routes if getattr(route, "path", "") != "/late/{number}"]
    get(server, app, "/late/1")
    assert [details(span)[0] for span in telemetry.spans()] == ["GET", "GET /late/{number}", "GET"]


def test_routes_of_an_included_router_may_change(telemetry: Any, server: Any) -> None:
    app, router = fastapi.FastAPI(), fastapi.APIRouter()
    app.include_router(router, prefix="/v1")
    FastAPIInstrumentor.instrument_app(app, **telemetry.providers)
    get(server, app, "/v1/late/1")

    @router.get("/late/{number}")
    async def late(number: int) -> Any:
        return number

    answer = get(server, app, "/v1/late/1")
    # Since 0.137 an included router is asked at each request.
    expected = {200: "GET /v1/late/{number}", 404: "GET"}
    assert [span.name for span in telemetry.spans()] == ["GET", expected[answer.status]]


def test_routes_of_other_kinds(telemetry: Any, server: Any) -> None:
    async def item(request: Any) -> Any:
        return PlainTextResponse(request.path_params["item"])

    class Odd(BaseRoute):
        path = "/odd/{number}"

        def matches(self, scope: Any) -> Any:
            if scope["path"] == "/raises":
                raise KeyError("custom")
            return (Match.FULL if scope["path"].startswith("/odd/") else Match.NONE), {}

        async def handle(self, scope: Any, receive: Any, send: Any) -> None:
            await PlainTextResponse("odd")(scope, receive, send)

    static = Router([Route("/{item}", item)])
    hosted = Router([Route("/at/{item}", item)])
    app = fastapi.FastAPI(
        routes=[Host("api.example", hosted), Mount("/static", static), Route("/plain/{item}", item), Odd()]
    )
    FastAPIInstrumentor.instrument_app(app, **telemetry.providers)
    get(server, app, "/at/7", headers=[(b"host", b"api.example")])
    get(server, app, "/static/7")
    get(server, app, "/plain/7")
    get(server, app, "/odd/7")
    assert [span.name for span in telemetry.spans()] == [
        "GET /at/{item}",
        "GET /static",
        "GET /plain/{item}",
        "GET /odd/{number}",
    ]
    telemetry.exporter.clear()
    # The application meets it in its router, as without telemetry.
    with pytest.raises(KeyError, match="custom"):
        get(server, app, "/raises")
    assert (telemetry.span().name, len(telemetry.span().events)) == ("GET", 1)


def test_many_paths_are_not_kept(telemetry: Any, server: Any) -> None:
    app = shop()
    FastAPIInstrumentor.instrument_app(app, excluded_urls="", **telemetry.providers)

    async def main() -> None:
        for number in range(1100):
            await server(app, f"/missing/{number}").serve()
        await server(app, "/orders/7").serve()

    asyncio.run(main())
    assert telemetry.spans()[-1].name == "GET /orders/{order_id}"
    assert len(app._opentelemetry._middleware.default_span_details._table._found) < 600


@pytest.mark.parametrize("root_path", ["", "/api"])
def test_a_mounted_application(telemetry: Any, server: Any, instrumented: Any, root_path: str) -> None:
    instrumented()
    app, admin = fastapi.FastAPI(), fastapi.FastAPI()

    @admin.get("/users/{user}")
    async def user(user: str) -> Any:
        return user

    app.mount("/admin", admin)
    get(server, app, f"{root_path}/admin/users/1", root_path=root_path)
    outer, inner = telemetry.spans()
    assert details(outer) == ("GET /admin", "/admin", 200)
    assert details(inner) == ("GET /users/{user}", "/users/{user}", 200)
    assert (outer.kind, inner.kind) == (SpanKind.SERVER, SpanKind.INTERNAL)
    assert inner.parent.span_id == outer.context.span_id
    assert inner.attributes["http.target"] == outer.attributes["http.target"] == f"{root_path}/admin/users/1"


def test_an_exception_is_recorded_once(telemetry: Any, server: Any) -> None:
    app = shop()
    FastAPIInstrumentor.instrument_app(app, **telemetry.providers)
    request = server(app, "/broken")
    with pytest.raises(KeyError, match="price"):
        asyncio.run(request.serve())
    assert request.status == 500
    span = telemetry.span()
    assert details(span) == ("GET /broken", "/broken", 500)
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "KeyError: 'price'")
    assert [event.attributes["exception.type"] for event in span.events] == ["KeyError"]
    (point,) = telemetry.metrics()["http.server.duration"]
    assert (point.attributes["http.status_code"], point.count) == (500, 1)


def test_an_exception_in_the_middle_of_a_stream(telemetry: Any, server: Any) -> None:
    app = fastapi.FastAPI()

    async def parts() -> Any:
        with telemetry.tracer.start_as_current_span("part"):
            yield b"1"
        raise RuntimeError("in the middle")

    @app.get("/stream")
    async def stream() -> Any:
        return StreamingResponse(parts())

    FastAPIInstrumentor.instrument_app(app, **telemetry.providers)
    with pytest.raises(BaseException):  # noqa: B017  a group of exceptions, in some releases
        get(server, app, "/stream")
    part, span = telemetry.spans()
    assert part.parent.span_id == span.context.span_id
    assert (span.attributes["http.status_code"], span.status.status_code) == (200, StatusCode.ERROR)
    assert len(span.events) == 1


def test_the_programs_own_handler_of_exceptions(telemetry: Any, server: Any) -> None:
    app = shop()
    seen = []

    @app.exception_handler(Exception)
    async def handler(request: Any, error: Exception) -> Any:
        seen.append(trace.get_current_span().get_span_context().span_id)
        return PlainTextResponse("sorry", 503)

    FastAPIInstrumentor.instrument_app(app, **telemetry.providers)
    request = server(app, "/broken")
    with pytest.raises(KeyError):
        asyncio.run(request.serve())
    span = telemetry.span()
    assert (request.status, request.body, span.attributes["http.status_code"]) == (503, b"sorry", 503)
    assert seen == [span.context.span_id]
    assert len(span.events) == 1


def test_arguments(telemetry: Any, server: Any, instrumented: Any) -> None:
    instrumented(
        excluded_urls="/orders/13$",
        http_capture_headers_server_request=["x-.*"],
        http_capture_headers_server_response=["content-type"],
        http_capture_headers_sanitize_fields=["secret"],
        exclude_spans=["receive"],
    )
    app = shop()
    get(server, app, "/orders/13")
    assert telemetry.spans() == []
    get(server, app, "/orders/7", headers=[(b"host", b"h"), (b"x-secret", b"s"), (b"x-a", b"1")])
    *sent, span = telemetry.spans()
    assert [each.name for each in sent] == ["GET /orders/{order_id} http send"] * 2
    assert {key: value for key, value in span.attributes.items() if ".header." in key} == {
        "http.request.header.x_secret": ("[REDACTED]",),
        "http.request.header.x_a": ("1",),
        "http.response.header.content_type": ("application/json",),
    }


def test_background_tasks_have_spans(telemetry: Any, server: Any, instrumented: Any) -> None:
    instrumented()
    app = fastapi.FastAPI()

    def clean(what: str) -> None:
        with telemetry.tracer.start_as_current_span(what):
            pass

    @app.get("/")
    async def index(tasks: fastapi.BackgroundTasks) -> Any:
        tasks.add_task(clean, "a")
        tasks.add_task(clean, what="b")
        return "later"

    get(server, app, "/")
    request, *rest = telemetry.spans()
    assert [span.name for span in rest] == ["a", "BackgroundTask clean", "b", "BackgroundTask clean"]
    assert request.name == "GET /"
    assert {rest[1].parent.span_id, rest[3].parent.span_id} == {request.context.span_id}
    assert (rest[0].parent.span_id, rest[2].parent.span_id) == (rest[1].context.span_id, rest[3].context.span_id)


def test_background_tasks_as_long_as_an_application_is_instrumented(telemetry: Any) -> None:
    original = BackgroundTask.__call__
    first, second = fastapi.FastAPI(), fastapi.FastAPI()
    for app in (first, second):
        FastAPIInstrumentor.instrument_app(app, **telemetry.providers)
    FastAPIInstrumentor.uninstrument_app(first)
    assert BackgroundTask.__call__ is not original
    asyncio.run(BackgroundTask(print, end="")())
    assert telemetry.span().name == "BackgroundTask print"
    FastAPIInstrumentor.uninstrument_app(second)
    assert BackgroundTask.__call__ is original


def test_what_fastapi_itself_traces_stays_quiet(telemetry: Any, server: Any) -> None:
    if not hasattr(fastapi.FastAPI(), "_native_telemetry"):
        return
    app = shop(telemetry=telemetry.providers)
    FastAPIInstrumentor.instrument_app(app, **telemetry.providers)
    get(server, app, "/orders/7")
    assert telemetry.span().name == "GET /orders/{order_id}"
    assert "http.server.request.duration" not in telemetry.metrics()


@pytest.mark.parametrize("running", [False, True])
def test_uninstrumented_it_is_what_it_was(telemetry: Any, server: Any, running: bool) -> None:
    app = shop()
    made = []

    class Middleware:
        def __init__(self, app: Any) -> None:
            self.app = app
            made.append(self)

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await self.app(scope, receive, send)

    app.add_middleware(Middleware)
    if running:
        get(server, app, "/orders/7")
    before, stack = set(vars(app)), app.middleware_stack
    inner = getattr(stack, "app", None)
    FastAPIInstrumentor.instrument_app(app, **telemetry.providers)
    get(server, app, "/orders/7")
    assert len(telemetry.spans()) == 1
    FastAPIInstrumentor.uninstrument_app(app)
    get(server, app, "/orders/7")
    assert len(telemetry.spans()) == 1
    # Also the middlewares are the same, with what they may hold.
    assert len(made) == 1
    assert set(vars(app)) == before | {"_is_instrumented_by_opentelemetry"}
    if running:
        assert app.middleware_stack is stack
        assert stack.app is inner
    FastAPIInstrumentor.instrument_app(app, **telemetry.providers)
    get(server, app, "/orders/7")
    assert len(telemetry.spans()) == 2
    FastAPIInstrumentor.uninstrument_app(app)


def test_instrument_and_uninstrument(telemetry: Any, server: Any, instrumented: Any) -> None:
    original = fastapi.FastAPI
    instrumented()
    app = shop()
    assert isinstance(app, original)
    get(server, app, "/orders/7")
    FastAPIInstrumentor().uninstrument()
    assert fastapi.FastAPI is original
    get(server, app, "/orders/7")
    get(server, shop(), "/orders/7")
    assert len(telemetry.spans()) == 1


def test_instrumented_twice(telemetry: Any, caplog: pytest.LogCaptureFixture) -> None:
    app = shop()
    FastAPIInstrumentor.instrument_app(app, **telemetry.providers)
    FastAPIInstrumentor.instrument_app(app, **telemetry.providers)
    assert [record.message for record in caplog.records] == [
        "Attempting to instrument FastAPI app while already instrumented"
    ]
    FastAPIInstrumentor.uninstrument_app(app)
    FastAPIInstrumentor.uninstrument_app(app)


def test_a_stack_that_is_not_known(telemetry: Any, server: Any, caplog: pytest.LogCaptureFixture) -> None:
    app = shop()
    build = app.build_middleware_stack

    class Around:
        def __init__(self) -> None:
            self.inner = build()

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await self.inner(scope, receive, send)

    app.build_middleware_stack = Around  # type: ignore[method-assign]
    FastAPIInstrumentor.instrument_app(app, **telemetry.providers)
    assert get(server, app, "/orders/7").status == 200
    assert telemetry.spans() == []
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    FastAPIInstrumentor.uninstrument_app(app)
    assert app.build_middleware_stack is Around


def test_an_application_is_not_kept_alive(telemetry: Any, server: Any) -> None:
    app = shop()
    FastAPIInstrumentor.instrument_app(app, **telemetry.providers)
    get(server, app, "/orders/7")
    known = weakref.ref(app)
    del app
    gc.collect()
    assert known() is None
    assert not hasattr(BackgroundTask, "_otel_original_call")
