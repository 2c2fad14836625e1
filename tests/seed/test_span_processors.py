"""Span processors, and the exporter for looking at spans."""

from __future__ import annotations

import json
from typing import Any, Callable

import pytest

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor


def test_batch_span_processor(server: Any, provider: TracerProvider) -> None:
    exporter = OTLPSpanExporter(endpoint=server.grpc_endpoint)
    processor = BatchSpanProcessor(
        exporter,
        max_queue_size=2048,
        schedule_delay_millis=5000,
        max_export_batch_size=512,
        export_timeout_millis=30000,
    )
    provider.add_span_processor(processor)

    tracer = trace.get_tracer("batch")
    for number in range(1200):
        with tracer.start_as_current_span(f"span {number % 3}"):
            pass
    assert provider.force_flush()
    assert server.counts()["received_spans"] == 1200
    # Full batches go without waiting for the delay; no request is larger than a batch.
    assert all(0 < request["spans"] <= 512 for request in server.requests())
    assert {request["protocol"] for request in server.requests()} == {"grpc"}


def test_simple_span_processor(provider: TracerProvider, capsys: pytest.CaptureFixture[str]) -> None:
    # capsys stands in after the class took its default, so the stream is named here; the test below leaves it open.
    import sys

    processor = SimpleSpanProcessor(ConsoleSpanExporter(out=sys.stdout))
    provider.add_span_processor(processor)

    with trace.get_tracer("simple").start_as_current_span("outer"):
        with trace.get_tracer("simple").start_as_current_span("inner"):
            pass
        # Exported at its end, not later.
        assert json.loads(capsys.readouterr().out)["name"] == "inner"
    assert json.loads(capsys.readouterr().out)["name"] == "outer"


def test_console_exporter(start: Callable[..., Any]) -> None:
    out, error = start("console").finish()
    span = json.loads(out)
    assert span["name"] == "shown"
    assert span["attributes"] == {"answer": 42}
    assert error == ""
