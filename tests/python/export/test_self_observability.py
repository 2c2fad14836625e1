"""What the SDK measures of itself on the way from a processor to a receiver."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from typing import Any

import pytest

from ferrotel import _native
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExportResult, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

FOREVER = 3_600_000


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> InMemoryMetricReader:
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    return InMemoryMetricReader()


def measured(reader: InMemoryMetricReader) -> dict[str, Any]:
    """The first point of each metric: its value, or how many values a histogram has."""
    data = reader.get_metrics_data()
    assert data is not None
    found = {}
    for of_scope in data.resource_metrics[0].scope_metrics:
        for metric in of_scope.metrics:
            point: Any = next(iter(metric.data.data_points))
            found[metric.name] = point.value if hasattr(point, "value") else point.count
    return found


def counted(reader: InMemoryMetricReader) -> Counter[tuple[str, str | None]]:
    """The sums, by the metric's name and `error.type`; what a histogram has counted."""
    data = reader.get_metrics_data()
    assert data is not None
    found: Counter[tuple[str, str | None]] = Counter()
    for of_scope in data.resource_metrics[0].scope_metrics:
        for metric in of_scope.metrics:
            for point in metric.data.data_points:
                error = (point.attributes or {}).get("error.type")
                assert error is None or isinstance(error, str)
                found[metric.name, error] += point.value if hasattr(point, "value") else point.count  # type: ignore[assignment]
    return found


def test_a_span_processor_and_its_exporter(server: Any, reader: InMemoryMetricReader) -> None:
    meter_provider = MeterProvider([reader], shutdown_on_exit=False)
    provider = TracerProvider(shutdown_on_exit=False, meter_provider=meter_provider)
    exporter = OTLPSpanExporter(server.url + "/v1/traces", meter_provider=meter_provider)
    processor = BatchSpanProcessor(
        exporter,
        max_queue_size=7,
        max_export_batch_size=7,
        schedule_delay_millis=FOREVER,
        meter_provider=meter_provider,
    )
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("t")
    for name in ("a", "b"):
        tracer.start_span(name).end()
    alive = tracer.start_span("c")
    before = measured(reader)
    assert before["otel.sdk.span.started"] == 3
    assert before["otel.sdk.span.live"] == 1
    assert before["otel.sdk.processor.span.queue.capacity"] == 7
    assert before["otel.sdk.processor.span.queue.size"] == 2
    assert "otel.sdk.exporter.span.exported" not in before
    alive.end()
    assert provider.force_flush()
    after = measured(reader)
    assert after["otel.sdk.span.live"] == 0
    assert after["otel.sdk.processor.span.queue.size"] == 0
    assert after["otel.sdk.processor.span.processed"] == 3
    assert after["otel.sdk.exporter.span.inflight"] == 0
    assert after["otel.sdk.exporter.span.exported"] == 3
    assert after["otel.sdk.exporter.operation.duration"] == 1
    provider.shutdown()
    meter_provider.shutdown()


def test_a_log_record_processor_and_its_exporter(server: Any, reader: InMemoryMetricReader) -> None:
    meter_provider = MeterProvider([reader], shutdown_on_exit=False)
    provider = LoggerProvider(shutdown_on_exit=False, meter_provider=meter_provider)
    exporter = OTLPLogExporter(server.url + "/v1/logs", meter_provider=meter_provider)
    processor = BatchLogRecordProcessor(
        exporter,
        max_queue_size=7,
        max_export_batch_size=7,
        schedule_delay_millis=FOREVER,
        meter_provider=meter_provider,
    )
    provider.add_log_record_processor(processor)
    for body in ("a", "b"):
        provider.get_logger("l").emit(body=body)
    before = measured(reader)
    assert before["otel.sdk.log.created"] == 2
    assert before["otel.sdk.processor.log.queue.capacity"] == 7
    assert before["otel.sdk.processor.log.queue.size"] == 2
    assert provider.force_flush()
    after = measured(reader)
    assert after["otel.sdk.processor.log.queue.size"] == 0
    assert after["otel.sdk.processor.log.processed"] == 2
    assert after["otel.sdk.exporter.log.inflight"] == 0
    assert after["otel.sdk.exporter.log.exported"] == 2
    assert after["otel.sdk.exporter.operation.duration"] == 1
    provider.shutdown()
    meter_provider.shutdown()


def test_a_metric_exporter(server: Any, reader: InMemoryMetricReader) -> None:
    meter_provider = MeterProvider([reader], shutdown_on_exit=False)
    exporter = OTLPMetricExporter(server.url + "/v1/metrics")
    exporter.set_meter_provider(meter_provider)
    collecting = InMemoryMetricReader()
    measuring = MeterProvider([collecting], shutdown_on_exit=False)
    counter = measuring.get_meter("m").create_counter("c")
    for number in range(3):
        counter.add(1, {"number": number})
    data = collecting.get_metrics_data()
    assert data is not None
    assert exporter.export(data) is MetricExportResult.SUCCESS
    after = measured(reader)
    assert after["otel.sdk.exporter.metric_data_point.inflight"] == 0
    assert after["otel.sdk.exporter.metric_data_point.exported"] >= 3
    assert after["otel.sdk.exporter.operation.duration"] == 1
    measuring.shutdown()
    meter_provider.shutdown()


