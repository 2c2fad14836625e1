"""Service A, the caller. Arguments: the URL of service B, and the endpoint of a receiver of OTLP over gRPC."""

import json
import sys

import requests

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import inject
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

SERVICE_B = sys.argv[1]

tracer = trace.get_tracer("service-a")


def call_service_b():
    with tracer.start_as_current_span("call_service_b", kind=trace.SpanKind.CLIENT) as span:
        headers = {}
        inject(headers)
        span.set_attribute("peer.service", "service-b")
        response = requests.get(f"{SERVICE_B}/api/data", headers=headers, timeout=10)
        span.set_attribute("http.status_code", response.status_code)
        return response.json()


provider = TracerProvider(resource=Resource.create({"service.name": "service-a"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=sys.argv[2])))
trace.set_tracer_provider(provider)
print(json.dumps(call_service_b()))
