"""Metric exporters: what a periodic reader hands its collections to."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from enum import Enum
from os import linesep
from typing import IO, TYPE_CHECKING, Any, Callable, Dict, Optional

from opentelemetry.sdk.metrics._internal.aggregation import Aggregation, AggregationTemporality
from opentelemetry.sdk.metrics._internal.point import MetricsData

if TYPE_CHECKING:
    PreferredTemporality = Optional[Dict[type, AggregationTemporality]]
    PreferredAggregation = Optional[Dict[type, Aggregation]]


class MetricExportResult(Enum):
    """What an export ends with."""

    SUCCESS = 0
    FAILURE = 1


class MetricExporter(ABC):
    """Sends collections somewhere (specification: metrics SDK, push metric exporter).

    Args:
        preferred_temporality: By public class of instrument (`Counter`, ...), what the points are to cover.
        preferred_aggregation: By public class of instrument, how it is aggregated where no view says otherwise.
    """

    def __init__(
        self,
        preferred_temporality: PreferredTemporality = None,
        preferred_aggregation: PreferredAggregation = None,
    ) -> None:
        self._preferred_temporality = preferred_temporality
        self._preferred_aggregation = preferred_aggregation

    @abstractmethod
    def export(
        self,
        metrics_data: MetricsData,
        timeout_millis: float = 10_000,
        **kwargs: Any,
    ) -> MetricExportResult:
        """Sends one collection; never called by two threads at once."""

    @abstractmethod
    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Sends what the exporter holds back; False when the time is over first."""

    @abstractmethod
    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Ends the exporter."""


class ConsoleMetricExporter(MetricExporter):
    """Writes collections as JSON, by default to standard output.

    Args:
        out: Where to.
        formatter: The text of a collection; default: its JSON and the end of a line.
        preferred_temporality: See `MetricExporter`.
        preferred_aggregation: See `MetricExporter`.
    """

    def __init__(
        self,
        out: IO[str] = sys.stdout,
        formatter: Callable[[MetricsData], str] = lambda metrics_data: metrics_data.to_json() + linesep,
        preferred_temporality: PreferredTemporality = None,
        preferred_aggregation: PreferredAggregation = None,
    ) -> None:
        super().__init__(preferred_temporality, preferred_aggregation)
        self.out = out
        self.formatter = formatter

    def export(
        self,
        metrics_data: MetricsData,
        timeout_millis: float = 10_000,
        **kwargs: Any,
    ) -> MetricExportResult:
        """Writes one collection."""
        self.out.write(self.formatter(metrics_data))
        self.out.flush()
        return MetricExportResult.SUCCESS

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Nothing to end."""

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Nothing is held back."""
        return True
