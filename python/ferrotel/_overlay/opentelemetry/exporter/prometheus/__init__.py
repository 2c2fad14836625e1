"""Metrics for Prometheus to scrape.

    from opentelemetry.exporter.prometheus import PrometheusMetricReader, start_http_server
    from opentelemetry.metrics import set_meter_provider
    from opentelemetry.sdk.metrics import MeterProvider

    start_http_server(port=9464, addr="localhost")
    set_meter_provider(MeterProvider(metric_readers=[PrometheusMetricReader()]))

Where `prometheus_client` is installed, the metrics are in its registry, and whatever serves that serves them. Nothing
here needs it.
"""

from __future__ import annotations

from logging import getLogger
from os import environ
from typing import TYPE_CHECKING, Any, Callable

from opentelemetry.exporter.prometheus._client import REGISTRY, CollectorRegistry, generate_latest
from opentelemetry.exporter.prometheus._collector import (  # noqa: F401
    _OTEL_SCOPE_ATTR_PREFIX,
    _OTEL_SCOPE_NAME_LABEL,
    _OTEL_SCOPE_SCHEMA_URL_LABEL,
    _OTEL_SCOPE_VERSION_LABEL,
    _TARGET_INFO_DESCRIPTION,
    _TARGET_INFO_NAME,
    _convert_buckets,
    _CustomCollector,
    _should_convert_sum_to_gauge,
)
from opentelemetry.exporter.prometheus._http_server import ScrapeEndpoint, start_http_server
from opentelemetry.sdk.environment_variables import OTEL_EXPORTER_PROMETHEUS_HOST, OTEL_EXPORTER_PROMETHEUS_PORT
from opentelemetry.sdk.metrics import (
    Counter,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.sdk.metrics import Histogram as HistogramInstrument
from opentelemetry.sdk.metrics.export import AggregationTemporality, DataT, MetricReader  # noqa: F401
from opentelemetry.util.types import AnyValue, Attributes  # noqa: F401

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData

__all__ = ["PrometheusMetricReader", "generate_latest", "start_http_server"]

_logger = getLogger(__name__)

_DEFAULT_HOST = "localhost"
_DEFAULT_PORT = 9464


class PrometheusMetricReader(MetricReader):
    """Puts the metrics of a `MeterProvider` into a registry that Prometheus scrapes.

    `prefix` goes before all names, `scope_info_enabled=False` leaves out the labels of the instrumentation scope,
    `disable_target_info=True` the metric `target_info`, which has the resource's attributes. Those of them for which
    `resource_attribute_filter(key)` is true become labels of every metric. `registry` is that of `prometheus_client`
    where it is installed.

    Specification: `metrics/sdk_exporters/prometheus.md`.
    """

    def __init__(
        self,
        disable_target_info: bool = False,
        prefix: str = "",
        scope_info_enabled: bool = True,
        *,
        resource_attribute_filter: Callable[[str], bool] | None = None,
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        super().__init__(
            preferred_temporality=dict.fromkeys(
                (
                    Counter,
                    UpDownCounter,
                    HistogramInstrument,
                    ObservableCounter,
                    ObservableUpDownCounter,
                    ObservableGauge,
                ),
                AggregationTemporality.CUMULATIVE,
            ),
            otel_component_type="prometheus_http_text_metric_exporter",
        )
        self._collector = _CustomCollector(
            disable_target_info=disable_target_info,
            prefix=prefix,
            scope_info_enabled=scope_info_enabled,
            resource_attribute_filter=resource_attribute_filter,
        )
        self._registry = registry
        self._registered = True
        # Registering asks the collector for its names: the SDK has none to tell yet.
        registry.register(self._collector)
        self._collector._callback = self.collect
        self._prefix = prefix

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:
        if metrics_data is not None:
            self._collector.add_metrics_data(metrics_data)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Takes the metrics out of the registry. Once; further calls do nothing."""
        if self._registered:
            self._registered = False
            self._registry.unregister(self._collector)


class _AutoPrometheusMetricReader(PrometheusMetricReader):
    """The reader that `OTEL_METRICS_EXPORTER=prometheus` gives, with the endpoint that serves it."""

    def __init__(self) -> None:
        super().__init__()
        self._endpoint: Any = None
        host, port = environ.get(OTEL_EXPORTER_PROMETHEUS_HOST) or _DEFAULT_HOST, _port()
        try:
            self._endpoint = start_http_server(port=port, addr=host)
        except (OSError, RuntimeError, UnicodeError) as error:
            _logger.error(
                "Metrics are not served to Prometheus: can't listen on port %s of %s: %s. "
                "Set %s to a free port, another one for each process, or %s to an address of this machine",
                port,
                host,
                error,
                OTEL_EXPORTER_PROMETHEUS_PORT,
                OTEL_EXPORTER_PROMETHEUS_HOST,
            )

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Closes the endpoint, too."""
        super().shutdown(timeout_millis, **kwargs)
        server = self._endpoint[0] if isinstance(self._endpoint, tuple) else None
        if isinstance(server, ScrapeEndpoint):
            server.shutdown()


def _port() -> int:
    text = environ.get(OTEL_EXPORTER_PROMETHEUS_PORT, "").strip()
    if not text:
        return _DEFAULT_PORT
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 0 <= port <= 65535:
        _logger.warning("%s is no port: %r. Using %d", OTEL_EXPORTER_PROMETHEUS_PORT, text, _DEFAULT_PORT)
        return _DEFAULT_PORT
    return port
