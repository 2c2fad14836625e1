"""Metrics of the SDK as families of Prometheus, made anew for each scrape."""

from __future__ import annotations

import logging
import math
import threading
from itertools import chain
from json import dumps
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Mapping, Sequence

from opentelemetry.exporter.prometheus._client import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from opentelemetry.exporter.prometheus._exemplars import by_bucket, latest
from opentelemetry.exporter.prometheus._exponential import classic_buckets
from opentelemetry.exporter.prometheus._mapping import map_unit, sanitize_attribute, sanitize_full_name
from opentelemetry.exporter.prometheus._page import Complaints, Page
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ExponentialHistogram,
    Gauge,
    Histogram,
    Metric,
    MetricsData,
    Sum,
)

if TYPE_CHECKING:
    from opentelemetry.exporter.prometheus._client import Exemplar
    from opentelemetry.exporter.prometheus._client import Metric as PrometheusMetric
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

_logger = logging.getLogger("opentelemetry.exporter.prometheus")

_TARGET_INFO_NAME = "target"
_TARGET_INFO_DESCRIPTION = "Target metadata"

_OTEL_SCOPE_NAME_LABEL = "otel_scope_name"
_OTEL_SCOPE_VERSION_LABEL = "otel_scope_version"
_OTEL_SCOPE_SCHEMA_URL_LABEL = "otel_scope_schema_url"
_OTEL_SCOPE_ATTR_PREFIX = "otel_scope_"


class _Scrape(threading.local):
    """What the scrape on this thread has received; others on other threads do not mix with it."""

    running = False
    data: MetricsData | None = None


