"""Which measurements may become exemplars (specification: metrics SDK, exemplar filter)."""

from __future__ import annotations

from abc import ABC, abstractmethod

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.span import INVALID_SPAN
from opentelemetry.util.types import Attributes


class ExemplarFilter(ABC):
    """Decides which measurements are offered to the reservoirs."""

    @abstractmethod
    def should_sample(
        self,
        value: int | float,
        time_unix_nano: int,
        attributes: Attributes,
        context: Context,
    ) -> bool:
        """Says whether this measurement is offered; `attributes` are all that it was made with."""
        raise NotImplementedError("ExemplarFilter.should_sample is not implemented")


class AlwaysOnExemplarFilter(ExemplarFilter):
    """Offers every measurement."""

    def should_sample(
        self,
        value: int | float,
        time_unix_nano: int,
        attributes: Attributes,
        context: Context,
    ) -> bool:
        """True."""
        return True


class AlwaysOffExemplarFilter(ExemplarFilter):
    """Offers none: there are no exemplars."""

    def should_sample(
        self,
        value: int | float,
        time_unix_nano: int,
        attributes: Attributes,
        context: Context,
    ) -> bool:
        """False."""
        return False


class TraceBasedExemplarFilter(ExemplarFilter):
    """Offers what is measured in a sampled span: the default."""

    def should_sample(
        self,
        value: int | float,
        time_unix_nano: int,
        attributes: Attributes,
        context: Context,
    ) -> bool:
        """Whether the span in `context` is sampled."""
        span = trace.get_current_span(context)
        return span is not INVALID_SPAN and bool(span.get_span_context().trace_flags.sampled)
