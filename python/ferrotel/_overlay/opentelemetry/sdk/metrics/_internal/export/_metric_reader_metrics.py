"""What metric readers report about themselves, when `OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED` asks for it."""

from __future__ import annotations

from typing import Any, Protocol

from opentelemetry.metrics import MeterProvider
from opentelemetry.sdk._shared_internal._processor_metrics import _component_counter, component_attributes

__all__ = [
    "MetricReaderMetrics",
    "MetricReaderMetricsT",
    "NoOpMetricReaderMetrics",
    "_component_counter",
    "create_metric_reader_metrics",
]


class MetricReaderMetricsT(Protocol):
    """Told how long each collection took, in seconds."""

    def record_collection(self, duration: float) -> None: ...


class NoOpMetricReaderMetrics:
    """Reports nothing: the default."""

    def record_collection(self, duration: float) -> None:
        pass


class MetricReaderMetrics:
    """The histogram `otel.sdk.metric_reader.collection.duration` of one reader."""

    def __init__(self, component_type: Any, meter_provider: MeterProvider) -> None:
        meter = meter_provider.get_meter("opentelemetry-sdk")
        self._standard_attrs = component_attributes(component_type)
        self._collection_duration = meter.create_histogram(
            name="otel.sdk.metric_reader.collection.duration",
            description="How long it took to collect the metrics, exporting not included.",
            unit="s",
        )

    def record_collection(self, duration: float) -> None:
        self._collection_duration.record(duration, self._standard_attrs)


def create_metric_reader_metrics(
    component_type: Any,
    meter_provider: MeterProvider,
    enabled: bool,
) -> MetricReaderMetricsT:
    """The metrics of one reader; `component_type` is a string or an enumeration's member."""
    return MetricReaderMetrics(component_type, meter_provider) if enabled else NoOpMetricReaderMetrics()
