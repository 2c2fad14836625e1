"""The service that W3C's Trace Context harness tests: it continues the trace of each request that it gets.

The harness posts a JSON array of `{"url": ..., "arguments": ...}`; the service posts each `arguments` to its `url`,
with the headers that `opentelemetry.propagate.inject` writes.

    python service.py PORT
"""

from __future__ import annotations

import http.client
import json
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.sdk.trace import TracerProvider

trace.set_tracer_provider(TracerProvider())
tracer = trace.get_tracer("w3c.service")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        headers: dict[str, list[str]] = {}
        for name, value in self.headers.items():
            headers.setdefault(name.lower(), []).append(value)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        context = propagate.extract(headers)
        with tracer.start_as_current_span("request", context, trace.SpanKind.SERVER):
            for action in json.loads(body or b"[]") or []:
                self.forward(action)
        self.answer()

    def forward(self, action: dict[str, Any]) -> None:
        url = urllib.parse.urlsplit(action["url"])
        with tracer.start_as_current_span("call", kind=trace.SpanKind.CLIENT):
            headers = {"content-type": "application/json"}
            propagate.inject(headers)
            connection = http.client.HTTPConnection(url.netloc, timeout=10)
            try:
                connection.request("POST", url.path, json.dumps(action["arguments"]), headers)
                connection.getresponse().read()
            finally:
                connection.close()

    def answer(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "4")
        self.end_headers()
        self.wfile.write(b"null")

    def log_message(self, format: str, *args: object) -> None:
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
