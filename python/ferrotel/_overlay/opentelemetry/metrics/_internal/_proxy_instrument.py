"""Instruments that were made before there was a meter provider, and become real when one is set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, Sequence

from opentelemetry.metrics._internal._instrument_kinds import (
    CallbackT,
    Counter,
    Gauge,
    Histogram,
    InstrumentT,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)

if TYPE_CHECKING:
    from typing_extensions import Self

    from opentelemetry.context import Context
    from opentelemetry.metrics._internal.meter import Meter
    from opentelemetry.util.types import Attributes


class _ProxyInstrument(ABC, Generic[InstrumentT]):
    """Measurements are lost until there is a real instrument."""

    def __init__(self, name: str, unit: str = "", description: str = "") -> None:
        self._name = name
        self._unit = unit
        self._description = description
        self._advice: dict[str, Any] = {}
        self._real_instrument: InstrumentT | None = None

    def _advised(self, attributes_advisory: Sequence[str] | None) -> Self:
        """The instrument, with advice that the real meter is only given where there is any: others' do not take it."""
        if attributes_advisory is not None:
            self._advice = {"attributes_advisory": attributes_advisory}
        return self

    def on_meter_set(self, meter: Meter) -> None:
        """Makes the real instrument with `meter`."""
        self._real_instrument = self._create_real_instrument(meter)

    def enabled(self) -> bool:
        """As the real instrument's; False before there is one."""
        enabled = getattr(self._real_instrument, "enabled", None)
        return self._real_instrument is not None and (enabled is None or bool(enabled()))

    @abstractmethod
    def _create_real_instrument(self, meter: Meter) -> InstrumentT:
        """The instrument of `meter` that this one stands for."""


class _ProxyAsynchronousInstrument(_ProxyInstrument[InstrumentT]):
    def __init__(
        self,
        name: str,
        callbacks: Sequence[CallbackT] | None = None,
        unit: str = "",
        description: str = "",
    ) -> None:
        super().__init__(name, unit, description)
        self._callbacks = callbacks


class _ProxyCounter(_ProxyInstrument[Counter], Counter):
    def add(self, amount: int | float, attributes: Attributes = None, context: Context | None = None) -> None:
        """As the real counter's, once there is one."""
        if self._real_instrument is not None:
            self._real_instrument.add(amount, attributes, context)

    def _create_real_instrument(self, meter: Meter) -> Counter:
        return meter.create_counter(self._name, self._unit, self._description, **self._advice)


class _ProxyUpDownCounter(_ProxyInstrument[UpDownCounter], UpDownCounter):
    def add(self, amount: int | float, attributes: Attributes = None, context: Context | None = None) -> None:
        """As the real counter's, once there is one."""
        if self._real_instrument is not None:
            self._real_instrument.add(amount, attributes, context)

    def _create_real_instrument(self, meter: Meter) -> UpDownCounter:
        return meter.create_up_down_counter(self._name, self._unit, self._description, **self._advice)


class _ProxyHistogram(_ProxyInstrument[Histogram], Histogram):
    def __init__(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
    ) -> None:
        super().__init__(name, unit=unit, description=description)
        self._explicit_bucket_boundaries_advisory = explicit_bucket_boundaries_advisory

    def record(self, amount: int | float, attributes: Attributes = None, context: Context | None = None) -> None:
        """As the real histogram's, once there is one."""
        if self._real_instrument is not None:
            self._real_instrument.record(amount, attributes, context)

    def _create_real_instrument(self, meter: Meter) -> Histogram:
        return meter.create_histogram(
            self._name,
            self._unit,
            self._description,
            explicit_bucket_boundaries_advisory=self._explicit_bucket_boundaries_advisory,
            **self._advice,
        )


class _ProxyGauge(_ProxyInstrument[Gauge], Gauge):
    def set(self, amount: int | float, attributes: Attributes = None, context: Context | None = None) -> None:
        """As the real gauge's, once there is one."""
        if self._real_instrument is not None:
            self._real_instrument.set(amount, attributes, context)

    def _create_real_instrument(self, meter: Meter) -> Gauge:
        return meter.create_gauge(self._name, self._unit, self._description, **self._advice)


class _ProxyObservableCounter(_ProxyAsynchronousInstrument[ObservableCounter], ObservableCounter):
    def _create_real_instrument(self, meter: Meter) -> ObservableCounter:
        return meter.create_observable_counter(
            self._name, self._callbacks, self._unit, self._description, **self._advice
        )


class _ProxyObservableUpDownCounter(_ProxyAsynchronousInstrument[ObservableUpDownCounter], ObservableUpDownCounter):
    def _create_real_instrument(self, meter: Meter) -> ObservableUpDownCounter:
        return meter.create_observable_up_down_counter(
            self._name, self._callbacks, self._unit, self._description, **self._advice
        )


class _ProxyObservableGauge(_ProxyAsynchronousInstrument[ObservableGauge], ObservableGauge):
    def _create_real_instrument(self, meter: Meter) -> ObservableGauge:
        return meter.create_observable_gauge(self._name, self._callbacks, self._unit, self._description, **self._advice)
