"""The code of the section about gotchas. What ferrotel answers to each is tested in tests/python/gotchas/."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable

from opentelemetry import context, trace


def test_shutdown_at_exit(server: Any, start: Callable[..., Any]) -> None:
    assert start("atexit_shutdown", server.grpc_endpoint).finish() == ("", "")
    [span] = server.spans()
    assert span["name"] == "delivered"


def test_attribute_value_types(exporter: Any) -> None:
    with trace.get_tracer("a").start_as_current_span("a") as span:
        # Called wrong there: since 1.45 a mapping is a value like others.
        span.set_attribute("data", {"key": "value"})

        span.set_attribute("data.key", "value")
    [finished] = exporter.get_finished_spans()
    assert dict(finished.attributes) == {"data": {"key": "value"}, "data.key": "value"}


def test_span_names_of_low_cardinality(exporter: Any) -> None:
    tracer = trace.get_tracer("a")
    user_id = "12345"
    # Called wrong there, and it makes no span: nobody enters it.
    tracer.start_as_current_span(f"GET /users/{user_id}")

    with tracer.start_as_current_span("GET /users/{id}") as span:
        span.set_attribute("user.id", user_id)
    [finished] = exporter.get_finished_spans()
    assert finished.name == "GET /users/{id}"
    assert dict(finished.attributes) == {"user.id": "12345"}


def test_context_in_thread_pools(exporter: Any) -> None:
    tracer = trace.get_tracer("a")
    with ThreadPoolExecutor(max_workers=1) as pool, tracer.start_as_current_span("submitting") as outer:
        current_context = context.get_current()

        def task() -> None:
            token = context.attach(current_context)
            try:
                with tracer.start_as_current_span("task"):
                    ...
            finally:
                context.detach(token)

        pool.submit(task).result()
        # The pool's thread is left as it was.
        assert pool.submit(trace.get_current_span).result() is trace.INVALID_SPAN
    finished = {span.name: span for span in exporter.get_finished_spans()}
    assert finished["task"].parent.span_id == outer.get_span_context().span_id
    assert finished["task"].context.trace_id == outer.get_span_context().trace_id
