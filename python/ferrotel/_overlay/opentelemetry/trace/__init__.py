"""The tracing API: tracers make spans, and spans tell what a program did and how long it took.

    from opentelemetry import trace

    tracer = trace.get_tracer("shop.checkout")

    with tracer.start_as_current_span("charge card") as span:
        span.set_attribute("amount", 12)
        with tracer.start_as_current_span("ask bank"):  # a child of "charge card"
            ...

Nothing is recorded until a tracer provider is set: see `set_tracer_provider`. Tracers that were handed out before work
from then on.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from enum import Enum
from functools import partial

from ferrotel import _native
from ferrotel._compat import deprecated
from ferrotel._late import TYPE_CHECKING, cast, getLogger, late_types
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context.context import Context
from opentelemetry.environment_variables import OTEL_PYTHON_TRACER_PROVIDER
from opentelemetry.trace._deferred_scope import DeferredScope
from opentelemetry.trace._stand_in import StandInType
from opentelemetry.trace._unrecorded import warn_if_spans_are_wanted
from opentelemetry.trace.propagation import _SPAN_KEY as _SPAN_KEY
from opentelemetry.trace.propagation import get_current_span, set_span_in_context
from opentelemetry.trace.span import (
    DEFAULT_TRACE_OPTIONS,
    DEFAULT_TRACE_STATE,
    INVALID_SPAN,
    INVALID_SPAN_CONTEXT,
    INVALID_SPAN_ID,
    INVALID_TRACE_ID,
    NonRecordingSpan,
    Span,
    SpanContext,
    TraceFlags,
    TraceState,
    format_span_id,
    format_trace_id,
)
from opentelemetry.trace.status import Status, StatusCode
from opentelemetry.util._decorator import _agnosticcontextmanager
from opentelemetry.util._once import Once
from opentelemetry.util._providers import _load_provider

if TYPE_CHECKING:
    from typing import Any, Iterator, Sequence

    from opentelemetry.util import types
    from opentelemetry.util._decorator import _AgnosticContextManager

__all__ = [
    "DEFAULT_TRACE_OPTIONS",
    "DEFAULT_TRACE_STATE",
    "INVALID_SPAN",
    "INVALID_SPAN_CONTEXT",
    "INVALID_SPAN_ID",
    "INVALID_TRACE_ID",
    "Link",
    "NonRecordingSpan",
    "Span",
    "SpanContext",
    "SpanKind",
    "Status",
    "StatusCode",
    "TraceFlags",
    "TraceState",
    "Tracer",
    "TracerProvider",
    "format_span_id",
    "format_trace_id",
    "get_current_span",
    "get_tracer",
    "get_tracer_provider",
    "set_span_in_context",
    "set_tracer_provider",
    "use_span",
]

logger = getLogger(__name__)

use_span = _native.use_span


class SpanKind(Enum):
    """What a span is to the spans of other processes around it (Trace API, "SpanKind")."""

    INTERNAL = 0
    """An operation inside the application: the default."""

    SERVER = 1
    """The handling of a remote request, while the other side waits."""

    CLIENT = 2
    """A request to a remote service, waiting for the answer."""

    PRODUCER = 3
    """The sending of a message whose consumer nobody waits for."""

    CONSUMER = 4
    """The handling of a message from a producer."""


class _LinkBase(ABC):
    def __init__(self, context: SpanContext) -> None:
        self._context = context

    @property
    def context(self) -> SpanContext:
        """The span context of the linked span."""
        return self._context

    @property
    @abstractmethod
    def attributes(self) -> types.Attributes:
        """What the link says about the relation."""


class Link(_LinkBase):
    """Points to another span, of this trace or another one."""

    def __init__(self, context: SpanContext, attributes: types.Attributes = None) -> None:
        super().__init__(context)
        self._attributes = attributes

    @property
    def attributes(self) -> types.Attributes:
        """What the link says about the relation."""
        return self._attributes

    @property
    def dropped_attributes(self) -> int:
        """How many attributes were lost to a limit."""
        return self._attributes.dropped if isinstance(self._attributes, BoundedAttributes) else 0


if TYPE_CHECKING:
    _Links = Sequence[Link] | None
else:
    __getattr__ = late_types(__name__, types="types", _Links="Optional[Sequence[Link]]")


class Tracer(ABC):
    """Makes the spans of one instrumentation scope."""

    @abstractmethod
    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: types.Attributes = None,
        links: _Links = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> Span:
        """Starts a span without making it the current one; whoever starts it must end it.

        Its parent is the span in `context`, by default the current one. `attributes` that are known now are better
        given here than set later: a sampler sees only these. `start_time` is in nanoseconds since the Unix epoch, by
        default now. The last two arguments say what an exception does to the span where it is used as a context
        manager.
        """

    @_agnosticcontextmanager
    @abstractmethod
    def start_as_current_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: types.Attributes = None,
        links: _Links = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> Iterator[Span]:
        """Starts a span that is the current one inside a `with` block, or inside a function that this decorates.

            with tracer.start_as_current_span("work") as span: ...

            @tracer.start_as_current_span("work")
            async def work(): ...

        The span ends with the block unless `end_on_exit` is false. An exception that leaves the block is recorded as an
        event and makes the status an error, unless the two arguments say otherwise. The other arguments are those of
        `start_span`.
        """


class TracerProvider(ABC):
    """Gives out tracers."""

    @abstractmethod
    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: types.Attributes = None,
    ) -> Tracer:
        """A tracer for an instrumentation scope.

        The name is that of the library that makes the spans (not of the one that they are about), best a fixed string;
        version, schema URL and attributes describe the same library.
        """


class NoOpTracer(Tracer):
    """A tracer whose spans record nothing and only pass the parent's context on."""

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: types.Attributes = None,
        links: _Links = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> Span:
        """The parent itself where that records nothing, else a non-recording span with the parent's context."""
        parent = get_current_span(context)
        if isinstance(parent, NonRecordingSpan):
            return parent
        # The parent may be anybody's class.
        parent_context: Any = parent.get_span_context()
        if parent_context is not None and not isinstance(parent_context, SpanContext):
            logger.warning("Invalid span context for %s: %s", parent, parent_context)
            return INVALID_SPAN
        return NonRecordingSpan(cast("SpanContext", parent_context))

    def start_as_current_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: types.Attributes = None,
        links: _Links = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> _AgnosticContextManager[Span]:
        """As `start_span`, and makes the span the current one."""
        make_scope = partial(
            self._use_span,
            name,
            context,
            kind,
            attributes,
            links,
            start_time,
            record_exception,
            set_status_on_exception,
            end_on_exit,
        )
        return cast("_AgnosticContextManager[Span]", DeferredScope(make_scope))

    def _use_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: types.Attributes = None,
        links: _Links = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> Any:
        span = self.start_span(
            name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
        )
        return use_span(span, end_on_exit, record_exception, set_status_on_exception)


