"""Telemetry in memory, and redis-py as it was before."""

from __future__ import annotations

from typing import Any, Iterator

import pytest

from opentelemetry.instrumentation._semconv import _OpenTelemetrySemanticConventionStability
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


class Telemetry:
    def __init__(self, **provider: Any) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracers = TracerProvider(shutdown_on_exit=False, **provider)
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))

    def instrument(self, **options: Any) -> RedisInstrumentor:
        instrumentor = RedisInstrumentor()
        instrumentor.instrument(tracer_provider=self.tracers, **options)
        return instrumentor

    def spans(self) -> list[Any]:
        """Those that have ended since this was asked last."""
        spans = list(self.exporter.get_finished_spans())
        self.exporter.clear()
        return spans

    def names(self) -> list[str]:
        return [span.name for span in self.spans()]


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Reads the generation of attributes anew, and takes the instrumentation out at the end."""
    monkeypatch.delenv("OTEL_SEMCONV_STABILITY_OPT_IN", raising=False)
    monkeypatch.setattr(_OpenTelemetrySemanticConventionStability, "_initialized", False)
    yield
    if RedisInstrumentor().is_instrumented_by_opentelemetry:
        RedisInstrumentor().uninstrument()


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    made = Telemetry()
    yield made
    made.tracers.shutdown()
