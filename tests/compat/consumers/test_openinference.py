"""What Arize's packages, phoenix-otel and OpenInference, do beyond the documented API."""

from __future__ import annotations

from typing import Any, Iterator

from ferrotel import _native
from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.context import _RUNTIME_CONTEXT, _SUPPRESS_INSTRUMENTATION_KEY
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GRPCExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HTTPExporter
from opentelemetry.sdk.trace import Event, ReadableSpan, Tracer, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace.propagation import _SPAN_KEY
from opentelemetry.util._decorator import _agnosticcontextmanager


class Ids(IdGenerator):
    def generate_trace_id(self) -> int:
        return 0xA

    def generate_span_id(self) -> int:
        return 0xB


class Proxy:
    """Stands before a tracer: has everything that the tracer has, but for the generator of ids."""

    def __init__(self, wrapped: Any) -> None:
        self.wrapped = wrapped
        self.id_generator = Ids()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wrapped, name)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self.wrapped)


def test_a_tracers_class_starts_spans_for_a_proxy(provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
    tracer = provider.get_tracer("shop", "1")
    proxy: Any = Proxy(tracer)
    span = tracer.__class__.start_span(proxy, name="a", attributes={"n": 1}, kind=trace.SpanKind.CLIENT)
    span.end()
    (ended,) = exporter.get_finished_spans()
    assert (ended.context.trace_id, ended.context.span_id) == (0xA, 0xB)
    assert (ended.name, ended.attributes, ended.kind) == ("a", {"n": 1}, trace.SpanKind.CLIENT)
    assert (ended.instrumentation_scope.name, ended.resource) == ("shop", provider.resource)
    # The tracer itself has its own ids, asked either way.
    for other in (tracer.start_span("b"), Tracer.start_span(tracer, "b"), Proxy(tracer).start_span("b")):
        assert other.get_span_context().trace_id != 0xA


def test_a_disabled_tracer_records_for_no_proxy(provider: TracerProvider) -> None:
    tracer: Any = provider.get_tracer("shop")
    tracer._set_tracer_config(type(tracer._tracer_config)(is_enabled=False))
    assert not type(tracer).start_span(Proxy(tracer), "a").is_recording()


def test_a_waiting_tracers_class_starts_spans_for_a_proxy() -> None:
    waiting: Any = trace.ProxyTracer("shop")
    assert type(waiting).start_span(Proxy(waiting), "a") is trace.INVALID_SPAN


def test_a_provider_whose_tracers_are_wrapped(exporter: InMemorySpanExporter) -> None:
    class Provider(TracerProvider):
        def get_tracer(self, *args: Any, **kwargs: Any) -> Any:
            return Proxy(super().get_tracer(*args, **kwargs))

        def add_span_processor(self, *args: Any, **kwargs: Any) -> None:
            # Replaces the default processor: its worker has nothing more to do.
            with self._active_span_processor._lock:
                for processor in self._active_span_processor._span_processors:
                    processor.shutdown()
                self._active_span_processor._span_processors = ()
            super().add_span_processor(*args, **kwargs)

    first = InMemorySpanExporter()
    provider = Provider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(first))
    provider.get_tracer("shop").start_span("a").end()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("shop").start_span("b").end()
    provider._active_span_processor._span_processors = tuple(provider._active_span_processor._span_processors)
    provider.get_tracer("shop").start_span("c").end()
    assert [span.name for span in first.get_finished_spans()] == ["a"]
    assert [span.name for span in exporter.get_finished_spans()] == ["b", "c"]
    provider.shutdown()


def test_exporters_are_subclassed_and_their_settings_read(provider: TracerProvider) -> None:
    class HTTP(HTTPExporter):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.own = True

    class GRPC(GRPCExporter):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.own = True

    class Batch(BatchSpanProcessor):
        def __init__(self, exporter: Any) -> None:
            super().__init__(exporter)
            self.own = True

    with _native.ViewServer() as receiver:
        url = receiver.http_endpoint + "/v1/traces"
        http = HTTP(endpoint=url, headers={"authorization": "Bearer a"})
        assert (http._endpoint, http._headers["authorization"]) == (url, "Bearer a")
        assert http._client._headers["authorization"] == "Bearer a"
        grpc = GRPC(endpoint=receiver.grpc_endpoint, headers={"authorization": "Bearer b"})
        assert grpc._endpoint == receiver.grpc_endpoint.split("://")[-1]
        assert dict(grpc._headers)["authorization"] == "Bearer b"
        other = TracerProvider(shutdown_on_exit=False)
        for exporter in (http, grpc):
            other.add_span_processor(Batch(exporter))
        other.get_tracer("shop").start_span("a").end()
        other.shutdown()
        assert receiver.wait_for_spans(1)
        got = {dict(request["headers"])["authorization"] for request in receiver.requests()}
    assert got == {"Bearer a", "Bearer b"}


def test_a_span_is_written_after_its_end(provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
    span: Any = provider.get_tracer("shop").start_span("a", attributes={"secret": 1}, start_time=1)
    span.end(end_time=2)
    ended: Any = exporter.get_finished_spans()[0]
    ended._attributes = {"secret": "masked"}
    ended._status = trace.Status(trace.StatusCode.ERROR, "late")
    ended._events = [Event("late", {"a": 1}, timestamp=3)]
    ended._end_time = 4
    ended._resource = provider.resource
    with _native.ViewServer() as receiver:
        HTTPExporter(endpoint=receiver.http_endpoint + "/v1/traces").export([ended])
        assert receiver.wait_for_spans(1)
        (sent,) = receiver.spans()
    assert (sent["attributes"], sent["status_message"]) == ({"secret": "masked"}, "late")
    assert ([event["name"] for event in sent["events"]], ended.end_time) == (["late"], 4)
    assert isinstance(ended, ReadableSpan)


def test_what_is_current_is_found_by_the_key(provider: TracerProvider) -> None:
    span = provider.get_tracer("shop").start_span("a")
    token = _RUNTIME_CONTEXT.attach(context_api.set_value(_SPAN_KEY, span))
    assert trace.get_current_span() is span
    assert context_api.get_value(_SPAN_KEY) is span
    _RUNTIME_CONTEXT.detach(token)
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_instrumentation_is_suppressed_for_a_block() -> None:
    @_agnosticcontextmanager
    def suppress() -> Iterator[None]:
        token = context_api.attach(context_api.set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        yield
        context_api.detach(token)

    with suppress():
        assert context_api.get_value(_SUPPRESS_INSTRUMENTATION_KEY) is True
    assert context_api.get_value(_SUPPRESS_INSTRUMENTATION_KEY) is None
