"""The Zipkin exporter against an HTTP server in the place of Zipkin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Iterator

import pytest
import requests

from opentelemetry.exporter.zipkin.encoder import Protocol
from opentelemetry.exporter.zipkin.json import ZipkinExporter
from opentelemetry.exporter.zipkin.node_endpoint import NodeEndpoint
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode


class Zipkin:
    def __init__(self) -> None:
        self.received: list[tuple[str, str, list[dict[str, Any]]]] = []
        self.status = 202
        zipkin = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                zipkin.received.append((self.path, self.headers["Content-Type"], json.loads(body)))
                self.send_response(zipkin.status)
                self.end_headers()
                self.wfile.write(b"because")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}/api/v2/spans"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def spans(self) -> list[dict[str, Any]]:
        return [span for _, _, spans in self.received for span in spans]


@pytest.fixture
def zipkin() -> Iterator[Zipkin]:
    zipkin = Zipkin()
    yield zipkin
    zipkin.server.shutdown()
    zipkin.server.server_close()
    zipkin.thread.join()


def provider(exporter: ZipkinExporter, **arguments: Any) -> TracerProvider:
    made = TracerProvider(resource=Resource({"service.name": "shop", "zone": "a"}), **arguments)
    made.add_span_processor(SimpleSpanProcessor(exporter))
    return made


def test_spans_arrive_as_zipkin_wants_them(zipkin: Zipkin) -> None:
    exporter = ZipkinExporter(endpoint=zipkin.endpoint, local_node_ipv4="192.168.0.1", local_node_port=8000)
    tracers = provider(exporter, span_limits=SpanLimits(max_span_attributes=5, max_events=1, max_links=0))
    tracer = tracers.get_tracer("lib", "1.0")
    with tracer.start_as_current_span("parent", kind=SpanKind.SERVER) as parent:
        child = tracer.start_span("child", kind=SpanKind.CLIENT, start_time=1_000_499)
        child.set_attributes({"gone": 1, "yes": True, "number": 1.5, "list": [1, 2], "peer.service": "db", "text": "t"})
        child.add_event("lost")
        child.add_event("happened", {"b": 1, "a": "x"}, timestamp=2_000_500)
        child.set_status(Status(StatusCode.ERROR, "broken"))
        child.end(end_time=1_002_000)
    found, root = zipkin.spans()
    assert zipkin.received[0][:2] == ("/api/v2/spans", "application/json")
    assert found == {
        "traceId": format(parent.get_span_context().trace_id, "032x"),
        "id": format(child.get_span_context().span_id, "016x"),
        "parentId": format(parent.get_span_context().span_id, "016x"),
        "name": "child",
        "kind": "CLIENT",
        "timestamp": 1000,
        "duration": 2,
        "debug": True,
        "localEndpoint": {"serviceName": "shop", "ipv4": "192.168.0.1", "port": 8000},
        "remoteEndpoint": {"serviceName": "db"},
        "annotations": [{"timestamp": 2001, "value": '{"happened":{"a":"x","b":1}}'}],
        "tags": {
            "yes": "true",
            "number": "1.5",
            "list": '["1","2"]',
            "peer.service": "db",
            "text": "t",
            "service.name": "shop",
            "zone": "a",
            "otel.scope.name": "lib",
            "otel.scope.version": "1.0",
            "otel.library.name": "lib",
            "otel.library.version": "1.0",
            "otel.status_code": "ERROR",
            "error": "broken",
            "otel.dropped_attributes_count": "1",
            "otel.dropped_events_count": "1",
        },
    }
    assert (root["kind"], "parentId" in root, "annotations" in root) == ("SERVER", False, False)


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (SpanKind.INTERNAL, None),
        (SpanKind.SERVER, "SERVER"),
        (SpanKind.CLIENT, "CLIENT"),
        (SpanKind.PRODUCER, "PRODUCER"),
        (SpanKind.CONSUMER, "CONSUMER"),
    ],
)
def test_kinds_and_the_status_ok(zipkin: Zipkin, kind: SpanKind, word: str | None) -> None:
    tracers = provider(ZipkinExporter(endpoint=zipkin.endpoint, max_tag_value_length=3))
    span = tracers.get_tracer("lib").start_span("n", kind=kind, attributes={"long": "abcdef"})
    span.set_status(StatusCode.OK)
    span.end()
    (found,) = zipkin.spans()
    assert found.get("kind") == word
    assert (found["tags"]["otel.status_code"], found["tags"]["long"]) == ("OK", "abc")
    assert "error" not in found["tags"]


def test_the_environment(zipkin: Zipkin) -> None:
    program = (
        "from opentelemetry import trace\n"
        "from opentelemetry.sdk._configuration import _initialize_components\n"
        "_initialize_components()\n"
        "with trace.get_tracer('t').start_as_current_span('made'): pass\n"
    )
    environ = {
        **os.environ,
        "OTEL_TRACES_EXPORTER": "zipkin_json",
        "OTEL_EXPORTER_ZIPKIN_ENDPOINT": zipkin.endpoint,
        "OTEL_EXPORTER_ZIPKIN_TIMEOUT": "7",
        "OTEL_SERVICE_NAME": "named",
    }
    subprocess.run([sys.executable, "-c", program], env=environ, check=True, timeout=60)
    (span,) = zipkin.spans()
    assert (span["name"], span["localEndpoint"]) == ("made", {"serviceName": "named"})


def test_the_timeout_of_the_environment(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    for text, seconds in (("7", 7.0), ("0.5", 0.5), ("soon", 10.0), ("-1", 10.0), ("", 10.0)):
        monkeypatch.setenv("OTEL_EXPORTER_ZIPKIN_TIMEOUT", text)
        assert ZipkinExporter().timeout == seconds
    assert len(caplog.records) == 2
    assert ZipkinExporter().endpoint == "http://localhost:9411/api/v2/spans"
    assert ZipkinExporter(timeout=3).timeout == 3


def test_what_zipkin_does_not_take_is_said(zipkin: Zipkin, caplog: pytest.LogCaptureFixture) -> None:
    exporter = ZipkinExporter(endpoint=zipkin.endpoint)
    span = TracerProvider().get_tracer("t").start_span("s")
    span.end()
    zipkin.status = 500
    assert exporter.export([span]).name == "FAILURE"
    exporter.endpoint = "http://127.0.0.1:9/"
    assert exporter.export([span]).name == "FAILURE"
    exporter.shutdown()
    exporter.shutdown()
    assert exporter.export([span]).name == "FAILURE"
    said = [record.getMessage() for record in caplog.records]
    assert [line[:30] for line in said] == [
        "Spans can't be sent to Zipkin:",
        "Spans can't be sent to Zipkin:",
        "The exporter is shut down alre",
        "The exporter is shut down, and",
    ]
    assert "500" in said[0]


def test_a_session_of_the_programs_own(zipkin: Zipkin) -> None:
    with requests.Session() as session:
        session.headers["X-Mine"] = "1"
        tracers = TracerProvider()
        tracers.add_span_processor(BatchSpanProcessor(ZipkinExporter(endpoint=zipkin.endpoint, session=session)))
        tracers.get_tracer("t").start_span("s").end()
        assert tracers.force_flush()
        tracers.shutdown()
    assert [span["name"] for span in zipkin.spans()] == ["s"]
    assert zipkin.received[0][1] == "application/json"


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="V1 of Zipkin's protocol is not supported"):
        ZipkinExporter(Protocol.V1)
    with pytest.raises(ValueError, match="'::1' is no IPv4Address"):
        NodeEndpoint(ipv4="::1")
    with pytest.raises(ValueError, match="'1.2.3.4' is no IPv6Address"):
        NodeEndpoint(ipv6="1.2.3.4")
    assert str(NodeEndpoint(ipv4=1).ipv4) == "0.0.0.1"
