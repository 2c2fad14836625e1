"""Two services under uvicorn and `opentelemetry-instrument`, one of which calls the other with httpx."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

import requests

from ferrotel import _native

HERE = Path(__file__).parent / "programs"
COMMAND = Path(sys.executable).parent / "opentelemetry-instrument"
SERVER, CLIENT = 2, 3


@contextmanager
def service(name: str, endpoint: str, **environ: str) -> Iterator[str]:
    """A service's URL. What it made is delivered when the block is left."""
    process = subprocess.Popen(
        [str(COMMAND), sys.executable, "-m", "uvicorn", f"services:{name}", "--port", "0", "--no-access-log"],
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=HERE,
        env={
            **os.environ,
            "OTEL_SERVICE_NAME": name,
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_EXPORTER_OTLP_INSECURE": "true",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
            **environ,
        },
    )
    try:
        assert process.stderr is not None
        logged = ""
        while not re.search(r"running on http", logged):
            line = process.stderr.readline()
            assert line, logged
            logged += line
        yield "http://127.0.0.1:" + re.findall(r"running on http://127\.0\.0\.1:(\d+)", logged)[0]
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=30)
        finally:
            process.kill()


def test_the_spans_of_both_are_one_trace() -> None:
    with _native.ViewServer() as receiver:
        with service("stock", receiver.grpc_endpoint) as stock:
            with service("front", receiver.grpc_endpoint, STOCK=stock) as front:
                assert requests.get(f"{front}/orders/7", timeout=20).json() == [7, 8]
                assert requests.get(f"{front}/in-a-thread/9", timeout=20).json() == 9
        assert receiver.wait_for_spans(8)
        spans: list[dict[str, Any]] = receiver.spans()
    assert len(spans) == 8
    by_id = {span["span_id"]: span for span in spans}
    roots = {span["name"]: span for span in spans if not span["parent_span_id"]}
    assert sorted(roots) == ["GET /in-a-thread/{order_id}", "GET /orders/{order_id}"]
    answered = [span for span in spans if span["name"] == "GET /items/{item_id}"]
    asked: dict[str, list[str]] = {name: [] for name in roots}
    for span in answered:
        call = by_id[span["parent_span_id"]]
        assert (call["name"], call["kind"], span["kind"]) == ("GET", CLIENT, SERVER)
        root = by_id[call["parent_span_id"]]
        assert (root["kind"], root["trace_id"], call["trace_id"]) == (SERVER, span["trace_id"], span["trace_id"])
        assert call["attributes"]["url.full"].endswith(span["attributes"]["url.path"])
        assert [each["resource"]["service.name"] for each in (root, call, span)] == ["front", "front", "stock"]
        asked[root["name"]].append(span["attributes"]["url.path"])
    assert {name: sorted(paths) for name, paths in asked.items()} == {
        "GET /orders/{order_id}": ["/items/7", "/items/8"],
        "GET /in-a-thread/{order_id}": ["/items/9"],
    }
