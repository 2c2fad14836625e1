"""The global meter provider. The classes are in the modules beside this one."""

from __future__ import annotations

from logging import getLogger
from os import environ
from typing import cast

from opentelemetry.environment_variables import OTEL_PYTHON_METER_PROVIDER
from opentelemetry.metrics._internal._proxy_instrument import (
    _ProxyCounter,
    _ProxyGauge,
    _ProxyHistogram,
    _ProxyObservableCounter,
    _ProxyObservableGauge,
    _ProxyObservableUpDownCounter,
    _ProxyUpDownCounter,
)
from opentelemetry.metrics._internal._proxy_meter import _ProxyInstrumentT, _ProxyMeter, _ProxyMeterProvider
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
from opentelemetry.metrics._internal.meter import Meter, NoOpMeter, _InstrumentRegistrationStatus
from opentelemetry.metrics._internal.provider import MeterProvider, NoOpMeterProvider
from opentelemetry.util._once import Once
from opentelemetry.util._providers import _load_provider
from opentelemetry.util.types import Attributes

# The names of the reference's module of this path, whether or not this file uses them itself.
__all__ = [
    "CallbackT",
    "Counter",
    "Gauge",
    "Histogram",
    "Meter",
    "MeterProvider",
    "NoOpCounter",
    "NoOpGauge",
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
    "UpDownCounter",
    "_InstrumentRegistrationStatus",
    "_MetricsHistogramAdvisory",
    "_ProxyCounter",
    "_ProxyGauge",
    "_ProxyHistogram",
    "_ProxyInstrumentT",
    "_ProxyMeter",
    "_ProxyMeterProvider",
    "_ProxyObservableCounter",
    "_ProxyObservableGauge",
    "_ProxyObservableUpDownCounter",
    "_ProxyUpDownCounter",
    "get_meter",
    "get_meter_provider",
    "set_meter_provider",
]

_logger = getLogger(__name__)

_METER_PROVIDER_SET_ONCE = Once()
_METER_PROVIDER: MeterProvider | None = None
_PROXY_METER_PROVIDER = _ProxyMeterProvider()


def get_meter(
    name: str,
    version: str = "",
    meter_provider: MeterProvider | None = None,
    schema_url: str | None = None,
    attributes: Attributes = None,
) -> Meter:
    """A meter of `meter_provider`, by default the global one; the other arguments are those of its `get_meter`."""
    provider = get_meter_provider() if meter_provider is None else meter_provider
    return provider.get_meter(name, version, schema_url, attributes)


def get_meter_provider() -> MeterProvider:
    """The global meter provider: what `set_meter_provider` was given, else what `OTEL_PYTHON_METER_PROVIDER` names,
    else a proxy that waits for the former."""
    if _METER_PROVIDER is None:
        if OTEL_PYTHON_METER_PROVIDER not in environ:
            return _PROXY_METER_PROVIDER
        try:
            named = _load_provider(OTEL_PYTHON_METER_PROVIDER, "meter_provider")
        except Exception:
            return _PROXY_METER_PROVIDER
        _set_meter_provider(named, log=False)
    return cast("MeterProvider", _METER_PROVIDER)


def set_meter_provider(meter_provider: MeterProvider) -> None:
    """Sets the global meter provider. That can be done once; later calls only log a warning."""
    _set_meter_provider(meter_provider, log=True)


def _set_meter_provider(meter_provider: MeterProvider, log: bool) -> None:
    def assign() -> None:
        global _METER_PROVIDER
        _METER_PROVIDER = meter_provider

    if _METER_PROVIDER_SET_ONCE.do_once(assign):
        # Not inside: this calls the provider, which may be anybody's class and come back here.
        _PROXY_METER_PROVIDER.on_set_meter_provider(meter_provider)
    elif log:
        _logger.warning("Overriding of current MeterProvider is not allowed")
