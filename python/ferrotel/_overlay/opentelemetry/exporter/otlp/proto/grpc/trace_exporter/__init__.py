"""OTLP over gRPC: spans."""

from __future__ import annotations

from os import PathLike
from os import environ as environ

from ferrotel import _native
from ferrotel._late import TYPE_CHECKING, getLogger
from opentelemetry.exporter.otlp.common._engine import runs_in_engine
from opentelemetry.exporter.otlp.common._signal import TRACES
from opentelemetry.exporter.otlp.proto.grpc._engine_exporter import EngineGrpcExporter
from opentelemetry.exporter.otlp.proto.grpc.exporter import OTLPExporterMixin
from opentelemetry.exporter.otlp.proto.grpc.exporter import (
    get_resource_data as get_resource_data,
)
from opentelemetry.sdk.environment_variables import (  # noqa: F401
    _OTEL_PYTHON_EXPORTER_OTLP_GRPC_TRACES_CREDENTIAL_PROVIDER,
    OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE,
    OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE,
    OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY,
    OTEL_EXPORTER_OTLP_TRACES_COMPRESSION,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
    OTEL_EXPORTER_OTLP_TRACES_HEADERS,
    OTEL_EXPORTER_OTLP_TRACES_INSECURE,
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

if TYPE_CHECKING:
    from typing import Any, Iterable, Sequence

    from opentelemetry.metrics import MeterProvider

    _Base = EngineGrpcExporter[Sequence[ReadableSpan], Any, SpanExportResult, Any]
else:
    _Base = EngineGrpcExporter

logger = getLogger(__name__)


class OTLPSpanExporter(SpanExporter, _Base):
    """Sends spans by OTLP over gRPC; the arguments are those of `OTLPExporterMixin`.

    OTEL_EXPORTER_OTLP_TRACES_* answer for arguments that are left out, then OTEL_EXPORTER_OTLP_*.
    """

    _NATIVE = _native.OtlpSpanExporter
    _SIGNAL = TRACES
    _RESULT = SpanExportResult
    _COMPONENT_TYPE = "otlp_grpc_span_exporter"

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
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._export(spans)

    @runs_in_engine
    def _translate_data(self, data: Sequence[ReadableSpan]) -> Any:
        from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

        return encode_spans(data)

    def _count_data(self, data: Sequence[ReadableSpan]) -> int:
        return len(data)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        OTLPExporterMixin.shutdown(self, timeout_millis=timeout_millis)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing is held back here."""
        return True
