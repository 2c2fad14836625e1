"""The metrics API: meters make instruments, and instruments take measurements.

    from opentelemetry import metrics

    meter = metrics.get_meter("shop.checkout")
    orders = meter.create_counter("orders", unit="{order}", description="Orders placed")
    orders.add(1, {"country": "nl"})

Nothing is measured until a meter provider is set: see `set_meter_provider`. Instruments that were made before work from
then on.
"""

from __future__ import annotations

from opentelemetry.metrics._internal import (
    Meter,
    MeterProvider,
    NoOpMeter,
    NoOpMeterProvider,
    get_meter,
    get_meter_provider,
    set_meter_provider,
)
from opentelemetry.metrics._internal.instrument import (
    Asynchronous,
    CallbackOptions,
    CallbackT,
    Counter,
    Histogram,
    Instrument,
    NoOpCounter,
    NoOpHistogram,
    NoOpObservableCounter,
    NoOpObservableGauge,
    NoOpObservableUpDownCounter,
    NoOpUpDownCounter,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    Synchronous,
    UpDownCounter,
)
from opentelemetry.metrics._internal.instrument import Gauge as _Gauge
from opentelemetry.metrics._internal.instrument import NoOpGauge as _NoOpGauge
from opentelemetry.metrics._internal.observation import Observation

__all__ = [
    "Asynchronous",
    "CallbackOptions",
    "CallbackT",
    "Counter",
    "Histogram",
    "Instrument",
    "Meter",
    "MeterProvider",
    "NoOpCounter",
    "NoOpHistogram",
    "NoOpMeter",
    "NoOpMeterProvider",
    "NoOpObservableCounter",
    "NoOpObservableGauge",
    "NoOpObservableUpDownCounter",
    "NoOpUpDownCounter",
    "ObservableCounter",
    "ObservableGauge",
    "ObservableUpDownCounter",
    "Observation",
    "Synchronous",
    "UpDownCounter",
    "_Gauge",
    "_NoOpGauge",
    "get_meter",
    "get_meter_provider",
    "set_meter_provider",
]


def _show_public_home() -> None:
    """Makes reprs, pickles and documentation name this module, which is where people import these from."""
    for name in __all__:
        if name != "CallbackT":
            globals()[name].__module__ = __name__


_show_public_home()
