"""Bound instruments: an instrument together with the attributes of its measurements.

Measuring with one is cheaper, since the attributes need not be looked at again. They are read when the instrument is
bound: changing the mapping afterwards changes nothing. Not in the reference.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.metrics._internal._instrument_kinds import Counter, Gauge, Histogram, UpDownCounter
    from opentelemetry.util.types import Attributes


class BoundCounter(ABC):
    """A counter with attributes."""

    __slots__ = ()

    @abstractmethod
    def add(self, amount: int | float, context: Context | None = None) -> None:
        """Adds `amount`, which is not negative."""


class BoundUpDownCounter(ABC):
    """An up-down counter with attributes."""

    __slots__ = ()

    @abstractmethod
    def add(self, amount: int | float, context: Context | None = None) -> None:
        """Adds `amount`, which may be negative."""


class BoundHistogram(ABC):
    """A histogram with attributes."""

    __slots__ = ()

    @abstractmethod
    def record(self, amount: int | float, context: Context | None = None) -> None:
        """Takes one value."""


class BoundGauge(ABC):
    """A gauge with attributes."""

    __slots__ = ()

    @abstractmethod
    def set(self, amount: int | float, context: Context | None = None) -> None:
        """Makes `amount` the last value."""


class _Forwarding:
    """For any implementation's instruments, and those of which nobody knows yet whose they will be."""

    def __init__(self, instrument: object, attributes: Attributes) -> None:
        self._instrument = instrument
        self._attributes = None if attributes is None else dict(attributes)


class _ForwardingCounter(_Forwarding, BoundCounter):
    _instrument: Counter

    def add(self, amount: int | float, context: Context | None = None) -> None:
        self._instrument.add(amount, self._attributes, context)


class _ForwardingUpDownCounter(_Forwarding, BoundUpDownCounter):
    _instrument: UpDownCounter

    def add(self, amount: int | float, context: Context | None = None) -> None:
        self._instrument.add(amount, self._attributes, context)


class _ForwardingHistogram(_Forwarding, BoundHistogram):
    _instrument: Histogram

    def record(self, amount: int | float, context: Context | None = None) -> None:
        self._instrument.record(amount, self._attributes, context)


class _ForwardingGauge(_Forwarding, BoundGauge):
    _instrument: Gauge

    def set(self, amount: int | float, context: Context | None = None) -> None:
        self._instrument.set(amount, self._attributes, context)
