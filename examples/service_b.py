"""Service B: answers requests, and continues the trace that came with them.

It sends its spans, metrics and log records by OTLP over HTTP. Run it with ``OTEL_EXPORTER_OTLP_ENDPOINT`` set if the
receiver is not on http://localhost:4318.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from opentelemetry import metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

if TYPE_CHECKING:
    from collections.abc import Iterable

STOCK = {"apple": 12, "pear": 0}


def observe_stock(_options: metrics.CallbackOptions) -> Iterable[metrics.Observation]:
    for item, count in STOCK.items():
        yield metrics.Observation(count, {"item": item})


logger = logging.getLogger("service-b")
tracer = trace.get_tracer("service-b")
meter = metrics.get_meter("service-b")
lookups = meter.create_counter("stock.lookups", unit="{lookup}", description="Questions for an item's stock")
meter.create_observable_gauge("stock.items", [observe_stock], unit="{item}", description="Items in stock")


def read_stock(item: str) -> int:
    with tracer.start_as_current_span("SELECT stock", kind=trace.SpanKind.CLIENT) as span:
        span.set_attribute("db.system", "memory")
        span.set_attribute("item", item)
        lookups.add(1, {"item": item})
        return STOCK[item]  # an unknown item raises KeyError, and the span shows it


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        context = extract(self.headers)  # finds the headers in upper and lower case: HTTP does not distinguish them
        try:
            with tracer.start_as_current_span("handle_request", context=context, kind=trace.SpanKind.SERVER) as span:
                item = parse_qs(urlsplit(self.path).query).get("item", [""])[0]
                try:
                    count = read_stock(item)
                except KeyError:
                    logger.exception("no such item")
                    raise
                if count == 0:
                    span.add_event("out of stock", {"item": item})
                    logger.warning("%s is out of stock", item)
                else:
                    STOCK[item] = count - 1
                    logger.info("%d of %s in stock", count, item)
                self.answer(200, {"item": item, "stock": count})
        except KeyError:
            self.answer(500, {"error": "no such item"})

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
    parser = argparse.ArgumentParser(description="The service that is called.")
    parser.add_argument("--port", type=int, default=8080)
    options = parser.parse_args()

    resource = Resource.create({"service.name": "service-b"})
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
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    print(f"service-b listens on http://127.0.0.1:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        for provider in (tracer_provider, meter_provider, logger_provider):
            provider.shutdown()


if __name__ == "__main__":
    main()
