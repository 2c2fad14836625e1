"""Meters and their provider before a real provider is set."""

from __future__ import annotations

from contextlib import suppress
from threading import RLock
from typing import Any, Callable, Sequence, TypeVar, Union, cast

from opentelemetry.metrics._internal._proxy_instrument import (
    _ProxyCounter,
    _ProxyGauge,
    _ProxyHistogram,
    _ProxyObservableCounter,
    _ProxyObservableGauge,
    _ProxyObservableUpDownCounter,
    _ProxyUpDownCounter,
)
from opentelemetry.metrics._internal.instrument import (
    CallbackT,
    Counter,
    Gauge,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.metrics._internal.meter import Meter
from opentelemetry.metrics._internal.provider import MeterProvider
from opentelemetry.util.types import Attributes

_ProxyInstrumentT = Union[
    _ProxyCounter,
    _ProxyHistogram,
    _ProxyGauge,
    _ProxyObservableCounter,
    _ProxyObservableGauge,
    _ProxyObservableUpDownCounter,
    _ProxyUpDownCounter,
]
_T = TypeVar("_T")


class _ProxyMeter(Meter):
    """Makes proxy instruments until it has a real meter.

    It must remember them all, and some libraries make the same instruments on every request: equal synchronous
    instruments are one, so that a program without a provider does not grow.
    """

    def __init__(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> None:
        super().__init__(name, version=version, schema_url=schema_url)
        self._attributes = attributes
        self._lock = RLock()
        self._instruments: list[_ProxyInstrumentT] = []
        self._synchronous: dict[tuple[object, ...], _ProxyInstrumentT] = {}
        self._real_meter: Meter | None = None

    def on_set_meter_provider(self, meter_provider: MeterProvider) -> None:
        """Takes a real meter from `meter_provider`, and gives all instruments their real ones."""
        meter = _get_meter(meter_provider, self._name, self._version, self._schema_url, self._attributes)
        with self._lock:
            self._real_meter = meter
            waiting, self._instruments = self._instruments, []
            self._synchronous.clear()
        # The meter may be anybody's class and come back here: no lock is held while it is called.
        for instrument in waiting:
            instrument.on_meter_set(meter)

    def create_counter(
        self, name: str, unit: str = "", description: str = "", *, attributes_advisory: Sequence[str] | None = None
    ) -> Counter:
        """The real meter's counter, or one that becomes it."""
        advice = _advice(attributes_advisory)
        return self._real_or_proxy(
            lambda meter: meter.create_counter(name, unit, description, **advice),
            lambda: _ProxyCounter(name, unit, description)._advised(attributes_advisory),
            ("counter", name, unit, description, _key(attributes_advisory)),
        )

    def create_up_down_counter(
        self, name: str, unit: str = "", description: str = "", *, attributes_advisory: Sequence[str] | None = None
    ) -> UpDownCounter:
        """The real meter's up-down counter, or one that becomes it."""
        advice = _advice(attributes_advisory)
        return self._real_or_proxy(
            lambda meter: meter.create_up_down_counter(name, unit, description, **advice),
            lambda: _ProxyUpDownCounter(name, unit, description)._advised(attributes_advisory),
            ("up_down_counter", name, unit, description, _key(attributes_advisory)),
        )

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
        attributes_advisory: Sequence[str] | None = None,
    ) -> Histogram:
        """The real meter's histogram, or one that becomes it."""
        advice = _advice(attributes_advisory)
        advisory = explicit_bucket_boundaries_advisory
        return self._real_or_proxy(
            lambda meter: meter.create_histogram(
                name, unit, description, explicit_bucket_boundaries_advisory=advisory, **advice
            ),
            lambda: _ProxyHistogram(name, unit, description, advisory)._advised(attributes_advisory),
            ("histogram", name, unit, description, _key(advisory), _key(attributes_advisory)),
        )

    def create_gauge(
        self, name: str, unit: str = "", description: str = "", *, attributes_advisory: Sequence[str] | None = None
    ) -> Gauge:
        """The real meter's gauge, or one that becomes it."""
        advice = _advice(attributes_advisory)
        return self._real_or_proxy(
            lambda meter: meter.create_gauge(name, unit, description, **advice),
            lambda: _ProxyGauge(name, unit, description)._advised(attributes_advisory),
            ("gauge", name, unit, description, _key(attributes_advisory)),
        )

    def create_observable_counter(
        self,
        name: str,
        callbacks: Sequence[CallbackT] | None = None,
        unit: str = "",
        description: str = "",
        *,
        attributes_advisory: Sequence[str] | None = None,
    ) -> ObservableCounter:
        """The real meter's observable counter, or one that becomes it."""
        advice = _advice(attributes_advisory)
        return self._real_or_proxy(
            lambda meter: meter.create_observable_counter(name, callbacks, unit, description, **advice),
            lambda: _ProxyObservableCounter(name, callbacks, unit=unit, description=description)._advised(
                attributes_advisory
            ),
        )

    def create_observable_up_down_counter(
        self,
        name: str,
        callbacks: Sequence[CallbackT] | None = None,
        unit: str = "",
        description: str = "",
        *,
        attributes_advisory: Sequence[str] | None = None,
    ) -> ObservableUpDownCounter:
        """The real meter's observable up-down counter, or one that becomes it."""
        advice = _advice(attributes_advisory)
        return self._real_or_proxy(
            lambda meter: meter.create_observable_up_down_counter(name, callbacks, unit, description, **advice),
            lambda: _ProxyObservableUpDownCounter(name, callbacks, unit=unit, description=description)._advised(
                attributes_advisory
            ),
        )

    def create_observable_gauge(
        self,
        name: str,
        callbacks: Sequence[CallbackT] | None = None,
        unit: str = "",
        description: str = "",
        *,
        attributes_advisory: Sequence[str] | None = None,
    ) -> ObservableGauge:
        """The real meter's observable gauge, or one that becomes it."""
        advice = _advice(attributes_advisory)
        return self._real_or_proxy(
            lambda meter: meter.create_observable_gauge(name, callbacks, unit, description, **advice),
            lambda: _ProxyObservableGauge(name, callbacks, unit=unit, description=description)._advised(
                attributes_advisory
            ),
        )

    def _real_or_proxy(
        self,
        make_real: Callable[[Meter], _T],
        make_proxy: Callable[[], _T],
        identity: tuple[object, ...] | None = None,
    ) -> _T:
        with self._lock:
            meter = self._real_meter
            if meter is None:
                known = _lookup(self._synchronous, identity)
                if known is not None:
                    return cast("_T", known)
                proxy = make_proxy()
                self._instruments.append(cast("_ProxyInstrumentT", proxy))
                _remember(self._synchronous, identity, cast("_ProxyInstrumentT", proxy))
                return proxy
        return make_real(meter)


class _ProxyMeterProvider(MeterProvider):
    """The global provider while none is set. Meters that are named alike are one."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._meters: list[_ProxyMeter] = []
        self._by_identity: dict[tuple[object, ...], _ProxyMeter] = {}
        self._real_meter_provider: MeterProvider | None = None

    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Meter:
        """The real provider's meter, or one that becomes it."""
        with self._lock:
            provider = self._real_meter_provider
            if provider is None:
                identity = None if attributes else (name, version, schema_url)
                known = _lookup(self._by_identity, identity)
                if known is not None:
                    return known
                meter = _ProxyMeter(name, version=version, schema_url=schema_url, attributes=attributes)
                self._meters.append(meter)
                _remember(self._by_identity, identity, meter)
                return meter
        return _get_meter(provider, name, version, schema_url, attributes)

    def on_set_meter_provider(self, meter_provider: MeterProvider) -> None:
        """Gives all meters their real ones."""
        with self._lock:
            self._real_meter_provider = meter_provider
            waiting, self._meters = self._meters, []
            self._by_identity.clear()
        for meter in waiting:
            meter.on_set_meter_provider(meter_provider)


def _advice(attributes_advisory: Sequence[str] | None) -> dict[str, Any]:
    # Given on only where there is any: meters of other implementations do not take it.
    return {} if attributes_advisory is None else {"attributes_advisory": attributes_advisory}


def _key(advisory: Sequence[object] | None) -> tuple[object, ...] | None:
    try:
        return None if advisory is None else tuple(advisory)
    except TypeError:  # no sequence at all: the real meter will say so
        return (advisory,)


def _lookup(known: dict[tuple[object, ...], _T], identity: tuple[object, ...] | None) -> _T | None:
    try:
        return None if identity is None else known.get(identity)
    except TypeError:  # a name, unit or description that cannot be hashed is no string; the provider will say so
        return None


def _remember(known: dict[tuple[object, ...], _T], identity: tuple[object, ...] | None, made: _T) -> None:
    with suppress(TypeError):
        if identity is not None:
            known[identity] = made


def _get_meter(
    provider: MeterProvider,
    name: str,
    version: str | None,
    schema_url: str | None,
    attributes: Attributes,
) -> Meter:
    # Providers from before scope attributes do not take a fourth argument.
    if attributes is None:
        return provider.get_meter(name, version, schema_url)
    return provider.get_meter(name, version, schema_url, attributes)
