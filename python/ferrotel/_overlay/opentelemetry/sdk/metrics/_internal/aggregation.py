"""Aggregations: how single measurements become points (specification: metrics SDK, aggregation).

The public classes say which one a view wants; those that begin with an underscore do the work where it is done in
Python. The engine has the same ones, and does the work wherever no part written in Python has a say.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from bisect import bisect_left
from functools import partial
from logging import getLogger
from typing import Any, Callable, Sequence, Type

from opentelemetry.metrics import (
    Asynchronous,
    Counter,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    Synchronous,
    UpDownCounter,
    _Gauge,
)
from opentelemetry.sdk.metrics._internal._aggregation_base import AggregationTemporality, _Aggregation
from opentelemetry.sdk.metrics._internal._exponential_bucket_histogram import _ExponentialBucketHistogramAggregation
from opentelemetry.sdk.metrics._internal.exemplar import Exemplar, ExemplarReservoirBuilder
from opentelemetry.sdk.metrics._internal.exponential_histogram.buckets import Buckets
from opentelemetry.sdk.metrics._internal.exponential_histogram.mapping import Mapping
from opentelemetry.sdk.metrics._internal.exponential_histogram.mapping.exponent_mapping import ExponentMapping
from opentelemetry.sdk.metrics._internal.exponential_histogram.mapping.logarithm_mapping import LogarithmMapping
from opentelemetry.sdk.metrics._internal.instrument import _Instrument
from opentelemetry.sdk.metrics._internal.measurement import Measurement
from opentelemetry.sdk.metrics._internal.point import HistogramDataPoint, NumberDataPoint
from opentelemetry.util.types import Attributes

__all__ = [
    "Aggregation",
    "AggregationTemporality",
    "Buckets",
    "DefaultAggregation",
    "DropAggregation",
    "Exemplar",
    "ExemplarReservoirBuilder",
    "ExplicitBucketHistogramAggregation",
    "ExponentMapping",
    "ExponentialBucketHistogramAggregation",
    "LastValueAggregation",
    "LogarithmMapping",
    "Mapping",
    "SumAggregation",
    "_Aggregation",
    "_DropAggregation",
    "_ExplicitBucketHistogramAggregation",
    "_ExponentialBucketHistogramAggregation",
    "_LastValueAggregation",
    "_SumAggregation",
]

_logger = getLogger(__name__)

_ReservoirFactory = Callable[[Type[_Aggregation[Any]]], ExemplarReservoirBuilder]

_DELTA = AggregationTemporality.DELTA
_CUMULATIVE = AggregationTemporality.CUMULATIVE

# Metrics SDK, "Explicit Bucket Histogram Aggregation".
_DEFAULT_EXPLICIT_BUCKET_HISTOGRAM_AGGREGATION_BOUNDARIES: Sequence[float] = (
    *(0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0),
    *(1000.0, 2500.0, 5000.0, 7500.0, 10000.0),
)


class _DropAggregation(_Aggregation[None]):
    def aggregate(self, measurement: Measurement, should_sample_exemplar: bool = True) -> None:
        """Forgets the measurement."""

    def collect(
        self,
        collection_aggregation_temporality: AggregationTemporality,
        collection_start_nano: int,
    ) -> None:
        """Nothing."""


class _SumAggregation(_Aggregation[NumberDataPoint]):
    def __init__(
        self,
        attributes: Attributes,
        instrument_is_monotonic: bool,
        instrument_aggregation_temporality: AggregationTemporality,
        start_time_unix_nano: int,
        reservoir_builder: ExemplarReservoirBuilder,
    ) -> None:
        super().__init__(attributes, reservoir_builder)
        self._start_time_unix_nano = start_time_unix_nano
        self._instrument_aggregation_temporality = instrument_aggregation_temporality
        self._instrument_is_monotonic = instrument_is_monotonic
        # Since the last collection; None before the first measurement.
        self._value: int | float | None = None
        # A synchronous instrument's total up to then, an asynchronous one's last observed total.
        self._previous_value: int | float = 0
        self._previous_collection_start_nano = start_time_unix_nano

    def aggregate(self, measurement: Measurement, should_sample_exemplar: bool = True) -> None:
        with self._lock:
            self._value = (0 if self._value is None else self._value) + measurement.value
        self._sample_exemplar(measurement, should_sample_exemplar)

    def collect(
        self,
        collection_aggregation_temporality: AggregationTemporality,
        collection_start_nano: int,
    ) -> NumberDataPoint | None:
        with self._lock:
            measured, self._value = self._value, None
            is_delta = collection_aggregation_temporality is _DELTA
            of_changes = self._instrument_aggregation_temporality is _DELTA
            start = self._start_time_unix_nano
            if is_delta and (of_changes or measured is not None):
                start = self._previous_collection_start_nano
                self._previous_collection_start_nano = collection_start_nano
            if of_changes and not is_delta:
                value = self._previous_value = self._previous_value + (0 if measured is None else measured)
            elif measured is None:
                return None
            elif is_delta and not of_changes:
                value = measured - self._previous_value
                self._previous_value = measured
            else:
                value = measured
            return NumberDataPoint(
                attributes=self._attributes,
                exemplars=self._collect_exemplars(),
                start_time_unix_nano=start,
                time_unix_nano=collection_start_nano,
                value=value,
            )


class _LastValueAggregation(_Aggregation[NumberDataPoint]):
    def __init__(
        self,
        attributes: Attributes,
        reservoir_builder: ExemplarReservoirBuilder,
        instrument_is_synchronous: bool,
    ) -> None:
        super().__init__(attributes, reservoir_builder)
        self._instrument_is_synchronous = instrument_is_synchronous
        self._value: int | float | None = None

    def aggregate(self, measurement: Measurement, should_sample_exemplar: bool = True) -> None:
        with self._lock:
            self._value = measurement.value
        self._sample_exemplar(measurement, should_sample_exemplar)

    def collect(
        self,
        collection_aggregation_temporality: AggregationTemporality,
        collection_start_nano: int,
    ) -> NumberDataPoint | None:
        with self._lock:
            value = self._value
            if value is None:
                return None
            # What a synchronous gauge was set to holds until it is set again.
            if not (self._instrument_is_synchronous and collection_aggregation_temporality is _CUMULATIVE):
                self._value = None
        return NumberDataPoint(
            attributes=self._attributes,
            exemplars=self._collect_exemplars(),
            start_time_unix_nano=None,
            time_unix_nano=collection_start_nano,
            value=value,
        )


class _ExplicitBucketHistogramAggregation(_Aggregation[HistogramDataPoint]):
    def __init__(
        self,
        attributes: Attributes,
        instrument_aggregation_temporality: AggregationTemporality,
        start_time_unix_nano: int,
        reservoir_builder: ExemplarReservoirBuilder,
        boundaries: Sequence[float] | None = None,
        record_min_max: bool = True,
    ) -> None:
        if boundaries is None:
            boundaries = _DEFAULT_EXPLICIT_BUCKET_HISTOGRAM_AGGREGATION_BOUNDARIES
        _check_boundaries(boundaries)
        super().__init__(attributes, partial(reservoir_builder, boundaries=boundaries))
        self._instrument_aggregation_temporality = instrument_aggregation_temporality
        self._start_time_unix_nano = start_time_unix_nano
        self._boundaries = tuple(boundaries)
        self._record_min_max = record_min_max
        # Since the last collection; None before the first measurement.
        self._value: list[int] | None = None
        self._min: int | float = math.inf
        self._max: int | float = -math.inf
        self._sum: int | float = 0
        # Everything up to then.
        self._previous_value: list[int] | None = None
        self._previous_min: int | float = math.inf
        self._previous_max: int | float = -math.inf
        self._previous_sum: int | float = 0
        self._previous_collection_start_nano = start_time_unix_nano

    def _get_empty_bucket_counts(self) -> list[int]:
        return [0] * (len(self._boundaries) + 1)

    def aggregate(self, measurement: Measurement, should_sample_exemplar: bool = True) -> None:
        value = measurement.value
        with self._lock:
            if self._value is None:
                self._value = self._get_empty_bucket_counts()
            self._sum += value
            if self._record_min_max:
                self._min = min(self._min, value)
                self._max = max(self._max, value)
            self._value[bisect_left(self._boundaries, value)] += 1
        self._sample_exemplar(measurement, should_sample_exemplar)

    def collect(
        self,
        collection_aggregation_temporality: AggregationTemporality,
        collection_start_nano: int,
    ) -> HistogramDataPoint | None:
        with self._lock:
            counts, total, smallest, largest = self._value, self._sum, self._min, self._max
            self._value, self._sum, self._min, self._max = None, 0, math.inf, -math.inf
            if self._instrument_aggregation_temporality is not _DELTA:
                return None
            if collection_aggregation_temporality is _DELTA:
                start = self._previous_collection_start_nano
                self._previous_collection_start_nano = collection_start_nano
                if counts is None:
                    return None
            else:
                start = self._start_time_unix_nano
                before = self._previous_value or self._get_empty_bucket_counts()
                counts = self._previous_value = [a + b for a, b in zip(counts, before)] if counts else before
                smallest = self._previous_min = min(smallest, self._previous_min)
                largest = self._previous_max = max(largest, self._previous_max)
                total = self._previous_sum = total + self._previous_sum
            return HistogramDataPoint(
                attributes=self._attributes,
                exemplars=self._collect_exemplars(),
                start_time_unix_nano=start,
                time_unix_nano=collection_start_nano,
                count=sum(counts),
                sum=total,
                bucket_counts=tuple(counts),
                explicit_bounds=self._boundaries,
                min=smallest,
                max=largest,
            )


def _check_boundaries(boundaries: Sequence[float]) -> None:
    for index, bound in enumerate(boundaries):
        if not math.isfinite(bound):
            raise ValueError(f"invalid boundary: {bound!r}")
        if index and boundaries[index - 1] >= bound:
            raise ValueError("boundaries must be strictly increasing")


class Aggregation(ABC):
    """What a view or a reader chooses an aggregation with."""

    @abstractmethod
    def _create_aggregation(
        self,
        instrument: _Instrument,
        attributes: Attributes,
        reservoir_factory: _ReservoirFactory,
        start_time_unix_nano: int,
    ) -> _Aggregation[Any]:
        """Makes the aggregation of one series."""


class DefaultAggregation(Aggregation):
    """What the kind of instrument wants: sums for counters, last values for gauges, explicit buckets for histograms."""

    def _create_aggregation(
        self,
        instrument: _Instrument,
        attributes: Attributes,
        reservoir_factory: _ReservoirFactory,
        start_time_unix_nano: int,
    ) -> _Aggregation[Any]:
        chosen: Aggregation
        if isinstance(instrument, (Counter, UpDownCounter, ObservableCounter, ObservableUpDownCounter)):
            chosen = SumAggregation()
        elif isinstance(instrument, Histogram):
            chosen = ExplicitBucketHistogramAggregation()
        elif isinstance(instrument, (ObservableGauge, _Gauge)):
            chosen = LastValueAggregation()
        else:
            raise Exception(f"Invalid instrument type {type(instrument)} found")
        return chosen._create_aggregation(instrument, attributes, reservoir_factory, start_time_unix_nano)


class ExponentialBucketHistogramAggregation(Aggregation):
    """A histogram whose buckets grow exponentially, and become wider when they no longer suffice.

    Args:
        max_size: How many buckets there are at most for the positive values, and for the negative ones.
        max_scale: The resolution to start with; buckets grow by the factor `2 ** (2 ** -scale)`.
        record_min_max: Whether the smallest and the largest value are recorded.
    """

    def __init__(self, max_size: int = 160, max_scale: int = 20, record_min_max: bool = True) -> None:
        self._max_size = max_size
        self._max_scale = max_scale
        self._record_min_max = record_min_max

    def _create_aggregation(
        self,
        instrument: _Instrument,
        attributes: Attributes,
        reservoir_factory: _ReservoirFactory,
        start_time_unix_nano: int,
    ) -> _Aggregation[Any]:
        return _ExponentialBucketHistogramAggregation(
            attributes,
            reservoir_factory(_ExponentialBucketHistogramAggregation),
            _temporality_of(instrument),
            start_time_unix_nano,
            max_size=self._max_size,
            max_scale=self._max_scale,
            record_min_max=self._record_min_max,
        )


class ExplicitBucketHistogramAggregation(Aggregation):
    """A histogram with given buckets.

    Args:
        boundaries: The buckets' inclusive upper bounds, ascending; default: the instrument's advice, else the
            specification's.
        record_min_max: Whether the smallest and the largest value are recorded.
    """

    def __init__(self, boundaries: Sequence[float] | None = None, record_min_max: bool = True) -> None:
        self._boundaries = boundaries
        self._record_min_max = record_min_max

    def _boundaries_for(self, instrument: _Instrument) -> Sequence[float] | None:
        if self._boundaries is not None:
            return self._boundaries
        advisory = getattr(instrument, "_advisory", None)
        return None if advisory is None else advisory.explicit_bucket_boundaries

    def _create_aggregation(
        self,
        instrument: _Instrument,
        attributes: Attributes,
        reservoir_factory: _ReservoirFactory,
        start_time_unix_nano: int,
    ) -> _Aggregation[Any]:
        return _ExplicitBucketHistogramAggregation(
            attributes,
            _temporality_of(instrument),
            start_time_unix_nano,
            reservoir_factory(_ExplicitBucketHistogramAggregation),
            self._boundaries_for(instrument),
            self._record_min_max,
        )


class SumAggregation(Aggregation):
    """Adds the measurements up."""

    def _create_aggregation(
        self,
        instrument: _Instrument,
        attributes: Attributes,
        reservoir_factory: _ReservoirFactory,
        start_time_unix_nano: int,
    ) -> _Aggregation[Any]:
        return _SumAggregation(
            attributes,
            isinstance(instrument, (Counter, ObservableCounter)),
            _temporality_of(instrument),
            start_time_unix_nano,
            reservoir_factory(_SumAggregation),
        )


class LastValueAggregation(Aggregation):
    """Keeps the last measurement."""

    def _create_aggregation(
        self,
        instrument: _Instrument,
        attributes: Attributes,
        reservoir_factory: _ReservoirFactory,
        start_time_unix_nano: int,
    ) -> _Aggregation[Any]:
        return _LastValueAggregation(
            attributes,
            reservoir_builder=reservoir_factory(_LastValueAggregation),
            instrument_is_synchronous=isinstance(instrument, Synchronous),
        )


class DropAggregation(Aggregation):
    """Forgets the measurements: there is no stream."""

    def _create_aggregation(
        self,
        instrument: _Instrument,
        attributes: Attributes,
        reservoir_factory: _ReservoirFactory,
        start_time_unix_nano: int,
    ) -> _Aggregation[Any]:
        return _DropAggregation(attributes, reservoir_factory(_DropAggregation))


def _temporality_of(instrument: _Instrument) -> AggregationTemporality:
    if isinstance(instrument, Synchronous):
        return _DELTA
    if isinstance(instrument, Asynchronous):
        return _CUMULATIVE
    return AggregationTemporality.UNSPECIFIED
