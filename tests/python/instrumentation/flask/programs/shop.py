"""A Flask application for gunicorn, without a line of telemetry in its set-up."""

from flask import Flask, Response, stream_with_context

from opentelemetry import trace

app = Flask(__name__)
tracer = trace.get_tracer("shop")


@app.get("/orders/<int:order_id>")
def order(order_id):
    with tracer.start_as_current_span("look_up"):
        return {"id": order_id}


@app.get("/broken")
def broken():
    raise KeyError("price")


@app.get("/health")
def health():
    return "well"


def parts():
    for number in range(3):
        with tracer.start_as_current_span(f"part {number}"):
            yield f"{number}\n"


@app.get("/stream")
def stream():
    return Response(parts())


@app.get("/stream-with-context")
def stream_in_context():
    return Response(stream_with_context(parts()))


@app.get("/current")
def current():
    return trace.format_span_id(trace.get_current_span().get_span_context().span_id)
