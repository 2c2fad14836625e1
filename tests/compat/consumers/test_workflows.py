"""What Temporal, Airflow, the contrib instrumentations and test suites do beyond the documented API."""

from __future__ import annotations

from typing import Any, Iterator

import pytest

from opentelemetry import context as context_api
from opentelemetry import metrics, trace
from opentelemetry.context import _SUPPRESS_HTTP_INSTRUMENTATION_KEY
from opentelemetry.metrics._internal.instrument import Histogram
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs._internal.export.in_memory_log_exporter import InMemoryLogRecordExporter
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.trace import (
    ConcurrentMultiSpanProcessor,
    SynchronousMultiSpanProcessor,
    TracerProvider,
    _Span,
)
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.util._decorator import _agnosticcontextmanager
from opentelemetry.util._importlib_metadata import entry_points
from opentelemetry.util._once import Once


@pytest.mark.parametrize("joined", [SynchronousMultiSpanProcessor, ConcurrentMultiSpanProcessor])
def test_temporal_joins_processors_by_hand(joined: Any, exporter: InMemorySpanExporter) -> None:
    class Ids(RandomIdGenerator):
        fixed: int | None = None

        def generate_span_id(self) -> int:
            return self.fixed or super().generate_span_id()

    ids, both = Ids(), joined()
    both.add_span_processor(SimpleSpanProcessor(exporter))
    provider = TracerProvider(active_span_processor=both, id_generator=ids, shutdown_on_exit=False)
    ids.fixed = 0xB
    provider.get_tracer("temporal").start_span("a").end()
    ids.fixed = None
    provider.get_tracer("temporal").start_span("b").end()
    provider.shutdown()
    first, second = exporter.get_finished_spans()
    assert first.context.span_id == 0xB != second.context.span_id


def test_temporal_wraps_the_api(provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
    class Tracer(trace.Tracer):
        def __init__(self, inner: trace.Tracer) -> None:
            self.inner = inner

        def start_span(self, *args: Any, **kwargs: Any) -> trace.Span:
            return self.inner.start_span(*args, **kwargs)

        @_agnosticcontextmanager
        def start_as_current_span(self, *args: Any, **kwargs: Any) -> Iterator[trace.Span]:
            span = self.start_span(*args, **kwargs)
            with trace.use_span(span, end_on_exit=True) as current:
                yield current

    class Provider(trace.TracerProvider):
        def get_tracer(self, *args: Any, **kwargs: Any) -> trace.Tracer:
            return Tracer(provider.get_tracer(*args, **kwargs))

    with Provider().get_tracer("temporal").start_as_current_span("a") as span:
        assert trace.get_current_span() is span
    assert [span.name for span in exporter.get_finished_spans()] == ["a"]


def test_airflow_subclasses_the_provider_and_renews_it_after_a_fork() -> None:
    class Provider(TracerProvider):
        forks = 0

        def _handle_fork(self) -> None:
            self.forks += 1
            super()._handle_fork()

    provider = Provider(shutdown_on_exit=False)
    first = provider._tracers_lock
    with provider._tracers_lock:
        pass
    pid = provider.resource.attributes.get("service.instance.id")
    provider._handle_fork()
    assert provider.forks == 1
    assert provider._tracers_lock is not first
    assert provider.sampler.get_description().startswith("ParentBased")
    assert provider.resource.attributes.get("service.instance.id") is not None or pid is None
    provider.sampler = trace_sampler = type(provider.sampler)(provider.sampler)  # type: ignore[arg-type]
    assert provider.get_tracer("airflow").sampler is trace_sampler  # type: ignore[attr-defined]


def test_contrib_instrumentations_find_components_and_suppress_each_other() -> None:
    found = {point.name: point for point in entry_points(group="opentelemetry_propagator")}
    assert found["tracecontext"].load().__name__ == "TraceContextTextMapPropagator"
    token = context_api.attach(context_api.set_value(_SUPPRESS_HTTP_INSTRUMENTATION_KEY, True))
    assert context_api.get_value(_SUPPRESS_HTTP_INSTRUMENTATION_KEY) is True
    context_api.detach(token)
    meter = metrics.NoOpMeterProvider().get_meter("contrib")
    assert isinstance(meter.create_histogram("h"), Histogram)
    assert isinstance(metrics.get_meter("contrib").create_histogram("h"), Histogram)
    kept = InMemoryLogRecordExporter()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(kept))
    provider.get_logger("contrib").emit(body="a")
    assert [record.log_record.body for record in kept.get_finished_logs()] == ["a"]


def test_test_suites_reset_the_global_providers(provider: TracerProvider) -> None:
    from opentelemetry.metrics import _internal as metrics_internal

    before = trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE._done, metrics_internal._METER_PROVIDER_SET_ONCE
    try:
        trace._TRACER_PROVIDER_SET_ONCE._done = False
        trace._TRACER_PROVIDER = None
        trace.set_tracer_provider(provider)
        assert trace.get_tracer_provider() is provider
        metrics_internal._METER_PROVIDER_SET_ONCE = Once()
        metrics_internal._METER_PROVIDER = None
        noop = metrics.NoOpMeterProvider()
        metrics.set_meter_provider(noop)
        assert metrics.get_meter_provider() is noop
    finally:
        trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE._done = before[:2]
        metrics_internal._METER_PROVIDER_SET_ONCE = before[2]
        metrics_internal._METER_PROVIDER = None


def test_test_suites_make_spans_by_hand() -> None:
    span = _Span("a", trace.SpanContext(1, 2, is_remote=False), attributes={"n": 1})
    span.start(start_time=1)
    span.end(end_time=2)
    assert (span.name, span.attributes, span.start_time, span.end_time) == ("a", {"n": 1}, 1, 2)
    assert isinstance(TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("b"), _Span)
