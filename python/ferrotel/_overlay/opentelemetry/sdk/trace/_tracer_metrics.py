"""What the SDK counts about its own spans (semantic conventions: OpenTelemetry SDK metrics), when it is asked to.

`OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED` asks for it.
"""

from __future__ import annotations

from typing import Callable, Protocol

from opentelemetry import metrics as metrics_api
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace.span import SpanContext

_PARENT_ORIGIN = "otel.span.parent.origin"
_SAMPLING_RESULT = "otel.span.sampling_result"


class TracerMetricsT(Protocol):
    """Told of every span that starts; gives back what to call when it ends."""

    def start_span(
        self,
        parent_span_context: SpanContext | None,
        sampling_decision: Decision,
    ) -> Callable[[], None]: ...


def create_tracer_metrics(meter_provider: metrics_api.MeterProvider, enabled: bool) -> TracerMetricsT:
    return TracerMetrics(meter_provider) if enabled else NoOpTracerMetrics()


class NoOpTracerMetrics:
    """Counts nothing."""

    def start_span(
        self,
        parent_span_context: SpanContext | None,
        sampling_decision: Decision,
    ) -> Callable[[], None]:
        return noop


class TracerMetrics:
    """Counts the spans started and those that are recorded and have not ended yet."""

    def __init__(self, meter_provider: metrics_api.MeterProvider) -> None:
        meter = meter_provider.get_meter("opentelemetry-sdk")
        self._started_spans = meter.create_counter(
            name="otel.sdk.span.started",
            description="The number of created spans.",
            unit="{span}",
        )
        self._live_spans = meter.create_up_down_counter(
            name="otel.sdk.span.live",
            description="The number of created spans with `recording=true` for which the end operation has not been "
            "called yet.",
            unit="{span}",
        )

    def start_span(
        self,
        parent_span_context: SpanContext | None,
        sampling_decision: Decision,
    ) -> Callable[[], None]:
        result = {_SAMPLING_RESULT: sampling_result(sampling_decision)}
        self._started_spans.add(1, {_PARENT_ORIGIN: parent_origin(parent_span_context), **result})
        if not sampling_decision.is_recording():
            return noop
        self._live_spans.add(1, result)
        return lambda: self._live_spans.add(-1, result)


def parent_origin(span_ctx: SpanContext | None) -> str:
    """Where the parent is, as the attribute says it: none, remote or local."""
    if span_ctx is None:
        return "none"
    return "remote" if span_ctx.is_remote else "local"


def sampling_result(decision: Decision) -> str:
    """The decision as the attribute says it: DROP, RECORD_ONLY or RECORD_AND_SAMPLE."""
    return decision.name


def noop() -> None:
    """What there is to do at the end of a span that is not counted."""
