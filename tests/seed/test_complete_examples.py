"""The complete code examples: real HTTP between processes, spans exported to a real receiver."""

from __future__ import annotations

import json
from typing import Any, Callable

import requests

CLIENT, SERVER = 3, 2
ERROR, UNSET = 2, 0


def test_flask_application(server: Any, start: Callable[..., Any]) -> None:
    app = start("flask_app", server.grpc_endpoint)
    url = f"http://127.0.0.1:{app.port()}/orders"
    found = requests.get(f"{url}/7", timeout=10)
    assert (found.status_code, found.json()) == (200, {"id": "7", "item": "pear"})
    missing = requests.get(f"{url}/9", timeout=10)
    assert (missing.status_code, missing.json()) == (404, {"error": "not found"})
    # Nobody calls provider.shutdown(): what waits is delivered when the process ends.
    app.stop()

    assert server.wait_for_spans(6)
    spans = server.spans()
    served = {span["span_id"]: span for span in spans if span["kind"] == SERVER}
    assert [span["name"] for span in served.values()] == ["GET /orders/<order_id>"] * 2
    fetched = {span["attributes"]["order.id"]: span for span in spans if span["name"] == "fetch_order"}
    assert set(fetched) == {"7", "9"}
    assert (fetched["7"]["status_code"], fetched["7"]["status_message"]) == (UNSET, "")
    assert (fetched["9"]["status_code"], fetched["9"]["status_message"]) == (ERROR, "Order not found")
    asked = [span for span in spans if span["name"] == "db_get_order"]
    assert {(span["trace_id"], span["parent_span_id"]) for span in asked} == {
        (span["trace_id"], span["span_id"]) for span in fetched.values()
    }
    assert {span["parent_span_id"] for span in fetched.values()} == served.keys()
    for span in spans:
        assert span["resource"]["service.name"] == "my-flask-app"
        by = "opentelemetry.instrumentation.flask" if span["span_id"] in served else "__main__"
        assert span["scope_name"] == by


def test_distributed_tracing_across_services(server: Any, start: Callable[..., Any]) -> None:
    service_b = start("service_b", f"{server.http_endpoint}/v1/traces")
    service_a = start("service_a", f"http://127.0.0.1:{service_b.port()}", server.grpc_endpoint)
    out, error = service_a.finish()
    assert (json.loads(out), error) == ({"data": [1, 2, 3]}, "")
    assert service_b.stop()[1] == ""

    assert server.wait_for_spans(2)
    spans = {span["name"]: span for span in server.spans()}
    called, handled = spans["call_service_b"], spans["handle_request"]
    assert called["trace_id"] == handled["trace_id"]
    assert called["parent_span_id"] is None
    assert handled["parent_span_id"] == called["span_id"]
    assert (called["kind"], handled["kind"]) == (CLIENT, SERVER)
    assert called["attributes"] == {"peer.service": "service-b", "http.status_code": 200}
    assert called["resource"]["service.name"] == "service-a"
    assert handled["resource"]["service.name"] == "service-b"
    assert called["start_time_unix_nano"] <= handled["start_time_unix_nano"]
