"""Where measurements go from the instruments: to the storages of all readers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from threading import TIMEOUT_MAX, Lock, RLock
from time import time_ns
from typing import TYPE_CHECKING, Iterable, Mapping

from opentelemetry.metrics._internal.instrument import CallbackOptions
from opentelemetry.sdk.metrics._internal.exceptions import MetricsTimeoutError
from opentelemetry.sdk.metrics._internal.measurement import Measurement
from opentelemetry.sdk.metrics._internal.metric_reader_storage import MetricReaderStorage
from opentelemetry.sdk.metrics._internal.point import MetricsData

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics._internal.export import MetricReader
    from opentelemetry.sdk.metrics._internal.instrument import _Asynchronous
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
        self._lock = Lock()
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
        return MetricReaderStorage(
            self._sdk_config,
            reader._instrument_class_temporality,
            reader._instrument_class_aggregation,
        )

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
        deadline = time_ns() + timeout_millis * 10**6
        if not self._collecting.acquire(timeout=min(max(timeout_millis / 1e3, 0), TIMEOUT_MAX)):
            raise MetricsTimeoutError("Timed out while waiting for another collection")
        try:
            storage = self._reader_storages[metric_reader]
            self._observe(storage, deadline)
            return storage.collect()
        finally:
            self._collecting.release()

    def _observe(self, storage: MetricReaderStorage, deadline: float) -> None:
        options = CallbackOptions()
        for instrument in tuple(self._async_instruments):
            remaining = deadline - time_ns()
            if remaining < _DEFAULT_CALLBACK_TIMEOUT_NS:
                options = CallbackOptions(timeout_millis=remaining / 10**6)
            measurements = instrument.callback(options)
            if time_ns() >= deadline:
                raise MetricsTimeoutError("Timed out while executing callback")
            for measurement in measurements:
                storage.consume_measurement(measurement, self._should_sample_exemplar(measurement))

    def add_metric_reader(self, metric_reader: MetricReader) -> None:
        """Feeds this reader, too."""
        with self._lock:
            self._reader_storages = {**self._reader_storages, metric_reader: self._make_storage(metric_reader)}

    def remove_metric_reader(self, metric_reader: MetricReader) -> None:
        """Stops feeding this reader."""
        with self._lock:
            storages = dict(self._reader_storages)
            storages.pop(metric_reader)
            self._reader_storages = storages

    def _at_fork_reinit(self) -> None:
        """Makes the locks anew in a forked child: another thread may have held them."""
        self._lock = Lock()
        self._collecting = RLock()
        for storage in self._reader_storages.values():
            storage._at_fork_reinit()
