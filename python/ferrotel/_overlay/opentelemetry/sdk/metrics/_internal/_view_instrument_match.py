"""One metric stream: what a view makes of an instrument, for one reader."""

from __future__ import annotations

from logging import getLogger
from threading import RLock
from time import time_ns
from typing import Any, Mapping, Sequence, Tuple, cast

from ferrotel import _native
from opentelemetry.sdk.metrics._internal._engine_stream import engine_stream, kept_keys
from opentelemetry.sdk.metrics._internal.aggregation import (
    Aggregation,
    AggregationTemporality,
    DefaultAggregation,
    _Aggregation,
    _SumAggregation,
)
from opentelemetry.sdk.metrics._internal.instrument import _Instrument
from opentelemetry.sdk.metrics._internal.measurement import Measurement
from opentelemetry.sdk.metrics._internal.point import DataPointT
from opentelemetry.sdk.metrics._internal.view import View
from opentelemetry.util.types import AnyValue, Attributes

_logger = getLogger(__name__)

_HashedAttributes = Tuple[str, Any]

DEFAULT_CARDINALITY_LIMIT = 2000
"""How many sets of attributes a stream tells apart where nobody says otherwise (specification: cardinality limits)."""

_OVERFLOW = {"otel.metric.overflow": True}


def _hash_attributes(value: Attributes | AnyValue) -> _HashedAttributes:
    """A key for attributes that were cleaned: like them, `True`, 1 and 1.0 are three values, and the order is none."""
    if value is None or isinstance(value, (str, int, float, bool, bytes)):
        return type(value).__name__, value
    if isinstance(value, Mapping):
        names = sorted(value, key=str)
        return "mapping", tuple((name, _hash_attributes(value[name])) for name in names)
    return "sequence", tuple(_hash_attributes(item) for item in value)


class _ViewInstrumentMatch:
    """Aggregates with the engine's stream, once `_use_engine` has found that possible, else with one `_Aggregation` for
    each set of attributes."""

    def __init__(
        self,
        view: View,
        instrument: _Instrument,
        instrument_class_aggregation: dict[type, Aggregation],
    ) -> None:
        self._view = view
        self._instrument = instrument
        self._attributes_aggregation: dict[_HashedAttributes, _Aggregation[Any]] = {}
        self._lock = RLock()
        self._instrument_class_aggregation = instrument_class_aggregation
        self._name = view._name or instrument.name
        self._description = view._description or instrument.description
        self._included, self._excluded = kept_keys(view, instrument)
        self._cardinality_limit = DEFAULT_CARDINALITY_LIMIT
        self._stream: _native.MetricStream | None = None
        # For the class and the parameters alone.
        self._aggregation = self._create_aggregation(None, 0)

    def _limit_cardinality(self, limit: int | None) -> None:
        """Tells the view's number of sets of attributes apart, else `limit`, else the default."""
        self._cardinality_limit = self._view._cardinality_limit or limit or DEFAULT_CARDINALITY_LIMIT

    def _use_engine(self, temporality: AggregationTemporality) -> None:
        self._stream = engine_stream(
            self._view,
            self._instrument,
            self._chosen_aggregation(),
            name=self._name,
            description=self._description,
            temporality=temporality,
            cardinality_limit=self._cardinality_limit,
        )

    def _chosen_aggregation(self) -> Aggregation:
        """The view's choice, else the reader's for this kind of instrument."""
        if isinstance(self._view._aggregation, DefaultAggregation):
            return self._instrument_class_aggregation[self._instrument.__class__]
        return self._view._aggregation

    def _create_aggregation(self, attributes: Attributes, start_time_unix_nano: int) -> _Aggregation[Any]:
        return self._chosen_aggregation()._create_aggregation(
            self._instrument, attributes, self._view._exemplar_reservoir_factory, start_time_unix_nano
        )

    def conflicts(self, other: _ViewInstrumentMatch) -> bool:
        """Whether the two streams would have one identity and so make one another wrong."""
        mine, theirs = self._aggregation, other._aggregation
        if (self._name, self._instrument.unit, mine.__class__) != (
            other._name,
            other._instrument.unit,
            theirs.__class__,
        ):
            return False
        if isinstance(mine, _SumAggregation):
            theirs = cast("_SumAggregation", theirs)
            return (mine._instrument_is_monotonic, mine._instrument_aggregation_temporality) == (
                theirs._instrument_is_monotonic,
                theirs._instrument_aggregation_temporality,
            )
        return True

    def consume_measurement(self, measurement: Measurement, should_sample_exemplar: bool = True) -> None:
        """Aggregates a measurement."""
        if self._stream is not None:
            self._stream.consume(
                measurement.value,
                measurement.attributes,
                measurement.time_unix_nano,
                measurement.context,
                should_sample_exemplar,
            )
            return
        attributes = dict(measurement.attributes) if measurement.attributes else {}
        if self._included is not None:
            attributes = {key: value for key, value in attributes.items() if key in self._included}
        if self._excluded is not None:
            attributes = {key: value for key, value in attributes.items() if key not in self._excluded}
        self._aggregation_for(attributes).aggregate(measurement, should_sample_exemplar)

    def _aggregation_for(self, attributes: dict[str, AnyValue]) -> _Aggregation[Any]:
        key = _hash_attributes(attributes)
        aggregation = self._attributes_aggregation.get(key)
        if aggregation is not None:
            return aggregation
        with self._lock:
            if key not in self._attributes_aggregation and (
                len(self._attributes_aggregation) >= self._cardinality_limit
            ):
                attributes, key = dict(_OVERFLOW), _hash_attributes(_OVERFLOW)
            aggregation = self._attributes_aggregation.get(key)
            if aggregation is None:
                made = self._create_aggregation(attributes, time_ns())
                aggregation = self._attributes_aggregation.setdefault(key, made)
            return aggregation

    def collect(
        self,
        collection_aggregation_temporality: AggregationTemporality,
        collection_start_nanos: int,
    ) -> Sequence[DataPointT] | None:
        """The points of all sets of attributes; None where there are none."""
        with self._lock:
            points = [
                aggregation.collect(collection_aggregation_temporality, collection_start_nanos)
                for aggregation in list(self._attributes_aggregation.values())
            ]
        return [point for point in points if point is not None] or None

    def _at_fork_reinit(self) -> None:
        self._lock = RLock()
        for aggregation in self._attributes_aggregation.values():
            aggregation._lock = RLock()
        if isinstance(self._stream, _native.MetricStream):
            # The child is another service instance: what was counted before the fork is its parent's to report.
            self._stream.restart()
