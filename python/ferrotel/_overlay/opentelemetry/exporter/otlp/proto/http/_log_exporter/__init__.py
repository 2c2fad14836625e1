"""OTLP over HTTP in protobuf: log records."""

from __future__ import annotations

import logging
from os import PathLike
from typing import TYPE_CHECKING, Any, Mapping, Sequence

from ferrotel import _native
from opentelemetry.exporter.otlp.common._engine import runs_in_engine
from opentelemetry.exporter.otlp.common._http_exporter import HTTPExporter
from opentelemetry.exporter.otlp.common._signal import LOGS
from opentelemetry.exporter.otlp.proto.http import _OTLP_HTTP_HEADERS, Compression
from opentelemetry.exporter.otlp.proto.http._common import (
    _build_transport,
    _load_session_from_envvar,
    _normalize_compression,
)
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk._shared_internal import DuplicateFilter
from opentelemetry.sdk.environment_variables import (  # noqa: F401
    _OTEL_PYTHON_EXPORTER_OTLP_HTTP_LOGS_CREDENTIAL_PROVIDER,
    OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE,
    OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE,
    OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY,
    OTEL_EXPORTER_OTLP_LOGS_COMPRESSION,
    OTEL_EXPORTER_OTLP_LOGS_ENDPOINT,
    OTEL_EXPORTER_OTLP_LOGS_HEADERS,
    OTEL_EXPORTER_OTLP_LOGS_TIMEOUT,
    OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED,
)

if TYPE_CHECKING:
    import requests

    from opentelemetry.exporter.http.transport._base import BaseHTTPTransport
    from opentelemetry.exporter.otlp.common import http as _http
    from opentelemetry.metrics import MeterProvider

_logger = logging.getLogger(__name__)
# A line about records that could not be sent becomes a record itself.
_logger.addFilter(DuplicateFilter())

DEFAULT_COMPRESSION = Compression.NoCompression
DEFAULT_ENDPOINT = "http://localhost:4318/"
DEFAULT_LOGS_EXPORT_PATH = "v1/logs"
DEFAULT_TIMEOUT = 10
HTTP_RESPONSE_STATUS_CODE = "http.response.status_code"


class OTLPLogExporter(HTTPExporter, LogRecordExporter):
    """Sends log records by OTLP over HTTP.

    `endpoint` is the whole URL with its path, for example `http://collector:4318/v1/logs`; `timeout` in seconds,
    retries included; `max_request_size` in bytes before compression (64 MiB; 0 for no limit). With a `session` of
    `requests`, encoding stays native and the session sends.
    """

    _NATIVE = _native.OtlpLogRecordExporter
    _SIGNAL = LOGS
    _RESULT = LogRecordExportResult
    _PROTOCOL = "http/protobuf"
    _COMPONENT_TYPE = "otlp_http_log_exporter"
    _DEFAULT_HEADERS = _OTLP_HTTP_HEADERS
    _LOGGER = _logger

    def __init__(
        self,
        endpoint: str | None = None,
        certificate_file: str | None = None,
        client_key_file: str | None = None,
        client_certificate_file: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        compression: Compression | _http.Compression | None = None,
        session: requests.Session | None = None,
        *,
        max_request_size: int | None = None,
        meter_provider: MeterProvider | None = None,
        _transport: BaseHTTPTransport | None = None,
        spool_dir: str | PathLike[str] | None = None,
    ) -> None:
        self._spool_dir = spool_dir
        session = session or _load_session_from_envvar(_OTEL_PYTHON_EXPORTER_OTLP_HTTP_LOGS_CREDENTIAL_PROVIDER)

        def make_transport(**_: Any) -> BaseHTTPTransport:
            return _build_transport(
                certificate_file,
                client_key_file,
                client_certificate_file,
                OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE,
                OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY,
                OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE,
                session=session,
            )

        self._configure(
            endpoint,
            certificate_file,
            client_key_file,
            client_certificate_file,
            headers,
            timeout,
            _normalize_compression(compression),
            max_request_size,
            meter_provider,
            session,
            _transport,
            make_transport,
        )

    @runs_in_engine
    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        return self._export_unless_shut_down(batch)  # type: ignore[no-any-return]

    def _encode(self, data: Sequence[ReadableLogRecord]) -> bytes:
        return _native.encode_logs(data)
