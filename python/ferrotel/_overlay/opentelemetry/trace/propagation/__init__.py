"""The span that a context carries."""

from __future__ import annotations

from ferrotel import _native
from opentelemetry.trace.span import INVALID_SPAN, Span

__all__ = ["INVALID_SPAN", "SPAN_KEY", "Span", "_SPAN_KEY", "get_current_span", "set_span_in_context"]

_SPAN_KEY = _native.SPAN_KEY

SPAN_KEY = "current-span"
"""The older, public name of a key that is not used any more: spans stand under `_SPAN_KEY`."""

get_current_span = _native.current_span
set_span_in_context = _native.set_span_in_context
