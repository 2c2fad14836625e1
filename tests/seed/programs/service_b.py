"""Service B, the receiver. Its argument is the endpoint of a receiver of OTLP over HTTP."""

import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

tracer = trace.get_tracer("service-b")


def process_data():
    return {"data": [1, 2, 3]}


def handle_request(request):
    context = extract(request.headers)
    with tracer.start_as_current_span("handle_request", context=context, kind=trace.SpanKind.SERVER):
        return process_data()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(handle_request(self)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


provider = TracerProvider(resource=Resource.create({"service.name": "service-b"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=sys.argv[1])))
trace.set_tracer_provider(provider)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
