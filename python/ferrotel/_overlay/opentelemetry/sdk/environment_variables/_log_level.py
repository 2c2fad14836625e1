"""`OTEL_LOG_LEVEL`: how much OpenTelemetry itself says, through the logger `opentelemetry`."""

from __future__ import annotations

import logging
from os import environ

_LEVELS = {
    "all": logging.DEBUG,
    "trace": logging.DEBUG,
    "verbose": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "fatal": logging.CRITICAL,
    # Above every level in use, so that nothing passes.
    "none": logging.CRITICAL + 1,
    "off": logging.CRITICAL + 1,
}

_logger = logging.getLogger(__name__)

_applied = None


def apply_log_level() -> None:
    """Sets the level of the logger `opentelemetry` to what OTEL_LOG_LEVEL asks for.

    A level that the program has set already stays: its own logging configuration is the stronger wish. Calling
    again costs one look-up unless the variable has changed; an unknown word is reported once.
    """
    global _applied
    wanted = environ.get("OTEL_LOG_LEVEL")
    if wanted == _applied:
        return
    _applied = wanted
    word = (wanted or "").strip().lower()
    if not word:
        return
    level = _LEVELS.get(word)
    if level is None:
        _logger.warning(
            "Invalid value for OTEL_LOG_LEVEL: %r. Expected one of %s; the level stays as it is.",
            wanted,
            ", ".join(_LEVELS),
        )
        return
    root = logging.getLogger("opentelemetry")
    if root.level == logging.NOTSET:
        root.setLevel(level)
