"""The SDK's instruments.

A synchronous instrument hands what it is told to its `_measurement_consumer`, an asynchronous one is asked by it.
"""

from __future__ import annotations

import math
from abc import ABCMeta
from logging import getLogger
from time import time_ns
from typing import TYPE_CHECKING, Any, Callable, ClassVar, Generator, Iterable, Protocol, Sequence, runtime_checkable

from ferrotel import _native
from opentelemetry.context import Context, get_current
from opentelemetry.metrics import Asynchronous, CallbackT, Synchronous
from opentelemetry.metrics import Counter as APICounter
from opentelemetry.metrics import Histogram as APIHistogram
from opentelemetry.metrics import ObservableCounter as APIObservableCounter
from opentelemetry.metrics import ObservableGauge as APIObservableGauge
from opentelemetry.metrics import ObservableUpDownCounter as APIObservableUpDownCounter
from opentelemetry.metrics import UpDownCounter as APIUpDownCounter
from opentelemetry.metrics import _Gauge as APIGauge
from opentelemetry.metrics._internal._bound_instrument import (
    BoundCounter,
    BoundGauge,
    BoundHistogram,
    BoundUpDownCounter,
)
from opentelemetry.metrics._internal.instrument import CallbackOptions, _MetricsHistogramAdvisory
from opentelemetry.sdk.metrics._internal.measurement import Measurement
from opentelemetry.util.types import Attributes

if TYPE_CHECKING:
    from opentelemetry.metrics import Observation
    from opentelemetry.sdk.metrics._internal import _ProxyMeterConfig
    from opentelemetry.sdk.metrics._internal.measurement_consumer import MeasurementConsumer
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

_logger = getLogger(__name__)

_NAME_ERROR_MESSAGE = "Expected ASCII string of maximum length 255 characters but got {}"
_UNIT_ERROR_MESSAGE = "Expected ASCII string of maximum length 63 characters but got {}"


@runtime_checkable
class _Instrument(Protocol):
    name: str
    unit: str
    description: str
    instrumentation_scope: InstrumentationScope


