"""SimpleSpanProcessor, and the exporters for looking at spans."""

from __future__ import annotations

import io
import json
import logging
from typing import Any, Sequence

import pytest

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, get_value
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    ConsoleSpanExporter,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF


def provider_for(exporter: SpanExporter, **arguments: Any) -> TracerProvider:
    provider = TracerProvider(shutdown_on_exit=False, **arguments)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


def test_every_span_is_exported_at_its_end() -> None:
    exporter = InMemorySpanExporter()
    tracer = provider_for(exporter).get_tracer("test")
    with tracer.start_as_current_span("outer"):
        with tracer.start_as_current_span("inner"):
            assert exporter.get_finished_spans() == ()
        assert [span.name for span in exporter.get_finished_spans()] == ["inner"]
    assert [span.name for span in exporter.get_finished_spans()] == ["inner", "outer"]
    exporter.clear()
    assert exporter.get_finished_spans() == ()


def test_an_exporter_may_be_flushed() -> None:
    exporter = InMemorySpanExporter()
    assert exporter.force_flush(10) is True
    assert provider_for(exporter).force_flush(10) is True


def test_unsampled_spans_are_not() -> None:
    exporter = InMemorySpanExporter()
    provider_for(exporter, sampler=ALWAYS_OFF).get_tracer("test").start_span("a").end()
    assert exporter.get_finished_spans() == ()


def test_instrumentation_is_off_while_exporting_and_a_failure_stays_here(caplog: pytest.LogCaptureFixture) -> None:
    seen = []

    class Failing(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            seen.append((type(spans), len(spans), get_value(_SUPPRESS_INSTRUMENTATION_KEY)))
            raise ValueError("the exporter is broken")

    provider_for(Failing()).get_tracer("test").start_span("a").end()
    assert seen == [(tuple, 1, True)]
    assert get_value(_SUPPRESS_INSTRUMENTATION_KEY) is None
    assert "Exception while exporting Span." in caplog.text


def test_after_shutdown_spans_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    exporter = InMemorySpanExporter()
    provider = provider_for(exporter)
    span = provider.get_tracer("test").start_span("late")
    provider.shutdown()
    with caplog.at_level(logging.WARNING):
        span.end()
    assert "Processor is already shutdown, ignoring call" in caplog.text
    assert exporter.get_finished_spans() == ()
    assert exporter.export([]) is SpanExportResult.FAILURE


def test_memory_keeps_the_newest() -> None:
    exporter = InMemorySpanExporter(max_spans=2)
    tracer = provider_for(exporter).get_tracer("test")
    for name in "abc":
        tracer.start_span(name).end()
    assert [span.name for span in exporter.get_finished_spans()] == ["b", "c"]
    assert exporter.force_flush()


def test_the_console_gets_json() -> None:
    out = io.StringIO()
    tracer = provider_for(ConsoleSpanExporter(out=out)).get_tracer("test")
    tracer.start_span("a", attributes={"answer": 42}).end()
    shown = json.loads(out.getvalue())
    assert (shown["name"], shown["attributes"]) == ("a", {"answer": 42})


def test_the_console_formats_as_it_is_told() -> None:
    out = io.StringIO()
    exporter = ConsoleSpanExporter(service_name="s", out=out, formatter=lambda span: f"<{span.name}>")
    provider_for(exporter).get_tracer("test").start_span("a").end()
    assert out.getvalue() == "<a>"
    assert exporter.force_flush()


def test_in_front_of_an_exporter_of_the_engine(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    processor = SimpleSpanProcessor(OTLPSpanExporter(server.url))
    assert processor._native_core is not None
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("test")
    tracer.start_span("one").end()
    assert [b"one" in request.body for request in server.requests] == [True]
    server.answers.append((400, {}))
    tracer.start_span("refused").end()
    assert provider.force_flush()
    provider.shutdown()
    tracer.start_span("late").end()
    assert len(server.requests) == 2
    assert [record.name for record in caplog.records if record.levelname == "ERROR"] == [
        "opentelemetry.exporter.otlp.proto.http.trace_exporter"
    ]


def test_a_subclass_in_front_of_an_exporter_of_the_engine(server: Any) -> None:
    seen = []

    class Watching(SimpleSpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            seen.append(span.name)
            super().on_end(span)

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Watching(OTLPSpanExporter(server.url)))
    provider.get_tracer("test").start_span("one").end()
    provider.shutdown()
    assert seen == ["one"]
    assert len(server.requests) == 1
