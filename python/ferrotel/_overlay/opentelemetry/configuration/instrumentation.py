"""The instrumentations that a configuration lists under `instrumentation/development`, `python`."""

from __future__ import annotations

import dataclasses
from logging import getLogger
from typing import Any

from opentelemetry.configuration import models
from opentelemetry.configuration._components import load_entry_point
from opentelemetry.configuration._conversion import model_from
from opentelemetry.configuration._exceptions import ConfigurationError

_logger = getLogger(__name__)


def configure_instrumentation(configuration: models.ExperimentalInstrumentation | None) -> None:
    """Instruments each library that is listed by the name of its entry point, with its options as keywords; one with
    `enabled: false` is left out, and one that is instrumented stays as it is.

    An instrumentor may have a dataclass `configuration`: then the options are held against that first. What can't be
    instrumented is logged, and the others are.
    """
    for name, options in ((configuration and configuration.python) or {}).items():
        options = dict(options or {})
        if options.pop("enabled", True) is False:
            continue
        try:
            _instrument(name, options)
        except ConfigurationError as error:
            _logger.warning("%s is not instrumented: %s", name, error)
        except Exception:
            _logger.exception("%s can't be instrumented", name)


def _instrument(name: str, options: dict[str, Any]) -> None:
    instrumentor = load_entry_point("opentelemetry_instrumentor", name)
    schema = getattr(instrumentor, "configuration", None)
    if isinstance(schema, type) and dataclasses.is_dataclass(schema):
        checked = model_from(options, schema, name)
        options = {field.name: getattr(checked, field.name) for field in dataclasses.fields(schema)}
        options = {key: value for key, value in options.items() if value is not None}
    instance = instrumentor()
    if not getattr(instance, "is_instrumented_by_opentelemetry", False):
        instance.instrument(**options)