class _InstrumentType(ABCMeta):
    """The metaclass of the synchronous instruments.

    The classes that meters make have `add`, `record` and `set` as descriptors of their own, which is faster. Where
    somebody replaces the method of the public class, it must be found nevertheless.
    """

    def __setattr__(cls, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name in ("add", "record", "set"):
            subclasses: list[type] = cls.__subclasses__()
            for subclass in subclasses:
                own = vars(subclass).get(name)
                if subclass in _MADE and getattr(own, "__objclass__", None) is subclass:
                    delattr(subclass, name)


class _Synchronous(Synchronous, metaclass=_InstrumentType):
    """An instrument that is told its values.

    `add`, `record` and `set` are native, and come from the bases of the kinds. They do what `_measure` does, which they
    call where a part written in Python has a say in what becomes of the measurement; `_resolve` tells them that.
    """

    name: str
    unit: str
    description: str

    # What the call is named in messages, and whether it takes negative amounts.
    _VERB: ClassVar[str] = "Add"
    _KIND: ClassVar[str] = ""
    _MONOTONIC: ClassVar[bool] = False

    def __init__(
        self,
        name: str,
        instrumentation_scope: InstrumentationScope,
        measurement_consumer: MeasurementConsumer,
        unit: str = "",
        description: str = "",
        *,
        attributes_advisory: Sequence[str] | None = None,
        _meter_config: _ProxyMeterConfig | None = None,
    ) -> None:
        _describe(self, name, unit, description)
        self.instrumentation_scope = instrumentation_scope
        self._measurement_consumer = measurement_consumer
        self._attributes_advisory = attributes_advisory
        self._meter_config = _meter_config

    def _is_enabled(self) -> bool:
        return self._meter_config is None or self._meter_config.is_enabled

    def enabled(self) -> bool:
        """Whether a measurement would go anywhere: the meter is enabled, and not all views drop the instrument."""
        return self._is_enabled() and _has_streams(self)

    def _resolve(self) -> Any:
        """Where measurements go: None for `_measure`, False for nowhere, else a filter's name and the streams."""
        kind = type(self)
        # A test may have replaced the clock, which the engine does not look at.
        if (kind._is_enabled, kind._measure, kind._check, time_ns) != _UNCHANGED:
            return None
        if not self._is_enabled():
            return False
        streams_of = getattr(type(self._measurement_consumer), "_streams_of", None)
        return None if streams_of is None else streams_of(self._measurement_consumer, self)

    def _measure(self, amount: int | float, attributes: Attributes = None, context: Context | None = None) -> None:
        if self._is_enabled() and self._check(amount):
            self._measurement_consumer.consume_measurement(
                Measurement(amount, time_ns(), self, context or get_current(), attributes)
            )

    def _check(self, amount: int | float) -> bool:
        """Whether the amount can be measured; says why not."""
        try:
            finite = math.isfinite(amount)
            negative = amount < 0
        except Exception:
            _refuse(self, amount)
            return False
        if not finite:
            _logger.warning(
                f"{self._VERB} amount %s is not finite on {self._KIND} %s, ignoring measurement.",
                amount,
                self.name,
            )
            return False
        if negative and self._MONOTONIC:
            _logger.warning(f"{self._VERB} amount must be non-negative on {self._KIND} %s.", self.name)
            return False
        return True


_UNCHANGED = (_Synchronous._is_enabled, _Synchronous._measure, _Synchronous._check, time_ns)


class _Asynchronous(Asynchronous):
    """An instrument that is asked for its values."""

    name: str
    unit: str
    description: str

    def __init__(
        self,
        name: str,
        instrumentation_scope: InstrumentationScope,
        measurement_consumer: MeasurementConsumer,
        callbacks: Sequence[CallbackT] | None = None,
        unit: str = "",
        description: str = "",
        *,
        attributes_advisory: Sequence[str] | None = None,
        _meter_config: _ProxyMeterConfig | None = None,
    ) -> None:
        _describe(self, name, unit, description)
        self.instrumentation_scope = instrumentation_scope
        self._measurement_consumer = measurement_consumer
        self._attributes_advisory = attributes_advisory
        self._meter_config = _meter_config
        self._callbacks: list[Callable[[CallbackOptions], Iterable[Observation]]] = [
            _of_generator(callback) if isinstance(callback, Generator) else callback for callback in callbacks or ()
        ]

    def _is_enabled(self) -> bool:
        return self._meter_config is None or self._meter_config.is_enabled

    def enabled(self) -> bool:
        """Whether observations go anywhere: the meter is enabled, and not all views drop the instrument."""
        return self._is_enabled() and _has_streams(self)

    def callback(self, callback_options: CallbackOptions) -> Iterable[Measurement]:
        """Asks the callbacks. One that raises loses what it had still to say, and is reported."""
        if not self._is_enabled():
            return
        for callback in self._callbacks:
            try:
                for observation in callback(callback_options):
                    if self._refuse(observation.value):
                        continue
                    yield Measurement(
                        observation.value,
                        time_unix_nano=time_ns(),
                        instrument=self,
                        context=observation.context or get_current(),
                        attributes=observation.attributes,
                    )
            except Exception:
                _logger.exception("Callback failed for instrument %s.", self.name)

    def _refuse(self, value: int | float) -> bool:
        """Whether a value cannot be measured, which is reported; raises for what is no number."""
        if math.isfinite(value):
            return False
        _logger.warning(
            "Callback returned a non-finite value %s for instrument %s, ignoring measurement.",
            value,
            self.name,
        )
        return True


class Counter(_native.CounterBase, _Synchronous, APICounter):
    """The SDK's counter; meters make them."""

    _KIND = "Counter"
    _MONOTONIC = True

    def __new__(cls, *args: Any, **kwargs: Any) -> Counter:
        _refuse_direct_creation(cls, Counter)
        return super().__new__(cls)

    def bind(self, attributes: Attributes) -> BoundCounter:
        """The instrument with these attributes, found once for all measurements."""
        return _BoundCounter(self, attributes)


class UpDownCounter(_native.UpDownCounterBase, _Synchronous, APIUpDownCounter):
    """The SDK's up-down counter; meters make them."""

    _KIND = "UpDownCounter"

    def __new__(cls, *args: Any, **kwargs: Any) -> UpDownCounter:
        _refuse_direct_creation(cls, UpDownCounter)
        return super().__new__(cls)

    def bind(self, attributes: Attributes) -> BoundUpDownCounter:
        """The instrument with these attributes, found once for all measurements."""
        return _BoundUpDownCounter(self, attributes)


class ObservableCounter(_Asynchronous, APIObservableCounter):
    """The SDK's observable counter; meters make them."""

    def __new__(cls, *args: Any, **kwargs: Any) -> ObservableCounter:
        _refuse_direct_creation(cls, ObservableCounter)
        return super().__new__(cls)


class ObservableUpDownCounter(_Asynchronous, APIObservableUpDownCounter):
    """The SDK's observable up-down counter; meters make them."""

    def __new__(cls, *args: Any, **kwargs: Any) -> ObservableUpDownCounter:
        _refuse_direct_creation(cls, ObservableUpDownCounter)
        return super().__new__(cls)


class Histogram(_native.HistogramBase, _Synchronous, APIHistogram):
    """The SDK's histogram; meters make them."""

    _VERB = "Record"
    _KIND = "Histogram"
    _MONOTONIC = True

    def __init__(
        self,
        name: str,
        instrumentation_scope: InstrumentationScope,
        measurement_consumer: MeasurementConsumer,
        unit: str = "",
        description: str = "",
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
        *,
        attributes_advisory: Sequence[str] | None = None,
        _meter_config: _ProxyMeterConfig | None = None,
    ) -> None:
        super().__init__(
            name,
            unit=unit,
            description=description,
            instrumentation_scope=instrumentation_scope,
            measurement_consumer=measurement_consumer,
            attributes_advisory=attributes_advisory,
            _meter_config=_meter_config,
        )
        self._advisory = _MetricsHistogramAdvisory(explicit_bucket_boundaries=explicit_bucket_boundaries_advisory)

    def __new__(cls, *args: Any, **kwargs: Any) -> Histogram:
        _refuse_direct_creation(cls, Histogram)
        return super().__new__(cls)

    def bind(self, attributes: Attributes) -> BoundHistogram:
        """The instrument with these attributes, found once for all measurements."""
        return _BoundHistogram(self, attributes)


class Gauge(_native.GaugeBase, _Synchronous, APIGauge):
    """The SDK's gauge; meters make them."""

    _VERB = "Set"
    _KIND = "Gauge"

    def __new__(cls, *args: Any, **kwargs: Any) -> Gauge:
        _refuse_direct_creation(cls, Gauge)
        return super().__new__(cls)

    def bind(self, attributes: Attributes) -> BoundGauge:
        """The instrument with these attributes, found once for all measurements."""
        return _BoundGauge(self, attributes)


class ObservableGauge(_Asynchronous, APIObservableGauge):
    """The SDK's observable gauge; meters make them."""

    def __new__(cls, *args: Any, **kwargs: Any) -> ObservableGauge:
        _refuse_direct_creation(cls, ObservableGauge)
        return super().__new__(cls)


class _BoundCounter(_native.BoundCounterBase, BoundCounter):
    __slots__ = ()


class _BoundUpDownCounter(_native.BoundUpDownCounterBase, BoundUpDownCounter):
    __slots__ = ()


class _BoundHistogram(_native.BoundHistogramBase, BoundHistogram):
    __slots__ = ()


class _BoundGauge(_native.BoundGaugeBase, BoundGauge):
    __slots__ = ()


# What meters make: the classes above are for users' isinstance and views.
class _Counter(Counter):
    pass


class _UpDownCounter(UpDownCounter):
    pass


class _ObservableCounter(ObservableCounter):
    pass


class _ObservableUpDownCounter(ObservableUpDownCounter):
    pass


class _Histogram(Histogram):
    pass


class _Gauge(Gauge):
    pass


class _ObservableGauge(ObservableGauge):
    pass


_MADE: tuple[type, ...] = (_Counter, _UpDownCounter, _Histogram, _Gauge)
_native.register_instruments(*_MADE)


def _describe(instrument: _Synchronous | _Asynchronous, name: str, unit: str, description: str) -> None:
    checked = instrument._check_name_unit_description(name, unit, description)
    if checked["name"] is None:
        raise Exception(_NAME_ERROR_MESSAGE.format(name))
    if checked["unit"] is None:
        raise Exception(_UNIT_ERROR_MESSAGE.format(unit))
    instrument.name = checked["name"].lower()
    instrument.unit = checked["unit"]
    instrument.description = checked["description"] or ""


def _refuse_direct_creation(cls: type, public: type) -> None:
    if cls is public:
        raise TypeError(f"{public.__name__} must be instantiated via a meter.")


def _has_streams(instrument: _Synchronous | _Asynchronous) -> bool:
    has_streams = getattr(instrument._measurement_consumer, "_has_streams", None)
    return True if has_streams is None else bool(has_streams(instrument))


def _of_generator(
    callback: Generator[Iterable[Observation], CallbackOptions, None],
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    """The function that a generator stands for: it stops at its first yield, and is sent the options."""
    next(callback, None)

    def observe(options: CallbackOptions) -> Iterable[Observation]:
        try:
            return callback.send(options)
        except StopIteration:
            return []

    return observe


_refused_types: set[type] = set()


def _refuse(instrument: _Synchronous, amount: object) -> None:
    """Says, once for each type, that something is no amount. Its text may raise or have no end: it is not asked for."""
    kind = type(amount)
    if kind not in _refused_types and len(_refused_types) < 1000:
        _refused_types.add(kind)
        _logger.warning(
            f"{instrument._VERB} amount of type %s on {instrument._KIND} %s is no number that can be measured, "
            "ignoring measurement. This is said once for a type.",
            kind,
            instrument.name,
        )
