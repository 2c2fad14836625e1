"""Jaeger's own headers."""

from __future__ import annotations

import itertools
import logging
import re
import typing
import urllib.parse

from ferrotel import _native
from opentelemetry import baggage, trace
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

_logger = logging.getLogger(__name__)

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class JaegerPropagator(TextMapPropagator):
    """Carries the span context in the `uber-trace-id` header and baggage in `uberctx-*` headers.

    See https://www.jaegertracing.io/docs/1.19/client-libraries/#propagation-format

    The format sets no limits on baggage: W3C Baggage's are used, in both directions.
    """

    TRACE_ID_KEY = "uber-trace-id"
    BAGGAGE_PREFIX = "uberctx-"
    DEBUG_FLAG = 0x02
    MAX_BAGGAGE_ENTRIES = 180
    MAX_BAGGAGE_ENTRY_BYTES = 4096
    MAX_BAGGAGE_TOTAL_BYTES = 8192

    def extract(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        getter: Getter[CarrierT] = default_getter,
    ) -> Context:
        """Return the context (default: an empty one) with the remote span and the baggage of the headers.

        Baggage is read wherever there is an `uber-trace-id`, even a malformed one.
        """
        if context is None:
            context = Context()
        header = _native.header_value(carrier, getter, self.TRACE_ID_KEY)
        if header is None:
            return context
        entries = self._extract_baggage(getter, carrier)
        if entries:
            context = baggage._with_entries(entries, context)
        span_context = _native.jaeger_parse(header)
        if span_context is None:
            return context
        return trace.set_span_in_context(trace.NonRecordingSpan(span_context), context)

    def inject(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        setter: Setter[CarrierT] = default_setter,
    ) -> None:
        """Write the headers for the span in the context and its baggage; nothing where its span context is invalid."""
        span = trace.get_current_span(context)
        span_context = span.get_span_context()
        if not span_context.is_valid:
            return
        parent = getattr(span, "parent", None) if span.is_recording() else None
        flags = int(span_context.trace_flags)
        if flags & trace.TraceFlags.SAMPLED:
            flags |= self.DEBUG_FLAG
        header = _format_uber_trace_id(
            span_context.trace_id, span_context.span_id, parent.span_id if parent else trace.INVALID_SPAN_ID, flags
        )
        _native.set_header(carrier, setter, self.TRACE_ID_KEY, header)
        for key, value in self._encode_baggage(context):
            _native.set_header(carrier, setter, self.BAGGAGE_PREFIX + key, value)

    @property
    def fields(self) -> set[str]:
        """The name of the header that is always written."""
        return {self.TRACE_ID_KEY}

    def _extract_baggage(self, getter: Getter[CarrierT], carrier: CarrierT) -> dict[str, str]:
        keys = (key for key in _native.header_names(carrier, getter) if key.startswith(self.BAGGAGE_PREFIX))
        # Bounds what is looked at, not what is kept: a carrier full of oversized entries costs little.
        candidates = itertools.islice(keys, self.MAX_BAGGAGE_ENTRIES)
        found = ((key[len(self.BAGGAGE_PREFIX) :], _native.header_value(carrier, getter, key)) for key in candidates)
        present = ((name, value) for name, value in found if value is not None)
        return {name: urllib.parse.unquote(value).strip() for name, value in self._within_limits(present)}

    def _encode_baggage(self, context: Context | None) -> typing.Iterator[tuple[str, str]]:
        entries = itertools.islice(baggage.get_all(context).items(), self.MAX_BAGGAGE_ENTRIES)
        encoded = ((str(name), urllib.parse.quote(str(value), errors="replace")) for name, value in entries)
        return self._within_limits(pair for pair in encoded if _can_be_header_name(pair[0]))

    def _within_limits(self, pairs: typing.Iterable[tuple[str, str]]) -> typing.Iterator[tuple[str, str]]:
        total = 0
        for name, value in pairs:
            size = len(name.encode(errors="replace")) + len("=") + len(value.encode(errors="replace"))
            separator = 1 if total else 0
            if size <= self.MAX_BAGGAGE_ENTRY_BYTES and total + separator + size <= self.MAX_BAGGAGE_TOTAL_BYTES:
                total += separator + size
                yield name, value


def _can_be_header_name(name: str) -> bool:
    """Whether it is a token, as names of headers are (RFC 9110, section 5.6.2): a line break would begin another."""
    if _TOKEN.fullmatch(name):
        return True
    _logger.warning("Baggage entry with key %.256r is left out: it can't be part of a header's name", name)
    return False


def _format_uber_trace_id(trace_id: int, span_id: int, parent_span_id: int, flags: int) -> str:
    return f"{format_trace_id(trace_id)}:{format_span_id(span_id)}:{format_span_id(parent_span_id)}:{flags:02x}"
