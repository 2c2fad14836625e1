"""What the SDK measures of itself on the way from a processor to a receiver."""

from __future__ import annotations

from typing import Any

import pytest

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
