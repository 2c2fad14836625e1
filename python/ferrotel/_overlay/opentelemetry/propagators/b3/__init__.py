"""Zipkin's B3 headers, in one and in several."""

from __future__ import annotations

import typing

from ferrotel import _native
from ferrotel._compat import deprecated
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.trace import format_span_id, format_trace_id


class B3MultiFormat(TextMapPropagator):
    """Writes the `x-b3-*` headers; reads them, or a `b3` header, which takes precedence.

    See https://github.com/openzipkin/b3-propagation
    """

    SINGLE_HEADER_KEY = "b3"
    TRACE_ID_KEY = "x-b3-traceid"
    SPAN_ID_KEY = "x-b3-spanid"
    SAMPLED_KEY = "x-b3-sampled"
    FLAGS_KEY = "x-b3-flags"

    def extract(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        getter: Getter[CarrierT] = default_getter,
    ) -> Context:
        """Return the context (default: an empty one) with the remote span that the headers tell of."""
        if context is None:
            context = Context()
        single = _native.header_value(carrier, getter, self.SINGLE_HEADER_KEY)
        if single:
            span_context = _native.b3_parse_single(single)
        else:
            span_context = _native.b3_parse_multiple(
                _native.header_value(carrier, getter, self.TRACE_ID_KEY),
                _native.header_value(carrier, getter, self.SPAN_ID_KEY),
                _native.header_value(carrier, getter, self.SAMPLED_KEY),
                _native.header_value(carrier, getter, self.FLAGS_KEY),
            )
        if span_context is None:
            return context
        return trace.set_span_in_context(trace.NonRecordingSpan(span_context), context)

    def inject(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        setter: Setter[CarrierT] = default_setter,
    ) -> None:
        """Write the headers for the span in the context; nothing where its span context is invalid."""
        values = _header_values(context)
        if values is not None:
            for key, value in zip((self.TRACE_ID_KEY, self.SPAN_ID_KEY, self.SAMPLED_KEY), values):
                _native.set_header(carrier, setter, key, value)

    @property
    def fields(self) -> set[str]:
        """The names of the headers that are written."""
        return {self.TRACE_ID_KEY, self.SPAN_ID_KEY, self.SAMPLED_KEY}


class B3SingleFormat(B3MultiFormat):
    """Writes the `b3` header; reads it, or the `x-b3-*` headers.

    See https://github.com/openzipkin/b3-propagation#single-header
    """

    def inject(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        setter: Setter[CarrierT] = default_setter,
    ) -> None:
        """Write the header for the span in the context; nothing where its span context is invalid."""
        values = _header_values(context)
        if values is not None:
            _native.set_header(carrier, setter, self.SINGLE_HEADER_KEY, "-".join(values))

    @property
    def fields(self) -> set[str]:
        """The name of the header that is written."""
        return {self.SINGLE_HEADER_KEY}


class B3Format(B3MultiFormat):
    """The former name of B3MultiFormat."""

    @deprecated("B3Format is deprecated in favor of B3MultiFormat. Deprecated since version 1.2.0.")
    def __init__(self, *args: typing.Any, **kwargs: typing.Any) -> None:
        super().__init__(*args, **kwargs)


def _header_values(context: Context | None) -> tuple[str, str, str] | None:
    span_context = trace.get_current_span(context).get_span_context()
    if not span_context.is_valid:
        return None
    sampled = span_context.trace_flags & trace.TraceFlags.SAMPLED
    return format_trace_id(span_context.trace_id), format_span_id(span_context.span_id), "1" if sampled else "0"
