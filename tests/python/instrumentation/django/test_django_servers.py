"""A Django project under gunicorn, uvicorn and `runserver`, with `opentelemetry-instrument`, exporting OTLP."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Iterator, NamedTuple

import pytest
import requests

from ferrotel import _native

HERE = Path(__file__).parent / "programs"
COMMAND = Path(sys.executable).parent / "opentelemetry-instrument"
INTERNAL, SERVER = 1, 2
UNSET, ERROR = 0, 2
TRACE_ID, PARENT_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Shop(NamedTuple):
    kind: str
    process: subprocess.Popen[str]
    url: str
    receiver: Any

    def get(self, path: str, **headers: str) -> requests.Response:
        return requests.get(self.url + path, headers=headers, timeout=20)

    def stop(self) -> None:
        """Stops the server as an orchestrator does: its workers deliver what they hold."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def command(kind: str, port: int) -> list[str]:
    address = f"127.0.0.1:{port}"
    if kind == "gunicorn":
        options = ["--bind", address, "--workers", "1", "--threads", "2", "--no-control-socket"]
        return ["-m", "gunicorn", *options, "shop_site:wsgi"]
    if kind == "uvicorn":
        return ["-m", "uvicorn", "--port", str(port), "--lifespan", "off", "shop_site:asgi"]
    return ["manage.py", "runserver", address, *(["--noreload"] if kind == "runserver" else [])]


@pytest.fixture
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    port = free_port()
    with _native.ViewServer() as receiver:
        environ = {
            **os.environ,
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.grpc_endpoint,
            "OTEL_EXPORTER_OTLP_INSECURE": "true",
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "otlp",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "OTEL_SERVICE_NAME": "shop",
            "OTEL_PYTHON_DJANGO_EXCLUDED_URLS": "health",
            "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
            # The spans of SQLite's statements are another instrumentation's.
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "sqlite3,asgi,wsgi",
        }
        environ.pop("DJANGO_SETTINGS_MODULE", None)
        process = subprocess.Popen(
            [str(COMMAND), sys.executable, *command(request.param, port)],
            cwd=HERE,
            env=environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            start_new_session=True,
        )
        try:
            made = Shop(request.param, process, f"http://127.0.0.1:{port}", receiver)
            deadline = time.monotonic() + 40
            while True:
                try:
                    if made.get("/health/").text == "well":
                        break
                except requests.ConnectionError:
                    assert process.poll() is None
                    assert time.monotonic() < deadline
                    time.sleep(0.1)
            yield made
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


@pytest.mark.parametrize("shop", ["gunicorn", "uvicorn"], indirect=True)
def test_requests_arrive_as_spans_and_metrics(shop: Shop) -> None:
    asynchronous = shop.kind == "uvicorn"
    order, stream = ("async-orders", "async-stream") if asynchronous else ("orders", "stream")
    traceparent = f"00-{TRACE_ID}-{PARENT_ID}-01"
    assert shop.get(f"/{order}/7/?token=x", traceparent=traceparent).json() == {"id": 7}
    assert shop.get(f"/{order}/8/").json() == {"id": 8}
    assert shop.get("/missing/").status_code == 404
    assert shop.get("/broken/").status_code == 500
    assert shop.get(f"/{stream}/").text == "0\n1\n2\n"
    shop.stop()

    assert shop.receiver.wait_for_spans(10), [span["name"] for span in shop.receiver.spans()]
    spans = shop.receiver.spans()
    served = [span for span in spans if span["kind"] == SERVER]
    assert {span["scope_name"] for span in served} == {"opentelemetry.instrumentation.django"}
    assert {span["resource"]["service.name"] for span in served} == {"shop"}
    assert sorted(span["name"] for span in served) == sorted(
        [f"GET {order}/<int:order_id>/"] * 2 + ["GET", "GET broken/", f"GET {stream}/"]
    )

    called = next(span for span in served if span["trace_id"] == TRACE_ID)
    assert called["parent_span_id"] == PARENT_ID
    assert called["attributes"]["http.route"] == f"{order}/<int:order_id>/"
    assert (called["attributes"]["url.path"], called["attributes"]["url.query"]) == (f"/{order}/7/", "token=x")
    assert (called["attributes"]["http.response.status_code"], called["status_code"]) == (200, UNSET)
    inner = next(span for span in spans if span["name"] == "look_up" and span["trace_id"] == TRACE_ID)
    assert (inner["parent_span_id"], inner["kind"]) == (called["span_id"], INTERNAL)
    # No request is taken for a part of the one before.
    assert [span["parent_span_id"] for span in served if span is not called] == [None] * 4

    missing = next(span for span in served if span["name"] == "GET")
    assert (missing["attributes"]["http.response.status_code"], missing["status_code"]) == (404, UNSET)
    assert "http.route" not in missing["attributes"]
    broken = next(span for span in served if span["name"] == "GET broken/")
    assert (broken["attributes"]["http.response.status_code"], broken["status_code"]) == (500, ERROR)
    assert broken["status_message"] == "KeyError: 'price'"
    assert [event["attributes"]["exception.type"] for event in broken["events"]] == ["KeyError"]

    streamed = next(span for span in served if span["name"] == f"GET {stream}/")
    made = [span for span in spans if span["parent_span_id"] == streamed["span_id"]]
    assert {span["name"] for span in made} == {"part 0", "part 1", "part 2"}
    assert streamed["end_time_unix_nano"] >= max(span["end_time_unix_nano"] for span in made)

    series = {
        (metric["name"], metric["attributes"].get("http.route")): metric["value"]
        for metric in shop.receiver.metrics()
        if metric["name"].startswith("http.server.")
    }
    counts = {route: value["count"] for (name, route), value in series.items() if name.endswith(".duration")}
    assert counts == {f"{order}/<int:order_id>/": 2, None: 1, "broken/": 1, f"{stream}/": 1}
    assert series["http.server.active_requests", None] == 0


@pytest.mark.parametrize("shop", ["runserver", "runserver with its reloader"], indirect=True)
def test_runserver(shop: Shop) -> None:
    assert shop.get("/orders/7/").json() == {"id": 7}
    assert shop.receiver.wait_for_spans(2)
    served = [span for span in shop.receiver.spans() if span["kind"] == SERVER]
    assert [span["name"] for span in served] == ["GET orders/<int:order_id>/"]
