"""Exponential histograms as classic ones: neither text format has a form for them.

Specification: `compatibility/prometheus_and_openmetrics.md`, "Differences between Prometheus formats", which allows to
leave them out or to give them fixed buckets.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics._internal.point import ExponentialHistogramDataPoint


def classic_buckets(point: ExponentialHistogramDataPoint) -> tuple[list[int], list[float]]:
    """Counts and bounds of a classic histogram with the same measurements.

    The bounds are powers of two, exact for every scale, so that series keep their `le` while the scale changes. What is
    negative counts in the bucket up to 0.
    """
    counts: dict[int, int] = {}
    shift = max(point.scale, 0)
    for position, count in enumerate(point.positive.bucket_counts):
        if count:
            # Bucket `index` ends at 2 ** ((index + 1) / 2 ** scale); rounding up gives the power of two around it.
            index = point.positive.offset + position
            exponent = (index >> shift) + 1 if point.scale >= 0 else (index + 1) << -point.scale
            counts[exponent] = counts.get(exponent, 0) + count
    bounds, found = [0.0], [point.zero_count + sum(point.negative.bucket_counts)]
    overflow = 0
    for exponent in range(min(counts), max(counts) + 1) if counts else ():
        if exponent in counts or point.scale >= 0:
            if exponent > 1023:
                overflow += counts.get(exponent, 0)
            else:
                bounds.append(math.ldexp(1.0, exponent))
                found.append(counts.get(exponent, 0))
    return [*found, overflow], bounds
