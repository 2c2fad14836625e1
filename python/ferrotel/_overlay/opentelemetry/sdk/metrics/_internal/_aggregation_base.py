"""What all aggregations have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import IntEnum
from threading import RLock
from typing import Any, Generic, Sequence, TypeVar

from opentelemetry.sdk.metrics._internal.exemplar import Exemplar, ExemplarReservoirBuilder
from opentelemetry.sdk.metrics._internal.measurement import Measurement
from opentelemetry.util.types import Attributes

_DataPointVarT = TypeVar("_DataPointVarT")


class AggregationTemporality(IntEnum):
    """Whether points cover the time since the last collection (delta) or since the start (cumulative)."""

    UNSPECIFIED = 0
    DELTA = 1
    CUMULATIVE = 2


class _Aggregation(ABC, Generic[_DataPointVarT]):
    """One series of a stream whose measurements Python aggregates: see `_ViewInstrumentMatch` for when that is so.

    `reservoir_builder` makes the reservoir of exemplars. What a synchronous instrument measures are changes, so its
    own temporality is delta; an asynchronous one's is cumulative.
    """

    def __init__(self, attributes: Attributes, reservoir_builder: ExemplarReservoirBuilder) -> None:
        self._lock = RLock()
        self._attributes = attributes
        self._reservoir = reservoir_builder()
        self._previous_point: Any = None

    @abstractmethod
    def aggregate(self, measurement: Measurement, should_sample_exemplar: bool = True) -> None:
        """Takes a measurement; offers it to the reservoir where `should_sample_exemplar`."""

    @abstractmethod
    def collect(
        self,
        collection_aggregation_temporality: AggregationTemporality,
        collection_start_nano: int,
    ) -> _DataPointVarT | None:
        """The point up to `collection_start_nano`; None where there is nothing to report."""

    def _collect_exemplars(self) -> Sequence[Exemplar]:
        return self._reservoir.collect(self._attributes)

    def _sample_exemplar(self, measurement: Measurement, should_sample_exemplar: bool) -> None:
        if should_sample_exemplar:
            self._reservoir.offer(
                measurement.value,
                measurement.time_unix_nano,
                measurement.attributes,
                measurement.context,
            )
