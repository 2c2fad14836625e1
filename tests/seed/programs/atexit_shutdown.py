"""Registers the shutdown itself; its argument is the endpoint of a receiver of OTLP over gRPC."""

import atexit
import sys

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=sys.argv[1])))
trace.set_tracer_provider(provider)

atexit.register(provider.shutdown)

trace.get_tracer("a").start_span("delivered").end()
