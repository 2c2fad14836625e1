"""`RequestsInstrumentor`: spans, metrics and headers of real requests; what it leaves to the program."""

from __future__ import annotations

import logging
from typing import Any, Callable, Iterator

import pytest
import requests
from requests.sessions import Session

from opentelemetry import trace
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.utils import suppress_http_instrumentation
from opentelemetry.trace import SpanKind, StatusCode

ORIGINAL_SEND = Session.send
REFUSED = "http://127.0.0.1:9/x"


@pytest.fixture
def instrument(recorded: Any) -> Iterator[Callable[..., None]]:
    yield lambda **arguments: RequestsInstrumentor().instrument(**recorded.providers, **arguments)
    RequestsInstrumentor().uninstrument()
    assert Session.send is ORIGINAL_SEND


def ids(spans: list[Any]) -> list[str]:
    return [f"{span.get_span_context().span_id:016x}" for span in spans]


def test_a_request_in_the_old_generation(instrument: Any, recorded: Any, http_server: Any) -> None:
    instrument()
    with recorded.tracers.get_tracer("t").start_as_current_span("outer") as outer:
        answer = requests.get(f"{http_server.url}/orders?q=1", headers={"User-Agent": "me"}, timeout=10)
    assert answer.text == "body"
    span, _ = recorded.spans()
    assert (span.name, span.kind, span.status.status_code) == ("GET", SpanKind.CLIENT, StatusCode.UNSET)
    assert span.parent.span_id == outer.get_span_context().span_id
    assert dict(span.attributes) == {
        "http.method": "GET",
        "http.url": f"{http_server.url}/orders?q=1",
        "http.status_code": 200,
        "user_agent.original": "me",
    }
    assert http_server.callers() == ids([span])
    (point,) = recorded.points("http.client.duration")
    assert dict(point.attributes) == {
        "http.method": "GET",
        "http.scheme": "http",
        "http.host": "127.0.0.1",
        "net.peer.name": "127.0.0.1",
        "net.peer.port": http_server.port,
        "http.status_code": 200,
        "http.flavor": "1.1",
    }
    assert span.instrumentation_scope.name == "opentelemetry.instrumentation.requests"


