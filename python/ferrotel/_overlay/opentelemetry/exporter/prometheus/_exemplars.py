"""Exemplars as Prometheus has them: one for a counter, one for each bucket.

Specification: `compatibility/prometheus_and_openmetrics.md`, "Exemplar Conversion". The text format 0.0.4 has none.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Callable, Iterable, Sequence

from opentelemetry.exporter.prometheus._client import Exemplar
from opentelemetry.exporter.prometheus._mapping import sanitize_attribute

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import Exemplar as Measured

#: Characters of all label names and values of an exemplar, by OpenMetrics 1.0.0.
_MAX_CHARACTERS = 128


def latest(exemplars: Sequence[Measured], text: Callable[[Any], str]) -> Exemplar | None:
    """The youngest of them; `text` makes label values."""
    if not exemplars:
        return None
    return _converted(max(exemplars, key=lambda exemplar: exemplar.time_unix_nano), text)


def by_bucket(
    exemplars: Iterable[Measured], bounds: Sequence[float], text: Callable[[Any], str]
) -> dict[int, Exemplar]:
    """The youngest of each bucket, by the bucket's index; a bound belongs to the bucket below it."""
    found: dict[int, Measured] = {}
    for exemplar in exemplars:
        if math.isnan(exemplar.value):
            continue
        index = bisect_left(bounds, exemplar.value)
        if index not in found or found[index].time_unix_nano < exemplar.time_unix_nano:
            found[index] = exemplar
    return {index: _converted(exemplar, text) for index, exemplar in found.items()}


def _converted(exemplar: Measured, text: Callable[[Any], str]) -> Exemplar:
    labels: dict[str, str] = {}
    if exemplar.trace_id:
        labels["trace_id"] = f"{exemplar.trace_id:032x}"
    if exemplar.span_id:
        labels["span_id"] = f"{exemplar.span_id:016x}"
    room = _MAX_CHARACTERS - sum(len(name) + len(value) for name, value in labels.items())
    for key, value in (exemplar.filtered_attributes or {}).items():
        name, value = sanitize_attribute(key), text(value)
        if name and name not in labels and len(name) + len(value) <= room:
            labels[name] = value
            room -= len(name) + len(value)
    return Exemplar(labels, exemplar.value, exemplar.time_unix_nano / 1e9)
