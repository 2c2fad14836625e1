"""OTLP over HTTP in protobuf: metrics."""

from __future__ import annotations

import logging
from os import PathLike
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Mapping

from ferrotel import _native
from ferrotel._compat import deprecated
from opentelemetry.exporter.otlp.common._http_metric_exporter import HTTPMetricExporter
from opentelemetry.exporter.otlp.proto.common._internal import _get_resource_data, protobuf
from opentelemetry.exporter.otlp.proto.http import _OTLP_HTTP_HEADERS, Compression
from opentelemetry.exporter.otlp.proto.http._common import (
    _build_transport,
    _load_session_from_envvar,
    _normalize_compression,
)
from opentelemetry.sdk.environment_variables import (  # noqa: F401
    _OTEL_PYTHON_EXPORTER_OTLP_HTTP_METRICS_CREDENTIAL_PROVIDER,
    OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE,
    OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE,
    OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY,
    OTEL_EXPORTER_OTLP_METRICS_COMPRESSION,
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT,
    OTEL_EXPORTER_OTLP_METRICS_HEADERS,
    OTEL_EXPORTER_OTLP_METRICS_TIMEOUT,
    OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED,
)
from opentelemetry.sdk.metrics.export import MetricsData

if TYPE_CHECKING:
    import requests

    from opentelemetry.exporter.http.transport._base import BaseHTTPTransport
    from opentelemetry.exporter.otlp.common import http as _http
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import AggregationTemporality
    from opentelemetry.sdk.metrics.view import Aggregation

_logger = logging.getLogger(__name__)

DEFAULT_COMPRESSION = Compression.NoCompression
DEFAULT_ENDPOINT = "http://localhost:4318/"
DEFAULT_METRICS_EXPORT_PATH = "v1/metrics"
DEFAULT_TIMEOUT = 10
HTTP_RESPONSE_STATUS_CODE = "http.response.status_code"


class OTLPMetricExporter(HTTPMetricExporter):
    """Sends metrics by OTLP over HTTP.

    `endpoint` is the whole URL with its path, for example `http://collector:4318/v1/metrics`; `timeout` in seconds,
    retries included; `max_request_size` in bytes before compression (64 MiB; 0 for no limit). With a `session` of
    `requests`, encoding stays native and the session sends. `max_export_batch_size` is the most data points of one
    request; a larger collection is sent as several.
    """

    _PROTOCOL = "http/protobuf"
    _COMPONENT_TYPE = "otlp_http_metric_exporter"
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
        preferred_temporality: dict[type, AggregationTemporality] | None = None,
        preferred_aggregation: dict[type, Aggregation] | None = None,
        max_export_batch_size: int | None = None,
        *,
        max_request_size: int | None = None,
        meter_provider: MeterProvider | None = None,
        _transport: BaseHTTPTransport | None = None,
        spool_dir: str | PathLike[str] | None = None,
    ) -> None:
        self._spool_dir = spool_dir
        self._prefer(preferred_temporality, preferred_aggregation, max_export_batch_size)
        session = session or _load_session_from_envvar(_OTEL_PYTHON_EXPORTER_OTLP_HTTP_METRICS_CREDENTIAL_PROVIDER)

        def make_transport(**_: Any) -> BaseHTTPTransport:
            return _build_transport(
                certificate_file,
                client_key_file,
                client_certificate_file,
                OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE,
                OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY,
                OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE,
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

    def _encode(self, data: MetricsData) -> bytes:
        return _native.encode_metrics(data)


# The same on protobuf's messages, for programs that make requests of their own.


def _count_data_points(export_request: Any) -> int:
    return sum(
        len(getattr(metric, kind).data_points)
        for of_resource in export_request.resource_metrics
        for of_scope in of_resource.scope_metrics
        for metric in of_scope.metrics
        for kind in [metric.WhichOneof("data")]
        if kind
    )


def _split_metrics_data(metrics_data: Any, max_export_batch_size: int | None = None) -> Iterator[Any]:
    """The request in requests of at most so many data points; nothing without a point is in one."""
    if not max_export_batch_size:
        return
    part, room = None, 0
    for of_resource in metrics_data.resource_metrics:
        scopes = None
        for of_scope in of_resource.scope_metrics:
            metrics = None
            for metric in of_scope.metrics:
                kind = metric.WhichOneof("data")
                if kind is None:
                    _logger.warning("Tried to split and export an unsupported metric type. Skipping.")
                    continue
                points = None
                for point in getattr(metric, kind).data_points:
                    if part is None:
                        part, room = type(metrics_data)(), max_export_batch_size
                        scopes = metrics = points = None
                    if scopes is None:
                        made = part.resource_metrics.add(
                            resource=of_resource.resource, schema_url=of_resource.schema_url
                        )
                        scopes = made.scope_metrics
                    if metrics is None:
                        metrics = scopes.add(scope=of_scope.scope, schema_url=of_scope.schema_url).metrics
                    if points is None:
                        points = _without_points(metrics.add(), metric, kind)
                    points.append(point)
                    room -= 1
                    if room == 0:
                        yield part
                        part = None
    if part is not None:
        yield part


def _without_points(copy: Any, metric: Any, kind: str) -> Any:
    copy.name, copy.description, copy.unit = metric.name, metric.description, metric.unit
    data, made = getattr(metric, kind), getattr(copy, kind)
    made.SetInParent()
    for field, value in data.ListFields():
        if field.name != "data_points":
            setattr(made, field.name, value)
    return made.data_points


def _get_split_resource_metrics_pb2(split_resource_metrics: Iterable[Mapping[str, Any]]) -> list[Any]:
    """ResourceMetrics messages from mappings with the same names."""
    pb2 = protobuf("metrics.v1.metrics_pb2")
    kinds = {
        "sum": pb2.Sum,
        "histogram": pb2.Histogram,
        "exponential_histogram": pb2.ExponentialHistogram,
        "gauge": pb2.Gauge,
        "summary": pb2.Summary,
    }
    messages = []
    for of_resource in split_resource_metrics:
        message = pb2.ResourceMetrics(
            resource=of_resource.get("resource"), schema_url=of_resource.get("schema_url") or ""
        )
        for of_scope in of_resource.get("scope_metrics", []):
            scope = message.scope_metrics.add(scope=of_scope.get("scope"), schema_url=of_scope.get("schema_url") or "")
            for metric in of_scope.get("metrics", []):
                kind = next((kind for kind in kinds if kind in metric), None)
                if kind is None:
                    _logger.warning("Tried to split and export an unsupported metric type. Skipping.")
                    continue
                scope.metrics.add(
                    name=metric.get("name"),
                    description=metric.get("description"),
                    unit=metric.get("unit"),
                    **{kind: kinds[kind](**metric[kind])},
                )
        messages.append(message)
    return messages


@deprecated("Use one of the encoders from opentelemetry-exporter-otlp-proto-common instead. Deprecated since 1.18.0.")
def get_resource_data(
    sdk_resource_scope_data: dict[Any, Any], resource_class: Callable[..., Any], name: str
) -> list[Any]:
    """Messages of `resource_class`, one per resource."""
    return _get_resource_data(sdk_resource_scope_data, resource_class, name)
