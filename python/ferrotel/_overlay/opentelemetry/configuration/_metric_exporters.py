"""The exporters that push metrics."""

from __future__ import annotations

from typing import Any, Callable

from opentelemetry.configuration import models
from opentelemetry.configuration._components import create_component
from opentelemetry.configuration._exporters import otlp_exporters
from opentelemetry.exporter.otlp.common._aggregation import aggregation_by_kind, temporality_by_kind
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, MetricExporter


def create_metric_exporter(config: models.PushMetricExporter) -> MetricExporter:
    """An exporter of ferrotel, or another package's by its entry point in `opentelemetry_metrics_exporter`."""
    exporter: MetricExporter = create_component("metric exporter", config, _EXPORTERS, "opentelemetry_metrics_exporter")
    return exporter


def _preferences(config: Any) -> dict[str, Any]:
    """Always said, so that the environment's are not taken."""
    preference = config.temporality_preference or models.ExporterTemporalityPreference.cumulative
    exponential = models.ExporterDefaultHistogramAggregation.base2_exponential_bucket_histogram
    return {
        "preferred_temporality": temporality_by_kind(preference.value.upper().replace("_", ""), None),
        "preferred_aggregation": aggregation_by_kind(config.default_histogram_aggregation is exponential, None),
    }


_EXPORTERS: dict[str, Callable[[Any], MetricExporter]] = {
    **otlp_exporters("metric_exporter", "OTLPMetricExporter", "FileMetricExporter", _preferences),
    "console": lambda config: ConsoleMetricExporter(**_preferences(config)),
}
