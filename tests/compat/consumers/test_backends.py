"""What MLflow, Traceloop and Google Cloud's exporters do beyond the documented API."""

from __future__ import annotations

import logging
import threading
import warnings
from typing import Any, Callable, Iterator, Sequence

import pytest

from ferrotel import _native
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource, ResourceDetector, get_aggregated_resources
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.sdk.util import BoundedDict, BoundedList
from opentelemetry.util._once import Once


@pytest.fixture
def no_global_provider() -> Iterator[None]:
    before, once = trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE
    trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE = None, Once()
    yield
    trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE = before, once


@pytest.mark.usefixtures("no_global_provider")
def test_mlflow_sets_the_global_provider_past_the_lock(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    waiting = trace.get_tracer("early")
    trace._TRACER_PROVIDER = provider
    trace._TRACER_PROVIDER_SET_ONCE._done = True
    assert trace.get_tracer_provider() is provider
    for tracer in (waiting, trace.get_tracer("late")):
        tracer.start_span("a").end()
    assert [span.instrumentation_scope.name for span in exporter.get_finished_spans()] == ["early", "late"]
    trace._TRACER_PROVIDER = None
    trace._TRACER_PROVIDER_SET_ONCE = Once()
    assert trace.get_tracer_provider() is not provider


def test_mlflow_replaces_the_processors_of_a_provider(provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
    other = InMemorySpanExporter()
    added: Any = SimpleSpanProcessor(other)
    joined = provider._active_span_processor
    joined._span_processors = (added, *joined._span_processors)
    provider.get_tracer("mlflow").start_span("both").end()
    joined._span_processors = (added,)
    provider.get_tracer("mlflow").start_span("one").end()
    assert [span.name for span in exporter.get_finished_spans()] == ["both"]
    assert [span.name for span in other.get_finished_spans()] == ["both", "one"]


def test_mlflow_writes_the_private_parts_of_a_span(provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
    span: Any = provider.get_tracer("mlflow").start_span("a", attributes={"kept": 1})
    parent = trace.SpanContext(0xA, 0xB, is_remote=True)
    span._parent = parent
    span._attributes["added"] = 2
    span.end()
    ended: Any = exporter.get_finished_spans()[0]
    assert ended.parent == parent
    assert ended.attributes == {"kept": 1, "added": 2}
    # What ended is read-only until it is said not to be.
    with pytest.raises(TypeError):
        ended._attributes["late"] = 3
    ended._attributes._immutable = False
    ended._attributes["late"] = 3
    ended._attributes._immutable = True
    assert ended.attributes["late"] == 3
    ended._links = [trace.Link(parent)]
    assert [link.context for link in ended.links] == [parent]


def test_mlflow_subclasses_processors_exporters_and_samplers(exporter: InMemorySpanExporter) -> None:
    seen: list[str] = []

    class Exporter(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            seen.extend(span.name for span in spans)
            return exporter.export(spans)

    class Simple(SimpleSpanProcessor):
        def on_start(self, span: Any, parent_context: Any = None) -> None:
            span.set_attribute("mlflow.traceRequestId", "tr-1")
            super().on_start(span, parent_context)

    class Batch(BatchSpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            if span.parent is None:
                super().on_end(span)

    class Half(Sampler):
        def should_sample(self, *arguments: Any, **named: Any) -> SamplingResult:
            name = named.get("name") or arguments[2]
            return SamplingResult(Decision.DROP if name == "dropped" else Decision.RECORD_AND_SAMPLE)

        def get_description(self) -> str:
            return "Half"

    provider = TracerProvider(sampler=Half(), shutdown_on_exit=False)
    provider.add_span_processor(Simple(Exporter()))
    provider.add_span_processor(Batch(Exporter()))
    tracer = provider.get_tracer("mlflow")
    with tracer.start_as_current_span("root"):
        tracer.start_span("child").end()
    tracer.start_span("dropped").end()
    provider.shutdown()
    assert sorted(seen) == ["child", "root", "root"]
    assert exporter.get_finished_spans()[0].attributes == {"mlflow.traceRequestId": "tr-1"}


def test_traceloop_puts_functions_in_the_place_of_a_processors_methods(exporter: InMemorySpanExporter) -> None:
    processor: Any = BatchSpanProcessor(exporter)
    exported_by: Callable[..., Any] = processor.on_end

    def on_start(span: Any, parent_context: Any = None) -> None:
        span.set_attribute("traceloop.workflow.name", "flow")

    def on_end(span: Any) -> None:
        span._attributes._immutable = False
        span._attributes["late"] = True
        exported_by(span)

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    processor.on_start, processor.on_end = on_start, on_end
    provider.get_tracer("traceloop").start_span("a").end()
    del processor.on_start, processor.on_end
    provider.get_tracer("traceloop").start_span("b").end()
    provider.shutdown()
    first, second = exporter.get_finished_spans()
    assert (first.attributes, second.attributes) == ({"traceloop.workflow.name": "flow", "late": True}, {})


def test_traceloop_does_so_with_a_native_exporter_too() -> None:
    with _native.ViewServer() as receiver:
        processor: Any = BatchSpanProcessor(OTLPSpanExporter(endpoint=receiver.http_endpoint + "/v1/traces"))
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(processor)
        tracer = provider.get_tracer("traceloop")
        tracer.start_span("before").end()
        processor.on_start = lambda span, parent_context=None: span.set_attribute("a", 1)
        tracer.start_span("patched").end()
        provider.shutdown()
        assert receiver.wait_for_spans(2)
        assert {span["name"]: span["attributes"] for span in receiver.spans()} == {"before": {}, "patched": {"a": 1}}


def test_traceloop_logs_through_the_sdks_handler_by_its_older_names() -> None:
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs._internal import LogRecord
    from opentelemetry.sdk._logs.export import (
        InMemoryLogExporter,
        LogExporter,
        LogRecordExporter,
        SimpleLogRecordProcessor,
    )

    with pytest.warns(DeprecationWarning):

        class Exporter(InMemoryLogExporter):
            pass

    assert issubclass(LogExporter, LogRecordExporter)
    assert issubclass(Exporter, LogRecordExporter)
    kept = Exporter()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(kept))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        handler = LoggingHandler(level=logging.INFO, logger_provider=provider)
    logger = logging.Logger("traceloop")
    logger.addHandler(handler)
    logger.warning("hello")
    (record,) = kept.get_finished_logs()
    assert (record.log_record.body, record.log_record.severity_text) == ("hello", "WARN")
    assert isinstance(record.log_record, LogRecord)


def test_google_clouds_exporters_bound_what_they_send() -> None:
    with pytest.warns(DeprecationWarning):
        attributes = BoundedDict(2)
    for number in range(4):
        attributes[str(number)] = number
    assert (dict(attributes), attributes.dropped) == ({"2": 2, "3": 3}, 2)
    kept = BoundedList.from_seq(2, range(5))
    assert (list(kept), kept.dropped) == ([3, 4], 3)
    from opentelemetry.sdk.version import __version__

    assert __version__.count(".") == 2


def test_google_clouds_detector_runs_in_a_thread() -> None:
    threads: list[threading.Thread] = []

    class Detector(ResourceDetector):
        def detect(self) -> Resource:
            threads.append(threading.current_thread())
            return Resource({"cloud.provider": "gcp"})

    found = get_aggregated_resources([Detector(raise_on_error=True)], initial_resource=Resource({"a": 1}))
    assert (found.attributes["cloud.provider"], found.attributes["a"]) == ("gcp", 1)
    assert len(threads) == 1
