"""When the span of a request gets its name.

Django finds the route of a request after the middlewares have begun, with one regular expression after the other. To
find it before, for the span's name, takes that time twice. It is not done for names that nobody looks at so early.
"""

from __future__ import annotations

from typing import Any

from opentelemetry.trace import NoOpTracer, ProxyTracer


class _Observers:
    """Who may look at a span's name when it starts: the sampler, and processors."""

    def __init__(self) -> None:
        self._sampler: Any = None
        self._processors: Any = None
        self._look = True

    def look(self, tracer: Any) -> bool:
        """Does one of them look at it? Also True for what is not known."""
        try:
            sampler, processors = tracer.sampler, tracer.span_processor._span_processors
            if sampler is not self._sampler or processors is not self._processors:
                self._look = tracer._start_is_observed()
                self._sampler, self._processors = sampler, processors
        except AttributeError:
            if isinstance(tracer, ProxyTracer):
                return self.look(tracer._tracer)
            return not isinstance(tracer, NoOpTracer)
        return self._look
