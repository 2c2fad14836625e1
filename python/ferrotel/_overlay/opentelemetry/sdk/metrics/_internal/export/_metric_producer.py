"""Metrics that another library has measured, taken along with the SDK's own (specification: metric producer)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Sequence

from opentelemetry.sdk.metrics._internal.point import ScopeMetrics


class MetricProducer(ABC):
    """A bridge from a third party's metrics; given to a reader as `metric_producers`."""

    @abstractmethod
    def produce(self, timeout_millis: float = 10_000) -> Sequence[ScopeMetrics]:
        """The metrics as they are now, of the provider's resource. What it raises is logged, and loses only its own."""
