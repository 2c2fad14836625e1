"""Metric readers: they collect, each with streams of its own (specification: metrics SDK, metric reader)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from logging import getLogger
from threading import RLock
from time import perf_counter
from typing import TYPE_CHECKING, Any, Callable, Mapping, Sequence

from opentelemetry.metrics import MeterProvider, NoOpMeterProvider
from opentelemetry.sdk.environment_variables import OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED
from opentelemetry.sdk.environment_variables._internal import parse_boolean_environment_variable
from opentelemetry.sdk.metrics._internal.aggregation import Aggregation, AggregationTemporality, DefaultAggregation
from opentelemetry.sdk.metrics._internal.export._metric_producer import MetricProducer
from opentelemetry.sdk.metrics._internal.export._metric_reader_metrics import create_metric_reader_metrics
from opentelemetry.sdk.metrics._internal.instrument import (
    Counter,
    Gauge,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
    _Counter,
    _Gauge,
    _Histogram,
    _ObservableCounter,
    _ObservableGauge,
    _ObservableUpDownCounter,
    _UpDownCounter,
)
from opentelemetry.sdk.metrics._internal.point import MetricsData, ResourceMetrics, ScopeMetrics

if TYPE_CHECKING:
    from typing_extensions import final

    from opentelemetry.sdk.metrics._internal.export._metric_exporter import PreferredAggregation, PreferredTemporality
else:

    def final(method: Any) -> Any:
        return method


_logger = getLogger("opentelemetry.sdk.metrics._internal.export")

# What meters make, by the class that users name.
_MADE_CLASS: dict[type, type] = {
    Counter: _Counter,
    UpDownCounter: _UpDownCounter,
    Histogram: _Histogram,
    Gauge: _Gauge,
    ObservableCounter: _ObservableCounter,
    ObservableUpDownCounter: _ObservableUpDownCounter,
    ObservableGauge: _ObservableGauge,
}


class MetricReader(ABC):
    """Collects from the provider that it is given to.

    Args:
        preferred_temporality: By public class of instrument (`Counter`, ...), what the points cover; default: all the
            time since the start.
        preferred_aggregation: By public class of instrument, how it is aggregated where no view says otherwise.
        otel_component_type: Stands for the reader in the SDK's metrics about itself; default: the class's name.
        metric_producers: Whose metrics are collected too. Not in the reference.
        cardinality_limit: How many sets of attributes each stream tells apart, or by public class of instrument how
            many; default: the provider's. Not in the reference.
    """

    def __init__(
        self,
        preferred_temporality: PreferredTemporality = None,
        preferred_aggregation: PreferredAggregation = None,
        *,
        otel_component_type: Any = None,
        metric_producers: Sequence[MetricProducer] = (),
        cardinality_limit: int | Mapping[type, int] | None = None,
    ) -> None:
        self._collect: Callable[..., MetricsData | None] | None = None
        self._preferred_temporality = preferred_temporality
        self._instrument_class_temporality = dict.fromkeys(_MADE_CLASS.values(), AggregationTemporality.CUMULATIVE)
        for kind, temporality in (preferred_temporality or {}).items():
            if temporality not in (AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA):
                raise Exception(f"Invalid temporality value found {temporality}")
            self._instrument_class_temporality[_made_class(kind)] = temporality
        self._instrument_class_aggregation: dict[type, Aggregation] = {
            made: DefaultAggregation() for made in _MADE_CLASS.values()
        }
        for kind, aggregation in (preferred_aggregation or {}).items():
            self._instrument_class_aggregation[_made_class(kind)] = aggregation
        self._cardinality_limit = _cardinality_limit_of(cardinality_limit)
        self._metric_producers = tuple(metric_producers)
        self._otel_component_type: str = (
            getattr(otel_component_type, "value", otel_component_type)
            if otel_component_type
            else type(self).__qualname__
        )
        self._set_meter_provider(NoOpMeterProvider())

    @final
    def collect(self, timeout_millis: float = 10_000) -> None:
        """Collects, and hands what there is to `_receive_metrics`. Raises what a collection raises, above all
        `MetricsTimeoutError`."""
        if self._collect is None:
            _logger.warning("Cannot call collect on a MetricReader until it is registered on a MeterProvider")
            return
        start = perf_counter()
        try:
            metrics = self._collected(timeout_millis)
        finally:
            self._metrics.record_collection(perf_counter() - start)
        if self._metric_producers:
            metrics = self._with_produced(metrics, timeout_millis)
        if metrics is not None:
            self._receive_metrics(
                metrics,
                timeout_millis=timeout_millis,
            )

    def _collected(self, timeout_millis: float) -> Any:
        return None if self._collect is None else self._collect(self, timeout_millis=timeout_millis)

    def _with_produced(self, metrics: MetricsData | None, timeout_millis: float) -> MetricsData | None:
        produced: list[ScopeMetrics] = []
        for producer in self._metric_producers:
            try:
                produced += producer.produce(timeout_millis=timeout_millis)
            except Exception:
                _logger.exception("Metric producer %s failed", type(producer).__name__)
        if not produced:
            return metrics
        if metrics is not None and metrics.resource_metrics:
            first, *others = metrics.resource_metrics
            first = replace(first, scope_metrics=[*first.scope_metrics, *produced])
            return MetricsData(resource_metrics=[first, *others])
        resource = self._resource()
        return MetricsData(
            resource_metrics=[
                ResourceMetrics(resource=resource, scope_metrics=produced, schema_url=resource.schema_url)
            ]
        )

    def _resource(self) -> Any:
        """The resource of the provider that the reader belongs to."""
        from opentelemetry.sdk.resources import Resource

        owner: Any = getattr(self._collect, "__self__", None)
        config = getattr(owner, "_sdk_config", None)
        return Resource.get_empty() if config is None else config.resource

    @final
    def _set_collect_callback(self, func: Callable[..., MetricsData | None] | None) -> None:
        """For the meter provider: what `collect` calls, or None when the reader is taken away from it."""
        self._collect = func

    @abstractmethod
    def _receive_metrics(
        self,
        metrics_data: MetricsData,
        timeout_millis: float = 10_000,
        **kwargs: Any,
    ) -> None:
        """Called with each collection that has any points."""

    def _set_meter_provider(self, meter_provider: MeterProvider) -> None:
        self._metrics = create_metric_reader_metrics(
            self._otel_component_type,
            meter_provider,
            parse_boolean_environment_variable(OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED),
        )

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Collects at once."""
        self.collect(timeout_millis=timeout_millis)
        return True

    @abstractmethod
    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Ends the reader; the provider's shutdown calls it."""


