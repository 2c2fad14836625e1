"""The Flask application: its argument is the endpoint of a receiver of OTLP over gRPC."""

import signal
import sys

from flask import Flask
from werkzeug.serving import make_server

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

resource = Resource.create({SERVICE_NAME: "my-flask-app"})
provider = TracerProvider(resource=resource)
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=sys.argv[1])))
trace.set_tracer_provider(provider)

FlaskInstrumentor().instrument()
RequestsInstrumentor().instrument()

app = Flask(__name__)
tracer = trace.get_tracer(__name__)

ORDERS = {"7": {"id": "7", "item": "pear"}}


def db_get_order(order_id):
    with tracer.start_as_current_span("db_get_order"):
        return ORDERS.get(order_id)


@app.route("/orders/<order_id>")
def get_order(order_id):
    with tracer.start_as_current_span("fetch_order") as span:
        span.set_attribute("order.id", order_id)
        order = db_get_order(order_id)
        if order is None:
            span.set_status(trace.StatusCode.ERROR, "Order not found")
            return {"error": "not found"}, 404
        return order


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.port, flush=True)
server.serve_forever()
