"""The document's "Custom Metrics with Histograms and Counters", and requests to handle."""

import time

from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource

resource = Resource.create({"service.name": "metrics-demo"})
reader = PeriodicExportingMetricReader(ConsoleMetricExporter(), export_interval_millis=5000)
provider = MeterProvider(resource=resource, metric_readers=[reader])
metrics.set_meter_provider(provider)

meter = metrics.get_meter(__name__)

request_count = meter.create_counter("app.request.count", description="Total requests")
request_duration = meter.create_histogram("app.request.duration_ms", description="Request latency in ms")
active_users = meter.create_up_down_counter("app.users.active", description="Active users")


def process_request():
    time.sleep(0.001)


def handle_request(method, route):
    start = time.monotonic()
    request_count.add(1, {"method": method, "route": route})
    active_users.add(1)
    try:
        process_request()
    finally:
        duration = (time.monotonic() - start) * 1000
        request_duration.record(duration, {"method": method, "route": route})
        active_users.add(-1)


for _ in range(3):
    handle_request("GET", "/")
handle_request("PUT", "/orders")
# What was measured is exported when the interpreter exits.
