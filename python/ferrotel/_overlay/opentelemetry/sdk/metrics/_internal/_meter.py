"""Meters make the SDK's instruments."""

from __future__ import annotations

from dataclasses import dataclass
from logging import getLogger
from threading import RLock
from typing import Any, Callable, Sequence, TypeVar

from ferrotel import _native
from opentelemetry.metrics import CallbackT
from opentelemetry.metrics import Counter as APICounter
from opentelemetry.metrics import Histogram as APIHistogram
from opentelemetry.metrics import Meter as APIMeter
from opentelemetry.metrics import ObservableCounter as APIObservableCounter
from opentelemetry.metrics import ObservableGauge as APIObservableGauge
from opentelemetry.metrics import ObservableUpDownCounter as APIObservableUpDownCounter
from opentelemetry.metrics import UpDownCounter as APIUpDownCounter
from opentelemetry.metrics import _Gauge as APIGauge
from opentelemetry.sdk.metrics._internal.instrument import (
    _Counter,
    _Gauge,
    _Histogram,
    _ObservableCounter,
    _ObservableGauge,
    _ObservableUpDownCounter,
    _UpDownCounter,
)
from opentelemetry.sdk.metrics._internal.measurement_consumer import MeasurementConsumer
from opentelemetry.sdk.util._configurator import RuleBasedConfigurator
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

_logger = getLogger("opentelemetry.sdk.metrics._internal")

_T = TypeVar("_T")


@dataclass
class _MeterConfig:
    """What a meter configurator decides for a scope."""

    is_enabled: bool = True

    @classmethod
    def default(cls) -> _MeterConfig:
        return _MeterConfig()

    def __setattr__(self, name: str, value: object) -> None:
        changes = name in vars(self)
        super().__setattr__(name, value)
        if changes:
            # Instruments remember whether they are enabled.
            _native.metrics_changed()


class _ProxyMeterConfig:
    """The settings of one meter, which all of its instruments share: they change together."""

    def __init__(self, config: _MeterConfig) -> None:
        self._config = config

    @property
    def is_enabled(self) -> bool:
        return self._config.is_enabled

    def update(self, config: _MeterConfig) -> None:
        self._config = config
        _native.metrics_changed()


_MeterConfiguratorT = Callable[[InstrumentationScope], _MeterConfig]
_RuleBasedMeterConfigurator = RuleBasedConfigurator[_MeterConfig]


def _default_meter_configurator(_meter_scope: InstrumentationScope) -> _MeterConfig:
    return _MeterConfig.default()


def _disable_meter_configurator(_meter_scope: InstrumentationScope) -> _MeterConfig:
    return _MeterConfig(is_enabled=False)


