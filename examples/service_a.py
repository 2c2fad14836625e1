"""Service A: calls service B, and sends the trace's context along.

It sends its spans, metrics and log records by OTLP over gRPC. Run it with ``OTEL_EXPORTER_OTLP_ENDPOINT`` set if the
receiver is not on http://localhost:4317.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from opentelemetry import metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import inject
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

logger = logging.getLogger("service-a")
tracer = trace.get_tracer("service-a")
meter = metrics.get_meter("service-a")
orders = meter.create_counter("orders", unit="{order}", description="Orders by item and outcome")
orders_active = meter.create_up_down_counter("orders.active", unit="{order}", description="Orders in work")
order_duration = meter.create_histogram("order.duration", unit="ms", description="How long an order takes")


def call_service_b(url: str) -> Any:
    with tracer.start_as_current_span("call_service_b", kind=trace.SpanKind.CLIENT) as span:
        headers: dict[str, str] = {}
        inject(headers)  # adds the traceparent header
        span.set_attribute("peer.service", "service-b")
        request = urllib.request.Request(url, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as response:
            span.set_attribute("http.status_code", response.status)
            return json.load(response)


class Handler(BaseHTTPRequestHandler):
    service_b: str

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        item = parse_qs(parts.query).get("item", [""])[0]
        began = time.perf_counter()
        orders_active.add(1)
        with tracer.start_as_current_span("GET /order", kind=trace.SpanKind.SERVER) as span:
            trace_id = format(span.get_span_context().trace_id, "032x")
            span.set_attribute("url.query", parts.query)
            logger.info("order for %s", item, extra={"item": item})
            try:
                content = call_service_b(f"{self.service_b}/api/data?{parts.query}")
                status = 200
            except urllib.error.HTTPError as error:
                content, status = {"error": f"service B answered {error.code}"}, 502
                span.set_status(trace.StatusCode.ERROR, content["error"])
                logger.warning("the order for %s failed", item)
            span.set_attribute("http.status_code", status)
            # Recorded within the span, so that an exemplar of the histogram can name it.
            order_duration.record((time.perf_counter() - began) * 1000)
        orders.add(1, {"item": item, "http.status_code": status})
        orders_active.add(-1)
        self.answer(status, {**content, "trace_id": trace_id})

    def answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the telemetry tells it."""


def main() -> None:
    parser = argparse.ArgumentParser(description="The service that calls another.")
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument("--service-b", default="http://127.0.0.1:8080", metavar="URL")
    options = parser.parse_args()

    resource = Resource.create({"service.name": "service-a"})
    tracer_provider = TracerProvider(resource=resource)
    tracer_provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(tracer_provider)
    meter_provider = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], resource=resource)
    metrics.set_meter_provider(meter_provider)
    logger_provider = LoggerProvider(resource=resource)
    logger_provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    set_logger_provider(logger_provider)
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger().addHandler(LoggingHandler(logger_provider=logger_provider))

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Handler.service_b = options.service_b
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    print(f"service-a listens on http://127.0.0.1:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        for provider in (tracer_provider, meter_provider, logger_provider):
            provider.shutdown()


if __name__ == "__main__":
    main()
