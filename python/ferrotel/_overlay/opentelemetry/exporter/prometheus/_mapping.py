"""How names and units of OpenTelemetry read in Prometheus.

Specification: `compatibility/prometheus_and_openmetrics.md`, "Metric Metadata" and "Metric Attributes".
"""

from __future__ import annotations

import re
from functools import lru_cache

# Underscores are replaced too: that is how several in a row become one.
_SANITIZE_NAME_RE = re.compile(r"[^a-zA-Z0-9:]+")
_SANITIZE_ATTRIBUTE_KEY_RE = re.compile(r"[^a-zA-Z0-9]+")
_UNIT_ANNOTATION = re.compile(r"{.*}")

_UNIT_MAPPINGS = {
    "d": "days",
    "h": "hours",
    "min": "minutes",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
    "By": "bytes",
    "KiBy": "kibibytes",
    "MiBy": "mebibytes",
    "GiBy": "gibibytes",
    "TiBy": "tibibytes",
    "KBy": "kilobytes",
    "MBy": "megabytes",
    "GBy": "gigabytes",
    "TBy": "terabytes",
    "m": "meters",
    "V": "volts",
    "A": "amperes",
    "J": "joules",
    "W": "watts",
    "g": "grams",
    "Cel": "celsius",
    "Hz": "hertz",
    "1": "",
    "%": "percent",
}

# Behind "per" a unit stands in the singular.
_PER_UNIT_MAPPINGS = {
    "s": "second",
    "m": "minute",
    "h": "hour",
    "d": "day",
    "w": "week",
    "mo": "month",
    "y": "year",
}


def sanitize_full_name(name: str) -> str:
    """A metric name of letters, digits, `:` and single underscores that starts with no digit."""
    return _sanitize_name(_without_leading_digit(name))


@lru_cache(maxsize=4096)
def sanitize_attribute(key: str) -> str:
    """A label name of letters, digits and single underscores that starts with no digit."""
    return _SANITIZE_ATTRIBUTE_KEY_RE.sub("_", _without_leading_digit(key))


def map_unit(unit: str) -> str:
    """The word for a UCUM unit, fit to end a metric name: `bytes_per_second` for `By/s`, nothing for `{request}`."""
    unit = _UNIT_ANNOTATION.sub("", unit)
    if unit in _UNIT_MAPPINGS:
        return _UNIT_MAPPINGS[unit]
    numerator, _, denominator = unit.partition("/")
    denominator = _sanitize_name(denominator)
    if denominator:
        numerator = _sanitize_name(numerator)
        numerator = _UNIT_MAPPINGS.get(numerator, numerator)
        per = f"per_{_PER_UNIT_MAPPINGS.get(denominator, denominator)}"
        return f"{numerator}_{per}" if numerator else per
    return _sanitize_name(unit).strip("_")


def _sanitize_name(name: str) -> str:
    return _SANITIZE_NAME_RE.sub("_", name)


def _without_leading_digit(name: str) -> str:
    return "_" + name[1:] if name[:1].isdigit() else name
