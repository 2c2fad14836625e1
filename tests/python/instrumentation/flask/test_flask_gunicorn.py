"""A Flask application under gunicorn and `opentelemetry-instrument`, exporting OTLP to a real receiver."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator, NamedTuple

import pytest
import requests

from ferrotel import _native

HERE = Path(__file__).parent
COMMAND = Path(sys.executable).parent / "opentelemetry-instrument"
INTERNAL, SERVER = 1, 2
UNSET, ERROR = 0, 2
TRACE_ID, PARENT_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Shop(NamedTuple):
    process: subprocess.Popen[str]
    url: str
    receiver: Any

    def get(self, path: str, **headers: str) -> requests.Response:
        return requests.get(self.url + path, headers=headers, timeout=20)

    def stop(self) -> str:
        """Stops gunicorn as an orchestrator does; what it logged. Its workers deliver what they hold."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=30)[1]


@pytest.fixture(params=["sync", "gthread"])
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    with _native.ViewServer() as receiver:
        environ = {
            **os.environ,
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.grpc_endpoint,
            "OTEL_EXPORTER_OTLP_INSECURE": "true",
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "otlp",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_SERVICE_NAME": "shop",
            "OTEL_PYTHON_FLASK_EXCLUDED_URLS": "health",
            "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
        }
        options = [
            "--bind",
            "127.0.0.1:0",
            "--workers",
            "1",
            "--threads",
            "2",
            "--worker-class",
            request.param,
            "--no-control-socket",
        ]
        process = subprocess.Popen(
            [str(COMMAND), sys.executable, "-m", "gunicorn", *options, "--chdir", str(HERE / "programs"), "shop:app"],
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=environ,
        )
        try:
            assert process.stderr is not None
            logged = ""
            while not (listens := re.search(r"Listening at: (http://\S+)", logged)):
                line = process.stderr.readline()
                assert line, logged
                logged += line
            yield Shop(process, listens.group(1), receiver)
        finally:
            process.kill()
            process.communicate()


def test_requests_arrive_as_spans_and_metrics(shop: Shop) -> None:
    traceparent = f"00-{TRACE_ID}-{PARENT_ID}-01"
    assert shop.get("/orders/7?token=x", traceparent=traceparent).json() == {"id": 7}
    assert shop.get("/orders/8").json() == {"id": 8}
    assert shop.get("/missing").status_code == 404
    assert shop.get("/broken").status_code == 500
    assert shop.get("/health").text == "well"
    assert shop.get("/stream").text == "0\n1\n2\n"
    assert shop.get("/stream-with-context").text == "0\n1\n2\n"
    current = shop.get("/current").text
    logged = shop.stop()

    assert shop.receiver.wait_for_spans(15)
    spans = shop.receiver.spans()
    served = [span for span in spans if span["kind"] == SERVER]
    named: dict[str, list[dict[str, Any]]] = {}
    for span in served:
        assert span["resource"]["service.name"] == "shop"
        assert span["scope_name"] == "opentelemetry.instrumentation.flask"
        named.setdefault(span["name"], []).append(span)
    assert {name: len(each) for name, each in named.items()} == {
        "GET /orders/<int:order_id>": 2,
        "GET /missing": 1,
        "GET /broken": 1,
        "GET /stream": 1,
        "GET /stream-with-context": 1,
        "GET /current": 1,
    }

    called = next(span for span in served if span["trace_id"] == TRACE_ID)
    assert called["parent_span_id"] == PARENT_ID
    assert called["attributes"]["http.route"] == "/orders/<int:order_id>"
    assert (called["attributes"]["url.path"], called["attributes"]["url.query"]) == ("/orders/7", "token=x")
    assert (called["attributes"]["http.response.status_code"], called["status_code"]) == (200, UNSET)
    inner = next(span for span in spans if span["name"] == "look_up" and span["trace_id"] == TRACE_ID)
    assert (inner["parent_span_id"], inner["kind"]) == (called["span_id"], INTERNAL)
    # No request is taken for a part of the one before: the context of the worker is clean after each.
    assert [span["parent_span_id"] for span in served if span is not called] == [None] * 6
    assert named["GET /current"][0]["span_id"] == current

    (missing,), (broken,) = named["GET /missing"], named["GET /broken"]
    assert (missing["attributes"]["http.response.status_code"], missing["status_code"]) == (404, UNSET)
    assert "http.route" not in missing["attributes"]
    assert (broken["attributes"]["http.response.status_code"], broken["status_code"]) == (500, ERROR)
    assert broken["status_message"] == "KeyError: 'price'"
    assert [event["attributes"]["exception.type"] for event in broken["events"]] == ["KeyError"]

    for name in ("GET /stream", "GET /stream-with-context"):
        (stream,) = named[name]
        made = [span for span in spans if span["parent_span_id"] == stream["span_id"]]
        assert {span["name"] for span in made} == {"part 0", "part 1", "part 2"}
        assert stream["end_time_unix_nano"] >= max(span["end_time_unix_nano"] for span in made)

    series = {
        (
            metric["name"],
            metric["attributes"].get("http.route"),
            metric["attributes"].get("http.response.status_code"),
        ): metric["value"]
        for metric in shop.receiver.metrics()
        if metric["name"].startswith("http.server.")
    }
    durations = {key[1:]: value["count"] for key, value in series.items() if key[0] == "http.server.request.duration"}
    assert durations == {
        ("/orders/<int:order_id>", 200): 2,
        (None, 404): 1,
        ("/broken", 500): 1,
        ("/stream", 200): 1,
        ("/stream-with-context", 200): 1,
        ("/current", 200): 1,
    }
    assert series["http.server.active_requests", None, None] == 0
    # Flask's own, of /broken.
    assert logged.count("Traceback") == 1
    assert "opentelemetry" not in logged
