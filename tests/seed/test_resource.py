"""Resource."""

from __future__ import annotations

from typing import Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def test_resource(server: Any) -> None:
    resource = Resource.create(
        {
            SERVICE_NAME: "checkout-service",
            "service.version": "2.5.1",
            "deployment.environment": "production",
            "host.name": "server-01",
            "service.instance.id": "checkout-01",
        }
    )
    described = {
        "service.name": "checkout-service",
        "service.version": "2.5.1",
        "deployment.environment": "production",
        "host.name": "server-01",
        "service.instance.id": "checkout-01",
    }
    assert described.items() <= dict(resource.attributes).items()

    provider = TracerProvider(resource=resource)
    trace.set_tracer_provider(provider)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{server.http_endpoint}/v1/traces")))
    trace.get_tracer("a").start_span("a").end()
    provider.shutdown()
    [span] = server.spans()
    assert described.items() <= span["resource"].items()
