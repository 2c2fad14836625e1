"""OTLP over gRPC: metrics."""

from __future__ import annotations

import logging
from os import PathLike
from os import environ as environ
from typing import TYPE_CHECKING, Any, Iterable, Sequence

from ferrotel import _native
from opentelemetry.exporter.otlp.common._engine import runs_in_engine
from opentelemetry.exporter.otlp.common._signal import METRICS
from opentelemetry.exporter.otlp.common._split import count_data_points, split_metrics_data
from opentelemetry.exporter.otlp.proto.common._internal.metrics_encoder import OTLPMetricExporterMixin
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.grpc._engine_exporter import EngineGrpcExporter
from opentelemetry.exporter.otlp.proto.grpc.exporter import OTLPExporterMixin
from opentelemetry.exporter.otlp.proto.grpc.exporter import (
    get_resource_data as get_resource_data,
)
from opentelemetry.sdk.environment_variables import (  # noqa: F401
    _OTEL_PYTHON_EXPORTER_OTLP_GRPC_METRICS_CREDENTIAL_PROVIDER,
    OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE,
    OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE,
    OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY,
    OTEL_EXPORTER_OTLP_METRICS_COMPRESSION,
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT,
    OTEL_EXPORTER_OTLP_METRICS_HEADERS,
    OTEL_EXPORTER_OTLP_METRICS_INSECURE,
    OTEL_EXPORTER_OTLP_METRICS_TIMEOUT,
)
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    MetricExportResult,
    MetricsData,
)
from opentelemetry.sdk.metrics.export import DataPointT as DataPointT
from opentelemetry.sdk.metrics.view import Aggregation

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

logger = logging.getLogger(__name__)


class OTLPMetricExporter(
    MetricExporter, EngineGrpcExporter[MetricsData, Any, MetricExportResult, Any], OTLPMetricExporterMixin
):
    """Sends metrics by OTLP over gRPC; the arguments are those of `OTLPExporterMixin` and `MetricExporter`.

    `max_export_batch_size` is the most data points of one request; a larger collection is sent as several.

    OTEL_EXPORTER_OTLP_METRICS_* answer for arguments that are left out, then OTEL_EXPORTER_OTLP_*.
    """

    _NATIVE = _native.OtlpMetricExporter
    _SIGNAL = METRICS
    _RESULT = MetricExportResult
    _COMPONENT_TYPE = "otlp_grpc_metric_exporter"

    def __init__(
        self,
        endpoint: str | None = None,
        insecure: bool | None = None,
        credentials: Any = None,
        headers: Sequence[tuple[str, str]] | dict[str, str] | str | None = None,
        timeout: float | None = None,
        compression: Any = None,
        preferred_temporality: dict[type, AggregationTemporality] | None = None,
        preferred_aggregation: dict[type, Aggregation] | None = None,
        max_export_batch_size: int | None = None,
        channel_options: tuple[tuple[str, Any], ...] | None = None,
        retryable_error_codes: Iterable[Any] | str | None = None,
        *,
        meter_provider: MeterProvider | None = None,
        spool_dir: str | PathLike[str] | None = None,
    ) -> None:
        self._spool_dir = spool_dir
        self._max_export_batch_size = max_export_batch_size
        self._common_configuration(preferred_temporality, preferred_aggregation)
        self._configure(
            endpoint,
            insecure,
            credentials,
            headers,
            timeout,
            compression,
            channel_options,
            retryable_error_codes,
            meter_provider,
        )

    @runs_in_engine
    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        """Sends a collection, in as many requests as it takes; one that fails does not keep the others back."""
        if self._max_export_batch_size is None:
            return self._export(data=metrics_data)
        result = MetricExportResult.SUCCESS
        for part in self._split_metrics_data(metrics_data):
            if self._export(data=part) is MetricExportResult.FAILURE:
                result = MetricExportResult.FAILURE
        return result

    def _split_metrics_data(self, metrics_data: MetricsData) -> Iterable[MetricsData]:
        return split_metrics_data(metrics_data, self._max_export_batch_size or 1)

    @runs_in_engine
    def _translate_data(self, data: MetricsData) -> Any:
        return encode_metrics(data)

    def _engine_settings(self) -> dict[str, Any]:
        return {**OTLPExporterMixin._engine_settings(self), "max_export_batch_size": self._max_export_batch_size}

    def set_meter_provider(self, meter_provider: MeterProvider) -> None:
        """Who measures the exporter itself."""
        self._set_meter_provider(meter_provider)

    def _count_data(self, data: MetricsData) -> int:
        return count_data_points(data)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        OTLPExporterMixin.shutdown(self, timeout_millis=timeout_millis)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Nothing is held back here."""
        return True
