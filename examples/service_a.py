"""Service A: calls service B, and sends the trace's context along.

It sends its spans by OTLP over gRPC. Run it with ``OTEL_EXPORTER_OTLP_ENDPOINT`` set if the receiver is not on
http://localhost:4317.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import inject
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

tracer = trace.get_tracer("service-a")


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
        with tracer.start_as_current_span("GET /order", kind=trace.SpanKind.SERVER) as span:
            trace_id = format(span.get_span_context().trace_id, "032x")
            span.set_attribute("url.query", parts.query)
            try:
                content = call_service_b(f"{self.service_b}/api/data?{parts.query}")
                status = 200
            except urllib.error.HTTPError as error:
                content, status = {"error": f"service B answered {error.code}"}, 502
                span.set_status(trace.StatusCode.ERROR, content["error"])
            span.set_attribute("http.status_code", status)
            self.answer(status, {**content, "trace_id": trace_id})

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
    parser = argparse.ArgumentParser(description="The service that calls another.")
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument("--service-b", default="http://127.0.0.1:8080", metavar="URL")
    options = parser.parse_args()

    provider = TracerProvider(resource=Resource.create({"service.name": "service-a"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Handler.service_b = options.service_b
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    print(f"service-a listens on http://127.0.0.1:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        provider.shutdown()


if __name__ == "__main__":
    main()
