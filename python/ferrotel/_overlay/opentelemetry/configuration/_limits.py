"""The limits of attributes, which spans and log records have in common."""

from __future__ import annotations

from logging import getLogger
from typing import Any

from opentelemetry.configuration import models

DEFAULT_COUNT = 128
#: How the limits' classes write "no limit".
UNLIMITED = -1

_logger = getLogger(__name__)


def attribute_limits(limits: Any, common: models.AttributeLimits | None) -> tuple[int, int]:
    """How many attributes, and how many characters of each value: a signal's own limits, those of all, the defaults."""
    common = common or models.AttributeLimits()
    number = common.attribute_count_limit if limits.attribute_count_limit is None else limits.attribute_count_limit
    length = limits.attribute_value_length_limit
    if length is None:
        length = common.attribute_value_length_limit
    return count(number), UNLIMITED if length is None else length


def count(limit: int | None) -> int:
    """A limit, or the specification's default."""
    return DEFAULT_COUNT if limit is None else limit


def warn_of_depths(config: models.OpenTelemetryConfiguration) -> None:
    """The schema limits how deep values nest; the SDK does not."""
    of_signals = (config.tracer_provider, config.logger_provider)
    limits = [config.attribute_limits, *(signal and signal.limits for signal in of_signals)]
    depths = {getattr(each, "attribute_value_depth_limit", None) for each in limits} - {None, 64}
    if depths:
        _logger.warning("attribute_value_depth_limit is not supported and has no effect")
