"""Reading a true/false environment variable the way every OTEL_* switch is read."""

from __future__ import annotations

from os import environ

from ferrotel._late import getLogger
from opentelemetry.sdk.environment_variables import OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED

_logger = getLogger(__name__)

_WORDS = {"true": True, "false": False}


def parse_boolean_environment_variable(environment_variable: str, default: bool = False) -> bool:
    """The variable's value, or `default` when it is unset or is neither "true" nor "false".

    Upper and lower case are the same and spaces around the word don't count. Any other word, the empty one too,
    is reported as a warning.
    """
    text = environ.get(environment_variable)
    if text is None:
        return default
    value = _WORDS.get(text.strip().lower())
    if value is None:
        _logger.warning(
            "Invalid value for %s: %r. Expected 'true' or 'false'.",
            environment_variable,
            text,
        )
        return default
    return value


def internal_metrics_enabled() -> bool:
    """Whether the SDK is to measure itself."""
    return parse_boolean_environment_variable(OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED)
