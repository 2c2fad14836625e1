"""`OTEL_LOG_LEVEL`: how much OpenTelemetry itself says, through the logger `opentelemetry`."""

from __future__ import annotations

from os import environ

from ferrotel._late import getLogger

# The numbers are `logging`'s.
_LEVELS = {
    "all": 10,
    "trace": 10,
    "verbose": 10,
    "debug": 10,
    "info": 20,
    "warn": 30,
    "warning": 30,
    "error": 40,
    "critical": 50,
    "fatal": 50,
    # Above every level in use, so that nothing passes.
    "none": 51,
    "off": 51,
}
_NOT_SET = 0

_logger = getLogger(__name__)

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
    root = getLogger("opentelemetry")
    if root.level == _NOT_SET:
        root.setLevel(level)
