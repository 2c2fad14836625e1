"""Propagators that put the trace context into an HTTP response, so that the client can join the trace.

The header is the W3C's draft `traceresponse`: https://w3c.github.io/trace-context/#trace-context-http-response-headers-format
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Callable

from opentelemetry import trace
from opentelemetry.context.context import Context
from opentelemetry.propagators import textmap
from opentelemetry.trace import format_span_id, format_trace_id

_HTTP_HEADER_ACCESS_CONTROL_EXPOSE_HEADERS = "Access-Control-Expose-Headers"
_RESPONSE_PROPAGATOR: ResponsePropagator | None = None


def get_global_response_propagator() -> ResponsePropagator | None:
    """The propagator that instrumentations of servers use; None, the default, for none."""
    return _RESPONSE_PROPAGATOR


def set_global_response_propagator(propagator: ResponsePropagator | None) -> None:
    """Have instrumentations of servers use a propagator from now on."""
    global _RESPONSE_PROPAGATOR
    _RESPONSE_PROPAGATOR = propagator


class Setter(ABC):
    """Knows how to set a header of some kind of response."""

    @abstractmethod
    def set(self, carrier: Any, key: str, value: str) -> None:
        """Set a header, or add to one."""


class DictHeaderSetter(Setter):
    """For headers in a dict. What a header already says stays in front."""

    def set(self, carrier: Any, key: str, value: str) -> None:
        before = carrier.get(key, "")
        carrier[key] = f"{before}, {value}" if before else value


class FuncSetter(Setter):
    """Makes a setter of a function that takes a response, a key and a value, such as Falcon's
    `Response.append_header`."""

    def __init__(self, func: Callable[[Any, str, str], Any]) -> None:
        self._func = func

    def set(self, carrier: Any, key: str, value: str) -> None:
        self._func(carrier, key, value)


default_setter = DictHeaderSetter()


class ResponsePropagator(ABC):
    """Puts what it propagates into a response."""

    @abstractmethod
    def inject(
        self,
        carrier: textmap.CarrierT,
        context: Context | None = None,
        setter: textmap.Setter[textmap.CarrierT] = default_setter,  # type: ignore[assignment]
    ) -> None:
        """Write to the headers of a response. `context` is by default the current one."""


class TraceResponsePropagator(ResponsePropagator):
    """Writes the current span as `traceresponse`, and lets scripts of other origins read that header."""

    def inject(
        self,
        carrier: textmap.CarrierT,
        context: Context | None = None,
        setter: textmap.Setter[textmap.CarrierT] = default_setter,  # type: ignore[assignment]
    ) -> None:
        span_context = trace.get_current_span(context).get_span_context()
        if span_context == trace.INVALID_SPAN_CONTEXT:
            return
        trace_id, span_id = format_trace_id(span_context.trace_id), format_span_id(span_context.span_id)
        header = "traceresponse"
        setter.set(carrier, header, f"00-{trace_id}-{span_id}-{span_context.trace_flags:02x}")
        setter.set(carrier, _HTTP_HEADER_ACCESS_CONTROL_EXPOSE_HEADERS, header)
