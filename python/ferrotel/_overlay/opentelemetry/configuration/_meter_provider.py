"""The meter provider that a configuration describes."""

from __future__ import annotations

from logging import getLogger
from typing import Any, Callable

from opentelemetry import metrics
from opentelemetry.configuration import models
from opentelemetry.configuration._components import create_component
from opentelemetry.configuration._configurator import create_configurator
from opentelemetry.configuration._exceptions import ConfigurationError, MissingDependencyError
from opentelemetry.configuration._metric_exporters import create_metric_exporter
from opentelemetry.configuration._resource import patterns_filter
from opentelemetry.configuration._view import create_view, instrument_class
from opentelemetry.sdk.metrics import (
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    ExemplarFilter,
    MeterProvider,
    TraceBasedExemplarFilter,
)
from opentelemetry.sdk.metrics._internal import _MeterConfig, _RuleBasedMeterConfigurator
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

_logger = getLogger(__name__)


def create_meter_provider(config: models.MeterProvider | None, resource: Resource | None = None) -> MeterProvider:
    """A meter provider; what the configuration leaves out is the specification's default, and not the environment's."""
    switches = config.meter_configurator_development if config is not None else None
    exemplars = config.exemplar_filter if config is not None else None
    return MeterProvider(
        resource=resource,
        metric_readers=[_reader(reader) for reader in config.readers] if config is not None else [],
        exemplar_filter=_EXEMPLAR_FILTERS[exemplars or models.ExemplarFilter.trace_based](),
        views=[create_view(view) for view in config.views or ()] if config is not None else [],
        _meter_configurator=None
        if switches is None
        else create_configurator(_RuleBasedMeterConfigurator, _MeterConfig, switches.default_config, switches.meters),
    )


def configure_meter_provider(config: models.MeterProvider | None, resource: Resource | None = None) -> None:
    """Makes the configuration's meter provider the global one. Without a configuration nothing is set."""
    if config is not None:
        metrics.set_meter_provider(create_meter_provider(config, resource))


def _reader(config: models.MetricReader) -> MetricReader:
    if config.periodic is not None:
        return _periodic(config.periodic)
    if config.pull is not None:
        return _pull(config.pull)
    raise ConfigurationError("a metric reader is asked for and none is named; there are periodic and pull")


def _periodic(config: models.PeriodicMetricReader) -> MetricReader:
    if config.max_export_batch_size_development is not None:
        _logger.warning("max_export_batch_size/development of a periodic reader is not supported and has no effect")
    return PeriodicExportingMetricReader(
        create_metric_exporter(config.exporter),
        export_interval_millis=60_000 if config.interval is None else config.interval,
        export_timeout_millis=30_000 if config.timeout is None else config.timeout,
        metric_producers=[_producer(producer) for producer in config.producers or ()],
        cardinality_limit=_cardinality_limits(config.cardinality_limits),
    )


def _pull(config: models.PullMetricReader) -> MetricReader:
    if config.producers:
        _logger.warning("producers of a pull reader are not supported and have no effect")
    if config.cardinality_limits is not None:
        _logger.warning("cardinality_limits of a pull reader are not supported and have no effect; those of views have")
    reader: MetricReader = create_component(
        "pull metric exporter", config.exporter, _PULL, "opentelemetry_pull_metric_exporter"
    )
    return reader


def _prometheus(config: models.ExperimentalPrometheusMetricExporter) -> MetricReader:
    try:
        from opentelemetry.exporter.prometheus import PrometheusMetricReader, start_http_server
    except ImportError as error:
        raise MissingDependencyError("prometheus-client", "the Prometheus exporter") from error
    strategy = models.ExperimentalPrometheusTranslationStrategy
    if config.translation_strategy not in (None, strategy.underscore_escaping_with_suffixes):
        _logger.warning("translation_strategy %s is not supported and has no effect", config.translation_strategy.value)
    labels = config.resource_constant_labels
    reader = PrometheusMetricReader(
        disable_target_info=config.target_info_enabled_development is False,
        scope_info_enabled=config.scope_info_enabled is not False,
        resource_attribute_filter=None if labels is None else patterns_filter(labels),
    )
    start_http_server(port=9464 if config.port is None else config.port, addr=config.host or "localhost")
    return reader


def _producer(config: models.MetricProducer) -> Any:
    return create_component("metric producer", config, {}, "opentelemetry_metric_producer")


def _cardinality_limits(config: models.CardinalityLimits | None) -> Any:
    if config is None:
        return None
    limits = {}
    for kind in models.InstrumentType:
        limit = getattr(config, kind.value)
        limit = config.default if limit is None else limit
        if limit is not None:
            limits[instrument_class(kind)] = limit
    return limits


_EXEMPLAR_FILTERS: dict[models.ExemplarFilter, Callable[[], ExemplarFilter]] = {
    models.ExemplarFilter.always_on: AlwaysOnExemplarFilter,
    models.ExemplarFilter.always_off: AlwaysOffExemplarFilter,
    models.ExemplarFilter.trace_based: TraceBasedExemplarFilter,
}
_PULL: dict[str, Callable[[Any], MetricReader]] = {"prometheus_development": _prometheus}
