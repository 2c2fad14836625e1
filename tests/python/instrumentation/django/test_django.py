"""`DjangoInstrumentor`: what it adds to Django, and that it takes all of it away again."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import types
from typing import Any, AsyncIterator, Iterator

import pytest
from django.conf import settings
from django.db import connection
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client
from django.urls import path

from opentelemetry import trace
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.django.middleware.otel_middleware import _DjangoMiddleware
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

OURS = DjangoInstrumentor._opentelemetry_middleware
COMMENTER = DjangoInstrumentor._sql_commenter_middleware


def current() -> str:
    return trace.format_span_id(trace.get_current_span().get_span_context().span_id)


def order(request: Any, order_id: int) -> HttpResponse:
    return HttpResponse(current())


async def async_order(request: Any, order_id: int) -> HttpResponse:
    return HttpResponse(current())


def absent(request: Any) -> HttpResponse:
    raise Http404("no such thing")


def broken(request: Any) -> HttpResponse:
    raise KeyError("price")


def stream(request: Any) -> StreamingHttpResponse:
    return StreamingHttpResponse(current() for _ in range(2))


async def async_stream(request: Any) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[str]:
        for _ in range(2):
            yield current()

    return StreamingHttpResponse(parts())


def statement(request: Any) -> HttpResponse:
    executed: list[str] = []

    def note(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        executed.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note), connection.cursor() as cursor:
        cursor.execute("SELECT 1;")
    return HttpResponse(executed[0] + "\n" + current())


urls: Any = types.ModuleType("django_shop_urls")
urls.urlpatterns = [
    path("", order, {"order_id": 0}, name="home"),
    path("orders/<int:order_id>/", order),
    path("async-orders/<int:order_id>/", async_order),
    path("absent/", absent),
    path("broken/", broken),
    path("stream/", stream),
    path("async-stream/", async_stream),
    path("statement/", statement, name="statement"),
]
sys.modules["django_shop_urls"] = urls


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    yield
    if DjangoInstrumentor().is_instrumented_by_opentelemetry:
        DjangoInstrumentor().uninstrument()
    assert settings.MIDDLEWARE == ()
    assert trace.get_current_span() is trace.INVALID_SPAN


def get(url: str, **headers: Any) -> Any:
    return Client(raise_request_exception=False).get(url, **headers)


def test_a_request_is_a_span_and_metrics(recorded: Any) -> None:
    DjangoInstrumentor().instrument(**recorded.providers)
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    response = get("/orders/7/", RAW_URI="/orders/7/?a=b", HTTP_TRACEPARENT=parent)
    (span,) = recorded.spans()
    assert (span.name, span.kind) == ("GET orders/<int:order_id>/", SpanKind.SERVER)
    assert response.content.decode() == trace.format_span_id(span.context.span_id)
    assert trace.format_span_id(span.parent.span_id) == "b7ad6b7169203331"
    assert span.status.status_code is StatusCode.UNSET
    assert span.attributes["http.target"] == "/orders/7/?a=b"
    assert span.attributes["http.route"] == "orders/<int:order_id>/"
    assert span.attributes["http.status_code"] == 200
    (point,) = recorded.points("http.server.duration")
    assert (point.attributes["http.target"], point.attributes["http.status_code"]) == ("orders/<int:order_id>/", 200)
    (active,) = recorded.points("http.server.active_requests")
    assert (active.value, "http.status_code" in active.attributes) == (0, False)


@pytest.mark.parametrize("opt_in", ["http", "http/dup"])
def test_generations(recorded: Any, monkeypatch: pytest.MonkeyPatch, opt_in: str) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", opt_in)
    DjangoInstrumentor().instrument(**recorded.providers)
    get("/broken/")
    (span,) = recorded.spans()
    assert (span.attributes["http.response.status_code"], span.attributes["error.type"]) == (500, "500")
    assert ("http.status_code" in span.attributes) == (opt_in == "http/dup")
    (point,) = recorded.points("http.server.request.duration")
    assert (point.attributes["http.route"], point.attributes["error.type"]) == ("broken/", "500")
    assert len(recorded.points("http.server.duration")) == (opt_in == "http/dup")


def test_errors(recorded: Any) -> None:
    DjangoInstrumentor().instrument(**recorded.providers)
    assert [get(url).status_code for url in ("/broken/", "/absent/", "/missing/")] == [500, 404, 404]
    broken, absent, missing = recorded.spans()
    assert (broken.status.status_code, broken.status.description) == (StatusCode.ERROR, "KeyError: 'price'")
    assert [event.attributes["exception.type"] for event in broken.events] == ["KeyError"]
    assert (absent.name, absent.status.status_code) == ("GET absent/", StatusCode.ERROR)
    assert (missing.name, missing.status.status_code, missing.events) == ("GET", StatusCode.UNSET, ())


def test_names(recorded: Any) -> None:
    """The name is the same, whether it is known when the span starts or not."""
    seen: list[str] = []

    class Watching(SpanProcessor):
        def on_start(self, span: Any, parent_context: Any = None) -> None:
            seen.append(span.name)

    DjangoInstrumentor().instrument(**recorded.providers)
    client = Client()
    client.get("/orders/7/")
    recorded.tracers.add_span_processor(Watching())
    client.get("/orders/8/")
    client.get("/")
    client.generic("STRANGE", "/orders/9/")
    assert seen == ["GET orders/<int:order_id>/", "GET home", "HTTP"]
    assert [span.name for span in recorded.spans()] == ["GET orders/<int:order_id>/", *seen]


def test_a_stream_is_current_while_it_is_made(recorded: Any) -> None:
    DjangoInstrumentor().instrument(**recorded.providers)
    response = get("/stream/")
    assert recorded.spans() == []
    parts = list(response.streaming_content)
    (span,) = recorded.spans()
    assert parts == [trace.format_span_id(span.context.span_id).encode()] * 2


def test_a_stream_that_nobody_reads_ends_when_it_is_closed(recorded: Any) -> None:
    DjangoInstrumentor().instrument(**recorded.providers)
    response = get("/stream/")
    response.close()
    assert [span.name for span in recorded.spans()] == ["GET stream/"]


def test_asynchronous(recorded: Any) -> None:
    DjangoInstrumentor().instrument(**recorded.providers)

    async def run() -> tuple[Any, list[bytes]]:
        client = AsyncClient(raise_request_exception=False)
        answers = [await client.get(url) for url in ("/async-orders/7/", "/orders/7/", "/broken/")]
        streamed = await client.get("/async-stream/")
        parts = [part async for part in streamed.streaming_content]
        assert trace.get_current_span() is trace.INVALID_SPAN
        return answers, parts

    (first, second, third), parts = asyncio.run(run())
    spans = recorded.spans()
    ids = [trace.format_span_id(span.context.span_id) for span in spans]
    assert [span.name.partition(" ")[2] for span in spans] == [
        "async-orders/<int:order_id>/",
        "orders/<int:order_id>/",
        "broken/",
        "async-stream/",
    ]
    assert [first.content.decode(), second.content.decode()] == ids[:2]
    assert (third.status_code, spans[2].status.description) == (500, "KeyError: 'price'")
    assert spans[0].attributes["http.url"] == "http://testserver/async-orders/7/"
    assert parts == [ids[3].encode()] * 2


def test_hooks(recorded: Any, caplog: pytest.LogCaptureFixture) -> None:
    def on_request(span: Any, request: Any) -> None:
        span.set_attribute("asked", request.path)

    def on_response(span: Any, request: Any, response: Any) -> None:
        response["X-Span"] = span.name
        raise ValueError("a hook's")

    DjangoInstrumentor().instrument(request_hook=on_request, response_hook=on_response, **recorded.providers)
    assert get("/orders/7/")["X-Span"] == "GET orders/<int:order_id>/"
    assert [span.attributes["asked"] for span in recorded.spans()] == ["/orders/7/"]
    assert "a hook's" in caplog.text


def test_excluded_urls(recorded: Any) -> None:
    DjangoInstrumentor().instrument(excluded_urls="testserver/orders/7,absent", **recorded.providers)
    for url in ("/orders/7/", "/absent/", "/orders/8/"):
        get(url)
    # Whether the host matters is not for us to say.
    assert get("/orders/9/", HTTP_HOST="elsewhere").status_code == 200
    assert len(recorded.spans()) == 2


def test_headers_and_attributes_of_the_request(recorded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST", "x-.*")
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE", "content-type")
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS", ".*secret.*")
    monkeypatch.setattr(_DjangoMiddleware, "_traced_request_attrs", ["path_info", "none_such"])
    DjangoInstrumentor().instrument(**recorded.providers)
    get("/orders/7/", HTTP_X_ONE="1", HTTP_X_SECRET="2")
    asyncio.run(AsyncClient().get("/orders/7/", headers={"x-one": "1", "x-secret": "2"}))
    spans = recorded.spans()
    assert len(spans) == 2
    for span in spans:
        assert span.attributes["http.request.header.x_one"] == ("1",)
        assert span.attributes["http.request.header.x_secret"] == ("[REDACTED]",)
        assert span.attributes["http.response.header.content_type"] == ("text/html; charset=utf-8",)
        assert span.attributes["path_info"] == "/orders/7/"
        assert "none_such" not in span.attributes


def test_statements_say_where_they_come_from(recorded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SQLCOMMENTER_WITH_FRAMEWORK", False, raising=False)
    DjangoInstrumentor().instrument(is_sql_commentor_enabled=True, **recorded.providers)
    assert settings.MIDDLEWARE == [OURS, COMMENTER]
    sql, span_id = get("/statement/").content.decode().split("\n")
    assert sql.startswith("SELECT 1 /*controller='statement',db_driver='django.db.backends.sqlite3',route='statement/'")
    assert f"-{span_id}-0" in sql
    assert sql.endswith("*/;")


def test_uninstrument_is_felt_by_handlers_that_are_made(recorded: Any) -> None:
    DjangoInstrumentor().instrument(**recorded.providers)
    client = Client()
    client.get("/orders/7/")
    DjangoInstrumentor().uninstrument()
    client.get("/orders/7/")
    assert len(recorded.spans()) == 1


@pytest.mark.parametrize(("wanted", "at"), [("1", 1), ("7", 0), ("x", 0), (None, 2)])
def test_position(monkeypatch: pytest.MonkeyPatch, wanted: str | None, at: int) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(settings, "MIDDLEWARE", ["a", "b"])
        if wanted is not None:
            patched.setenv("OTEL_PYTHON_DJANGO_MIDDLEWARE_POSITION", wanted)
        DjangoInstrumentor().instrument(middleware_position=2 if wanted is None else 0)
        assert settings.MIDDLEWARE.index(OURS) == at
        DjangoInstrumentor().uninstrument()
        assert settings.MIDDLEWARE == ["a", "b"]


def test_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_PYTHON_DJANGO_INSTRUMENT", "False")
    DjangoInstrumentor().instrument()
    assert settings.MIDDLEWARE == ()


def test_settings_that_are_not_there_yet() -> None:
    code = f"""
from django.conf import LazySettings, settings
from opentelemetry.instrumentation.django import DjangoInstrumentor
before = LazySettings._setup, LazySettings.configure
DjangoInstrumentor().instrument()
assert not settings.configured
settings.configure(MIDDLEWARE=("a",))
assert settings.MIDDLEWARE == [{OURS!r}, "a"], settings.MIDDLEWARE
DjangoInstrumentor().uninstrument()
assert settings.MIDDLEWARE == ("a",), settings.MIDDLEWARE
assert (LazySettings._setup, LazySettings.configure) == before
"""
    subprocess.run([sys.executable, "-c", code], check=True)
