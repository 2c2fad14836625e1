"""The views that a configuration describes."""

from __future__ import annotations

from typing import Any, Callable

from opentelemetry.configuration import models
from opentelemetry.configuration._exceptions import ConfigurationError
from opentelemetry.sdk.metrics import (
    Counter,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
    _Gauge,
)
from opentelemetry.sdk.metrics.view import (
    Aggregation,
    DefaultAggregation,
    DropAggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    LastValueAggregation,
    SumAggregation,
    View,
)

_CLASSES: dict[models.InstrumentType, type] = {
    models.InstrumentType.counter: Counter,
    models.InstrumentType.gauge: _Gauge,
    models.InstrumentType.histogram: Histogram,
    models.InstrumentType.observable_counter: ObservableCounter,
    models.InstrumentType.observable_gauge: ObservableGauge,
    models.InstrumentType.observable_up_down_counter: ObservableUpDownCounter,
    models.InstrumentType.up_down_counter: UpDownCounter,
}


def instrument_class(kind: models.InstrumentType) -> type:
    """The SDK's class of a kind of instrument."""
    return _CLASSES[kind]


def create_view(config: models.View) -> View:
    """A view of the SDK."""
    selector, stream = config.selector, config.stream
    keys = stream.attribute_keys or models.IncludeExclude()
    kind: Any = None if selector.instrument_type is None else instrument_class(selector.instrument_type)
    included = None if keys.included is None else set(keys.included)
    excluded = None if keys.excluded is None else set(keys.excluded)
    if included is not None and excluded is not None:
        included, excluded = included - excluded, None
    try:
        return View(
            instrument_type=kind,
            instrument_name=selector.instrument_name,
            instrument_unit=selector.unit,
            meter_name=selector.meter_name,
            meter_version=selector.meter_version,
            meter_schema_url=selector.meter_schema_url,
            name=stream.name,
            description=stream.description,
            attribute_keys=included,
            excluded_attribute_keys=excluded,
            aggregation=None if stream.aggregation is None else _aggregation(stream.aggregation),
            cardinality_limit=stream.aggregation_cardinality_limit,
        )
    except Exception as error:
        raise ConfigurationError(f"a view can't be made: {error}") from error


def _aggregation(config: models.Aggregation) -> Aggregation:
    for name, create in _AGGREGATIONS.items():
        properties = getattr(config, name)
        if properties is not None:
            return create(properties)
    raise ConfigurationError(f"an aggregation is asked for and none is named; there are {', '.join(_AGGREGATIONS)}")


def _explicit(config: models.ExplicitBucketHistogramAggregation) -> Aggregation:
    return ExplicitBucketHistogramAggregation(config.boundaries, config.record_min_max is not False)


def _exponential(config: models.Base2ExponentialBucketHistogramAggregation) -> Aggregation:
    given = {"max_size": config.max_size, "max_scale": config.max_scale, "record_min_max": config.record_min_max}
    arguments: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return ExponentialBucketHistogramAggregation(**arguments)


_AGGREGATIONS: dict[str, Callable[[Any], Aggregation]] = {
    "default": lambda _: DefaultAggregation(),
    "drop": lambda _: DropAggregation(),
    "explicit_bucket_histogram": _explicit,
    "base2_exponential_bucket_histogram": _exponential,
    "last_value": lambda _: LastValueAggregation(),
    "sum": lambda _: SumAggregation(),
}
