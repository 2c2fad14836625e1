"""All of a configuration, made the process's own."""

from __future__ import annotations

import logging
from typing import Any, Callable

from opentelemetry import metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.configuration import models
from opentelemetry.configuration._limits import warn_of_depths
from opentelemetry.configuration._logger_provider import create_logger_provider
from opentelemetry.configuration._meter_provider import create_meter_provider
from opentelemetry.configuration._propagator import create_propagator
from opentelemetry.configuration._resource import create_resource
from opentelemetry.configuration._tracer_provider import create_tracer_provider
from opentelemetry.configuration.instrumentation import configure_instrumentation
from opentelemetry.propagate import set_global_textmap

_LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
}

_logger = logging.getLogger(__name__)


def configure_sdk(config: models.OpenTelemetryConfiguration) -> None:
    """Makes the providers and the propagator that the configuration describes, and makes them the global ones.

    A signal that it leaves out stays as it is; without a propagator, none carries anything. `log_level` is that of the
    logger `opentelemetry`. When `disabled` is true, nothing is set up, and a warning says so. Raises ConfigurationError
    when something can't be made: then no global is set.
    """
    if config.disabled:
        _logger.warning("The configuration says disabled: true. OpenTelemetry is not set up")
        return
    if config.log_level is not None:
        logging.getLogger("opentelemetry").setLevel(_LEVELS[config.log_level.value.rstrip("234")])
    warn_of_depths(config)
    resource = create_resource(config.resource)
    propagator = create_propagator(config.propagator)
    made: list[tuple[Callable[[Any], None], Any]] = []
    try:
        if config.tracer_provider is not None:
            tracers = create_tracer_provider(config.tracer_provider, resource, config.attribute_limits)
            made.append((trace.set_tracer_provider, tracers))
        if config.meter_provider is not None:
            made.append((metrics.set_meter_provider, create_meter_provider(config.meter_provider, resource)))
        if config.logger_provider is not None:
            loggers = create_logger_provider(config.logger_provider, resource, config.attribute_limits)
            made.append((set_logger_provider, loggers))
    except BaseException:
        for _, provider in made:
            provider.shutdown()
        raise
    for make_global, provider in made:
        make_global(provider)
    set_global_textmap(propagator)
    configure_instrumentation(config.instrumentation_development)
