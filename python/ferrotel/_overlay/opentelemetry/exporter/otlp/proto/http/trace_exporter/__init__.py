"""OTLP over HTTP in protobuf: spans."""

from __future__ import annotations

import logging
from os import PathLike
from typing import TYPE_CHECKING, Any, Mapping, Sequence

from ferrotel import _native
from opentelemetry.exporter.otlp.common._engine import runs_in_engine
from opentelemetry.exporter.otlp.common._http_exporter import HTTPExporter
from opentelemetry.exporter.otlp.common._signal import TRACES
from opentelemetry.exporter.otlp.proto.http import _OTLP_HTTP_HEADERS, Compression
from opentelemetry.exporter.otlp.proto.http._common import (
    _build_transport,
    _load_session_from_envvar,
    _normalize_compression,
)
from opentelemetry.sdk.environment_variables import (  # noqa: F401
    _OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER,
    OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE,
    OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE,
    OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY,
    OTEL_EXPORTER_OTLP_TRACES_COMPRESSION,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
    OTEL_EXPORTER_OTLP_TRACES_HEADERS,
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT,
    OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

if TYPE_CHECKING:
    import requests

    from opentelemetry.exporter.http.transport._base import BaseHTTPTransport
    from opentelemetry.exporter.otlp.common import http as _http
    from opentelemetry.metrics import MeterProvider

_logger = logging.getLogger(__name__)

DEFAULT_COMPRESSION = Compression.NoCompression
DEFAULT_ENDPOINT = "http://localhost:4318/"
DEFAULT_TRACES_EXPORT_PATH = "v1/traces"
DEFAULT_TIMEOUT = 10
HTTP_RESPONSE_STATUS_CODE = "http.response.status_code"


class OTLPSpanExporter(HTTPExporter, SpanExporter):
    """Sends spans by OTLP over HTTP.

    `endpoint` is the whole URL with its path, for example `http://collector:4318/v1/traces`; `timeout` in seconds,
    retries included; `max_request_size` in bytes before compression (64 MiB; 0 for no limit). With a `session` of
    `requests`, encoding stays native and the session sends.
    """

    _NATIVE = _native.OtlpSpanExporter
    _SIGNAL = TRACES
    _RESULT = SpanExportResult
    _PROTOCOL = "http/protobuf"
    _COMPONENT_TYPE = "otlp_http_span_exporter"
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
        session = session or _load_session_from_envvar(_OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER)

        def make_transport(**_: Any) -> BaseHTTPTransport:
            return _build_transport(
                certificate_file,
                client_key_file,
                client_certificate_file,
                OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE,
                OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY,
                OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE,
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
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._export_unless_shut_down(spans)  # type: ignore[no-any-return]

    def _encode(self, data: Sequence[ReadableSpan]) -> bytes:
        return _native.encode_spans(data)
