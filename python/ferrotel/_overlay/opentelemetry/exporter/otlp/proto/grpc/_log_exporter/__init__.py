"""OTLP over gRPC: log records."""

from __future__ import annotations

import logging
from os import PathLike
from os import environ as environ
from typing import TYPE_CHECKING, Any, Iterable, Sequence

from ferrotel import _native
from opentelemetry.exporter.otlp.common._engine import runs_in_engine
from opentelemetry.exporter.otlp.common._signal import LOGS
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.grpc._engine_exporter import EngineGrpcExporter
from opentelemetry.exporter.otlp.proto.grpc.exporter import OTLPExporterMixin
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.environment_variables import (  # noqa: F401
    _OTEL_PYTHON_EXPORTER_OTLP_GRPC_LOGS_CREDENTIAL_PROVIDER,
    OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE,
    OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE,
    OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY,
    OTEL_EXPORTER_OTLP_LOGS_COMPRESSION,
    OTEL_EXPORTER_OTLP_LOGS_ENDPOINT,
    OTEL_EXPORTER_OTLP_LOGS_HEADERS,
    OTEL_EXPORTER_OTLP_LOGS_INSECURE,
    OTEL_EXPORTER_OTLP_LOGS_TIMEOUT,
)

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

logger = logging.getLogger(__name__)


class OTLPLogExporter(
    LogRecordExporter, EngineGrpcExporter[Sequence[ReadableLogRecord], Any, LogRecordExportResult, Any]
):
    """Sends log records by OTLP over gRPC; the arguments are those of `OTLPExporterMixin`.

    OTEL_EXPORTER_OTLP_LOGS_* answer for arguments that are left out, then OTEL_EXPORTER_OTLP_*.
    """

    _NATIVE = _native.OtlpLogRecordExporter
    _SIGNAL = LOGS
    _RESULT = LogRecordExportResult
    _COMPONENT_TYPE = "otlp_grpc_log_exporter"

    def __init__(
        self,
        endpoint: str | None = None,
        insecure: bool | None = None,
        credentials: Any = None,
        headers: Sequence[tuple[str, str]] | dict[str, str] | str | None = None,
        timeout: float | None = None,
        compression: Any = None,
        channel_options: tuple[tuple[str, Any], ...] | None = None,
        retryable_error_codes: Iterable[Any] | str | None = None,
        *,
        meter_provider: MeterProvider | None = None,
        spool_dir: str | PathLike[str] | None = None,
    ) -> None:
        self._spool_dir = spool_dir
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
    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        return self._export(batch)

    @runs_in_engine
    def _translate_data(self, data: Sequence[ReadableLogRecord]) -> Any:
        return encode_logs(data)

    def _count_data(self, data: Sequence[ReadableLogRecord]) -> int:
        return len(data)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        OTLPExporterMixin.shutdown(self, timeout_millis=timeout_millis)

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        """Nothing is held back here."""
        return True
