"""Rules that switch tracers, meters and loggers off and on by their names."""

from __future__ import annotations

from logging import getLogger
from typing import Any

from opentelemetry.sdk.util.instrumentation import _scope_name_matches_glob

_logger = getLogger(__name__)


def create_configurator(configurator: Any, settings: Any, default: Any, matchers: Any) -> Any:
    """A rule-based `configurator` of the SDK, whose rules give `settings`: the first whose pattern matches counts."""
    return configurator(
        rules=[(_scope_name_matches_glob(each.name), _settings(settings, each.config)) for each in matchers or ()],
        default_config=_settings(settings, default),
    )


def _settings(settings: Any, config: Any) -> Any:
    for name in ("minimum_severity", "trace_based"):
        if getattr(config, name, None) is not None:
            _logger.warning("%s of a logger configurator is not supported and has no effect", name)
    enabled = getattr(config, "enabled", None)
    return settings.default() if enabled is None else settings(is_enabled=enabled)
