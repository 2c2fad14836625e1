"""What Pydantic Logfire does beyond the documented API."""

from __future__ import annotations

from typing import Any, Sequence

import requests

from ferrotel import _native
from opentelemetry import metrics
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import _Gauge
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
from opentelemetry.sdk._logs._internal import SynchronousMultiLogRecordProcessor
from opentelemetry.sdk._logs._internal.export import LogRecordExportResult
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, LogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.util._once import Once
from opentelemetry.util.types import _ExtendedAttributes


class Deferred(Exception):
    """A batch that is to be sent in two halves."""


def test_a_span_is_made_anew_from_the_fields_of_another(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    with provider.get_tracer("shop").start_as_current_span("a", attributes={"password": "secret"}) as span:
        span.add_event("happened")
    (ended,) = exporter.get_finished_spans()
    fields = {
        "name": ended.name,
        "context": ended.context,
        "parent": ended.parent,
        "resource": ended.resource,
        "attributes": {"password": "[scrubbed]"},
        "events": ended.events,
        "links": ended.links,
        "status": ended.status,
        "kind": ended.kind,
        "start_time": ended.start_time,
        "end_time": ended.end_time,
        "instrumentation_scope": ended.instrumentation_scope,
    }
    made = ReadableSpan(**fields)
    assert made.attributes == {"password": "[scrubbed]"}
    assert [event.name for event in made.events] == ["happened"]
    with _native.ViewServer() as receiver:
        OTLPSpanExporter(endpoint=receiver.http_endpoint + "/v1/traces").export([made])
        assert receiver.wait_for_spans(1)
        (sent,) = receiver.spans()
    assert (sent["attributes"], sent["span_id"]) == ({"password": "[scrubbed]"}, f"{ended.context.span_id:016x}")


def test_an_http_exporter_checks_the_size_of_what_a_client_of_its_own_sends(provider: TracerProvider) -> None:
    class Client:
        def __init__(self, client: Any) -> None:
            self.client, self.sizes = client, []

        def export(self, data: bytes) -> Any:
            self.sizes.append(len(data))
            if len(data) > 400:
                raise Deferred
            return self.client.export(data)

        def shutdown(self) -> None:
            self.client.shutdown()

    class Exporter(OTLPSpanExporter):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self._max_request_size = 1 << 62
            self._client: Any = Client(self._client)

        def _export(self, serialized_data: bytes, *args: Any, **kwargs: Any) -> Any:
            raise AssertionError("the client sends since 1.45")

    ended = [provider.get_tracer("shop").start_span(name) for name in ("a", "b")]
    with _native.ViewServer() as receiver:
        exporter = Exporter(endpoint=receiver.http_endpoint + "/v1/traces", session=requests.Session())
        assert exporter.export(ended[:1]) is SpanExportResult.SUCCESS
        assert receiver.wait_for_spans(1)
        answer = exporter.export([ended[1]] * 4)
        exporter.shutdown()
        assert [len(exporter._client.sizes), answer] == [2, SpanExportResult.FAILURE]
        assert exporter._client.sizes[0] < 400 < exporter._client.sizes[1]


def test_the_delay_of_a_batch_processor_is_changed_while_it_runs(exporter: InMemorySpanExporter) -> None:
    class Python(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            return exporter.export(spans)

    processor = BatchSpanProcessor(Python(), schedule_delay_millis=500)
    inner: Any = processor._batch_processor
    assert inner._schedule_delay == 0.5
    assert isinstance(inner._exporter, Python)
    inner._schedule_delay = 5.0
    assert inner._schedule_delay == 5.0
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    provider.get_tracer("shop").start_span("a").end()
    assert provider.force_flush()
    assert [span.name for span in exporter.get_finished_spans()] == ["a"]
    inner._at_fork_reinit()
    provider.get_tracer("shop").start_span("b").end()
    provider.shutdown()
    assert [span.name for span in exporter.get_finished_spans()] == ["a", "b"]


def test_resources_are_replaced_after_a_fork(provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
    after = Resource({"process.pid": 7})
    tracer: Any = provider.get_tracer("shop")
    provider._resource = provider.resource.merge(after)
    tracer.resource = provider.resource
    tracer.start_span("a").end()
    assert exporter.get_finished_spans()[0].resource.attributes["process.pid"] == 7

    reader = InMemoryMetricReader()
    meter_provider = MeterProvider([reader], shutdown_on_exit=False)
    meter_provider._sdk_config.resource = meter_provider._sdk_config.resource.merge(after)
    meter_provider.get_meter("shop").create_counter("c").add(1)
    data: Any = reader.get_metrics_data()
    assert data.resource_metrics[0].resource.attributes["process.pid"] == 7

    kept = InMemoryLogRecordExporter()
    logger_provider = LoggerProvider(shutdown_on_exit=False)
    logger_provider.add_log_record_processor(SimpleLogRecordProcessor(kept))
    logger: Any = logger_provider.get_logger("shop")
    logger_provider._resource = logger._resource = logger_provider.resource.merge(after)
    logger.emit(body="a")
    assert kept.get_finished_logs()[0].resource.attributes["process.pid"] == 7


def test_ids_of_its_own_generator(exporter: InMemorySpanExporter) -> None:
    class Ids(IdGenerator):
        def generate_trace_id(self) -> int:
            return 0xA

        def generate_span_id(self) -> int:
            return 0xB

    provider = TracerProvider(id_generator=Ids(), shutdown_on_exit=False)
    context = provider.get_tracer("shop").start_span("a").get_span_context()
    assert (context.trace_id, context.span_id) == (0xA, 0xB)


def test_every_instrument_is_subclassed_around_another() -> None:
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader], shutdown_on_exit=False).get_meter("shop")

    class Counter(metrics.Counter):
        def __init__(self, inner: metrics.Counter) -> None:
            self.inner = inner

        def add(self, amount: Any, attributes: Any = None, context: Any = None) -> None:
            self.inner.add(amount, attributes)

    class Histogram(metrics.Histogram):
        def __init__(self, inner: metrics.Histogram) -> None:
            self.inner = inner

        def record(self, amount: Any, attributes: Any = None, context: Any = None) -> None:
            self.inner.record(amount, attributes)

    class Gauge(_Gauge):
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def set(self, amount: Any, attributes: Any = None, context: Any = None) -> None:
            self.inner.set(amount, attributes)

    attributes: _ExtendedAttributes = {"k": {"nested": 1}}
    Counter(meter.create_counter("c")).add(2, {"k": "v"})
    Histogram(meter.create_histogram("h")).record(3)
    Gauge(meter.create_gauge("g")).set(4)
    assert attributes
    assert isinstance(meter.create_gauge("g"), _Gauge)
    data: Any = reader.get_metrics_data()
    points = {metric.name: metric.data.data_points[0] for metric in data.resource_metrics[0].scope_metrics[0].metrics}
    assert (points["c"].value, points["h"].sum, points["g"].value) == (2, 3, 4)


def test_log_processors_are_joined_by_hand() -> None:
    class Exporter(LogRecordExporter):
        def __init__(self) -> None:
            self.bodies: list[Any] = []

        def export(self, batch: Any) -> LogRecordExportResult:
            self.bodies += [record.log_record.body for record in batch]
            return LogRecordExportResult.SUCCESS

        def shutdown(self) -> None:
            self.bodies.append("shut down")

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            return True

    class Processor(LogRecordProcessor):
        def __init__(self) -> None:
            self.seen: list[Any] = []

        def on_emit(self, log_record: Any) -> None:
            self.seen.append(log_record.log_record.body)

        def shutdown(self) -> None:
            self.seen.append("shut down")

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            return True

    exporter, processor = Exporter(), Processor()
    joined = SynchronousMultiLogRecordProcessor()
    joined.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    joined.add_log_record_processor(processor)
    provider = LoggerProvider(multi_log_record_processor=joined, shutdown_on_exit=False)
    provider.get_logger("shop").emit(body="hello")
    assert provider.force_flush()
    provider.shutdown()
    assert exporter.bodies == processor.seen == ["hello", "shut down"]


def test_the_http_log_exporter_takes_a_session() -> None:
    session = requests.Session()
    session.headers["authorization"] = "token"
    with _native.ViewServer() as receiver:
        exporter = OTLPLogExporter(endpoint=receiver.http_endpoint + "/v1/logs", session=session)
        provider = LoggerProvider(shutdown_on_exit=False)
        provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
        provider.get_logger("shop").emit(body="hello")
        assert receiver.wait_for_logs(1)
        (request,) = receiver.requests()
        provider.shutdown()
    assert dict(request["headers"])["authorization"] == "token"


def test_once() -> None:
    once, done = Once(), []
    assert [once.do_once(lambda: done.append(1)) for _ in range(2)] == [True, False]
    assert done == [1]
