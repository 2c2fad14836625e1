"""The kinds of instruments."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from logging import getLogger
from re import compile as _compile
from typing import Callable, Generator, Iterable, Sequence, TypeVar, Union

from opentelemetry.context import Context
from opentelemetry.metrics._internal._bound_instrument import (
    BoundCounter,
    BoundGauge,
    BoundHistogram,
    BoundUpDownCounter,
    _ForwardingCounter,
    _ForwardingGauge,
    _ForwardingHistogram,
    _ForwardingUpDownCounter,
)
from opentelemetry.metrics._internal.observation import Observation
from opentelemetry.util.types import Attributes

_logger = getLogger("opentelemetry.metrics._internal.instrument")

# Metrics API, "Instrument name syntax" and "Instrument unit".
_name_regex = _compile(r"[a-zA-Z][-_./a-zA-Z0-9]{0,254}")
_unit_regex = _compile(r"[\x00-\x7F]{0,63}")


@dataclass(frozen=True)
class _MetricsHistogramAdvisory:
    explicit_bucket_boundaries: Sequence[float] | None = None


@dataclass(frozen=True)
class CallbackOptions:
    """What a callback is told when it is asked for observations."""

    timeout_millis: float = 10_000
    """How long it may take, in milliseconds."""


CallbackT = Union[
    Callable[[CallbackOptions], Iterable[Observation]],
    Generator[Iterable[Observation], CallbackOptions, None],
]
"""A function that returns observations, or a generator that yields lists of them and is sent the options."""

InstrumentT = TypeVar("InstrumentT", bound="Instrument")


class Instrument(ABC):
    """What all instruments are."""

    @abstractmethod
    def __init__(self, name: str, unit: str = "", description: str = "") -> None:
        """Instruments are made by a `Meter`; `unit` is a UCUM code such as `By` or `ms`."""

    def enabled(self) -> bool:
        """Whether measuring has any effect, for programs that have to work for the value. Not in the reference; True
        where an implementation does not say."""
        return True

    @staticmethod
    def _check_name_unit_description(name: str, unit: str, description: str) -> dict[str, str | None]:
        """The three as they are to be used, `None` for a name or unit that the specification does not allow."""
        unit = "" if unit is None else unit
        return {
            "name": name if isinstance(name, str) and _name_regex.fullmatch(name) else None,
            "unit": unit if isinstance(unit, str) and _unit_regex.fullmatch(unit) else None,
            "description": "" if description is None else description,
        }


class Synchronous(Instrument):
    """An instrument that is told a value when that arises."""


class Asynchronous(Instrument):
    """An instrument that is asked for its values when they are collected."""

    @abstractmethod
    def __init__(
        self,
        name: str,
        callbacks: Sequence[CallbackT] | None = None,
        unit: str = "",
        description: str = "",
    ) -> None:
        """As all instruments, with the callbacks that know the values."""


class Counter(Synchronous):
    """Adds up increments, such as requests served."""

    @abstractmethod
    def add(self, amount: int | float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Adds `amount`, which is not negative. `context`, by default the current one, is where exemplars look."""

    def bind(self, attributes: Attributes) -> BoundCounter:
        """The instrument together with these attributes, which are read now. Not in the reference."""
        return _ForwardingCounter(self, attributes)


class UpDownCounter(Synchronous):
    """Adds up changes in both directions, such as the requests under way."""

    @abstractmethod
    def add(self, amount: int | float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Adds `amount`, which may be negative. `context`, by default the current one, is where exemplars look."""

    def bind(self, attributes: Attributes) -> BoundUpDownCounter:
        """The instrument together with these attributes, which are read now. Not in the reference."""
        return _ForwardingUpDownCounter(self, attributes)


class Histogram(Synchronous):
    """Takes values whose distribution is of interest, such as durations."""

    @abstractmethod
    def __init__(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
    ) -> None:
        """The boundaries are used where no view says otherwise."""

    @abstractmethod
    def record(self, amount: int | float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Takes one value. `context`, by default the current one, is where exemplars look."""

    def bind(self, attributes: Attributes) -> BoundHistogram:
        """The instrument together with these attributes, which are read now. Not in the reference."""
        return _ForwardingHistogram(self, attributes)


class Gauge(Synchronous):
    """Keeps the last of values that it makes no sense to add up, such as temperatures."""

    @abstractmethod
    def set(self, amount: int | float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Makes `amount` the last value. `context`, by default the current one, is where exemplars look."""

    def bind(self, attributes: Attributes) -> BoundGauge:
        """The instrument together with these attributes, which are read now. Not in the reference."""
        return _ForwardingGauge(self, attributes)


class ObservableCounter(Asynchronous):
    """Observes totals that only grow, such as the CPU time used."""


class ObservableUpDownCounter(Asynchronous):
    """Observes totals that can be added up over processes, such as the memory in use."""


class ObservableGauge(Asynchronous):
    """Observes values that it makes no sense to add up, such as temperatures."""
