"""The mapping for scales up to 0, where buckets span whole powers of two."""

from __future__ import annotations

from math import ldexp
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


class ExponentMapping(Mapping):
    """Looks at the value's exponent alone."""

    _mappings = {}
    _mappings_lock = RLock()

    # At scale -10 all normal numbers are in the buckets -1 and 0 already.
    _min_scale = -10
    _max_scale = 0

    def _get_min_scale(self) -> int:
        return self._min_scale

    def _get_max_scale(self) -> int:
        return self._max_scale

    def _init(self, scale: int) -> None:
        super()._init(scale)
        index = MIN_NORMAL_EXPONENT >> -scale
        # The smallest normal number is itself a bound at these scales, so it belongs to the bucket below.
        self._min_normal_lower_boundary_index = index - 1 if scale > -2 else index
        self._max_normal_lower_boundary_index = MAX_NORMAL_EXPONENT >> -scale

    def map_to_index(self, value: float) -> int:
        if value < MIN_NORMAL_VALUE:
            return self._min_normal_lower_boundary_index
        exponent = get_ieee_754_exponent(value)
        # Bounds belong to the bucket below them.
        if get_ieee_754_mantissa(value) == 0:
            exponent -= 1
        return exponent >> -self._scale

    def get_lower_boundary(self, index: int) -> float:
        if index < self._min_normal_lower_boundary_index:
            raise MappingUnderflowError()
        if index > self._max_normal_lower_boundary_index:
            raise MappingOverflowError()
        return ldexp(1, index << -self._scale)