class NoOpTracerProvider(TracerProvider):
    """A provider of no-op tracers."""

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: types.Attributes = None,
    ) -> Tracer:
        """A no-op tracer."""
        return NoOpTracer()


class ProxyTracer(_native.ProxyTracerBase, Tracer, metaclass=StandInType):
    """A tracer that was asked for before there was a provider: no-op until one is set, and that one's tracer then."""

    def __init__(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: types.Attributes = None,
    ):
        self._instrumenting_module_name = instrumenting_module_name
        self._instrumenting_library_version = instrumenting_library_version
        self._schema_url = schema_url
        self._attributes = attributes
        self._noop_tracer = NoOpTracer()

    @property
    def _tracer(self) -> Tracer:
        if self._real_tracer is not None:
            return self._real_tracer
        if _TRACER_PROVIDER is None:
            warn_if_spans_are_wanted()
            return self._noop_tracer
        self._real_tracer = _TRACER_PROVIDER.get_tracer(
            self._instrumenting_module_name,
            self._instrumenting_library_version,
            self._schema_url,
            self._attributes,
        )
        return self._real_tracer

    @staticmethod
    def _start_span_of(stand_in: Any, *args: Any, **kwargs: Any) -> Span:
        return cast("Span", stand_in._tracer.start_span(*args, **kwargs))

    def _deferred_scope(self, *args: Any, **kwargs: Any) -> _AgnosticContextManager[Span]:
        make_scope = partial(self._start_as_current_span, args, kwargs)
        return cast("_AgnosticContextManager[Span]", DeferredScope(make_scope))

    def _start_as_current_span(self, args: Any, kwargs: Any) -> Any:
        tracer = self._tracer
        if tracer is self._noop_tracer:
            return self._noop_tracer._use_span(*args, **kwargs)
        return tracer.start_as_current_span(*args, **kwargs)


