"""Service B: answers requests, and continues the trace that came with them.

It sends its spans by OTLP over HTTP. Run it with ``OTEL_EXPORTER_OTLP_ENDPOINT`` set if the receiver is not on
http://localhost:4318.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

STOCK = {"apple": 12, "pear": 0}

tracer = trace.get_tracer("service-b")


def read_stock(item: str) -> int:
    with tracer.start_as_current_span("SELECT stock", kind=trace.SpanKind.CLIENT) as span:
        span.set_attribute("db.system", "memory")
        span.set_attribute("item", item)
        return STOCK[item]  # an unknown item raises KeyError, and the span shows it


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        context = extract(self.headers)  # finds the headers in upper and lower case: HTTP does not distinguish them
        try:
            with tracer.start_as_current_span("handle_request", context=context, kind=trace.SpanKind.SERVER) as span:
                item = parse_qs(urlsplit(self.path).query).get("item", [""])[0]
                count = read_stock(item)
                if count == 0:
                    span.add_event("out of stock", {"item": item})
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
        """Say nothing: the trace tells it."""


def main() -> None:
    parser = argparse.ArgumentParser(description="The service that is called.")
    parser.add_argument("--port", type=int, default=8080)
    options = parser.parse_args()

    provider = TracerProvider(resource=Resource.create({"service.name": "service-b"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    print(f"service-b listens on http://127.0.0.1:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        provider.shutdown()


if __name__ == "__main__":
    main()
