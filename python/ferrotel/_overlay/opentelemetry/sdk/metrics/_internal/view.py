"""Views: which instruments they match, and what they make of their measurements (specification: metrics SDK, view)."""

from __future__ import annotations

from fnmatch import fnmatchcase
from logging import getLogger
from typing import Any, Callable, ClassVar, Iterable

from opentelemetry.metrics import Instrument
from opentelemetry.sdk.metrics._internal.aggregation import (
    Aggregation,
    DefaultAggregation,
    _Aggregation,
    _ExplicitBucketHistogramAggregation,
)
from opentelemetry.sdk.metrics._internal.exemplar import (
    AlignedHistogramBucketExemplarReservoir,
    ExemplarReservoirBuilder,
    SimpleFixedSizeExemplarReservoir,
)
from opentelemetry.sdk.metrics._internal.instrument import _Instrument

_logger = getLogger(__name__)


def _default_reservoir_factory(aggregation_type: type[_Aggregation[Any]]) -> ExemplarReservoirBuilder:
    """The reservoir that the specification wants for an aggregation: one exemplar a bucket for explicit buckets."""
    if issubclass(aggregation_type, _ExplicitBucketHistogramAggregation):
        return AlignedHistogramBucketExemplarReservoir
    return SimpleFixedSizeExemplarReservoir


class View:
    """Matches instruments, and says what becomes of what they measure.

    An instrument has to fulfil all criteria that are given, and at least one must be. Attributes that a view leaves out
    may still be sent, with exemplars.

    Args:
        instrument_type: Criterion: the instrument's class, for example `Counter`.
        instrument_name: Criterion: its name, where `*` and `?` stand for any characters and any character.
        meter_name: Criterion: the name of its meter.
        meter_version: Criterion: the version of its meter.
        meter_schema_url: Criterion: the schema URL of its meter.
        name: The stream's name; default: the instrument's. Not together with wildcards.
        description: The stream's description; default: the instrument's.
        attribute_keys: The attributes that are kept; default: the instrument's advice, else all.
        aggregation: How measurements are aggregated; default: as the reader wants it, else the kind of instrument.
        exemplar_reservoir_factory: Given the class of the aggregation, returns what makes a reservoir of exemplars.
        instrument_unit: Criterion: the instrument's unit, with the wildcards of `instrument_name`.
        excluded_attribute_keys: The attributes that are left out; all others are kept. Not in the reference.
        cardinality_limit: How many sets of attributes the stream tells apart; what comes later is counted under the
            attribute `otel.metric.overflow`. Default: the reader's limit. Not in the reference.
    """

    _default_aggregation: ClassVar[Aggregation] = DefaultAggregation()

    def __init__(
        self,
        instrument_type: type[Instrument] | None = None,
        instrument_name: str | None = None,
        meter_name: str | None = None,
        meter_version: str | None = None,
        meter_schema_url: str | None = None,
        name: str | None = None,
        description: str | None = None,
        attribute_keys: set[str] | None = None,
        aggregation: Aggregation | None = None,
        exemplar_reservoir_factory: Callable[[type[_Aggregation[Any]]], ExemplarReservoirBuilder] | None = None,
        instrument_unit: str | None = None,
        *,
        excluded_attribute_keys: Iterable[str] | None = None,
        cardinality_limit: int | None = None,
    ) -> None:
        criteria = (instrument_type, instrument_name, instrument_unit, meter_name, meter_version, meter_schema_url)
        if all(criterion is None for criterion in criteria):
            raise Exception(f"Some instrument selection criteria must be provided for View {name}")
        if name is not None and instrument_name is not None and ("*" in instrument_name or "?" in instrument_name):
            raise Exception(f"View {name} declared with wildcard characters in instrument_name")
        if cardinality_limit is not None and cardinality_limit < 1:
            raise ValueError(f"cardinality_limit of a View is a positive number, not {cardinality_limit!r}")
        self._name = name
        self._instrument_type = instrument_type
        self._instrument_name = instrument_name
        self._instrument_unit = instrument_unit
        self._meter_name = meter_name
        self._meter_version = meter_version
        self._meter_schema_url = meter_schema_url
        self._description = description
        self._attribute_keys = attribute_keys
        self._aggregation = aggregation or self._default_aggregation
        self._exemplar_reservoir_factory = exemplar_reservoir_factory or _default_reservoir_factory
        self._excluded_attribute_keys = (
            None if excluded_attribute_keys is None else frozenset(_keys(excluded_attribute_keys))
        )
        self._cardinality_limit = cardinality_limit

    def _match(self, instrument: _Instrument) -> bool:
        scope = instrument.instrumentation_scope
        return (
            (self._instrument_type is None or isinstance(instrument, self._instrument_type))
            # The case of names does not count, as in the specification; that of units does.
            and (self._instrument_name is None or fnmatchcase(instrument.name, self._instrument_name.lower()))
            and (self._instrument_unit is None or fnmatchcase(instrument.unit, self._instrument_unit))
            and (self._meter_name is None or scope.name == self._meter_name)
            and (self._meter_version is None or scope.version == self._meter_version)
            and (self._meter_schema_url is None or scope.schema_url == self._meter_schema_url)
        )


def _keys(keys: Iterable[str]) -> Iterable[str]:
    # One key by itself is meant as one, not as its letters.
    return (keys,) if isinstance(keys, str) else keys
