"""`opentelemetry.util.http`: what instrumentations of HTTP leave out, capture and hide."""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Iterator

import pytest

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.util import http as util
from opentelemetry.util.http import httplib


@pytest.mark.parametrize(
    ("url", "disabled"),
    [("http://a/health", True), ("http://a/healthy/x", True), ("http://a/x/123/info", True), ("http://a/other", False)],
)
def test_excluded_urls(monkeypatch: pytest.MonkeyPatch, url: str, disabled: bool) -> None:
    monkeypatch.setenv("OTEL_PYTHON_EXCLUDED_URLS", "health , x/[0-9]+/info")
    assert util.get_excluded_urls("FLASK").url_disabled(url) is disabled


def test_excluded_urls_of_one_instrumentation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_PYTHON_EXCLUDED_URLS", "health")
    monkeypatch.setenv("OTEL_PYTHON_FLASK_EXCLUDED_URLS", "ping")
    assert not util.get_excluded_urls("FLASK").url_disabled("/health")
    assert util.get_excluded_urls("FLASK").url_disabled("/ping")
    assert util.get_excluded_urls("DJANGO").url_disabled("/health")


def test_no_excluded_urls() -> None:
    assert not util.parse_excluded_urls("").url_disabled("/")


def test_traced_request_attributes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert util.get_traced_request_attrs("DJANGO") == []
    monkeypatch.setenv("OTEL_PYTHON_DJANGO_TRACED_REQUEST_ATTRS", "path_info, content_type")
    assert util.get_traced_request_attrs("DJANGO") == ["path_info", "content_type"]


def test_captured_headers() -> None:
    headers = {"User-Agent": "curl", "X-Token": ["secret", "more"], "Accept": "text/html"}
    captured = util.get_custom_header_attributes(
        headers, ["user-agent", "x-.*"], ["token"], util.normalise_request_header_name
    )
    assert captured == {
        "http.request.header.user_agent": ["curl"],
        "http.request.header.x_token": ["[REDACTED]", "[REDACTED]"],
    }
    assert util.get_custom_header_attributes(headers, None, None, util.normalise_response_header_name) == {}
    assert util.get_custom_header_attributes(None, [".*"], None, util.normalise_response_header_name) == {}
    assert util.get_custom_header_attributes(headers, ["accept"], None, util.normalise_response_header_name) == {
        "http.response.header.accept": ["text/html"]
    }


def test_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [util.sanitize_method(method) for method in ("get", "QUERY", "HACK")] == ["GET", "QUERY", "_OTHER"]
    assert util.sanitize_method(None) is None
    monkeypatch.setenv("OTEL_PYTHON_INSTRUMENTATION_HTTP_CAPTURE_ALL_METHODS", "true")
    assert util.sanitize_method("hack") == "HACK"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://me:secret@host:80/p?q=1#f", "https://REDACTED:REDACTED@host:80/p?q=1#f"),
        ("https://me@host/p", "https://REDACTED:REDACTED@host/p"),
        ("https://host/p?sig=abc&b=2", "https://host/p?sig=REDACTED&b=2"),
        ("https://u:p@host/p?AWSAccessKeyId=1", "https://REDACTED:REDACTED@host/p?AWSAccessKeyId=REDACTED"),
        ("https://host/p?other=a%20b", "https://host/p?other=a%20b"),
        ("/p?Signature=1", "/p?Signature=REDACTED"),
        ("http://[no", "http://[no"),
        ("me@host", "me@host"),
    ],
)
def test_redacted_urls(url: str, told: str) -> None:
    assert util.redact_url(url) == told


@pytest.mark.parametrize("held", ["Mozilla", b"Mozilla", bytearray(b"Mozilla"), memoryview(b"Mozilla")])
def test_user_agents_as_text(held: Any) -> None:
    assert util.normalize_user_agent(held) == "Mozilla"
    assert util.normalize_user_agent(None) is None


@pytest.mark.parametrize(
    ("user_agent", "kind"),
    [
        ("Mozilla (AlwaysOn)", "test"),
        ("Googlebot/2.1", "bot"),
        ("alwayson bingbot", "test"),
        ("curl", None),
        ("", None),
        (None, None),
    ],
)
def test_synthetic_user_agents(user_agent: str | None, kind: str | None) -> None:
    assert util.detect_synthetic_user_agent(user_agent) == kind


def test_attributes_of_metrics() -> None:
    request = {"http.method": "GET", "http.status_code": 200, "http.target": "/", "net.host.port": 80}
    assert util._parse_active_request_count_attrs(request) == {"http.method": "GET"}
    duration = {"http.method": "GET", "http.status_code": 200, "net.host.port": 80}
    assert util._parse_duration_attrs(request) == duration


def test_a_target_that_cannot_be_read() -> None:
    assert util._parse_url_query("/p?q=1") == ("/p", "q=1")
    assert util._parse_url_query("http://[no") == ("", "")


@pytest.fixture
def port() -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_address_of_a_connection(port: int) -> None:
    before = (http.client.HTTPConnection.connect, http.client.HTTPConnection.send)
    instrumentor = httplib.HttpClientInstrumentor()
    instrumentor.instrument()
    try:
        tracer = TracerProvider().get_tracer("test")
        first, second, unrelated = (tracer.start_span(name) for name in ("first", "second", "unrelated"))
        connection = http.client.HTTPConnection("localhost", port)
        for span in (first, second):
            # The second request uses the connection of the first.
            with httplib.set_ip_on_next_http_connection(span):
                connection.request("GET", "/")
                assert connection.getresponse().read() == b""
        connection.request("GET", "/")
        connection.getresponse().read()
        connection.close()
    finally:
        instrumentor.uninstrument()
    assert [span.attributes.get("net.peer.ip") for span in (first, second, unrelated)] == ["127.0.0.1"] * 2 + [None]
    assert (http.client.HTTPConnection.connect, http.client.HTTPConnection.send) == before
