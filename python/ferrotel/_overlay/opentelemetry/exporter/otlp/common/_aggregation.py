"""What the OTLP metric exporters ask of the readers that they are given to."""

from __future__ import annotations

import logging
from os import environ
from typing import Any

from opentelemetry.sdk.environment_variables import (
    OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION,
    OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE,
)
from opentelemetry.sdk.metrics import (
    Counter,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.sdk.metrics.export import AggregationTemporality
from opentelemetry.sdk.metrics.view import (
    Aggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
)

_logger = logging.getLogger(__name__)

_KINDS = (Counter, UpDownCounter, Histogram, ObservableCounter, ObservableUpDownCounter, ObservableGauge)
# The instruments whose points cover the time since the last collection.
DELTA_KINDS: dict[str, tuple[type, ...]] = {
    "CUMULATIVE": (),
    "DELTA": (Counter, Histogram, ObservableCounter),
    "LOWMEMORY": (Counter, Histogram),
}


def temporality_word() -> str:
    """What the environment asks for, in upper case."""
    return environ.get(OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE, "CUMULATIVE").upper().strip()


def temporality_by_kind(word: str, preferred: dict[type, Any] | None) -> dict[type, AggregationTemporality]:
    """By class of instrument; an unknown word stands for cumulative."""
    delta = DELTA_KINDS.get(word, ())
    by_kind = {
        kind: AggregationTemporality.DELTA if kind in delta else AggregationTemporality.CUMULATIVE for kind in _KINDS
    }
    by_kind.update(preferred or {})  # type: ignore[arg-type]
    return by_kind  # type: ignore[return-value]


def aggregation_by_kind(exponential: bool, preferred: dict[type, Any] | None) -> dict[type, Aggregation]:
    """By class of instrument; only histograms are spoken of."""
    make = ExponentialBucketHistogramAggregation if exponential else ExplicitBucketHistogramAggregation
    return {Histogram: make(), **(preferred or {})}


def _get_temporality(preferred_temporality: dict[type, Any] | None) -> dict[type, AggregationTemporality]:
    word = temporality_word()
    if word not in DELTA_KINDS:
        _logger.warning(
            "Invalid value for %s: %s, using cumulative temporality aggregation",
            OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE,
            word,
        )
    return temporality_by_kind(word, preferred_temporality)


def _get_aggregation(preferred_aggregation: dict[type, Any] | None) -> dict[type, Aggregation]:
    variable = OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION
    word = environ.get(variable, "explicit_bucket_histogram").upper().strip()
    exponential = word == "BASE2_EXPONENTIAL_BUCKET_HISTOGRAM"
    if not exponential and word != "EXPLICIT_BUCKET_HISTOGRAM":
        _logger.warning("Invalid value for %s: %s, using explicit bucket histogram aggregation", variable, word)
    return aggregation_by_kind(exponential, preferred_aggregation)
