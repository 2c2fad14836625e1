"""Instruments that measure nothing."""

from __future__ import annotations

from typing import Sequence

from opentelemetry.context import Context
from opentelemetry.metrics._internal._instrument_kinds import (
    Asynchronous,
    CallbackT,
    Counter,
    Gauge,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.util.types import Attributes


class _Disabled:
    def enabled(self) -> bool:
        """False."""
        return False


class NoOpCounter(_Disabled, Counter):
    """A counter that counts nothing."""

    def __init__(self, name: str, unit: str = "", description: str = "") -> None:
        """Takes what the real one takes."""

    def add(self, amount: int | float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Does nothing."""


class NoOpUpDownCounter(_Disabled, UpDownCounter):
    """An up-down counter that counts nothing."""

    def __init__(self, name: str, unit: str = "", description: str = "") -> None:
        """Takes what the real one takes."""

    def add(self, amount: int | float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Does nothing."""


class NoOpHistogram(_Disabled, Histogram):
    """A histogram that takes nothing."""

    def __init__(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
    ) -> None:
        """Takes what the real one takes."""

    def record(self, amount: int | float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Does nothing."""


class NoOpGauge(_Disabled, Gauge):
    """A gauge that keeps nothing."""

    def __init__(self, name: str, unit: str = "", description: str = "") -> None:
        """Takes what the real one takes."""

    def set(self, amount: int | float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Does nothing."""


class _NoOpAsynchronous(_Disabled, Asynchronous):
    def __init__(
        self,
        name: str,
        callbacks: Sequence[CallbackT] | None = None,
        unit: str = "",
        description: str = "",
    ) -> None:
        """Takes what the real one takes."""


class NoOpObservableCounter(_NoOpAsynchronous, ObservableCounter):
    """An observable counter that never calls its callbacks."""


class NoOpObservableUpDownCounter(_NoOpAsynchronous, ObservableUpDownCounter):
    """An observable up-down counter that never calls its callbacks."""


class NoOpObservableGauge(_NoOpAsynchronous, ObservableGauge):
    """An observable gauge that never calls its callbacks."""
