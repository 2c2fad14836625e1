"""What Langfuse does beyond the documented API."""

from __future__ import annotations

import asyncio
from typing import Any, Iterator

from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.context import _RUNTIME_CONTEXT
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util import BoundedList
from opentelemetry.util._decorator import _AgnosticContextManager, _agnosticcontextmanager


def test_a_token_is_detached_by_the_runtime_context_itself() -> None:
    before = context_api.get_current()
    token = context_api.attach(context_api.set_value("k", "v"))
    assert context_api.get_value("k") == "v"
    _RUNTIME_CONTEXT.detach(token)
    assert context_api.get_current() == before


def test_a_context_manager_decorates_functions_of_both_kinds() -> None:
    entered: list[str] = []

    @_agnosticcontextmanager
    def observed(name: str) -> Iterator[str]:
        entered.append(name)
        yield name

    @observed("plain")
    def plain() -> int:
        return 1

    @observed("asynchronous")
    async def asynchronous() -> int:
        return 2

    with observed("block") as name:
        assert name == "block"
    assert isinstance(observed("unused"), _AgnosticContextManager)
    assert (plain(), asyncio.run(asynchronous()), plain()) == (1, 2, 1)
    assert entered == ["block", "plain", "asynchronous", "plain"]


def test_a_processor_filters_and_masks_what_it_passes_on(exporter: InMemorySpanExporter) -> None:
    class Processor(BatchSpanProcessor):
        def on_start(self, span: Any, parent_context: Any = None) -> None:
            for key in ("user.id",):
                value = context_api.get_value(key, parent_context or context_api.get_current())
                if value is not None:
                    span.set_attribute(key, value)
            return super().on_start(span, parent_context)

        def on_end(self, span: ReadableSpan) -> None:
            if span.name != "hidden":
                super().on_end(span)

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Processor(span_exporter=exporter, schedule_delay_millis=60_000))
    tracer = provider.get_tracer("langfuse-sdk")
    with tracer.start_as_current_span("shown", context=context_api.set_value("user.id", "u1")):
        tracer.start_span("hidden").end()
    provider.shutdown()
    (shown,) = exporter.get_finished_spans()
    assert (shown.name, shown.attributes) == ("shown", {"user.id": "u1"})


def test_a_finished_span_is_read_by_its_private_names(provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
    link = trace.Link(trace.SpanContext(1, 2, is_remote=True))
    span: Any = provider.get_tracer("langfuse-sdk", "1").start_span(
        "a", attributes={"secret": "s", "n": 1}, links=[link], start_time=1_000
    )
    span.add_event("happened", {"a": 1})
    span.set_status(trace.StatusCode.ERROR, "broken")
    span.end(end_time=2_000)
    read: Any = exporter.get_finished_spans()[0]
    assert (read._name, read._context, read._kind) == ("a", span.get_span_context(), trace.SpanKind.INTERNAL)
    assert (read._start_time, read._end_time, read._status.description) == (1_000, 2_000, "broken")
    assert read._instrumentation_scope.name == "langfuse-sdk"
    assert [event.name for event in read._events] == ["happened"]
    assert [each.context for each in read._links] == [link.context]
    assert read._format_attributes(read._attributes) == {"secret": "s", "n": 1}
    assert read._format_events(read._events)[0]["name"] == "happened"
    assert read._format_links(read._links)[0]["context"]["span_id"] == "0x0000000000000002"
    assert read._format_context(read._context)["trace_id"] == f"0x{read._context.trace_id:032x}"


def test_a_masked_copy_is_a_span_of_replaced_parts(provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
    with provider.get_tracer("langfuse-sdk").start_as_current_span("a", attributes={"input": "secret"}):
        pass
    original: Any = exporter.get_finished_spans()[0]
    original._attributes = {"input": "masked"}
    assert original.attributes == {"input": "masked"}
    assert '"input": "masked"' in original.to_json()
    assert list(BoundedList.from_seq(2, [1, 2, 3])) == [2, 3]
