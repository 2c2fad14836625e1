"""All metric streams of one reader."""

from __future__ import annotations

from logging import getLogger
from threading import RLock
from time import time_ns
from typing import Any

from ferrotel import _native
from opentelemetry.metrics import Asynchronous, Counter, ObservableCounter
from opentelemetry.sdk.metrics._internal._view_instrument_match import _ViewInstrumentMatch
from opentelemetry.sdk.metrics._internal.aggregation import (
    Aggregation,
    AggregationTemporality,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    _ExplicitBucketHistogramAggregation,
    _ExponentialBucketHistogramAggregation,
    _LastValueAggregation,
    _SumAggregation,
)
from opentelemetry.sdk.metrics._internal.instrument import _Instrument
from opentelemetry.sdk.metrics._internal.measurement import Measurement
from opentelemetry.sdk.metrics._internal.point import (
    DataT,
    ExponentialHistogram,
    Gauge,
    Histogram,
    Metric,
    MetricsData,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics._internal.sdk_configuration import SdkConfiguration
from opentelemetry.sdk.metrics._internal.view import View
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

_logger = getLogger(__name__)

_DEFAULT_VIEW = View(instrument_name="")


class MetricReaderStorage:
    """Finds the streams that an instrument feeds, and collects them."""

    def __init__(
        self,
        sdk_config: SdkConfiguration,
        instrument_class_temporality: dict[type, AggregationTemporality],
        instrument_class_aggregation: dict[type, Aggregation],
    ) -> None:
        self._lock = RLock()
        self._sdk_config = sdk_config
        self._instrument_view_instrument_matches: dict[_Instrument, list[_ViewInstrumentMatch]] = {}
        self._instrument_class_temporality = instrument_class_temporality
        self._instrument_class_aggregation = instrument_class_aggregation
        # The measurement consumer allows the engine, and knows the reader's limit.
        self._uses_engine = False
        self._engine_storage = _native.MetricStorage()
        # Whether Python code aggregates for one of the streams.
        self._needs_python = False
        # By observable instrument; None for those whose observations Python code deals with.
        self._observers: dict[_Instrument, _native.Observer | None] = {}
        self._cardinality_limit: int | dict[type, int] | None = sdk_config.cardinality_limit

    def _get_or_init_view_instrument_match(self, instrument: _Instrument) -> list[_ViewInstrumentMatch]:
        """The streams of an instrument, made when they are first asked for: they never change."""
        matches = self._instrument_view_instrument_matches.get(instrument)
        if matches is not None:
            return matches
        with self._lock:
            matches = self._instrument_view_instrument_matches.get(instrument)
            if matches is None:
                matches = []
                self._handle_view_instrument_match(instrument, matches)
                if not matches:
                    matches.append(self._make_match(_DEFAULT_VIEW, instrument))
                # A signal handler may have measured with the same instrument meanwhile.
                made, matches = matches, self._instrument_view_instrument_matches.setdefault(instrument, matches)
                if made is matches and self._uses_engine:
                    for match in matches:
                        if match._stream is not None:
                            self._engine_storage.add(instrument.instrumentation_scope, match._stream)
            return matches

    def _make_match(self, view: View, instrument: _Instrument) -> _ViewInstrumentMatch:
        match = _ViewInstrumentMatch(
            view=view,
            instrument=instrument,
            instrument_class_aggregation=self._instrument_class_aggregation,
        )
        if self._uses_engine:
            limit = self._cardinality_limit
            match._limit_cardinality(limit.get(instrument.__class__) if isinstance(limit, dict) else limit)
            match._use_engine(self._instrument_class_temporality[instrument.__class__])
            if match._stream is None:
                self._needs_python = True
        return match

    def consume_measurement(self, measurement: Measurement, should_sample_exemplar: bool = True) -> None:
        """Hands a measurement to all streams of its instrument."""
        for match in self._get_or_init_view_instrument_match(measurement.instrument):
            match.consume_measurement(measurement, should_sample_exemplar)

    def collect(self) -> MetricsData | None:
        """The points of all streams, at one time; None where there are none."""
        now = time_ns()
        by_scope: dict[InstrumentationScope, list[Metric]] = {}
        with self._lock:
            # A copy: a collection may come upon a new instrument.
            for instrument, matches in list(self._instrument_view_instrument_matches.items()):
                temporality = self._instrument_class_temporality[instrument.__class__]
                for match in matches:
                    metric = _collected(match, instrument, temporality, now)
                    if metric is not None:
                        by_scope.setdefault(instrument.instrumentation_scope, []).append(metric)
        if not by_scope:
            return None
        return self._metrics_data(by_scope)

    def _collect_in_engine(self) -> _native.CollectedMetrics | None:
        """What `collect` returns, without Python objects; not where `_needs_python`."""
        return self._engine_storage.collect(self._sdk_config.resource, time_ns())

    def _metrics_data(self, by_scope: dict[InstrumentationScope, list[Metric]]) -> MetricsData:
        resource = self._sdk_config.resource
        scope_metrics = [
            ScopeMetrics(scope=scope, metrics=metrics, schema_url=scope.schema_url)  # type: ignore[arg-type]
            for scope, metrics in by_scope.items()
        ]
        return MetricsData(
            resource_metrics=[
                ResourceMetrics(resource=resource, scope_metrics=scope_metrics, schema_url=resource.schema_url)
            ]
        )

    def _at_fork_reinit(self) -> None:
        """Makes the locks anew in a forked child: another thread may have held them."""
        self._lock = RLock()
        for matches in self._instrument_view_instrument_matches.values():
            for match in matches:
                match._at_fork_reinit()

    def _handle_view_instrument_match(
        self,
        instrument: _Instrument,
        view_instrument_matches: list[_ViewInstrumentMatch],
    ) -> None:
        for view in self._sdk_config.views:
            if not view._match(instrument) or not self._check_view_instrument_compatibility(view, instrument):
                continue
            made = self._make_match(view, instrument)
            for others in list(self._instrument_view_instrument_matches.values()):
                for other in others:
                    if other.conflicts(made):
                        _logger.warning(
                            "Views %s and %s will cause conflicting metrics identities",
                            other._view,
                            made._view,
                        )
            view_instrument_matches.append(made)

    @staticmethod
    def _check_view_instrument_compatibility(view: View, instrument: _Instrument) -> bool:
        """Totals that are observed again and again have no distribution."""
        histograms = (ExplicitBucketHistogramAggregation, ExponentialBucketHistogramAggregation)
        if not isinstance(instrument, Asynchronous) or not isinstance(view._aggregation, histograms):
            return True
        _logger.warning(
            "View %s and instrument %s will produce semantic errors when matched, the view has not been applied.",
            view,
            instrument,
        )
        return False


def _collected(
    match: _ViewInstrumentMatch,
    instrument: _Instrument,
    temporality: AggregationTemporality,
    now: int,
) -> Metric | None:
    if isinstance(match._stream, _native.MetricStream):
        return match._stream.collect(now)
    points: Any = match.collect(temporality, now)
    if points is None:
        return None
    aggregation = match._aggregation
    data: DataT
    if isinstance(aggregation, _SumAggregation):
        data = Sum(
            data_points=points,
            aggregation_temporality=temporality,
            is_monotonic=isinstance(instrument, (Counter, ObservableCounter)),
        )
    elif isinstance(aggregation, _LastValueAggregation):
        data = Gauge(data_points=points)
    elif isinstance(aggregation, _ExplicitBucketHistogramAggregation):
        data = Histogram(data_points=points, aggregation_temporality=temporality)
    elif isinstance(aggregation, _ExponentialBucketHistogramAggregation):
        data = ExponentialHistogram(data_points=points, aggregation_temporality=temporality)
    else:
        return None
    return Metric(
        name=match._name,
        description=match._description,
        unit=match._instrument.unit,
        data=data,
    )
