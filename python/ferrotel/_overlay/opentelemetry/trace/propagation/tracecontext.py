"""W3C Trace Context, level 2: the `traceparent` and `tracestate` headers."""

from __future__ import annotations

from ferrotel import _native
from opentelemetry import trace
from opentelemetry.context.context import Context
from opentelemetry.propagators import textmap


class TraceContextTextMapPropagator(textmap.TextMapPropagator):
    """Carries the span context in the headers of W3C Trace Context.

    Future versions of `traceparent` are understood as far as level 2 says; two different `traceparent` headers are as
    good as none. A malformed `tracestate` is dropped with a warning and leaves the span context whole.
    """

    _TRACEPARENT_HEADER_NAME = "traceparent"
    _TRACESTATE_HEADER_NAME = "tracestate"

    def extract(
        self,
        carrier: textmap.CarrierT,
        context: Context | None = None,
        getter: textmap.Getter[textmap.CarrierT] = textmap.default_getter,
    ) -> Context:
        """Return the context (default: an empty one) with the remote span that the headers tell of."""
        return _native.trace_context_extract(
            carrier, context, getter, self._TRACEPARENT_HEADER_NAME, self._TRACESTATE_HEADER_NAME
        )

    def inject(
        self,
        carrier: textmap.CarrierT,
        context: Context | None = None,
        setter: textmap.Setter[textmap.CarrierT] = textmap.default_setter,
    ) -> None:
        """Write the headers for the span in the context; nothing where its span context is invalid."""
        span_context = trace.get_current_span(context).get_span_context()
        _native.trace_context_inject(
            span_context, carrier, setter, self._TRACEPARENT_HEADER_NAME, self._TRACESTATE_HEADER_NAME
        )

    @property
    def fields(self) -> set[str]:
        """The names of the two headers."""
        return {self._TRACEPARENT_HEADER_NAME, self._TRACESTATE_HEADER_NAME}


_native.register_propagation("tracecontext", TraceContextTextMapPropagator)
