"""A FastAPI application under uvicorn and `opentelemetry-instrument`, exporting OTLP to a real receiver."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Iterator, NamedTuple

import pytest
import requests
from websockets.sync.client import connect

from ferrotel import _native

HERE = Path(__file__).parent
COMMAND = Path(sys.executable).parent / "opentelemetry-instrument"
INTERNAL, SERVER = 1, 2
UNSET, ERROR = 0, 2
TRACE_ID, PARENT_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
UVICORN = ["uvicorn", "shop:app", "--host", "127.0.0.1", "--port", "0", "--no-access-log"]
SERVERS = {
    "uvicorn": UVICORN,
    "uvicorn --workers 2": [*UVICORN, "--workers", "2", "--timeout-worker-healthcheck", "60"],
    "uvicorn --reload": [*UVICORN, "--reload"],
    "gunicorn": [
        *("gunicorn", "shop:app", "--bind", "127.0.0.1:0", "--worker-class", "uvicorn.workers.UvicornWorker"),
        *("--workers", "1", "--no-control-socket"),
    ],
}

NEW_ROUTE = """

@app.get("/new/{name}")
async def new(name: str):
    return name
"""


class Shop(NamedTuple):
    process: subprocess.Popen[str]
    url: str
    receiver: Any
    folder: Path

    def get(self, path: str, **headers: str) -> requests.Response:
        return requests.get(self.url + path, headers=headers, timeout=20)

    def stop(self, tracebacks: int = 0) -> list[dict[str, Any]]:
        """Stops the server as an orchestrator does; the spans that arrived. uvicorn ends by the signal itself."""
        self.process.send_signal(signal.SIGTERM)
        logged = self.process.communicate(timeout=60)[1]
        assert logged.count("Traceback") == tracebacks, logged
        assert self.receiver.wait_for_spans(1)
        spans: list[dict[str, Any]] = self.receiver.spans()
        return spans


def listens_at(logged: str) -> str:
    found = re.search(r"(?:running on|Listening at:) (http://[\d.:]+)", logged)
    return found.group(1) if found else ""


def wait_until_it_accepts(url: str) -> None:
    host, _, port = url.rpartition("/")[2].partition(":")
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection((host, int(port))).close()
            return
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.fixture
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    shutil.copy(HERE / "programs" / "shop.py", tmp_path)
    with _native.ViewServer() as receiver:
        environ = {
            **os.environ,
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.grpc_endpoint,
            "OTEL_EXPORTER_OTLP_INSECURE": "true",
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "otlp",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_SERVICE_NAME": "shop",
            "OTEL_PYTHON_FASTAPI_EXCLUDED_URLS": "health",
            "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
            # Nothing is sent before the shutdown.
            "OTEL_BSP_SCHEDULE_DELAY": "60000",
            "OTEL_METRIC_EXPORT_INTERVAL": "60000",
        }
        process = subprocess.Popen(
            [str(COMMAND), sys.executable, "-m", *SERVERS[request.param]],
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=environ,
            cwd=tmp_path,
            start_new_session=True,
        )
        try:
            assert process.stderr is not None
            logged = ""
            workers = 2 if "--workers" in request.param else 1
            while not listens_at(logged) or logged.count("startup complete") < workers:
                line = process.stderr.readline()
                assert line, logged
                logged += line
            # Workers and reloaders say so before their child listens.
            wait_until_it_accepts(listens_at(logged))
            yield Shop(process, listens_at(logged), receiver, tmp_path)
        finally:
            # Its workers too, whatever the test has found.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


@pytest.mark.parametrize("shop", ["uvicorn", "gunicorn"], indirect=True)
def test_requests_arrive_as_spans_and_metrics(shop: Shop) -> None:
    traceparent = f"00-{TRACE_ID}-{PARENT_ID}-01"
    assert shop.get("/orders/7?token=x", traceparent=traceparent).json()["id"] == 7
    assert shop.get("/missing").status_code == 404
    assert shop.get("/orders/x").status_code == 422
    assert shop.get("/broken").status_code == 500
    assert shop.get("/health").json() == "well"
    assert shop.get("/in-a-thread").json() == "me"
    assert shop.get("/stream").text == "0\n1\n2\n"
    assert shop.get("/later").json() == "later"
    with connect(shop.url.replace("http", "ws") + "/live/me") as live:
        for text in ("hello", "there"):
            live.send(text)
            assert live.recv(20) == f"me {text}"
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda number: shop.get(f"/orders/{number}").json()["id"], range(100, 140)))
    assert answers == list(range(100, 140))

    # The server's own, of /broken.
    spans = shop.stop(tracebacks=1)
    served = [span for span in spans if span["kind"] == SERVER]
    named: dict[str, list[dict[str, Any]]] = {}
    for span in served:
        assert span["resource"]["service.name"] == "shop"
        assert span["scope_name"] == "opentelemetry.instrumentation.fastapi"
        named.setdefault(span["name"], []).append(span)
    assert {name: len(each) for name, each in named.items()} == {
        "GET /orders/{order_id}": 42,
        "GET": 1,
        "GET /broken": 1,
        "GET /in-a-thread": 1,
        "GET /stream": 1,
        "GET /later": 1,
        "HTTP /live/{name}": 1,
    }
    # The requests', the look-ups', user, thread, three parts, the background task's two and two echoes.
    assert len(spans) == 48 + 41 + 2 + 3 + 2 + 2

    called = next(span for span in served if span["trace_id"] == TRACE_ID)
    assert called["parent_span_id"] == PARENT_ID
    assert called["attributes"]["http.route"] == "/orders/{order_id}"
    assert (called["attributes"]["url.path"], called["attributes"]["url.query"]) == ("/orders/7", "token=x")
    assert (called["attributes"]["http.response.status_code"], called["status_code"]) == (200, UNSET)
    # No request is taken for a part of another, at the same time or before it.
    assert [span["parent_span_id"] for span in served if span is not called] == [None] * 47
    parents = {span["span_id"]: span for span in spans}
    for span in spans:
        if span["name"] == "look_up":
            assert (span["kind"], span["trace_id"]) == (INTERNAL, parents[span["parent_span_id"]]["trace_id"])
            path = parents[span["parent_span_id"]]["attributes"]["url.path"]
            assert path == f"/orders/{span['attributes']['order']}"

    def children(name: str) -> list[str]:
        (parent,) = named[name]
        return sorted(span["name"] for span in spans if span["parent_span_id"] == parent["span_id"])

    assert children("GET /in-a-thread") == ["thread", "user"]
    assert children("GET /stream") == ["part 0", "part 1", "part 2"]
    assert children("GET /later") == ["BackgroundTask clean"]
    assert children("HTTP /live/{name}") == ["echo", "echo"]
    clean = next(span for span in spans if span["name"] == "clean")
    assert parents[clean["parent_span_id"]]["name"] == "BackgroundTask clean"

    (missing,), (broken,) = named["GET"], named["GET /broken"]
    assert (missing["attributes"]["http.response.status_code"], missing["status_code"]) == (404, UNSET)
    assert "http.route" not in missing["attributes"]
    assert (broken["attributes"]["http.response.status_code"], broken["status_code"]) == (500, ERROR)
    assert (broken["attributes"]["error.type"], broken["status_message"]) == ("500", "KeyError: 'price'")
    assert [event["attributes"]["exception.type"] for event in broken["events"]] == ["KeyError"]

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
        ("/orders/{order_id}", 200): 41,
        ("/orders/{order_id}", 422): 1,
        (None, 404): 1,
        ("/broken", 500): 1,
        ("/in-a-thread", 200): 1,
        ("/stream", 200): 1,
        ("/later", 200): 1,
    }
    assert series["http.server.active_requests", None, None] == 0
    assert series["http.server.response.body.size", "/later", 200]["sum"] == len('"later"')


@pytest.mark.parametrize("shop", ["uvicorn --workers 2"], indirect=True)
def test_each_worker_sends_its_own_spans(shop: Shop) -> None:
    pids: set[int] = set()
    count, deadline = 0, time.monotonic() + 20
    while len(pids) < 2:
        # A worker takes as many connections as it can.
        with ThreadPoolExecutor(8) as pool:
            pids.update(pool.map(lambda number: shop.get(f"/orders/{number}").json()["pid"], range(16)))
        count += 16
        assert time.monotonic() < deadline
    spans = [span for span in shop.stop() if span["kind"] == SERVER]
    assert len(spans) == count
    assert {span["name"] for span in spans} == {"GET /orders/{order_id}"}
    assert len({span["span_id"] for span in spans}) == count
    assert len({span["resource"]["service.instance.id"] for span in spans}) == 2


@pytest.mark.parametrize("shop", ["uvicorn --reload"], indirect=True)
def test_the_reloaded_program_is_instrumented(shop: Shop) -> None:
    assert shop.get("/orders/7").status_code == 200
    program = shop.folder / "shop.py"
    program.write_text(
        program.read_text() + "\n\n@app.get('/new/{name}')\nasync def new(name: str):\n    return name\n"
    )
    deadline = time.monotonic() + 20
    while True:
        try:
            if shop.get("/new/x").status_code == 200:
                break
        except requests.ConnectionError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.05)
    named = [span["name"] for span in shop.stop()]
    # What the program made before it was reloaded is there too.
    assert (named.count("GET /new/{name}"), named.count("GET /orders/{order_id}")) == (1, 1)
