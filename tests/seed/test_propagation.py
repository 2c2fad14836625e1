"""Context propagation: the headers of real HTTP requests."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Iterator

import pytest
import requests

from opentelemetry import baggage, propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.propagate import extract, inject, set_global_textmap
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace.propagation import TraceContextTextMapPropagator


@pytest.fixture
def downstream() -> Iterator[tuple[str, list[Any]]]:
    """A service whose handler continues the trace, in the example's words; its URL, and the requests it saw."""
    seen: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            request = self
            tracer = trace.get_tracer("downstream")
            context = extract(request.headers)
            with tracer.start_as_current_span("handle", context=context):
                seen.append((dict(request.headers.items()), baggage.get_all(context)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}/api", seen
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_inject_and_extract(exporter: Any, downstream: tuple[str, list[Any]]) -> None:
    url, seen = downstream
    tracer = trace.get_tracer("upstream")
    with tracer.start_as_current_span("call") as span:
        headers: dict[str, str] = {}
        inject(headers)
        context = span.get_span_context()
        # 01: sampled; 02: level 2's flag for a random trace id, as the official packages send it today.
        assert headers["traceparent"] == f"00-{context.trace_id:032x}-{context.span_id:016x}-03"

        response = requests.get(url, headers=headers, timeout=10)
        assert response.status_code == 204

    [(arrived, _)] = seen
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-03", arrived["traceparent"])
    handled, called = exporter.get_finished_spans()
    assert (handled.name, called.name) == ("handle", "call")
    assert handled.context.trace_id == called.context.trace_id
    assert handled.parent.span_id == called.context.span_id
    assert handled.parent.is_remote and called.parent is None


def test_extract_without_headers_starts_a_trace(exporter: Any, downstream: tuple[str, list[Any]]) -> None:
    assert requests.get(downstream[0], timeout=10).status_code == 204
    [handled] = exporter.get_finished_spans()
    assert handled.parent is None


def test_w3c_trace_context_and_baggage(
    exporter: Any, downstream: tuple[str, list[Any]], alone: Callable[..., Any]
) -> None:
    set_global_textmap(
        CompositePropagator(
            [
                TraceContextTextMapPropagator(),
                W3CBaggagePropagator(),
            ]
        )
    )
    assert propagate.get_global_textmap().fields == {"traceparent", "tracestate", "baggage"}
    url, seen = downstream

    def call() -> None:
        headers: dict[str, str] = {}
        inject(headers, baggage.set_baggage("user.id", "12345", trace.set_span_in_context(span)))
        requests.get(url, headers=headers, timeout=10)

    span = trace.get_tracer("upstream").start_span("call")
    alone(call)
    [(arrived, carried)] = seen
    assert {"traceparent", "baggage"} <= set(arrived)
    assert carried == {"user.id": "12345"}
    [handled] = exporter.get_finished_spans()
    assert handled.context.trace_id == span.get_span_context().trace_id
