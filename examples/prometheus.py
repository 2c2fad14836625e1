"""A small shop whose metrics Prometheus can scrape.

    python examples/prometheus.py
    curl -s http://localhost:9464/metrics

Nothing but ferrotel has to be installed. Orders come in until Ctrl+C. A Prometheus that scrapes it needs this much in
its prometheus.yml:

    scrape_configs:
      - job_name: shop
        static_configs: [{targets: ["localhost:9464"]}]
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
from typing import Iterable

from opentelemetry import metrics, trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader, start_http_server
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

tracer = trace.get_tracer("shop")
meter = metrics.get_meter("shop", "1.0")

orders = meter.create_counter("shop.orders", unit="{order}", description="Orders that were placed.")
carts = meter.create_up_down_counter("shop.carts", unit="{cart}", description="Carts that are being filled.")
duration = meter.create_histogram(
    "http.server.request.duration",
    unit="s",
    description="How long requests take.",
    explicit_bucket_boundaries_advisory=[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0],
)


def stock(_: CallbackOptions) -> Iterable[Observation]:
    yield Observation(random.randint(10, 20), {"article": "teapot"})
    yield Observation(random.randint(50, 90), {"article": "cup"})


meter.create_observable_gauge("shop.stock", [stock], unit="{piece}", description="What is left of an article.")


def order() -> None:
    with tracer.start_as_current_span("POST /order"):  # gives the measurements in it their exemplars
        carts.add(1)
        begin = time.perf_counter()
        time.sleep(random.expovariate(50))
        duration.record(time.perf_counter() - begin, {"http.route": "/order", "http.response.status_code": 201})
        orders.add(1, {"article": random.choice(["teapot", "cup", "cup"]), "paid": random.random() < 0.9})
        carts.add(-1)


def main() -> None:
    parser = argparse.ArgumentParser(description="A shop with metrics for Prometheus.")
    parser.add_argument("--port", type=int, default=9464)
    options = parser.parse_args()

    resource = Resource.create({"service.name": "shop", "service.version": "1.0"})
    trace.set_tracer_provider(TracerProvider(resource=resource))
    metrics.set_meter_provider(MeterProvider(metric_readers=[PrometheusMetricReader()], resource=resource))

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server, _ = start_http_server(port=options.port, addr="localhost")
    print(f"metrics are at http://localhost:{server.server_port}/metrics", flush=True)
    try:
        while True:
            order()
    except KeyboardInterrupt:
        pass
    finally:
        server.shutdown()


if __name__ == "__main__":
    main()
