"""The resource that a configuration describes."""

from __future__ import annotations

import os
import sys
from fnmatch import fnmatchcase
from logging import getLogger
from typing import Any, Callable, Mapping
from urllib.parse import unquote

from opentelemetry.configuration import models
from opentelemetry.configuration._components import create_component
from opentelemetry.configuration._exceptions import ConfigurationError
from opentelemetry.sdk.environment_variables import OTEL_SERVICE_NAME
from opentelemetry.sdk.resources import (
    _DEFAULT_RESOURCE,
    SERVICE_NAME,
    ProcessResourceDetector,
    Resource,
    ServiceInstanceIdResourceDetector,
    _HostResourceDetector,
)

_logger = getLogger(__name__)


def create_resource(config: models.Resource | None) -> Resource:
    """The SDK's own attributes, what the detectors find that the configuration lists, and its attributes, each going
    before those named earlier. OTEL_RESOURCE_ATTRIBUTES is not read."""
    executable = os.path.basename(sys.executable or "")
    resource = _DEFAULT_RESOURCE.merge(
        Resource({SERVICE_NAME: f"unknown_service:{executable}" if executable else "unknown_service"})
    )
    if config is None:
        return resource
    detection = config.detection_development
    if detection is not None:
        is_wanted = patterns_filter(detection.attributes or models.IncludeExclude())
        for detector in detection.detectors or ():
            found = _detect(detector)
            resource = resource.merge(Resource({key: value for key, value in found.items() if is_wanted(key)}))
    attributes: dict[str, Any] = dict(_listed(config.attributes_list or ""))
    for attribute in config.attributes or ():
        if attribute.value is None:
            _logger.warning("The resource attribute %s has no value and is left out", attribute.name)
        else:
            attributes[attribute.name] = _converted(attribute)
    return resource.merge(Resource(attributes, config.schema_url))


def _detect(config: models.ExperimentalResourceDetector) -> Mapping[str, Any]:
    found: Any = create_component("resource detector", config, _DETECTORS, "opentelemetry_resource_detector")
    return found if isinstance(found, dict) else found.detect().attributes


def _service(_config: Any) -> dict[str, Any]:
    name = os.environ.get(OTEL_SERVICE_NAME)
    attributes: dict[str, Any] = dict(ServiceInstanceIdResourceDetector().detect().attributes)
    return {**attributes, SERVICE_NAME: name} if name else attributes


_DETECTORS: dict[str, Callable[[Any], Any]] = {
    "service": _service,
    "host": lambda _: dict(_HostResourceDetector().detect().attributes),
    "process": lambda _: dict(ProcessResourceDetector().detect().attributes),
}


def patterns_filter(patterns: models.IncludeExclude) -> Callable[[str], bool]:
    """Does a key match one of `included`, if there are any, and none of `excluded`?"""
    included, excluded = patterns.included or ["*"], patterns.excluded or []
    return lambda key: (
        any(fnmatchcase(key, pattern) for pattern in included)
        and not any(fnmatchcase(key, pattern) for pattern in excluded)
    )


def _listed(text: str) -> dict[str, str]:
    attributes = {}
    for pair in filter(None, map(str.strip, text.split(","))):
        key, equals, value = pair.partition("=")
        if not equals:
            _logger.warning("%r in attributes_list is no pair such as key=value and is left out", pair)
        else:
            attributes[key.strip()] = unquote(value.strip())
    return attributes


def _converted(attribute: models.AttributeNameValue) -> Any:
    """The value, as the type asks for it."""
    if attribute.type is None:
        return attribute.value
    name, _, is_array = attribute.type.value.partition("_")
    convert = _CONVERSIONS[name]
    value = attribute.value
    try:
        if not is_array:
            if isinstance(value, list):
                raise ValueError
            return convert(value)
        return [convert(item) for item in (value if isinstance(value, list) else [value])]
    except ValueError:
        raise ConfigurationError(
            f"the resource attribute {attribute.name!r} is said to be of type {attribute.type.value}, and is {value!r}"
        ) from None


def _boolean(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() not in ("false", "0", "")
    return bool(value)


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {"string": str, "int": int, "double": float, "bool": _boolean}
