"""Meters make instruments."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass
from logging import getLogger
from threading import RLock
from typing import Sequence

from opentelemetry.metrics._internal.instrument import (
    CallbackT,
    Counter,
    Gauge,
    Histogram,
    NoOpCounter,
    NoOpGauge,
    NoOpHistogram,
    NoOpObservableCounter,
    NoOpObservableGauge,
    NoOpObservableUpDownCounter,
    NoOpUpDownCounter,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
    _MetricsHistogramAdvisory,
)

_logger = getLogger("opentelemetry.metrics._internal")


@dataclass
class _InstrumentRegistrationStatus:
    instrument_id: str
    already_registered: bool
    conflict: bool
    current_advisory: _MetricsHistogramAdvisory | None


class Meter(ABC):
    """Makes the instruments of one instrumentation scope.

    In all of its methods `name` is the instrument's, `unit` a UCUM code such as `By` or `ms`, `description` a sentence
    for people, and `callbacks` are called when values are collected. `attributes_advisory` are the attributes that are
    worth keeping where no view says otherwise (specification: advisory parameter "Attributes"; not in the reference).
    """

    def __init__(self, name: str, version: str | None = None, schema_url: str | None = None) -> None:
        super().__init__()
        self._name = name
        self._version = version
        self._schema_url = schema_url
        self._instrument_ids: dict[str, _MetricsHistogramAdvisory | None] = {}
        self._instrument_ids_lock = RLock()

    @property
    def name(self) -> str:
        """The name of the instrumenting library."""
        return self._name

    @property
    def version(self) -> str | None:
        """The version of the instrumenting library."""
        return self._version

    @property
    def schema_url(self) -> str | None:
        """The schema that the telemetry keeps to."""
        return self._schema_url

    @abstractmethod
    def create_counter(
        self, name: str, unit: str = "", description: str = "", *, attributes_advisory: Sequence[str] | None = None
    ) -> Counter:
        """Makes a `Counter`."""

    @abstractmethod
    def create_up_down_counter(
        self, name: str, unit: str = "", description: str = "", *, attributes_advisory: Sequence[str] | None = None
    ) -> UpDownCounter:
        """Makes an `UpDownCounter`."""

    @abstractmethod
    def create_observable_counter(
        self,
        name: str,
        callbacks: Sequence[CallbackT] | None = None,
        unit: str = "",
        description: str = "",
        *,
        attributes_advisory: Sequence[str] | None = None,
    ) -> ObservableCounter:
        """Makes an `ObservableCounter`.

        A callback is a function that takes `CallbackOptions` and returns or yields observations:

            def cpu_time(options):
                times = os.times()
                yield Observation(times.user, {"state": "user"})
                yield Observation(times.system, {"state": "system"})

            meter.create_observable_counter("process.cpu.time", [cpu_time], unit="s")

        or a generator that yields lists of observations, one at each collection, and is sent the options.
        """

    @abstractmethod
    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
        attributes_advisory: Sequence[str] | None = None,
    ) -> Histogram:
        """Makes a `Histogram`; the boundaries are used where no view says otherwise."""

    def create_gauge(
        self, name: str, unit: str = "", description: str = "", *, attributes_advisory: Sequence[str] | None = None
    ) -> Gauge:
        """Makes a `Gauge`. Not abstract, since meters from before gauges lack it."""
        warnings.warn("create_gauge() is not implemented and will be a no-op", stacklevel=2)
        return NoOpGauge(name, unit=unit, description=description)

    @abstractmethod
    def create_observable_gauge(
        self,
        name: str,
        callbacks: Sequence[CallbackT] | None = None,
        unit: str = "",
        description: str = "",
        *,
        attributes_advisory: Sequence[str] | None = None,
    ) -> ObservableGauge:
        """Makes an `ObservableGauge`; for the callbacks see `create_observable_counter`."""

    @abstractmethod
    def create_observable_up_down_counter(
        self,
        name: str,
        callbacks: Sequence[CallbackT] | None = None,
        unit: str = "",
        description: str = "",
        *,
        attributes_advisory: Sequence[str] | None = None,
    ) -> ObservableUpDownCounter:
        """Makes an `ObservableUpDownCounter`; for the callbacks see `create_observable_counter`."""

    def _register_instrument(
        self,
        name: str,
        type_: type,
        unit: str,
        description: str,
        advisory: _MetricsHistogramAdvisory | None = None,
    ) -> _InstrumentRegistrationStatus:
        """Remembers an instrument, and says whether the same one, or one that differs in its advisory, is known."""
        instrument_id = ",".join([str(name).strip().lower(), type_.__name__, str(unit), str(description)])
        with self._instrument_ids_lock:
            known = instrument_id in self._instrument_ids
            current = self._instrument_ids.setdefault(instrument_id, advisory)
        return _InstrumentRegistrationStatus(
            instrument_id=instrument_id,
            already_registered=known,
            conflict=known and current != advisory,
            current_advisory=current if known else None,
        )

    @staticmethod
    def _log_instrument_registration_conflict(
        name: str, instrumentation_type: str, unit: str, description: str, status: _InstrumentRegistrationStatus
    ) -> None:
        _logger.warning(
            "An instrument with name %s, type %s, unit %s and "
            "description %s has been created already with a "
            "different advisory value %s and will be used instead.",
            name,
            instrumentation_type,
            unit,
            description,
            status.current_advisory,
        )


class NoOpMeter(Meter):
    """A meter whose instruments measure nothing."""

    def create_counter(
        self, name: str, unit: str = "", description: str = "", *, attributes_advisory: Sequence[str] | None = None
    ) -> Counter:
        """A counter that counts nothing."""
        self._register(name, NoOpCounter, Counter, unit, description)
        return NoOpCounter(name, unit=unit, description=description)

    def create_up_down_counter(
        self, name: str, unit: str = "", description: str = "", *, attributes_advisory: Sequence[str] | None = None
    ) -> UpDownCounter:
        """An up-down counter that counts nothing."""
        self._register(name, NoOpUpDownCounter, UpDownCounter, unit, description)
        return NoOpUpDownCounter(name, unit=unit, description=description)

    def create_observable_counter(
        self,
        name: str,
        callbacks: Sequence[CallbackT] | None = None,
        unit: str = "",
        description: str = "",
        *,
        attributes_advisory: Sequence[str] | None = None,
    ) -> ObservableCounter:
        """An observable counter that never calls its callbacks."""
        self._register(name, NoOpObservableCounter, ObservableCounter, unit, description)
        return NoOpObservableCounter(name, callbacks, unit=unit, description=description)

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
        attributes_advisory: Sequence[str] | None = None,
    ) -> Histogram:
        """A histogram that takes nothing."""
        advisory = _MetricsHistogramAdvisory(explicit_bucket_boundaries=explicit_bucket_boundaries_advisory)
        self._register(name, NoOpHistogram, Histogram, unit, description, advisory)
        return NoOpHistogram(
            name,
            unit=unit,
            description=description,
            explicit_bucket_boundaries_advisory=explicit_bucket_boundaries_advisory,
        )

    def create_gauge(
        self, name: str, unit: str = "", description: str = "", *, attributes_advisory: Sequence[str] | None = None
    ) -> Gauge:
        """A gauge that keeps nothing."""
        self._register(name, NoOpGauge, Gauge, unit, description)
        return NoOpGauge(name, unit=unit, description=description)

    def create_observable_gauge(
        self,
        name: str,
        callbacks: Sequence[CallbackT] | None = None,
        unit: str = "",
        description: str = "",
        *,
        attributes_advisory: Sequence[str] | None = None,
    ) -> ObservableGauge:
        """An observable gauge that never calls its callbacks."""
        self._register(name, NoOpObservableGauge, ObservableGauge, unit, description)
        return NoOpObservableGauge(name, callbacks, unit=unit, description=description)

    def create_observable_up_down_counter(
        self,
        name: str,
        callbacks: Sequence[CallbackT] | None = None,
        unit: str = "",
        description: str = "",
        *,
        attributes_advisory: Sequence[str] | None = None,
    ) -> ObservableUpDownCounter:
        """An observable up-down counter that never calls its callbacks."""
        self._register(name, NoOpObservableUpDownCounter, ObservableUpDownCounter, unit, description)
        return NoOpObservableUpDownCounter(name, callbacks, unit=unit, description=description)

    def _register(
        self,
        name: str,
        made: type,
        kind: type,
        unit: str,
        description: str,
        advisory: _MetricsHistogramAdvisory | None = None,
    ) -> None:
        status = self._register_instrument(name, made, unit, description, advisory)
        if status.conflict:
            self._log_instrument_registration_conflict(name, kind.__name__, unit, description, status)
