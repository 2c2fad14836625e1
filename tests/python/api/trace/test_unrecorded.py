"""Spans made with no provider set are reported where the environment shows that somebody wants them, and only there."""

from __future__ import annotations

import logging
import threading

import pytest

from opentelemetry import trace
from opentelemetry.trace import NoOpTracerProvider, _unrecorded


def _messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "opentelemetry.trace"]


@pytest.mark.parametrize(
    "variable", ["OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"]
)
def test_one_line_says_what_to_do(
    variable: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(variable, "otlp")
    tracer = trace.get_tracer("test")
    assert _messages(caplog) == []
    tracer.start_span("a")
    with tracer.start_as_current_span("b"):
        trace.get_tracer("other").start_span("c")
    (message,) = _messages(caplog)
    assert variable in message
    assert "set_tracer_provider" in message and "opentelemetry-instrument" in message
    assert caplog.records[0].levelno == logging.WARNING


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_SERVICE_NAME": "shop"},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"},
        {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://x"},
        {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://x"},
        {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"},
    ],
)
def test_nothing_is_said_where_nobody_wants_spans(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    trace.get_tracer("test").start_span("a")
    assert caplog.records == []


def test_nothing_is_said_when_a_provider_is_set_in_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://x")
    tracer = trace.get_tracer("test")
    trace.set_tracer_provider(NoOpTracerProvider())
    tracer.start_span("a")
    trace.get_tracer("test").start_span("b")
    assert caplog.records == []


def test_a_log_handler_that_makes_spans_does_not_recurse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://x")
    calls = []

    class MakesSpans(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            calls.append(record)
            trace.get_tracer("handler").start_span("log")

    handler = MakesSpans()
    logging.getLogger("opentelemetry.trace").addHandler(handler)
    try:
        worker = threading.Thread(target=trace.get_tracer("test").start_span, args=("a",), daemon=True)
        worker.start()
        worker.join(5)
        assert not worker.is_alive()
    finally:
        logging.getLogger("opentelemetry.trace").removeHandler(handler)
    assert len(calls) == 1


def test_one_line_where_a_provider_lies_unused_and_variables_are_set(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://x")
    unused = NoOpTracerProvider()
    _unrecorded.note_unused_provider(unused)
    trace.get_tracer("test").start_span("a")
    trace.get_tracer("test").start_span("b")
    (message,) = _messages(caplog)
    assert "not the global provider" in message and "set_tracer_provider(provider)" in message


def test_nothing_is_said_of_a_provider_that_is_gone_or_used(caplog: pytest.LogCaptureFixture) -> None:
    gone = NoOpTracerProvider()
    _unrecorded.note_unused_provider(gone)
    del gone
    trace.get_tracer("test").start_span("a")
    used = NoOpTracerProvider()
    _unrecorded.note_unused_provider(used)
    _unrecorded.note_unused_provider(None)
    trace.get_tracer("test").start_span("b")
    assert caplog.records == []
