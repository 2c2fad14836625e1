"""The span that a context carries."""

from __future__ import annotations

from ferrotel import _native
from ferrotel._late import TYPE_CHECKING
from opentelemetry.trace.span import INVALID_SPAN, Span

if TYPE_CHECKING:
    from typing import Any

    from opentelemetry.trace.propagation.tracecontext import (
        TraceContextTextMapPropagator as TraceContextTextMapPropagator,
    )

__all__ = ["INVALID_SPAN", "SPAN_KEY", "Span", "_SPAN_KEY", "get_current_span", "set_span_in_context"]

_SPAN_KEY = _native.SPAN_KEY

SPAN_KEY = "current-span"
"""The older, public name of a key that is not used any more: spans stand under `_SPAN_KEY`."""

get_current_span = _native.current_span
set_span_in_context = _native.set_span_in_context


def __getattr__(name: str) -> Any:
    # Much documentation imports the propagator from here. Late, because its module imports this one.
    if name == "TraceContextTextMapPropagator":
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        return TraceContextTextMapPropagator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
