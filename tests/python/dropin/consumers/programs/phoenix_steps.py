"""Phoenix's first steps: `register` over HTTP and over gRPC, the tracer's decorators, processors that are replaced."""

import os

from phoenix.otel import BatchSpanProcessor, register
from whence import tell

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

http, grpc = os.environ["HTTP"], os.environ["GRPC"]
provider = register(project_name="shop", endpoint=http + "/v1/traces", batch=True, verbose=True)
tracer = provider.get_tracer("shop")
with tracer.start_as_current_span("plain") as plain:
    plain.set_attribute("a", 1)
    current = trace.get_current_span()


@tracer.chain
def work(x: int) -> int:
    return x + 1


@tracer.tool
def add(x: int) -> int:
    """Adds."""
    return x + 1


with tracer.start_as_current_span("agent", openinference_span_kind="agent") as agent:
    agent.set_input("in")
    agent.set_output({"out": 1})
    answers = [work(1), add(x=2)]
# Takes the place of the one that `register` added.
provider.force_flush()
provider.add_span_processor(BatchSpanProcessor(endpoint=grpc, protocol="grpc"))
with tracer.start_as_current_span("second"):
    pass
provider.force_flush()

other = register(
    endpoint=grpc,
    protocol="grpc",
    project_name="other",
    headers={"authorization": "Bearer secret"},
    set_global_tracer_provider=False,
    verbose=True,
)
with other.get_tracer("other").start_as_current_span("third"):
    pass
assert trace.get_tracer_provider() is provider
assert isinstance(provider, TracerProvider)
# OpenInference's span is a proxy around the one that records.
tell(getattr(current, "__wrapped__", current), answers=answers)
