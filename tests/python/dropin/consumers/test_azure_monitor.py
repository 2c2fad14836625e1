"""The exporters of Azure Monitor, which speak a protocol of their own: to a server that keeps what it is sent."""

from __future__ import annotations

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Iterator

import pytest

from .conftest import Install, Run

pytestmark = pytest.mark.slow


class Ingestion(ThreadingHTTPServer):
    """Takes envelopes as Application Insights does, and keeps them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.envelopes: list[dict[str, Any]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Ingestion

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        envelopes = json.loads(body)
        self.server.envelopes += envelopes
        answer = {"itemsReceived": len(envelopes), "itemsAccepted": len(envelopes), "errors": []}
        encoded = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def ingestion() -> Iterator[Ingestion]:
    with Ingestion() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_first_steps(install: Install, run: Run, ingestion: Ingestion) -> None:
    # No statistics about itself, no settings fetched from elsewhere.
    quiet = {"APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true", "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true"}
    environ = {**quiet, "BACKEND": f"http://127.0.0.1:{ingestion.server_port}"}
    told = run(install("azure-monitor"), "azure_monitor_steps.py", **environ)
    trace_id, span_id, inner_id = told["ids"]

    by_kind: dict[str, list[dict[str, Any]]] = {}
    for envelope in ingestion.envelopes:
        kind = envelope["data"]["baseType"]
        by_kind.setdefault(kind, []).append({**envelope["data"]["baseData"], "tags": envelope["tags"]})

    (request,) = by_kind["RequestData"]
    assert (request["id"], request["responseCode"], request["success"]) == (span_id, "200", True)
    (dependency,) = by_kind["RemoteDependencyData"]
    assert (dependency["id"], dependency["name"]) == (inner_id, "inner")
    assert dependency["tags"]["ai.operation.parentId"] == span_id
    (exception,) = (each["exceptions"][0] for each in by_kind["ExceptionData"])
    assert (exception["typeName"], exception["message"]) == ("ValueError", "no")
    assert 'raise ValueError("no")' in exception["stack"]
    messages = {each["message"]: each for each in by_kind["MessageData"]}
    assert messages["happened"]["properties"] == {"a": "1"}
    assert messages["careful 1"]["tags"]["ai.operation.parentId"] == span_id
    for envelope in (request, dependency, messages["careful 1"]):
        assert envelope["tags"]["ai.operation.id"] == trace_id

    metrics = {each["metrics"][0]["name"]: each for each in by_kind["MetricData"]}
    assert (metrics["things"]["metrics"][0]["value"], metrics["things"]["properties"]) == (3, {"k": "v"})
    assert metrics["seconds"]["metrics"][0] == {"name": "seconds", "value": 2.5, "count": 1, "min": 2.5, "max": 2.5}
    assert metrics["_OTELRESOURCE_"]["properties"]["telemetry.sdk.name"] == "ferrotel"