class InMemoryMetricReader(MetricReader):
    """Collects when it is asked to, and returns what it has: for tests."""

    def __init__(
        self,
        preferred_temporality: PreferredTemporality = None,
        preferred_aggregation: PreferredAggregation = None,
        *,
        metric_producers: Sequence[MetricProducer] = (),
        cardinality_limit: int | Mapping[type, int] | None = None,
    ) -> None:
        super().__init__(
            preferred_temporality=preferred_temporality,
            preferred_aggregation=preferred_aggregation,
            metric_producers=metric_producers,
            cardinality_limit=cardinality_limit,
        )
        self._lock = RLock()
        self._metrics_data: MetricsData | None = None

    def get_metrics_data(self) -> MetricsData | None:
        """Collects; None where there are no points."""
        with self._lock:
            self.collect()
            metrics_data, self._metrics_data = self._metrics_data, None
        return metrics_data

    def _receive_metrics(
        self,
        metrics_data: MetricsData,
        timeout_millis: float = 10_000,
        **kwargs: Any,
    ) -> None:
        with self._lock:
            self._metrics_data = metrics_data

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Nothing to end."""


def _cardinality_limit_of(given: int | Mapping[type, int] | None) -> int | dict[type, int] | None:
    by_class = {_made_class(kind): limit for kind, limit in given.items()} if isinstance(given, Mapping) else None
    for limit in [given] if by_class is None else by_class.values():
        if limit is not None and limit < 1:  # type: ignore[operator]
            raise ValueError(f"cardinality_limit of a MetricReader is a positive number, not {limit!r}")
    return given if by_class is None else by_class  # type: ignore[return-value]


def _made_class(kind: type) -> type:
    made = _MADE_CLASS.get(kind)
    if made is None:
        raise Exception(f"Invalid instrument class found {kind}")
    return made
