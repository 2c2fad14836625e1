"""OTLP over HTTP in JSON: metrics."""

from __future__ import annotations

import logging
from os import PathLike
from typing import TYPE_CHECKING, Mapping

from ferrotel import _native
from opentelemetry.exporter.otlp.common._http_metric_exporter import HTTPMetricExporter
from opentelemetry.exporter.otlp.common.http import Compression
from opentelemetry.exporter.otlp.json.http._headers import JSON_HEADERS
from opentelemetry.sdk.metrics.export import MetricsData

if TYPE_CHECKING:
    from opentelemetry.exporter.http.transport._base import BaseHTTPTransport
    from opentelemetry.sdk.metrics.export import AggregationTemporality
    from opentelemetry.sdk.metrics.view import Aggregation

_DEFAULT_METRICS_EXPORT_PATH = "v1/metrics"
_logger = logging.getLogger(__name__)


class OTLPMetricExporter(HTTPMetricExporter):
    """Sends metrics by OTLP as JSON over HTTP.

    `endpoint` is the whole URL with its path, `timeout` in seconds, `max_export_batch_size` the most data points of one
    request.
    """

    _PROTOCOL = "http/json"
    _COMPONENT_TYPE = "otlp_http_json_metric_exporter"
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
        preferred_temporality: dict[type, AggregationTemporality] | None = None,
        preferred_aggregation: dict[type, Aggregation] | None = None,
        max_export_batch_size: int | None = None,
        *,
        _transport: BaseHTTPTransport | None = None,
        spool_dir: str | PathLike[str] | None = None,
    ) -> None:
        self._spool_dir = spool_dir
        self._prefer(preferred_temporality, preferred_aggregation, max_export_batch_size)
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

    def _encode(self, data: MetricsData) -> bytes:
        return _native.encode_metrics_json(data)
