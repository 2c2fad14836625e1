"""From the levels of Python's `logging` to OpenTelemetry's severity numbers."""

from __future__ import annotations

from opentelemetry._logs import SeverityNumber


def std_to_otel(levelno: int) -> SeverityNumber:
    """The severity of a `logging` level.

    Each standard level and the three above it become the four severities of that name; higher ones, up to the next
    level, its fourth. Below DEBUG it is UNSPECIFIED, and from CRITICAL + 3 on FATAL4.
    """
    if levelno < 10:
        return SeverityNumber.UNSPECIFIED
    ten = min(levelno // 10, 5)
    # DEBUG (10) is 5, INFO (20) is 9, and so on in steps of four.
    return SeverityNumber(1 + 4 * ten + min(levelno - 10 * ten, 3))
