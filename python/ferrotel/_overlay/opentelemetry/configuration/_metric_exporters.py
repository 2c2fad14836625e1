"""The exporters that push metrics."""

from __future__ import annotations

from typing import Any, Callable

from opentelemetry.configuration import models
from opentelemetry.configuration._components import create_component
from opentelemetry.configuration._exporters import file_arguments, grpc_arguments, http_arguments, is_json
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


def _otlp_http(config: models.OtlpHttpMetricExporter) -> MetricExporter:
    if is_json(config):
        from opentelemetry.exporter.otlp.json.http.metric_exporter import OTLPMetricExporter as JsonExporter

        return JsonExporter(**http_arguments(config), **_preferences(config))
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

    return OTLPMetricExporter(**http_arguments(config), **_preferences(config))


def _otlp_grpc(config: models.OtlpGrpcMetricExporter) -> MetricExporter:
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter

    return OTLPMetricExporter(**grpc_arguments(config), **_preferences(config))


def _otlp_file(config: models.ExperimentalOtlpFileMetricExporter) -> MetricExporter:
    from opentelemetry.exporter.otlp.json.file.metric_exporter import FileMetricExporter

    return FileMetricExporter(**file_arguments(config), **_preferences(config))


_EXPORTERS: dict[str, Callable[[Any], MetricExporter]] = {
    "otlp_http": _otlp_http,
    "otlp_grpc": _otlp_grpc,
    "otlp_file_development": _otlp_file,
    "console": lambda config: ConsoleMetricExporter(**_preferences(config)),
}
