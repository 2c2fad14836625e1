"""OTLP over gRPC: spans."""

from __future__ import annotations

import logging
from os import environ
from typing import TYPE_CHECKING, Any, Iterable, Sequence

from opentelemetry.exporter.otlp.common._engine import EngineSpanExporter, runs_in_engine
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.grpc.exporter import (
    OTLPExporterMixin,
    _get_credentials,
    environ_to_compression,
)
from opentelemetry.exporter.otlp.proto.grpc.exporter import (
    get_resource_data as get_resource_data,
)
from opentelemetry.sdk.environment_variables import (
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
from opentelemetry.sdk.trace.export import SpanExportResult

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

logger = logging.getLogger(__name__)


class OTLPSpanExporter(EngineSpanExporter, OTLPExporterMixin[Sequence[ReadableSpan], Any, SpanExportResult, Any]):
    """Sends spans by OTLP over gRPC; the arguments are those of `OTLPExporterMixin`.

    OTEL_EXPORTER_OTLP_TRACES_* answer for arguments that are left out, then OTEL_EXPORTER_OTLP_*.
    """

    _HOOKS = ("export", "_export", "_translate_data")

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
    ) -> None:
        insecure_variable = environ.get(OTEL_EXPORTER_OTLP_TRACES_INSECURE)
        if insecure is None and insecure_variable is not None:
            insecure = insecure_variable.lower() == "true"
        if not insecure and environ.get(OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE) is not None:
            credentials = _get_credentials(
                credentials,
                _OTEL_PYTHON_EXPORTER_OTLP_GRPC_TRACES_CREDENTIAL_PROVIDER,
                OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE,
                OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY,
                OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE,
            )
        seconds = environ.get(OTEL_EXPORTER_OTLP_TRACES_TIMEOUT)
        OTLPExporterMixin.__init__(
            self,
            stub=None,
            result=SpanExportResult,
            endpoint=endpoint or environ.get(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT),
            insecure=insecure,
            credentials=credentials,
            headers=headers or environ.get(OTEL_EXPORTER_OTLP_TRACES_HEADERS),
            timeout=timeout or (None if seconds is None else float(seconds)),
            compression=environ_to_compression(OTEL_EXPORTER_OTLP_TRACES_COMPRESSION)
            if compression is None
            else compression,
            channel_options=channel_options,
            retryable_error_codes=retryable_error_codes,
            component_type="otlp_grpc_span_exporter",
            signal="traces",
            meter_provider=meter_provider,
        )

    @runs_in_engine
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._export(spans)

    @runs_in_engine
    def _export(self, data: Sequence[ReadableSpan]) -> SpanExportResult:
        return OTLPExporterMixin._export(self, data)

    @runs_in_engine
    def _translate_data(self, data: Sequence[ReadableSpan]) -> Any:
        return encode_spans(data)

    def _engine_settings(self) -> dict[str, Any]:
        return OTLPExporterMixin._engine_settings(self)

    def _initialize_channel_and_stub(self) -> None:
        self._channel = self._make_channel()
        self._client = self._engine_client()

    def _send(self, data: Sequence[ReadableSpan]) -> str | None:
        if getattr(self._translate_data, "_runs_in_engine", False) is not True:
            return OTLPExporterMixin._send(self, data)
        self._client = engine = self._engine_client()
        return engine.export(data)

    def _count_data(self, data: Sequence[ReadableSpan]) -> int:
        return len(data)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        OTLPExporterMixin.shutdown(self, timeout_millis=timeout_millis)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing is held back here."""
        return True

    @property
    def _exporting(self) -> str:
        return "traces"
