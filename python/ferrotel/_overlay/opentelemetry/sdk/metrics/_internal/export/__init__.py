"""Readers and exporters, under the path that the reference has them."""

from __future__ import annotations

from opentelemetry.sdk.metrics._internal.aggregation import AggregationTemporality, DefaultAggregation
from opentelemetry.sdk.metrics._internal.exceptions import MetricsTimeoutError
from opentelemetry.sdk.metrics._internal.export._metric_exporter import (
    ConsoleMetricExporter,
    MetricExporter,
    MetricExportResult,
)
from opentelemetry.sdk.metrics._internal.export._metric_producer import MetricProducer
from opentelemetry.sdk.metrics._internal.export._metric_reader import InMemoryMetricReader, MetricReader, _logger
from opentelemetry.sdk.metrics._internal.export._metric_reader_metrics import create_metric_reader_metrics
from opentelemetry.sdk.metrics._internal.export._periodic_exporting_metric_reader import PeriodicExportingMetricReader
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
from opentelemetry.sdk.metrics._internal.point import MetricsData

__all__ = [
    "AggregationTemporality",
    "ConsoleMetricExporter",
    "Counter",
    "DefaultAggregation",
    "Gauge",
    "Histogram",
    "InMemoryMetricReader",
    "MetricExportResult",
    "MetricExporter",
    "MetricProducer",
    "MetricReader",
    "MetricsData",
    "MetricsTimeoutError",
    "ObservableCounter",
    "ObservableGauge",
    "ObservableUpDownCounter",
    "PeriodicExportingMetricReader",
    "UpDownCounter",
    "_Counter",
    "_Gauge",
    "_Histogram",
    "_ObservableCounter",
    "_ObservableGauge",
    "_ObservableUpDownCounter",
    "_UpDownCounter",
    "_logger",
    "create_metric_reader_metrics",
]
