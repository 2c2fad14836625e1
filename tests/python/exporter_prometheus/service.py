"""A program with metrics for Prometheus.

Prints its port, then the trace id of its exemplars, and lives until its input ends.
With the argument ``own`` it has no `prometheus_client`.
"""

from __future__ import annotations

import sys

if sys.argv[1] == "own":
    sys.modules["prometheus_client"] = None  # type: ignore[assignment]

from opentelemetry.exporter.prometheus import PrometheusMetricReader, start_http_server
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

provider = MeterProvider(
    [PrometheusMetricReader()],
    resource=Resource.create(
        {"service.name": "shop", "service.version": "1.2", "deployment.environment.name": 'a "b"'}
    ),
    views=[View(instrument_name="response.size", aggregation=ExponentialBucketHistogramAggregation())],
)
meter = provider.get_meter("shop.web", "2.0", "https://example.org/schema")
tracer = TracerProvider(shutdown_on_exit=False).get_tracer("shop.web")

orders = meter.create_counter("shop.orders", unit="{order}", description="Orders, \\ by kind")
orders.add(3, {"kind": "small", "paid": True})
orders.add(4, {"kind": "large \\ \n heavy", "paid": False})
meter.create_up_down_counter("carts").add(-2)
meter.create_observable_gauge("oven.temperature", [lambda _: [Observation(180.5)]], unit="Cel")
duration = meter.create_histogram("http.server.duration", unit="s", explicit_bucket_boundaries_advisory=[0.1, 0.2, 0.4])
size = meter.create_histogram("response.size", unit="By")
for number in range(100):
    duration.record(0.05 if number < 50 else 0.3, {"route": "/"})
    size.record(1 + number)
with tracer.start_as_current_span("order") as span:
    orders.add(1, {"kind": "small", "paid": True})
    duration.record(0.15, {"route": "/"})

server, _ = start_http_server(0, "127.0.0.1")
print(server.server_port, format(span.get_span_context().trace_id, "032x"), flush=True)
sys.stdin.read()
provider.shutdown()
server.shutdown()