class ProxyTracerProvider(TracerProvider):
    """The global provider while none is set: its tracers become real when one is."""

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: types.Attributes = None,
    ) -> Tracer:
        """The real provider's tracer if there is one by now, else a proxy."""
        if _TRACER_PROVIDER is not None:
            return _TRACER_PROVIDER.get_tracer(
                instrumenting_module_name, instrumenting_library_version, schema_url, attributes
            )
        return ProxyTracer(instrumenting_module_name, instrumenting_library_version, schema_url, attributes)


@deprecated("You should use NoOpTracer. Deprecated since version 1.9.0.")
class _DefaultTracer(NoOpTracer):
    """Older name of `NoOpTracer`."""


@deprecated("You should use NoOpTracerProvider. Deprecated since version 1.9.0.")
class _DefaultTracerProvider(NoOpTracerProvider):
    """Older name of `NoOpTracerProvider`."""


_TRACER_PROVIDER_SET_ONCE = Once()
_TRACER_PROVIDER: TracerProvider | None = None
_PROXY_TRACER_PROVIDER = ProxyTracerProvider()


def get_tracer(
    instrumenting_module_name: str,
    instrumenting_library_version: str | None = None,
    tracer_provider: TracerProvider | None = None,
    schema_url: str | None = None,
    attributes: types.Attributes = None,
) -> Tracer:
    """A tracer of `tracer_provider`, by default the global one; the other arguments are those of its `get_tracer`."""
    provider = get_tracer_provider() if tracer_provider is None else tracer_provider
    return provider.get_tracer(instrumenting_module_name, instrumenting_library_version, schema_url, attributes)


def get_tracer_provider() -> TracerProvider:
    """The global tracer provider: what `set_tracer_provider` was given, else what `OTEL_PYTHON_TRACER_PROVIDER` names,
    else a proxy that waits for the former."""
    if _TRACER_PROVIDER is None:
        if OTEL_PYTHON_TRACER_PROVIDER not in os.environ:
            return _PROXY_TRACER_PROVIDER
        try:
            named = _load_provider(OTEL_PYTHON_TRACER_PROVIDER, "tracer_provider")
        except Exception:
            return _PROXY_TRACER_PROVIDER
        _set_tracer_provider(named, log=False)
    return cast("TracerProvider", _TRACER_PROVIDER)


def set_tracer_provider(tracer_provider: TracerProvider) -> None:
    """Sets the global tracer provider. That can be done once; later calls only log a warning."""
    _set_tracer_provider(tracer_provider, log=True)


def _set_tracer_provider(tracer_provider: TracerProvider, log: bool) -> None:
    def assign() -> None:
        global _TRACER_PROVIDER
        _TRACER_PROVIDER = tracer_provider

    if not _TRACER_PROVIDER_SET_ONCE.do_once(assign) and log:
        logger.warning("Overriding of current TracerProvider is not allowed")


_native.register_types(Link=Link, SpanKind=SpanKind, Status=Status, StatusCode=StatusCode)
