"""OTLP over HTTP in JSON: log records."""

from __future__ import annotations

import logging
from os import PathLike
from typing import TYPE_CHECKING, Mapping, Sequence

from ferrotel import _native
from opentelemetry.exporter.otlp.common._engine import runs_in_engine
from opentelemetry.exporter.otlp.common._http_exporter import HTTPExporter
from opentelemetry.exporter.otlp.common._signal import LOGS
from opentelemetry.exporter.otlp.common.http import Compression
from opentelemetry.exporter.otlp.json.http._headers import JSON_HEADERS
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk._shared_internal import DuplicateFilter

if TYPE_CHECKING:
    from opentelemetry.exporter.http.transport._base import BaseHTTPTransport

_DEFAULT_LOGS_EXPORT_PATH = "v1/logs"
_logger = logging.getLogger(__name__)
# A line about records that could not be sent becomes a record itself.
_logger.addFilter(DuplicateFilter())


class OTLPLogExporter(HTTPExporter, LogRecordExporter):
    """Sends log records by OTLP as JSON over HTTP; `endpoint` is the whole URL with its path, `timeout` in seconds."""

    _NATIVE = _native.OtlpLogRecordExporter
    _SIGNAL = LOGS
    _RESULT = LogRecordExportResult
    _PROTOCOL = "http/json"
    _COMPONENT_TYPE = "otlp_http_json_log_exporter"
    _DEFAULT_HEADERS = JSON_HEADERS
    _LOGGER = _logger

    def __init__(
        self,
        endpoint: str | None = None,
        certificate_file: str | None = None,
        client_key_file: str | None = None,
        client_certificate_file: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        compression: Compression | None = None,
        *,
        _transport: BaseHTTPTransport | None = None,
        spool_dir: str | PathLike[str] | None = None,
    ) -> None:
        self._spool_dir = spool_dir
        self._configure(
            endpoint,
            certificate_file,
            client_key_file,
            client_certificate_file,
            headers,
            timeout,
            compression,
            0,
            None,
            transport=_transport,
        )

    @runs_in_engine
    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        return self._export_unless_shut_down(batch)  # type: ignore[no-any-return]

    def _encode(self, data: Sequence[ReadableLogRecord]) -> bytes:
        return _native.encode_logs_json(data)