def test_a_metric_exporter_behind_a_periodic_reader(server: Any, reader: InMemoryMetricReader) -> None:
    meter_provider = MeterProvider([reader], shutdown_on_exit=False)
    exporter = OTLPMetricExporter(server.url + "/v1/metrics")
    exporter.set_meter_provider(meter_provider)
    measuring = MeterProvider([PeriodicExportingMetricReader(exporter, FOREVER)], shutdown_on_exit=False)
    measuring.get_meter("m").create_counter("c").add(1)
    assert measuring.force_flush()
    after = measured(reader)
    assert after["otel.sdk.exporter.operation.duration"] == 1
    assert after["otel.sdk.exporter.metric_data_point.exported"] >= 1
    measuring.shutdown()
    meter_provider.shutdown()


@pytest.mark.parametrize("threads", [1, 4])
def test_more_spans_than_the_receiver_takes(reader: InMemoryMetricReader, threads: int) -> None:
    processed, exported = "otel.sdk.processor.span.processed", "otel.sdk.exporter.span.exported"
    with _native.ViewServer(max_traces=20_000) as receiver:
        meter_provider = MeterProvider([reader], shutdown_on_exit=False)
        provider = TracerProvider(shutdown_on_exit=False, meter_provider=meter_provider)
        exporter = OTLPSpanExporter(f"{receiver.http_endpoint}/v1/traces", meter_provider=meter_provider)
        provider.add_span_processor(BatchSpanProcessor(exporter, 64, FOREVER, 32, meter_provider=meter_provider))
        tracer = provider.get_tracer("t")

        def work() -> None:
            for _ in range(20_000 // threads):
                tracer.start_span("a").end()

        running = [threading.Thread(target=work) for _ in range(threads)]
        for thread in running:
            thread.start()
        while any(thread.is_alive() for thread in running):
            during = counted(reader)
            time.sleep(0.01)
        assert provider.force_flush()
        received = receiver.counts()["spans"]
        after = counted(reader)
        provider.shutdown()
        tracer.start_span("a").end()
        late = counted(reader)
        meter_provider.shutdown()
    assert after["otel.sdk.span.started", None] == 20_000
    assert 0 < received < 20_000
    assert after[processed, "queue_full"] == 20_000 - received
    assert after[processed, None] == after[exported, None] == received
    assert after["otel.sdk.processor.span.queue.size", None] == after["otel.sdk.exporter.span.inflight", None] == 0
    assert after["otel.sdk.exporter.operation.duration", None] >= received / 32
    for name in ((processed, None), (processed, "queue_full"), (exported, None)):
        assert during[name] <= after[name]
    assert late[processed, "already_shutdown"] == 1


def test_a_receiver_that_refuses(server: Any, reader: InMemoryMetricReader) -> None:
    meter_provider = MeterProvider([reader], shutdown_on_exit=False)
    exporter = OTLPLogExporter(server.url + "/v1/logs", meter_provider=meter_provider)
    provider = LoggerProvider(shutdown_on_exit=False, meter_provider=meter_provider)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, FOREVER, meter_provider=meter_provider))
    server.answers.append((400, {}))
    for _ in range(2):
        provider.get_logger("l").emit(body="a")
        provider.get_logger("l").emit(body="b")
        assert provider.force_flush()
    found = counted(reader)
    assert found["otel.sdk.processor.log.processed", None] == 4
    for name, each in (("log.exported", 2), ("operation.duration", 1)):
        assert found[f"otel.sdk.exporter.{name}", None] == each
        assert found[f"otel.sdk.exporter.{name}", "RuntimeError"] == each
    provider.shutdown()
    meter_provider.shutdown()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_counts_its_own(server: Any, reader: InMemoryMetricReader) -> None:
    meter_provider = MeterProvider([reader], shutdown_on_exit=False)
    exporter = OTLPSpanExporter(server.url + "/v1/traces", meter_provider=meter_provider)
    provider = TracerProvider(shutdown_on_exit=False, meter_provider=meter_provider)
    provider.add_span_processor(BatchSpanProcessor(exporter, meter_provider=meter_provider))
    tracer = provider.get_tracer("t")
    for _ in range(5):
        tracer.start_span("a").end()
    assert provider.force_flush()
    before = counted(reader)["otel.sdk.exporter.span.exported", None]
    child = os.fork()
    if not child:
        tracer.start_span("a").end()
        fine = provider.force_flush()
        found = counted(reader)
        fine &= found["otel.sdk.exporter.span.exported", None] == 1
        fine &= found["otel.sdk.processor.span.queue.capacity", None] == 2048
        os._exit(0 if fine else 1)
    assert os.waitpid(child, 0)[1] == 0
    tracer.start_span("a").end()
    assert provider.force_flush()
    assert counted(reader)["otel.sdk.exporter.span.exported", None] == before + 1
    provider.shutdown()
    meter_provider.shutdown()
