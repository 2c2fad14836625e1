"""What a reader hands over: points by metric, metrics by scope, scopes by resource (specification: metrics data model).

Times are nanoseconds since the Unix epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from json import dumps, loads
from typing import TYPE_CHECKING, Any, Mapping, Sequence, Union

from opentelemetry.sdk.metrics._internal.exemplar.exemplar import Exemplar
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.util.types import Attributes

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics._internal.aggregation import AggregationTemporality


class _Json:
    """What all of these have in common."""

    __slots__ = ()

    def to_json(self, indent: int | None = 4) -> str:
        """The object as JSON, its fields in their order; `indent` as in `json.dumps`."""
        return dumps(self._jsonable(), indent=indent, default=_not_in_json)

    def _jsonable(self) -> dict[str, Any]:
        return {each.name: _jsonable(getattr(self, each.name)) for each in fields(self)}  # type: ignore[arg-type]


@dataclass(frozen=True)
class NumberDataPoint(_Json):
    """A sum or a last value."""

    attributes: Attributes
    start_time_unix_nano: int | None
    time_unix_nano: int
    value: int | float
    exemplars: Sequence[Exemplar] = field(default_factory=list)


@dataclass(frozen=True)
class HistogramDataPoint(_Json):
    """A distribution over explicit buckets. Where they are not recorded, `min` is infinity and `max` its negative."""

    attributes: Attributes
    start_time_unix_nano: int
    time_unix_nano: int
    count: int
    sum: int | float
    bucket_counts: Sequence[int]
    explicit_bounds: Sequence[float]
    min: float
    max: float
    exemplars: Sequence[Exemplar] = field(default_factory=list)


@dataclass(frozen=True)
class Buckets(_Json):
    """Neighbouring buckets of an exponential histogram; `offset` is the index of the first."""

    offset: int
    bucket_counts: Sequence[int]


@dataclass(frozen=True)
class ExponentialHistogramDataPoint(_Json):
    """A distribution over buckets whose bounds are powers of `2 ** (2 ** -scale)`."""

    attributes: Attributes
    start_time_unix_nano: int
    time_unix_nano: int
    count: int
    sum: int | float
    scale: int
    zero_count: int
    positive: Buckets
    negative: Buckets
    flags: int
    min: float
    max: float
    exemplars: Sequence[Exemplar] = field(default_factory=list)


@dataclass(frozen=True)
class ExponentialHistogram(_Json):
    """Points of an exponential histogram."""

    data_points: Sequence[ExponentialHistogramDataPoint]
    aggregation_temporality: AggregationTemporality


@dataclass(frozen=True)
class Sum(_Json):
    """Points of a sum; `is_monotonic` where it only grows."""

    data_points: Sequence[NumberDataPoint]
    aggregation_temporality: AggregationTemporality
    is_monotonic: bool


@dataclass(frozen=True)
class Gauge(_Json):
    """Last values."""

    data_points: Sequence[NumberDataPoint]


@dataclass(frozen=True)
class Histogram(_Json):
    """Points of a histogram with explicit buckets."""

    data_points: Sequence[HistogramDataPoint]
    aggregation_temporality: AggregationTemporality


DataT = Union[Sum, Gauge, Histogram, ExponentialHistogram]
DataPointT = Union[NumberDataPoint, HistogramDataPoint, ExponentialHistogramDataPoint]


@dataclass(frozen=True)
class Metric(_Json):
    """The points of one metric stream."""

    name: str
    description: str | None
    unit: str | None
    data: DataT

    def _jsonable(self) -> dict[str, Any]:
        return {**super()._jsonable(), "description": self.description or "", "unit": self.unit or ""}


@dataclass(frozen=True)
class ScopeMetrics(_Json):
    """The metrics of one instrumentation scope."""

    scope: InstrumentationScope
    metrics: Sequence[Metric]
    schema_url: str


@dataclass(frozen=True)
class ResourceMetrics(_Json):
    """The metrics of one resource."""

    resource: Resource
    scope_metrics: Sequence[ScopeMetrics]
    schema_url: str


@dataclass(frozen=True)
class MetricsData(_Json):
    """All that one collection yields."""

    resource_metrics: Sequence[ResourceMetrics]


def _jsonable(value: Any) -> Any:
    if isinstance(value, _Json):
        return value._jsonable()
    if isinstance(value, (Resource, InstrumentationScope)):
        return loads(value.to_json())
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _jsonable(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    return value


def _not_in_json(value: object) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return value.hex() if isinstance(value, (bytes, bytearray)) else str(value)
