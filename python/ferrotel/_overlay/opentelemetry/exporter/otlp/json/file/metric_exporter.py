"""OTLP in lines of JSON: metrics."""

from __future__ import annotations

import os
from logging import getLogger
from typing import IO, Any

from ferrotel import _native
from opentelemetry.exporter.otlp.common._aggregation import _get_aggregation, _get_temporality
from opentelemetry.exporter.otlp.json.file._lines import LineWriter
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.metrics.view import Aggregation

_logger = getLogger(__name__)


class FileMetricExporter(MetricExporter):
    """Appends metrics to the file at `path`, or writes them to `stream`, which it does not close; default: standard
    output. Temporality and aggregation that are not given are the environment's, as with OTLP over the network."""

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        stream: IO[str] | None = None,
        preferred_temporality: dict[type, AggregationTemporality] | None = None,
        preferred_aggregation: dict[type, Aggregation] | None = None,
    ) -> None:
        super().__init__(
            preferred_temporality=_get_temporality(preferred_temporality),
            preferred_aggregation=_get_aggregation(preferred_aggregation),
        )
        self._writer = LineWriter(path, stream, _logger)

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        """Writes one line; FAILURE, and a line in the log, when that can't be done."""
        is_empty = not metrics_data.resource_metrics
        written = is_empty or self._writer.write(_native.encode_metrics_json(metrics_data), "metrics")
        return MetricExportResult.SUCCESS if written else MetricExportResult.FAILURE

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Closes the file."""
        self._writer.shut_down()

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """True: nothing is kept."""
        return True
