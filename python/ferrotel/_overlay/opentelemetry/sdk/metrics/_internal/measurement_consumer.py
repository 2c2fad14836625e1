"""Where measurements go from the instruments: to the storages of all readers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from threading import TIMEOUT_MAX, RLock
from time import time_ns
from typing import TYPE_CHECKING, Any, Iterable, Iterator, Mapping

from ferrotel import _native
from opentelemetry.metrics._internal.instrument import CallbackOptions
from opentelemetry.sdk.metrics._internal._engine_stream import engine_filter
from opentelemetry.sdk.metrics._internal.exceptions import MetricsTimeoutError
from opentelemetry.sdk.metrics._internal.instrument import (
    _ObservableCounter,
    _ObservableGauge,
    _ObservableUpDownCounter,
)
from opentelemetry.sdk.metrics._internal.measurement import Measurement
from opentelemetry.sdk.metrics._internal.metric_reader_storage import MetricReaderStorage
from opentelemetry.sdk.metrics._internal.point import MetricsData

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics._internal.export import MetricReader
    from opentelemetry.sdk.metrics._internal.instrument import _Asynchronous, _Synchronous
    from opentelemetry.sdk.metrics._internal.sdk_configuration import SdkConfiguration

_DEFAULT_CALLBACK_TIMEOUT_NS = 10_000 * 10**6


class MeasurementConsumer(ABC):
    """What an instrument needs of a meter provider."""

    @abstractmethod
    def consume_measurement(self, measurement: Measurement) -> None:
        """Takes a measurement of a synchronous instrument."""

    @abstractmethod
    def register_asynchronous_instrument(self, instrument: _Asynchronous) -> None:
        """Asks this instrument, too, at every collection from now on."""

    @abstractmethod
    def collect(self, metric_reader: MetricReader, timeout_millis: float = 10_000) -> MetricsData | None:
        """Collects for one reader."""


class SynchronousMeasurementConsumer(MeasurementConsumer):
    """Hands every measurement on at once."""

    def __init__(self, sdk_config: SdkConfiguration, metric_readers: Iterable[MetricReader]) -> None:
        self._lock = RLock()
        # One collection at a time, whoever it is for: callbacks need not stand being called by two threads at once.
        # They may come back here, so it is another lock than the one that guards the fields.
        self._collecting = RLock()
        self._sdk_config = sdk_config
        # Replaced as a whole, never changed: measurements go through it without a lock.
        self._reader_storages: Mapping[MetricReader, MetricReaderStorage] = {
            reader: self._make_storage(reader) for reader in metric_readers
        }
        self._async_instruments: list[_Asynchronous] = []

    def _make_storage(self, reader: MetricReader) -> MetricReaderStorage:
        storage = MetricReaderStorage(
            self._sdk_config,
            reader._instrument_class_temporality,
            reader._instrument_class_aggregation,
        )
        storage._uses_engine = True
        limit = getattr(reader, "_cardinality_limit", None)
        if isinstance(limit, (int, dict)):
            storage._cardinality_limit = limit
        return storage

    def _streams_of(self, instrument: _Synchronous) -> Any:
        """Where the instrument's measurements go: see `_Synchronous._resolve`."""
        replaced = type(self).consume_measurement is not _CONSUME or "consume_measurement" in vars(self)
        exemplar_filter = engine_filter(self._sdk_config.exemplar_filter)
        if replaced or exemplar_filter is None:
            return None
        streams: list[_native.MetricStream] = []
        for storage in self._reader_storages.values():
            found = _engine_streams(storage, instrument)
            if found is None:
                return None
            streams += found
        return bool(streams) and (exemplar_filter, tuple(streams))

    def _has_streams(self, instrument: _Synchronous | _Asynchronous) -> bool:
        """Whether any reader's view keeps what the instrument measures."""
        for storage in self._reader_storages.values():
            found = _engine_streams(storage, instrument)
            if found is None or found:
                return True
        return False

    def consume_measurement(self, measurement: Measurement) -> None:
        """Hands a measurement to the storage of every reader."""
        sampled = self._should_sample_exemplar(measurement)
        for storage in self._reader_storages.values():
            storage.consume_measurement(measurement, sampled)

    def _should_sample_exemplar(self, measurement: Measurement) -> bool:
        return self._sdk_config.exemplar_filter.should_sample(
            measurement.value,
            measurement.time_unix_nano,
            measurement.attributes,
            measurement.context,
        )

    def register_asynchronous_instrument(self, instrument: _Asynchronous) -> None:
        """Asks this instrument, too, at every collection from now on."""
        with self._lock:
            self._async_instruments.append(instrument)

    def collect(self, metric_reader: MetricReader, timeout_millis: float = 10_000) -> MetricsData | None:
        """Asks the asynchronous instruments and collects.

        Raises `MetricsTimeoutError` when a callback returns, or another collection ends, after the time is over.
        """
        with self._observed(metric_reader, timeout_millis) as storage:
            return storage.collect()

    def _collect_in_engine(
        self, metric_reader: MetricReader, timeout_millis: float
    ) -> tuple[MetricsData | None, _native.CollectedMetrics | None]:
        """As `collect`, without Python objects where that is possible: one of the two is None."""
        with self._observed(metric_reader, timeout_millis) as storage:
            if type(storage) is MetricReaderStorage and not storage._needs_python:
                return None, storage._collect_in_engine()
            return storage.collect(), None

    @contextmanager
    def _observed(self, metric_reader: MetricReader, timeout_millis: float) -> Iterator[MetricReaderStorage]:
        """The reader's storage, with what the asynchronous instruments say, while nobody else collects."""
        deadline = time_ns() + timeout_millis * 10**6
        if not self._collecting.acquire(timeout=min(max(timeout_millis / 1e3, 0), TIMEOUT_MAX)):
            raise MetricsTimeoutError("Timed out while waiting for another collection")
        try:
            storage = self._reader_storages[metric_reader]
            self._observe(storage, deadline)
            yield storage
        finally:
            self._collecting.release()

    def _observe(self, storage: MetricReaderStorage, deadline: float) -> None:
        options = CallbackOptions()
        for instrument in tuple(self._async_instruments):
            remaining = deadline - time_ns()
            if remaining < _DEFAULT_CALLBACK_TIMEOUT_NS:
                options = CallbackOptions(timeout_millis=remaining / 10**6)
            observer = self._observer_of(storage, instrument)
            measurements: Iterable[Measurement] = ()
            if observer is None:
                measurements = instrument.callback(options)
            elif instrument._is_enabled():
                observer.observe(instrument, options)
            if time_ns() >= deadline:
                raise MetricsTimeoutError("Timed out while executing callback")
            for measurement in measurements:
                storage.consume_measurement(measurement, self._should_sample_exemplar(measurement))

    def _observer_of(self, storage: MetricReaderStorage, instrument: _Asynchronous) -> _native.Observer | None:
        """What feeds the callbacks' observations into the engine; None where Python code has a say in that."""
        if type(instrument) not in _OBSERVABLE or type(storage) is not MetricReaderStorage:
            return None
        observers = storage._observers
        if instrument not in observers:
            exemplar_filter = engine_filter(self._sdk_config.exemplar_filter)
            streams = _engine_streams(storage, instrument)
            if exemplar_filter is None or streams is None:
                observers[instrument] = None
            else:
                observers[instrument] = _native.Observer((exemplar_filter, tuple(streams)))
        return observers[instrument]

    def add_metric_reader(self, metric_reader: MetricReader) -> None:
        """Feeds this reader, too."""
        with self._lock:
            self._reader_storages = {**self._reader_storages, metric_reader: self._make_storage(metric_reader)}
        _native.metrics_changed()

    def remove_metric_reader(self, metric_reader: MetricReader) -> None:
        """Stops feeding this reader."""
        with self._lock:
            storages = dict(self._reader_storages)
            storages.pop(metric_reader)
            self._reader_storages = storages
        _native.metrics_changed()

    def _at_fork_reinit(self) -> None:
        """Makes the locks anew in a forked child: another thread may have held them."""
        self._lock = RLock()
        self._collecting = RLock()
        for storage in self._reader_storages.values():
            storage._at_fork_reinit()


_CONSUME = SynchronousMeasurementConsumer.consume_measurement
# Of classes that nobody overrides anything of.
_OBSERVABLE = (_ObservableCounter, _ObservableUpDownCounter, _ObservableGauge)


def _engine_streams(
    storage: MetricReaderStorage, instrument: _Synchronous | _Asynchronous
) -> list[_native.MetricStream] | None:
    """The engine's streams of an instrument that do not drop it; None where one of them is not the engine's."""
    if type(storage) is not MetricReaderStorage:
        return None
    streams: list[_native.MetricStream] = []
    for match in storage._get_or_init_view_instrument_match(instrument):
        if not isinstance(match._stream, _native.MetricStream):
            return None
        if not match._stream.drops:
            streams.append(match._stream)
    return streams
