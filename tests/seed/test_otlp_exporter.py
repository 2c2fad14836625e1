"""The OTLP exporters, against a real receiver."""

from __future__ import annotations

from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def test_grpc(server: Any, provider: TracerProvider) -> None:
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    exporter = OTLPSpanExporter(endpoint=server.grpc_endpoint)
    check(exporter, provider, server, "grpc")


def test_http_protobuf(server: Any, provider: TracerProvider) -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    exporter = OTLPSpanExporter(endpoint=f"{server.http_endpoint}/v1/traces")
    check(exporter, provider, server, "http/protobuf")


def check(exporter: Any, provider: TracerProvider, server: Any, protocol: str) -> None:
    provider.add_span_processor(BatchSpanProcessor(exporter))
    with trace.get_tracer("export").start_as_current_span("sent") as span:
        span.set_attributes({"text": "é", "number": 7, "ratio": 0.5, "yes": True, "list": ["a", "b"]})
    assert provider.force_flush()
    [received] = server.spans()
    assert received["name"] == "sent"
    assert received["protocol"] == protocol
    assert received["trace_id"] == f"{span.get_span_context().trace_id:032x}"
    assert received["attributes"] == {"text": "é", "number": 7, "ratio": 0.5, "yes": True, "list": ["a", "b"]}
    assert received["resource"]["service.name"] == "my-service"


def test_metrics(server: Any) -> None:
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource

    resource = Resource.create({"service.name": "my-service"})
    metric_reader = PeriodicExportingMetricReader(
        OTLPMetricExporter(endpoint=server.grpc_endpoint),
        export_interval_millis=60000,
    )
    provider = MeterProvider(resource=resource, metric_readers=[metric_reader])
    provider.get_meter("my.module.name").create_counter("http.requests").add(3, {"http.route": "/api/users"})
    assert provider.force_flush()
    provider.shutdown()
    [received] = server.metrics()
    assert (received["name"], received["value"]) == ("http.requests", 3)
    assert received["attributes"] == {"http.route": "/api/users"}
    assert received["resource"]["service.name"] == "my-service"
