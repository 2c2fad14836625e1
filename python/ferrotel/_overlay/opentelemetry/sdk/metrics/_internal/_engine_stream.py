"""The engine's stream for a view and an instrument, where no part that is written in Python has a say in it."""

from __future__ import annotations

from typing import Any

from ferrotel import _native
from opentelemetry.metrics import (
    Counter,
    Histogram,
    Instrument,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    Synchronous,
    UpDownCounter,
    _Gauge,
)
from opentelemetry.sdk.metrics._internal.aggregation import (
    _DEFAULT_EXPLICIT_BUCKET_HISTOGRAM_AGGREGATION_BOUNDARIES,
    Aggregation,
    AggregationTemporality,
    DefaultAggregation,
    DropAggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    LastValueAggregation,
    SumAggregation,
)
from opentelemetry.sdk.metrics._internal.exemplar import (
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    ExemplarFilter,
    TraceBasedExemplarFilter,
)
from opentelemetry.sdk.metrics._internal.instrument import _Instrument
from opentelemetry.sdk.metrics._internal.view import View, _default_reservoir_factory

_KINDS: tuple[tuple[type[Instrument], str], ...] = (
    (Counter, "Counter"),
    (UpDownCounter, "UpDownCounter"),
    (Histogram, "Histogram"),
    (_Gauge, "Gauge"),
    (ObservableCounter, "ObservableCounter"),
    (ObservableUpDownCounter, "ObservableUpDownCounter"),
    (ObservableGauge, "ObservableGauge"),
)

_FILTERS: dict[type[ExemplarFilter], str] = {
    TraceBasedExemplarFilter: "trace_based",
    AlwaysOnExemplarFilter: "always_on",
    AlwaysOffExemplarFilter: "always_off",
}


def engine_filter(exemplar_filter: ExemplarFilter) -> str | None:
    """The filter's name; None for one that is written in Python."""
    return _FILTERS.get(type(exemplar_filter))


def engine_stream(
    view: View,
    instrument: _Instrument,
    aggregation: Aggregation,
    *,
    name: str,
    description: str,
    temporality: AggregationTemporality,
    cardinality_limit: int,
) -> _native.MetricStream | None:
    """The stream; None where a Python class aggregates or keeps the exemplars."""
    kind = next((name for kind, name in _KINDS if isinstance(instrument, kind)), None)
    chosen = _chosen(aggregation, instrument)
    if kind is None or chosen is None or view._exemplar_reservoir_factory is not _default_reservoir_factory:
        return None
    included, excluded = kept_keys(view, instrument)
    return _native.MetricStream(
        name=name,
        description=description,
        unit=instrument.unit,
        kind=kind,
        aggregation=chosen,
        temporality="delta" if temporality is AggregationTemporality.DELTA else "cumulative",
        cardinality_limit=cardinality_limit,
        included=None if included is None else sorted(included - (excluded or frozenset())),
        excluded=None if excluded is None else sorted(excluded),
    )


def kept_keys(view: View, instrument: _Instrument) -> tuple[frozenset[str] | None, frozenset[str] | None]:
    """The keys that alone are kept, and those that are not, by the view, else by the instrument's advice."""
    included: Any = getattr(view, "_attribute_keys", None)
    excluded: Any = getattr(view, "_excluded_attribute_keys", None)
    if not isinstance(excluded, frozenset):
        excluded = None
    if included is None and excluded is None:
        advised = getattr(instrument, "_attributes_advisory", None)
        included = advised if isinstance(advised, tuple) else None
    if included is not None:
        included = frozenset(key for key in included if isinstance(key, str))
    return included, excluded


def _chosen(aggregation: Aggregation, instrument: _Instrument) -> tuple[Any, ...] | None:
    kind = type(aggregation)
    if kind is DefaultAggregation:
        if isinstance(instrument, Histogram):
            return _chosen(ExplicitBucketHistogramAggregation(), instrument)
        return ("last_value",) if isinstance(instrument, (_Gauge, ObservableGauge)) else ("sum",)
    if kind is SumAggregation:
        return ("sum",)
    if kind is LastValueAggregation:
        return ("last_value",)
    if kind is DropAggregation:
        return ("drop",)
    if not isinstance(instrument, Synchronous):
        return None
    if isinstance(aggregation, ExplicitBucketHistogramAggregation) and kind is ExplicitBucketHistogramAggregation:
        boundaries = aggregation._boundaries_for(instrument)
        if boundaries is None:
            boundaries = _DEFAULT_EXPLICIT_BUCKET_HISTOGRAM_AGGREGATION_BOUNDARIES
        return "explicit", [float(bound) for bound in boundaries], bool(aggregation._record_min_max)
    if isinstance(aggregation, ExponentialBucketHistogramAggregation) and kind is ExponentialBucketHistogramAggregation:
        return "exponential", aggregation._max_size, aggregation._max_scale, bool(aggregation._record_min_max)
    return None
