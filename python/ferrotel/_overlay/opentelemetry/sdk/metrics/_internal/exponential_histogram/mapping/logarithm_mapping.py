"""The mapping for scales above 0, where a power of two is divided into `2 ** scale` buckets."""

from __future__ import annotations

from math import exp, floor, ldexp, log
from threading import RLock

from opentelemetry.sdk.metrics._internal.exponential_histogram.mapping import Mapping
from opentelemetry.sdk.metrics._internal.exponential_histogram.mapping.errors import (
    MappingOverflowError,
    MappingUnderflowError,
)
from opentelemetry.sdk.metrics._internal.exponential_histogram.mapping.ieee_754 import (
    MAX_NORMAL_EXPONENT,
    MIN_NORMAL_EXPONENT,
    MIN_NORMAL_VALUE,
    get_ieee_754_exponent,
    get_ieee_754_mantissa,
)


class LogarithmMapping(Mapping):
    """Takes the value's logarithm; bounds are as exact as that is, powers of two entirely."""

    _mappings = {}
    _mappings_lock = RLock()

    _min_scale = 1
    # Indexes have to fit into 32 bits.
    _max_scale = 20

    def _get_min_scale(self) -> int:
        return self._min_scale

    def _get_max_scale(self) -> int:
        return self._max_scale

    def _init(self, scale: int) -> None:
        super()._init(scale)
        # log(value) times this is the logarithm to the base of the scale.
        self._scale_factor = ldexp(1 / log(2), scale)
        self._min_normal_lower_boundary_index = MIN_NORMAL_EXPONENT << scale
        self._max_normal_lower_boundary_index = ((MAX_NORMAL_EXPONENT + 1) << scale) - 1

    def map_to_index(self, value: float) -> int:
        if value <= MIN_NORMAL_VALUE:
            return self._min_normal_lower_boundary_index - 1
        if get_ieee_754_mantissa(value) == 0:
            # Exact, and as a bound it belongs to the bucket below.
            return (get_ieee_754_exponent(value) << self._scale) - 1
        return min(floor(log(value) * self._scale_factor), self._max_normal_lower_boundary_index)

    def get_lower_boundary(self, index: int) -> float:
        # At both ends of the range the bound is computed from one in its midst: it would be no number otherwise.
        if index == self._max_normal_lower_boundary_index:
            return 2 * exp((index - (1 << self._scale)) / self._scale_factor)
        if index > self._max_normal_lower_boundary_index:
            raise MappingOverflowError()
        if index == self._min_normal_lower_boundary_index:
            return MIN_NORMAL_VALUE
        if index == self._min_normal_lower_boundary_index - 1:
            return exp((index + (1 << self._scale)) / self._scale_factor) / 2
        if index < self._min_normal_lower_boundary_index:
            raise MappingUnderflowError()
        return exp(index / self._scale_factor)
