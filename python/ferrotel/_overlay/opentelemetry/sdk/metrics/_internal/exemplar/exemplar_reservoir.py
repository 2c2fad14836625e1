"""Where exemplars are kept until the next collection (specification: metrics SDK, exemplar reservoir)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections import defaultdict
from random import randrange
from threading import RLock
from typing import Any, Callable, Mapping, Sequence

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.metrics._internal.exemplar.exemplar import Exemplar
from opentelemetry.trace.span import INVALID_SPAN
from opentelemetry.util.types import Attributes


class ExemplarReservoir(ABC):
    """Keeps some of the measurements that it is offered.

    Implementations take `**kwargs` in their constructor (what the aggregation is made with), and stand being called by
    several threads at once: measurements come from the program's, collections from the reader's.
    """

    @abstractmethod
    def offer(
        self,
        value: int | float,
        time_unix_nano: int,
        attributes: Attributes,
        context: Context,
    ) -> None:
        """Offers a measurement, with all the attributes that it was made with."""
        raise NotImplementedError("ExemplarReservoir.offer is not implemented")

    @abstractmethod
    def collect(self, point_attributes: Attributes) -> list[Exemplar]:
        """What was kept since the last call; its attributes without those that the point has."""
        raise NotImplementedError("ExemplarReservoir.collect is not implemented")


class ExemplarBucket:
    """Room for one exemplar: the last one that is offered."""

    def __init__(self) -> None:
        self._offered: tuple[int | float, int, Attributes, int | None, int | None] | None = None

    def offer(
        self,
        value: int | float,
        time_unix_nano: int,
        attributes: Attributes,
        context: Context,
    ) -> None:
        """Keeps the measurement in place of an earlier one."""
        span = trace.get_current_span(context)
        span_id = trace_id = None
        if span is not INVALID_SPAN:
            span_context = span.get_span_context()
            span_id, trace_id = span_context.span_id, span_context.trace_id
        self._offered = value, time_unix_nano, attributes, span_id, trace_id

    def collect(self, point_attributes: Attributes) -> Exemplar | None:
        """What was kept, if anything was, and forgets it."""
        if self._offered is None:
            return None
        value, time_unix_nano, attributes, span_id, trace_id = self._offered
        self._offered = None
        known = point_attributes or {}
        filtered = {key: each for key, each in attributes.items() if key not in known} if attributes else None
        return Exemplar(filtered, value, time_unix_nano, span_id, trace_id)


class BucketIndexError(ValueError):
    """There is no room for this measurement."""


class FixedSizeExemplarReservoirABC(ExemplarReservoir):
    """A reservoir of `size` buckets; subclasses say which one a measurement goes into."""

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._size = size
        self._reservoir_storage: Mapping[int, ExemplarBucket] = defaultdict(ExemplarBucket)
        self._lock = RLock()

    def collect(self, point_attributes: Attributes) -> list[Exemplar]:
        """What was kept since the last call, in the order of the buckets."""
        with self._lock:
            kept = (
                self._reservoir_storage[index].collect(point_attributes) for index in sorted(self._reservoir_storage)
            )
            exemplars = [exemplar for exemplar in kept if exemplar is not None]
            self._reset()
        return exemplars

    def offer(
        self,
        value: int | float,
        time_unix_nano: int,
        attributes: Attributes,
        context: Context,
    ) -> None:
        """Puts the measurement into its bucket, if it has one."""
        with self._lock:
            try:
                index = self._find_bucket_index(value, time_unix_nano, attributes, context)
            except BucketIndexError:
                return
            self._reservoir_storage[index].offer(value, time_unix_nano, attributes, context)

    @abstractmethod
    def _find_bucket_index(
        self,
        value: int | float,
        time_unix_nano: int,
        attributes: Attributes,
        context: Context,
    ) -> int:
        """The bucket for this measurement; raises `BucketIndexError` where there is none."""

    def _reset(self) -> None:
        """Called with each collection, for subclasses that count."""


class SimpleFixedSizeExemplarReservoir(FixedSizeExemplarReservoirABC):
    """Keeps a uniform sample of what it is offered (specification: SimpleFixedSizeExemplarReservoir)."""

    def __init__(self, size: int = 1, **kwargs: Any) -> None:
        super().__init__(size, **kwargs)
        self._measurements_seen = 0

    def _reset(self) -> None:
        super()._reset()
        self._measurements_seen = 0

    def _find_bucket_index(
        self,
        value: int | float,
        time_unix_nano: int,
        attributes: Attributes,
        context: Context,
    ) -> int:
        seen = self._measurements_seen
        self._measurements_seen += 1
        index = seen if seen < self._size else randrange(0, seen + 1)
        if index >= self._size:
            raise BucketIndexError("Unable to find the bucket index.")
        return index


class AlignedHistogramBucketExemplarReservoir(FixedSizeExemplarReservoirABC):
    """Keeps the last measurement of each bucket of a histogram (specification: same name)."""

    def __init__(self, boundaries: Sequence[float], **kwargs: Any) -> None:
        super().__init__(len(boundaries) + 1, **kwargs)
        self._boundaries: Sequence[float] = boundaries

    def _find_bucket_index(
        self,
        value: int | float,
        time_unix_nano: int,
        attributes: Attributes,
        context: Context,
    ) -> int:
        return bisect_left(self._boundaries, value)


ExemplarReservoirBuilder = Callable[..., ExemplarReservoir]
"""Makes a reservoir, given the aggregation's parameters as keywords (`boundaries` for a histogram, `size`)."""