class _CustomCollector:
    """A collector in the sense of `prometheus_client`: has a method `collect` that gives metric families."""

    def __init__(
        self,
        disable_target_info: bool = False,
        prefix: str = "",
        scope_info_enabled: bool = True,
        resource_attribute_filter: Callable[[str], bool] | None = None,
    ) -> None:
        self._callback: Callable[[], Any] | None = None
        self._disable_target_info = disable_target_info
        self._prefix = prefix
        self._scope_info_enabled = scope_info_enabled
        self._resource_attribute_filter = resource_attribute_filter
        self._scrape = _Scrape()
        self._complaints = Complaints()
        self._failed = False

    def add_metrics_data(self, metrics_data: MetricsData) -> None:
        """Takes what the SDK collected, for the scrape that runs on this thread.

        Without the SDK's callback: for the next one on this thread.
        """
        if self._callback is None or self._scrape.running:
            self._scrape.data = metrics_data

    def collect(self) -> Iterator[PrometheusMetric]:
        """The families of one scrape. Raises nothing: what fails is logged and left out."""
        data = self._collected()
        if data is None:
            return
        page = Page(self._complaints)
        if not self._disable_target_info:
            self._attempt(self._translate_target, _TARGET_INFO_NAME, data, page)
        for resource_metrics in data.resource_metrics:
            resource_labels = self._attempt(self._resource_labels, "resource", resource_metrics.resource) or {}
            for scope_metrics in resource_metrics.scope_metrics:
                scope_labels = self._attempt(self._scope_labels, "scope", scope_metrics.scope) or {}
                constant = {**resource_labels, **scope_labels}
                for metric in scope_metrics.metrics:
                    self._attempt(self._translate_metric, metric.name, metric, constant, page)
        yield from page.families()

    def _collected(self) -> MetricsData | None:
        """What the SDK has now; None where it has nothing, or is being asked on this thread already."""
        scrape = self._scrape
        if scrape.running:
            return None
        if self._callback is not None:
            scrape.running, scrape.data = True, None
            try:
                self._callback()
                self._failed = False
            except Exception:
                _logger.log(
                    logging.DEBUG if self._failed else logging.ERROR,
                    "Exception while collecting metrics for Prometheus",
                    exc_info=True,
                )
                self._failed = True
            finally:
                scrape.running = False
        data, scrape.data = scrape.data, None
        return data

    def _attempt(self, translate: Callable[..., Any], name: str, *args: Any) -> Any:
        try:
            return translate(*args)
        except Exception as error:
            self._complaints.say(
                "error", name, "%r is left out for Prometheus: %s: %s", name, type(error).__name__, error
            )

    def _translate_target(self, data: MetricsData, page: Page) -> None:
        attributes: dict[str, Any] = {}
        for resource_metrics in data.resource_metrics:
            attributes.update(resource_metrics.resource.attributes)
        page.family(
            self._create_info_metric(_TARGET_INFO_NAME, _TARGET_INFO_DESCRIPTION, attributes), _TARGET_INFO_NAME
        )

    def _create_info_metric(self, name: str, description: str, attributes: Mapping[str, Any]) -> InfoMetricFamily:
        info = InfoMetricFamily(name, description)
        info.add_sample(name + "_info", self._labels(attributes), 1)
        return info

    def _translate_metric(self, metric: Metric, constant: Mapping[str, str], page: Page) -> None:
        made = _family(self._resolve_metric_name(metric.name), metric)
        if made is None:
            self._complaints.say("unsupported", metric.name, "Unsupported metric data. %s", type(metric.data))
            return
        rows = [{**constant, **self._labels(point.attributes or {})} for point in metric.data.data_points]
        family = page.family(made, metric.name)
        if family is None:
            return
        # All points of a metric have the same label names, as the reference shows them.
        missing = dict.fromkeys(sorted({name for row in rows for name in row}), "")
        for row, point in zip(rows, metric.data.data_points):
            labels = {**missing, **row} if len(row) < len(missing) else row
            if page.admits(family, labels):
                for suffix, own, value, exemplar in self._samples(family, point):
                    page.add(family, suffix, {**labels, **own}, value, exemplar)

    def _samples(
        self, family: PrometheusMetric, point: Any
    ) -> Iterable[tuple[str, dict[str, str], float, Exemplar | None]]:
        """The lines of a point: suffix of the name, labels beside the point's own, value, exemplar."""
        if isinstance(family, HistogramMetricFamily):
            return self._histogram_samples(point)
        if isinstance(family, CounterMetricFamily):
            return [("_total", {}, point.value, latest(point.exemplars or (), self._check_value))]
        return [("", {}, point.value, None)]

    def _histogram_samples(self, point: Any) -> Iterator[tuple[str, dict[str, str], float, Exemplar | None]]:
        if hasattr(point, "scale"):
            counts, bounds = classic_buckets(point)
        else:
            counts, bounds = point.bucket_counts, point.explicit_bounds
        exemplars = by_bucket(point.exemplars or (), bounds, self._check_value)
        buckets = _convert_buckets(counts, bounds)
        for index, (bound, count) in enumerate(buckets):
            yield "_bucket", {"le": bound}, count, exemplars.get(index)
        # OpenMetrics: where there are buckets below 0, sum and count mean nothing.
        if buckets and float(buckets[0][0]) >= 0 and point.sum is not None:
            yield "_count", {}, buckets[-1][1], None
            yield "_sum", {}, point.sum, None

    def _resolve_metric_name(self, name: str) -> str:
        return sanitize_full_name(f"{self._prefix}_{name}" if self._prefix else name)

    def _scope_labels(self, scope: InstrumentationScope) -> dict[str, str]:
        if not self._scope_info_enabled:
            return {}
        attributes = {_OTEL_SCOPE_ATTR_PREFIX + key: value for key, value in (scope.attributes or {}).items()}
        return {
            **self._labels(attributes),
            _OTEL_SCOPE_NAME_LABEL: self._check_value(scope.name or ""),
            _OTEL_SCOPE_VERSION_LABEL: self._check_value(scope.version or ""),
            _OTEL_SCOPE_SCHEMA_URL_LABEL: self._check_value(scope.schema_url or ""),
        }

    def _resource_labels(self, resource: Resource) -> dict[str, str]:
        chosen = self._resource_attribute_filter
        if not chosen:
            return {}
        return self._labels({key: value for key, value in resource.attributes.items() if chosen(key)})

    def _labels(self, attributes: Mapping[str, Any]) -> dict[str, str]:
        """Attributes as labels. Where keys become the same label, it has all values, in the order of the keys.

        Specification: `compatibility/prometheus_and_openmetrics.md`, "Metric Attributes".
        """
        labels = {sanitize_attribute(key): self._check_value(value) for key, value in attributes.items()}
        if len(labels) < len(attributes):
            labels = {}
            for key in sorted(attributes):
                label, value = sanitize_attribute(key), self._check_value(attributes[key])
                labels[label] = f"{labels[label]};{value}" if label in labels else value
        labels.pop("", None)
        return labels

    def _check_value(self, value: Any) -> str:
        """The text of a label value: strings as they are, everything else as JSON."""
        text = value if isinstance(value, str) else dumps(value, default=str)
        # A lone surrogate can't be encoded, and would cost the whole page.
        return str(text) if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _family(name: str, metric: Metric) -> PrometheusMetric | None:
    """An empty family for a metric, None for a kind of data that Prometheus does not know."""
    # What a user's MetricProducer makes can be anything.
    data: Any = metric.data
    description, unit = metric.description or "", map_unit(metric.unit or "")
    if isinstance(data, Sum) and not _should_convert_sum_to_gauge(metric):
        return CounterMetricFamily(name, description, unit=unit)
    if isinstance(data, (Sum, Gauge)):
        return GaugeMetricFamily(name, description, unit=unit)
    if isinstance(data, (Histogram, ExponentialHistogram)):
        return HistogramMetricFamily(name, description, unit=unit)
    return None


def _should_convert_sum_to_gauge(metric: Metric) -> bool:
    """Whether this is a sum that also goes down, which is a gauge in Prometheus."""
    data = metric.data
    return (
        isinstance(data, Sum)
        and not data.is_monotonic
        and data.aggregation_temporality == AggregationTemporality.CUMULATIVE
    )


def _convert_buckets(bucket_counts: Sequence[int], explicit_bounds: Sequence[float]) -> list[tuple[str, int]]:
    """The cumulative counts, each with its `le`; the last is `+Inf`."""
    buckets, total = [], 0
    for bound, count in zip(chain(explicit_bounds, ("+Inf",)), bucket_counts):
        total += count
        if bound != math.inf:
            buckets.append((str(bound), total))
    return buckets