class Meter(APIMeter):
    """Makes the instruments of one instrumentation scope; one that was made before is returned again.

    In all of its methods `attributes_advisory` are the keys that are worth keeping where no view says otherwise
    (specification: advisory parameter "Attributes"; not in the reference).
    """

    def __init__(
        self,
        instrumentation_scope: InstrumentationScope,
        measurement_consumer: MeasurementConsumer,
        *,
        _meter_config: _MeterConfig | None = None,
    ) -> None:
        super().__init__(
            name=instrumentation_scope.name,
            version=instrumentation_scope.version,
            schema_url=instrumentation_scope.schema_url,
        )
        self._instrumentation_scope = instrumentation_scope
        self._measurement_consumer = measurement_consumer
        self._instrument_id_instrument: dict[str, Any] = {}
        self._instrument_registration_lock = RLock()
        self._meter_config = _ProxyMeterConfig(_meter_config or _MeterConfig.default())

    def _is_enabled(self) -> bool:
        return self._meter_config.is_enabled

    def _set_meter_config(self, meter_config: _MeterConfig) -> None:
        self._meter_config.update(meter_config)

    def create_counter(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        attributes_advisory: Sequence[str] | None = None,
    ) -> APICounter:
        """Makes a counter."""
        return self._create(_Counter, APICounter, name, unit, description, attributes_advisory)

    def create_up_down_counter(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        attributes_advisory: Sequence[str] | None = None,
    ) -> APIUpDownCounter:
        """Makes an up-down counter."""
        return self._create(_UpDownCounter, APIUpDownCounter, name, unit, description, attributes_advisory)

    def create_observable_counter(
        self,
        name: str,
        callbacks: Sequence[CallbackT] | None = None,
        unit: str = "",
        description: str = "",
        *,
        attributes_advisory: Sequence[str] | None = None,
    ) -> APIObservableCounter:
        """Makes an observable counter."""
        return self._create(
            _ObservableCounter, APIObservableCounter, name, unit, description, attributes_advisory, callbacks=callbacks
        )

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
        attributes_advisory: Sequence[str] | None = None,
    ) -> APIHistogram:
        """Makes a histogram. Boundaries that are no sequence of numbers are reported and not used."""
        boundaries = explicit_bucket_boundaries_advisory
        if boundaries is not None and not _are_numbers(boundaries):
            boundaries = None
            _logger.warning("explicit_bucket_boundaries_advisory must be a sequence of numbers")
        return self._create(
            _Histogram,
            APIHistogram,
            name,
            unit,
            description,
            attributes_advisory,
            advisory=boundaries,
            explicit_bucket_boundaries_advisory=boundaries,
        )

    def create_gauge(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        attributes_advisory: Sequence[str] | None = None,
    ) -> APIGauge:
        """Makes a gauge."""
        return self._create(_Gauge, APIGauge, name, unit, description, attributes_advisory)

    def create_observable_gauge(
        self,
        name: str,
        callbacks: Sequence[CallbackT] | None = None,
        unit: str = "",
        description: str = "",
        *,
        attributes_advisory: Sequence[str] | None = None,
    ) -> APIObservableGauge:
        """Makes an observable gauge."""
        return self._create(
            _ObservableGauge, APIObservableGauge, name, unit, description, attributes_advisory, callbacks=callbacks
        )

    def create_observable_up_down_counter(
        self,
        name: str,
        callbacks: Sequence[CallbackT] | None = None,
        unit: str = "",
        description: str = "",
        *,
        attributes_advisory: Sequence[str] | None = None,
    ) -> APIObservableUpDownCounter:
        """Makes an observable up-down counter."""
        return self._create(
            _ObservableUpDownCounter,
            APIObservableUpDownCounter,
            name,
            unit,
            description,
            attributes_advisory,
            callbacks=callbacks,
        )

    def _create(
        self,
        made_class: Any,
        api_class: Callable[..., _T],
        name: str,
        unit: str,
        description: str,
        attributes_advisory: Sequence[str] | None,
        *,
        advisory: Any = None,
        **arguments: Any,
    ) -> _T:
        keys = _advised_keys(attributes_advisory)
        if keys is not None:
            advisory = (advisory, keys)
        with self._instrument_registration_lock:
            status = self._register_instrument(name, made_class, unit, description, advisory)
            instrument: Any = self._instrument_id_instrument.get(status.instrument_id)
            is_new = instrument is None
            if is_new:
                made_here = made_class(
                    name,
                    self._instrumentation_scope,
                    self._measurement_consumer,
                    unit=unit,
                    description=description,
                    attributes_advisory=keys,
                    _meter_config=self._meter_config,
                    **arguments,
                )
                # A signal handler may have asked for the same one meanwhile.
                instrument = self._instrument_id_instrument.setdefault(status.instrument_id, made_here)
                is_new = instrument is made_here
        if is_new and "callbacks" in arguments:
            self._measurement_consumer.register_asynchronous_instrument(instrument)
        if status.conflict:
            self._log_instrument_registration_conflict(
                name,
                api_class.__name__,
                unit,
                description,
                status,
            )
        made: _T = instrument
        return made


def _are_numbers(boundaries: Any) -> bool:
    try:
        return isinstance(boundaries, Sequence) and all(isinstance(bound, (float, int)) for bound in boundaries)
    except (KeyError, TypeError):
        return False


def _advised_keys(keys: Any) -> tuple[str, ...] | None:
    if keys is None:
        return None
    if isinstance(keys, (list, tuple, set, frozenset)) and all(isinstance(key, str) for key in keys):
        return tuple(keys)
    _logger.warning("attributes_advisory must be a sequence of strings")
    return None
