"""Writes its spans to the standard output."""

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

provider = TracerProvider()
trace.set_tracer_provider(provider)

from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor  # noqa: E402

provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))

with trace.get_tracer("console").start_as_current_span("shown") as span:
    span.set_attribute("answer", 42)
