"""Metrics as an OTLP request message, for programs that want the protobuf object.

The exporters never come here: the engine writes the bytes that they send.
"""

from __future__ import annotations

import logging
from os import environ
from typing import Any

from ferrotel import _native
from opentelemetry.exporter.otlp.common._aggregation import (
    DELTA_KINDS,
    aggregation_by_kind,
    temporality_by_kind,
    temporality_word,
)
from opentelemetry.exporter.otlp.proto.common._internal import protobuf
from opentelemetry.sdk.environment_variables import OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExporter, MetricsData
from opentelemetry.sdk.metrics.view import Aggregation

_logger = logging.getLogger(__name__)


class OTLPMetricExporterMixin:
    """What a metric exporter prefers: its arguments, over the environment's words."""

    def _common_configuration(
        self,
        preferred_temporality: dict[type, Any] | None = None,
        preferred_aggregation: dict[type, Any] | None = None,
    ) -> None:
        MetricExporter.__init__(
            self,  # type: ignore[arg-type]
            preferred_temporality=self._get_temporality(preferred_temporality),
            preferred_aggregation=self._get_aggregation(preferred_aggregation),
        )

    def _get_temporality(self, preferred_temporality: dict[type, Any] | None) -> dict[type, AggregationTemporality]:
        word = temporality_word()
        if word not in DELTA_KINDS:
            _logger.warning(
                "Unrecognized OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE value found: %s, using CUMULATIVE", word
            )
        return temporality_by_kind(word, preferred_temporality)

    def _get_aggregation(self, preferred_aggregation: dict[type, Any] | None) -> dict[type, Aggregation]:
        variable = OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION
        word = environ.get(variable, "explicit_bucket_histogram")
        exponential = word == "base2_exponential_bucket_histogram"
        if not exponential and word != "explicit_bucket_histogram":
            _logger.warning("Invalid value for %s: %s, using explicit bucket histogram aggregation", variable, word)
        return aggregation_by_kind(exponential, preferred_aggregation)


class EncodingException(Exception):
    """A metric that OTLP cannot carry: `metric`, and in `original_exception` why."""

    def __init__(self, original_exception: Exception, metric: Any) -> None:
        super().__init__()
        self.original_exception = original_exception
        self.metric = metric

    def __str__(self) -> str:
        return f"{self.metric}\n{self.original_exception}"


def encode_metrics(data: MetricsData) -> Any:
    """The ExportMetricsServiceRequest that sends `data`.

    Raises EncodingException for a whole number beyond 64 bits (the exporters send the nearest double), and ImportError
    where the package opentelemetry-proto is not installed.
    """
    request = protobuf("collector.metrics.v1.metrics_service_pb2").ExportMetricsServiceRequest
    _refuse_large_integers(data)
    return request.FromString(_native.encode_metrics(data))


def _refuse_large_integers(data: MetricsData) -> None:
    for of_resource in data.resource_metrics:
        for of_scope in of_resource.scope_metrics:
            for metric in of_scope.metrics:
                for point in metric.data.data_points:
                    value = getattr(point, "value", 0)
                    if isinstance(value, int) and not -(2**63) <= value < 2**63:
                        raise EncodingException(ValueError(f"Value out of range: {value}"), metric)
