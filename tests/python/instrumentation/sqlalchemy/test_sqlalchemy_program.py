"""A program with SQLAlchemy and psycopg2 under `opentelemetry-instrument`, exporting OTLP to a real receiver."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ferrotel import _native

PROGRAM = Path(__file__).parent / "programs/orders.py"
COMMAND = Path(sys.executable).parent / "opentelemetry-instrument"
SQLALCHEMY, PSYCOPG2 = "opentelemetry.instrumentation.sqlalchemy", "opentelemetry.instrumentation.psycopg2"
CLIENT = 3
UNSET, ERROR = 0, 2


def test_statements_arrive_as_spans_and_pools_as_metrics(postgres_server: Any) -> None:
    with _native.ViewServer() as receiver:
        environ = {
            **os.environ,
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.grpc_endpoint,
            "OTEL_EXPORTER_OTLP_INSECURE": "true",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_SERVICE_NAME": "orders",
        }
        url = f"postgresql+psycopg2://{postgres_server.address}"
        command = [str(COMMAND), sys.executable, str(PROGRAM), url]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
        assert (done.stdout.splitlines(), done.returncode) == (["cup", "UndefinedTable"], 0), done.stderr
        assert done.stderr == ""
        assert receiver.wait_for_spans(10)
        spans = receiver.spans()
        metrics = receiver.metrics()

    assert {span["resource"]["service.name"] for span in spans} == {"orders"}
    assert {span["kind"] for span in spans} == {CLIENT}
    # By which SQLAlchemy span each of psycopg2's is beneath.
    ours = {span["span_id"]: span for span in spans if span["scope_name"] == SQLALCHEMY}
    pairs = []
    for span in sorted(spans, key=lambda each: each["start_time_unix_nano"]):
        if span["scope_name"] == PSYCOPG2 and (span["parent_span_id"] in ours):
            above = ours[span["parent_span_id"]]
            assert above["start_time_unix_nano"] <= span["start_time_unix_nano"]
            assert above["end_time_unix_nano"] >= span["end_time_unix_nano"]
            assert span["trace_id"] == above["trace_id"]
            pairs.append((above["name"], span["name"], span["status_code"]))
    statements = [pair for pair in pairs if pair[0] != "connect"]
    assert statements == [
        ("CREATE postgres", "CREATE", UNSET),
        ("INSERT postgres", "INSERT", UNSET),
        ("SELECT postgres", "SELECT", UNSET),
        ("SELECT postgres", "SELECT", ERROR),
    ]
    failed = [span for span in spans if span["status_code"] == ERROR]
    assert {span["scope_name"] for span in failed} == {SQLALCHEMY, PSYCOPG2}
    assert all(span["attributes"]["db.name"] == "postgres" for span in spans)
    assert all("nowhere" in span["status_message"] for span in failed)
    usage = {
        metric["attributes"]["state"]: metric["value"]
        for metric in metrics
        if metric["name"] == "db.client.connections.usage"
    }
    assert usage == {"idle": 0, "used": 0}
