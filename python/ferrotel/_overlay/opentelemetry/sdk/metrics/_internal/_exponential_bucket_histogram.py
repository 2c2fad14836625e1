"""The exponential histogram, where Python aggregates it."""

from __future__ import annotations

import math
from functools import partial
from logging import getLogger
from typing import ClassVar

from opentelemetry.sdk.metrics._internal._aggregation_base import AggregationTemporality, _Aggregation
from opentelemetry.sdk.metrics._internal.exemplar import ExemplarReservoirBuilder
from opentelemetry.sdk.metrics._internal.exponential_histogram.buckets import Buckets
from opentelemetry.sdk.metrics._internal.exponential_histogram.mapping import Mapping
from opentelemetry.sdk.metrics._internal.measurement import Measurement
from opentelemetry.sdk.metrics._internal.point import Buckets as BucketsPoint
from opentelemetry.sdk.metrics._internal.point import ExponentialHistogramDataPoint
from opentelemetry.util.types import Attributes

_logger = getLogger("opentelemetry.sdk.metrics._internal.aggregation")

# More than enough exemplars for one point, whatever the number of buckets.
_MOST_EXEMPLARS = 20


class _ExponentialBucketHistogramAggregation(_Aggregation[ExponentialHistogramDataPoint]):
    # Two buckets can hold the whole range of numbers at the smallest scale.
    _min_max_size: ClassVar[int] = 2
    # Against histograms that are large by mistake.
    _max_max_size: ClassVar[int] = 16384

    def __init__(
        self,
        attributes: Attributes,
        reservoir_builder: ExemplarReservoirBuilder,
        instrument_aggregation_temporality: AggregationTemporality,
        start_time_unix_nano: int,
        max_size: int = 160,
        max_scale: int = 20,
        record_min_max: bool = True,
    ) -> None:
        if max_size < self._min_max_size:
            raise ValueError(f"Buckets max size {max_size} is smaller than minimum max size {self._min_max_size}")
        if max_size > self._max_max_size:
            raise ValueError(f"Buckets max size {max_size} is larger than maximum max size {self._max_max_size}")
        if max_scale > 20:
            _logger.warning(
                "max_scale is set to %s which is larger than the recommended value of 20",
                max_scale,
            )
        super().__init__(attributes, partial(reservoir_builder, size=min(_MOST_EXEMPLARS, max_size)))
        self._instrument_aggregation_temporality = instrument_aggregation_temporality
        self._start_time_unix_nano = start_time_unix_nano
        self._max_size = max_size
        self._max_scale = max_scale
        self._record_min_max = record_min_max
        self._mapping = self._new_mapping(max_scale)
        # Since the last collection; None before the first measurement.
        self._value_positive: Buckets | None = None
        self._value_negative: Buckets | None = None
        self._scale: int | None = None
        self._forget_interval()
        # Everything up to then.
        self._previous_value_positive: Buckets | None = None
        self._previous_value_negative: Buckets | None = None
        self._previous_scale: int | None = None
        self._previous_min: int | float = math.inf
        self._previous_max: int | float = -math.inf
        self._previous_sum: int | float = 0
        self._previous_count = 0
        self._previous_zero_count = 0
        self._previous_collection_start_nano = start_time_unix_nano

    def _forget_interval(self) -> None:
        self._value_positive = None
        self._value_negative = None
        self._scale = None
        self._min: int | float = math.inf
        self._max: int | float = -math.inf
        self._sum: int | float = 0
        self._count = 0
        self._zero_count = 0

    def aggregate(self, measurement: Measurement, should_sample_exemplar: bool = True) -> None:
        value = measurement.value
        with self._lock:
            positive = self._value_positive = Buckets() if self._value_positive is None else self._value_positive
            negative = self._value_negative = Buckets() if self._value_negative is None else self._value_negative
            self._count += 1
            self._sum += value
            if self._record_min_max:
                self._min = min(self._min, value)
                self._max = max(self._max, value)
            if value == 0:
                self._zero_count += 1
                if self._count == self._zero_count:
                    self._scale = 0
            else:
                self._count_in_bucket(abs(value), positive if value > 0 else negative)
        self._sample_exemplar(measurement, should_sample_exemplar)

    def _count_in_bucket(self, magnitude: float, buckets: Buckets) -> None:
        index = self._mapping.map_to_index(magnitude)
        if len(buckets):
            change = self._get_scale_change(min(index, buckets.index_start), max(index, buckets.index_end))
            if change:
                self._downscale(change, self._value_positive or Buckets(), self._value_negative or Buckets())
                self._mapping = self._new_mapping(self._mapping.scale - change)
                index = self._mapping.map_to_index(magnitude)
        self._scale = self._mapping.scale
        buckets.increment_bucket(buckets.cover(index, self._max_size))

    def collect(
        self,
        collection_aggregation_temporality: AggregationTemporality,
        collection_start_nano: int,
    ) -> ExponentialHistogramDataPoint | None:
        with self._lock:
            if self._instrument_aggregation_temporality is not AggregationTemporality.DELTA:
                self._forget_interval()
                return None
            if collection_aggregation_temporality is AggregationTemporality.DELTA:
                start = self._previous_collection_start_nano
                self._previous_collection_start_nano = collection_start_nano
                if self._value_positive is None:
                    return None
                point = self._point(
                    start,
                    collection_start_nano,
                    (self._value_positive, self._value_negative or Buckets()),
                    (self._count, self._sum, self._scale or 0, self._zero_count),
                    (self._min, self._max),
                )
                self._forget_interval()
                return point
            positive, negative, scale = self._merge_interval()
            self._forget_interval()
            return self._point(
                self._start_time_unix_nano,
                collection_start_nano,
                (positive, negative),
                (self._previous_count, self._previous_sum, scale, self._previous_zero_count),
                (self._previous_min, self._previous_max),
            )

    def _point(
        self,
        start: int,
        end: int,
        buckets: tuple[Buckets, Buckets],
        counts: tuple[int, int | float, int, int],
        extremes: tuple[int | float, int | float],
    ) -> ExponentialHistogramDataPoint:
        count, total, scale, zero_count = counts
        positive, negative = (BucketsPoint(each.offset, each.get_offset_counts()) for each in buckets)
        return ExponentialHistogramDataPoint(
            attributes=self._attributes,
            exemplars=self._collect_exemplars(),
            start_time_unix_nano=start,
            time_unix_nano=end,
            count=count,
            sum=total,
            scale=scale,
            zero_count=zero_count,
            positive=positive,
            negative=negative,
            flags=0,
            min=extremes[0],
            max=extremes[1],
        )

    def _merge_interval(self) -> tuple[Buckets, Buckets, int]:
        """Adds what was measured since the last collection to everything before it."""
        positive = self._previous_value_positive or Buckets()
        negative = self._previous_value_negative or Buckets()
        new_positive = self._value_positive or Buckets()
        new_negative = self._value_negative or Buckets()
        # Where nothing but zeros was measured, there is no scale that would have to be met.
        is_new = len(new_positive) + len(new_negative) > 0
        is_first = self._previous_scale is None or len(positive) + len(negative) == 0
        new_scale = self._mapping.scale if is_new or is_first else self._previous_scale
        old_scale = new_scale if is_first else self._previous_scale
        assert new_scale is not None and old_scale is not None
        scale = min(old_scale, new_scale)
        scale -= max(
            self._get_scale_change(*self._get_low_high_previous_current(old, old_scale, new, new_scale, scale))
            for old, new in ((positive, new_positive), (negative, new_negative))
        )
        self._downscale(old_scale - scale, positive, negative)
        self._merge(positive, new_positive, new_scale - scale)
        self._merge(negative, new_negative, new_scale - scale)
        self._previous_value_positive, self._previous_value_negative = positive, negative
        self._previous_scale = scale
        self._previous_min = min(self._min, self._previous_min)
        self._previous_max = max(self._max, self._previous_max)
        self._previous_sum += self._sum
        self._previous_count += self._count
        self._previous_zero_count += self._zero_count
        return positive, negative, scale

    def _merge(self, into: Buckets, buckets: Buckets, change: int) -> None:
        for place in range(len(buckets)):
            if buckets[place]:
                index = (buckets.index_start + place) >> change
                into.increment_bucket(into.cover(index, self._max_size), buckets[place])

    @classmethod
    def _get_low_high_previous_current(
        cls, previous: Buckets, previous_scale: int, current: Buckets, current_scale: int, scale: int
    ) -> tuple[int, int]:
        """The indexes between which the buckets of both lie at `scale`."""
        ranges = [cls._get_low_high(previous, previous_scale, scale), cls._get_low_high(current, current_scale, scale)]
        ranges = [each for each in ranges if each[0] <= each[1]]
        if not ranges:
            return 0, -1
        return min(low for low, _ in ranges), max(high for _, high in ranges)

    @staticmethod
    def _get_low_high(buckets: Buckets, scale: int, min_scale: int) -> tuple[int, int]:
        if len(buckets) == 0:
            return 0, -1
        shift = scale - min_scale
        return buckets.index_start >> shift, buckets.index_end >> shift

    @staticmethod
    def _new_mapping(scale: int) -> Mapping:
        # Looked up where the reference has the names, so that a replaced one is found.
        from opentelemetry.sdk.metrics._internal import aggregation

        return aggregation.ExponentMapping(scale) if scale <= 0 else aggregation.LogarithmMapping(scale)

    def _get_scale_change(self, low: int, high: int) -> int:
        """By how much the scale has to go down for the buckets from `low` to `high` to fit."""
        change = 0
        while high - low >= self._max_size:
            low >>= 1
            high >>= 1
            change += 1
        return change

    @staticmethod
    def _downscale(change: int, positive: Buckets, negative: Buckets) -> None:
        if change < 0:
            raise Exception("Invalid change of scale")
        if change:
            positive.downscale(change)
            negative.downscale(change)
