"""Core API, tracing: providers, tracers, spans."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode


def only(exporter: Any) -> Any:
    [span] = exporter.get_finished_spans()
    return span


def test_tracer_provider_and_tracer(server: Any) -> None:
    resource = Resource.create(
        {
            "service.name": "my-service",
            "service.version": "1.0.0",
            "deployment.environment": "production",
        }
    )
    provider = TracerProvider(resource=resource)
    trace.set_tracer_provider(provider)
    tracer = trace.get_tracer("my.module.name", "1.0.0")

    assert trace.get_tracer_provider() is provider
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=server.grpc_endpoint)))
    tracer.start_span("a").end()
    provider.shutdown()
    [span] = server.spans()
    assert (span["scope_name"], span["scope_version"]) == ("my.module.name", "1.0.0")
    described = span["resource"]
    assert described["service.name"] == "my-service"
    assert described["service.version"] == "1.0.0"
    assert described["deployment.environment"] == "production"
    assert described["telemetry.sdk.language"] == "python"


def test_start_as_current_span(exporter: Any) -> None:
    tracer = trace.get_tracer(__name__)

    def process_order(order_id: str) -> None:
        with tracer.start_as_current_span("process_order") as span:
            span.set_attribute("order.id", order_id)
            validate_order(order_id)
            charge_payment(order_id)
            ship_order(order_id)

    def validate_order(order_id: str) -> None:
        with tracer.start_as_current_span("validate_order") as span:
            span.set_attribute("order.id", order_id)
            assert trace.get_current_span() is span

    def charge_payment(order_id: str) -> None:
        with tracer.start_as_current_span("charge_payment"):
            pass

    def ship_order(order_id: str) -> None:
        assert trace.get_current_span().name == "process_order"  # type: ignore[attr-defined]

    process_order("o-1")
    assert trace.get_current_span() is trace.INVALID_SPAN
    validated, charged, processed = exporter.get_finished_spans()
    assert [span.name for span in (validated, charged, processed)] == [
        "validate_order",
        "charge_payment",
        "process_order",
    ]
    assert processed.parent is None
    for child in (validated, charged):
        assert child.parent.span_id == processed.context.span_id
        assert child.context.trace_id == processed.context.trace_id
        assert processed.start_time <= child.start_time <= child.end_time <= processed.end_time
    assert dict(validated.attributes) == dict(processed.attributes) == {"order.id": "o-1"}


def test_span_attributes(exporter: Any) -> None:
    tracer = trace.get_tracer(__name__)
    with tracer.start_as_current_span("http_request") as span:
        span.set_attribute("http.method", "GET")
        span.set_attribute("http.url", "https://api.example.com/data")
        span.set_attribute("http.status_code", 200)
        span.set_attribute("custom.retry_count", 3)

        span.set_attributes(
            {
                "db.system": "postgresql",
                "db.statement": "SELECT * FROM users",
                "db.operation": "SELECT",
            }
        )
    assert dict(only(exporter).attributes) == {
        "http.method": "GET",
        "http.url": "https://api.example.com/data",
        "http.status_code": 200,
        "custom.retry_count": 3,
        "db.system": "postgresql",
        "db.statement": "SELECT * FROM users",
        "db.operation": "SELECT",
    }


def test_attribute_types(exporter: Any) -> None:
    # What the text above the example promises: strings, booleans, integers, floats, and sequences of them.
    values = {"s": "text", "b": True, "i": -7, "f": 0.5, "ss": ["a", "b"], "bs": [True], "is": (1, 2), "fs": [0.5]}
    with trace.get_tracer(__name__).start_as_current_span("a") as span:
        span.set_attributes(values)
    kept = dict(only(exporter).attributes)
    assert kept == {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    assert type(kept["b"]) is bool and type(kept["i"]) is int


def test_span_events(exporter: Any) -> None:
    tracer = trace.get_tracer(__name__)
    batch = ["a", "b"]
    processed = []
    with tracer.start_as_current_span("process_batch") as span:
        span.add_event("batch_started", {"batch.size": 100})

        for _, item in enumerate(batch):
            processed.append(item)

        span.add_event(
            "batch_completed",
            {
                "batch.processed": 100,
                "batch.failed": 2,
            },
        )
    span = only(exporter)
    started, completed = span.events
    assert (started.name, dict(started.attributes)) == ("batch_started", {"batch.size": 100})
    assert (completed.name, dict(completed.attributes)) == (
        "batch_completed",
        {"batch.processed": 100, "batch.failed": 2},
    )
    assert span.start_time <= started.timestamp <= completed.timestamp <= span.end_time
    assert processed == batch


def risky_operation(tracer: Any, do_work: Any) -> Any:
    with tracer.start_as_current_span("risky_operation") as span:
        try:
            result = do_work()
            span.set_status(StatusCode.OK)
        except Exception as e:
            span.set_status(StatusCode.ERROR, str(e))
            span.record_exception(e)
            raise
    return result


def test_span_status_of_success(exporter: Any) -> None:
    assert risky_operation(trace.get_tracer(__name__), lambda: 42) == 42
    span = only(exporter)
    assert (span.status.status_code, span.status.description) == (StatusCode.OK, None)
    assert span.events == ()


def test_span_status_of_failure(exporter: Any) -> None:
    def do_work() -> None:
        raise ValueError("no work today")

    with pytest.raises(ValueError, match="no work today"):
        risky_operation(trace.get_tracer(__name__), do_work)
    span = only(exporter)
    assert span.status.status_code is StatusCode.ERROR
    # The exception that leaves the block sets the status once more, as with the official packages.
    assert span.status.description == "ValueError: no work today"
    assert {event.name for event in span.events} == {"exception"}


def test_recording_exceptions(exporter: Any) -> None:
    tracer = trace.get_tracer(__name__)
    text = ""

    def risky_call() -> None:
        raise KeyError("missing")

    with pytest.raises(KeyError):
        with tracer.start_as_current_span("operation") as span:
            try:
                risky_call()
            except Exception as e:
                text = traceback.format_exc()
                span.record_exception(e)
                span.set_status(StatusCode.ERROR, str(e))
                raise
    span = only(exporter)
    assert span.status.status_code is StatusCode.ERROR
    recorded = span.events[0]
    assert recorded.name == "exception"
    assert recorded.attributes["exception.type"] == "KeyError"
    assert recorded.attributes["exception.message"] == "'missing'"
    assert recorded.attributes["exception.stacktrace"] == text
    assert recorded.attributes["exception.escaped"] == "False"
    # The second one is the block's own, as with the official packages.
    assert [event.name for event in span.events] == ["exception", "exception"]


def test_span_kind(exporter: Any) -> None:
    tracer = trace.get_tracer(__name__)
    with tracer.start_as_current_span("handle_request", kind=SpanKind.SERVER):
        ...
    with tracer.start_as_current_span("call_service", kind=SpanKind.CLIENT):
        ...
    with tracer.start_as_current_span("send_message", kind=SpanKind.PRODUCER):
        ...
    with tracer.start_as_current_span("process_message", kind=SpanKind.CONSUMER):
        ...
    with tracer.start_as_current_span("compute", kind=SpanKind.INTERNAL):
        ...
    with tracer.start_as_current_span("default"):
        ...
    assert {span.name: span.kind for span in exporter.get_finished_spans()} == {
        "handle_request": SpanKind.SERVER,
        "call_service": SpanKind.CLIENT,
        "send_message": SpanKind.PRODUCER,
        "process_message": SpanKind.CONSUMER,
        "compute": SpanKind.INTERNAL,
        "default": SpanKind.INTERNAL,
    }
