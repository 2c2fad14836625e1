"""The member `ot` of the trace state: threshold (th), random value (rv), and what else stands there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

from opentelemetry.trace import TraceState

from ._util import (
    INVALID_RANDOM_VALUE,
    INVALID_THRESHOLD,
    MAX_THRESHOLD,
    is_valid_random_value,
    is_valid_threshold,
)

OTEL_TRACE_STATE_KEY = "ot"

_MAX_LENGTH = 256
# 56 bits in hexadecimal.
_DIGITS = 14


@dataclass
class OtelTraceState:
    """What probability sampling keeps in the trace state."""

    random_value: int
    threshold: int
    rest: Sequence[str]

    @staticmethod
    def invalid() -> OtelTraceState:
        """One that says nothing."""
        return OtelTraceState(INVALID_RANDOM_VALUE, INVALID_THRESHOLD, ())

    @staticmethod
    def parse(trace_state: TraceState | None) -> OtelTraceState:
        """Reads the member; a part that is malformed counts as absent, a member of over 256 characters altogether."""
        parsed = OtelTraceState.invalid()
        text = trace_state.get(OTEL_TRACE_STATE_KEY, "") if trace_state else ""
        if not text or len(text) > _MAX_LENGTH:
            return parsed
        rest = []
        for part in text.split(";"):
            if part.startswith("th:"):
                parsed.threshold = _parse_threshold(part[3:])
            elif part.startswith("rv:"):
                parsed.random_value = _parse_random_value(part[3:])
            else:
                rest.append(part)
        parsed.rest = rest or ()
        return parsed

    def serialize(self) -> str:
        """The member's text; whole parts are left out at its end until it has at most 256 characters."""
        parts = []
        if is_valid_threshold(self.threshold) and self.threshold != MAX_THRESHOLD:
            parts.append(f"th:{serialize_th(self.threshold)}")
        if is_valid_random_value(self.random_value):
            parts.append(f"rv:{self.random_value:0{_DIGITS}x}")
        parts.extend(self.rest)
        while len(parts) > 1 and len(";".join(parts)) > _MAX_LENGTH:
            parts.pop()
        return ";".join(parts)


def serialize_th(threshold: int) -> str:
    """The threshold in hexadecimal without its trailing zeros."""
    return f"{threshold:0{_DIGITS}x}".rstrip("0") or "0"


def _parse_threshold(text: str) -> int:
    value = _parse_hex(text)
    if value is None or len(text) > _DIGITS:
        return INVALID_THRESHOLD
    # The trailing zeros were left out.
    return value << 4 * (_DIGITS - len(text))


def _parse_random_value(text: str) -> int:
    value = _parse_hex(text)
    return INVALID_RANDOM_VALUE if value is None or len(text) != _DIGITS else value


def _parse_hex(text: str) -> int | None:
    # `int` alone would take signs, spaces, underscores and "0x" as well.
    return int(text, 16) if text and all(digit in "0123456789abcdefABCDEF" for digit in text) else None
