"""What the HTTP metric exporters share, whatever they encode to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ferrotel import _native
from opentelemetry.exporter.otlp.common._aggregation import _get_aggregation, _get_temporality
from opentelemetry.exporter.otlp.common._engine import runs_in_engine
from opentelemetry.exporter.otlp.common._http_exporter import HTTPExporter
from opentelemetry.exporter.otlp.common._signal import METRICS
from opentelemetry.exporter.otlp.common._split import count_data_points, split_metrics_data
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider


class HTTPMetricExporter(HTTPExporter, MetricExporter):
    """Sends metrics over HTTP."""

    _NATIVE = _native.OtlpMetricExporter
    _SIGNAL = METRICS
    _RESULT = MetricExportResult

    _max_export_batch_size: int | None = None

    def _prefer(
        self,
        preferred_temporality: dict[type, Any] | None,
        preferred_aggregation: dict[type, Any] | None,
        max_export_batch_size: int | None,
    ) -> None:
        MetricExporter.__init__(
            self,
            preferred_temporality=_get_temporality(preferred_temporality),
            preferred_aggregation=_get_aggregation(preferred_aggregation),
        )
        self._max_export_batch_size = max_export_batch_size

    def _engine_settings(self) -> dict[str, Any]:
        return {**super()._engine_settings(), "max_export_batch_size": self._max_export_batch_size}

    @runs_in_engine
    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        """Sends a collection, in as many requests as it takes; the first one that fails ends it."""
        if self._max_export_batch_size is None or self._shutdown:
            return self._export_unless_shut_down(metrics_data)  # type: ignore[no-any-return]
        try:
            for part in split_metrics_data(metrics_data, self._max_export_batch_size):
                if self._export_batch(part) is not MetricExportResult.SUCCESS:
                    return MetricExportResult.FAILURE
        except Exception as error:
            self._LOGGER.error("Failed to encode metrics batch: %s", error)
            return MetricExportResult.FAILURE
        return MetricExportResult.SUCCESS

    def _count_data(self, data: MetricsData) -> int:
        return count_data_points(data)

    def set_meter_provider(self, meter_provider: MeterProvider) -> None:
        """Who measures the exporter itself."""
        self._set_meter_provider(meter_provider)