def test_a_request_in_the_stable_generation(
    instrument: Any, recorded: Any, http_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
    instrument()
    requests.request("BREW", f"http://user:secret@127.0.0.1:{http_server.port}/status/404?sig=x&a=b", timeout=10)
    requests.get(f"{http_server.url}/status/500", timeout=10)
    unknown, failed = recorded.spans()
    assert unknown.name == "HTTP"
    # The server does not know the method either.
    assert dict(unknown.attributes) == {
        "http.request.method": "_OTHER",
        "http.request.method_original": "BREW",
        "url.full": f"http://REDACTED:REDACTED@127.0.0.1:{http_server.port}/status/404?sig=REDACTED&a=b",
        "server.address": "127.0.0.1",
        "server.port": http_server.port,
        "network.peer.address": "127.0.0.1",
        "network.peer.port": http_server.port,
        "http.response.status_code": 501,
        "network.protocol.version": "1.1",
        "error.type": "501",
        "user_agent.original": unknown.attributes["user_agent.original"],
    }
    assert (failed.name, failed.status.status_code, failed.attributes["error.type"]) == ("GET", StatusCode.ERROR, "500")
    assert recorded.points("http.client.duration") == []
    assert {
        point.attributes["http.response.status_code"] for point in recorded.points("http.client.request.duration")
    } == {
        500,
        501,
    }


def test_both_generations(instrument: Any, recorded: Any, http_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http/dup")
    instrument()
    requests.get(http_server.url, timeout=10)
    (span,) = recorded.spans()
    assert {"http.method", "http.request.method", "http.url", "url.full"} <= span.attributes.keys()
    assert len(recorded.points("http.client.duration")) == len(recorded.points("http.client.request.duration")) == 1


def test_a_request_that_fails(
    instrument: Any, recorded: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
    instrument()
    with pytest.raises(requests.ConnectionError):
        requests.get(REFUSED, timeout=10)
    with pytest.raises(requests.exceptions.InvalidSchema):
        requests.get("carrier-pigeon://x", timeout=10)
    span, invalid = recorded.spans()
    assert (span.status.status_code, span.attributes["error.type"]) == (StatusCode.ERROR, "ConnectionError")
    assert [event.name for event in span.events] == ["exception"]
    assert invalid.attributes["error.type"] == "InvalidSchema"
    assert not caplog.records


def test_redirects_have_one_span(instrument: Any, recorded: Any, http_server: Any) -> None:
    instrument()
    assert requests.get(f"{http_server.url}/redirect", timeout=10).status_code == 204
    (span,) = recorded.spans()
    assert span.attributes["http.status_code"] == 204
    assert http_server.callers() == ids([span]) * 2


def test_hooks_and_what_they_raise(
    instrument: Any, recorded: Any, http_server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def on_request(span: Any, request: requests.PreparedRequest) -> None:
        assert trace.get_current_span() is span
        span.set_attribute("hooked", request.method)
        request.headers["X-Hook"] = "1"

    def on_response(span: Any, request: requests.PreparedRequest, response: requests.Response) -> None:
        span.set_attribute("answered", response.status_code)
        raise RuntimeError("hook")

    instrument(request_hook=on_request, response_hook=on_response)
    with caplog.at_level(logging.ERROR):
        assert requests.get(http_server.url, timeout=10).status_code == 200
    (span,) = recorded.spans()
    assert (span.attributes["hooked"], span.attributes["answered"]) == ("GET", 200)
    assert http_server.requests[0]["x-hook"] == "1"
    assert "A hook for HTTP requests raised" in caplog.text


def test_what_gets_no_span(instrument: Any, recorded: Any, http_server: Any) -> None:
    instrument(excluded_urls="health,/no.e$")
    requests.get(f"{http_server.url}/health", timeout=10)
    requests.get(f"{http_server.url}/none", timeout=10)
    with suppress_http_instrumentation():
        requests.get(http_server.url, timeout=10)
    assert recorded.spans() == []
    assert http_server.callers() == [None] * 3


def test_headers_that_the_environment_wants(
    instrument: Any, recorded: Any, http_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST", "X-Asked,x-secret.*")
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE", "x-answer,X-Secret")
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS", ".*secret.*")
    instrument()
    requests.get(http_server.url, headers={"X-Asked": "q", "X-Secret-Key": "k", "X-Other": "o"}, timeout=10)
    (span,) = recorded.spans()
    captured = {key: value for key, value in span.attributes.items() if ".header." in key}
    assert captured == {
        "http.request.header.x_asked": ("q",),
        "http.request.header.x_secret_key": ("[REDACTED]",),
        "http.response.header.x_answer": ("a",),
        "http.response.header.x_secret": ("[REDACTED]",),
    }


def test_one_session_without(instrument: Any, recorded: Any, http_server: Any) -> None:
    instrument()
    with requests.Session() as quiet, requests.Session() as loud:
        RequestsInstrumentor.uninstrument_session(quiet)
        assert quiet.get(http_server.url, timeout=10).ok
        assert loud.get(http_server.url, stream=True, timeout=10).content == b"body"
    assert len(recorded.spans()) == 1


def test_a_wrapper_of_the_programs_own_stays(instrument: Any, recorded: Any, http_server: Any) -> None:
    instrument()
    instrumented, called = Session.send, []

    def mine(session: Session, request: Any, **kwargs: Any) -> Any:
        called.append(request.url)
        return instrumented(session, request, **kwargs)

    Session.send = mine  # type: ignore[method-assign, assignment]
    try:
        RequestsInstrumentor().uninstrument()
        assert requests.get(http_server.url, timeout=10).ok
    finally:
        Session.send = ORIGINAL_SEND  # type: ignore[method-assign]
    assert len(called) == 1
    assert recorded.spans() == []
