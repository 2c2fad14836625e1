"""Spans: the one that is recorded, and the read-only view that processors and exporters get.

The data lives in the native part (``ferrotel._native``). What is here are the classes that users see and subclass.
"""

from __future__ import annotations

from abc import ABCMeta
from types import MappingProxyType

from ferrotel import _native
from ferrotel._compat import deprecated
from ferrotel._late import TYPE_CHECKING, getLogger
from opentelemetry import trace as trace_api
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk import util
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace._event import Event, EventBase
from opentelemetry.sdk.trace._span_limits import SpanLimits, _UnsetLimits
from opentelemetry.sdk.trace._span_processor import SpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationInfo, InstrumentationScope
from opentelemetry.trace.status import Status, StatusCode

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Mapping, Sequence

    from opentelemetry.sdk.trace.sampling import Sampler
    from opentelemetry.util import types

_logger = getLogger("opentelemetry.sdk.trace")

EXCEPTION_ESCAPED = "exception.escaped"
EXCEPTION_MESSAGE = "exception.message"
EXCEPTION_STACKTRACE = "exception.stacktrace"
EXCEPTION_TYPE = "exception.type"


class ReadableSpan(_native.ReadableSpanBase):
    """What processors and exporters read of a span (specification: trace SDK, additional span interfaces).

    Times are nanoseconds since the epoch.
    """

    __slots__ = ()

    def __init__(
        self,
        name: str,
        context: trace_api.SpanContext | None = None,
        parent: trace_api.SpanContext | None = None,
        resource: Resource | None = None,
        attributes: types.Attributes = None,
        events: Sequence[Event] = (),
        links: Sequence[trace_api.Link] = (),
        kind: trace_api.SpanKind = trace_api.SpanKind.INTERNAL,
        instrumentation_info: InstrumentationInfo | None = None,
        status: Status = Status(StatusCode.UNSET),
        start_time: int | None = None,
        end_time: int | None = None,
        instrumentation_scope: InstrumentationScope | None = None,
    ) -> None:
        self._name = name
        self._context = context
        self._kind = kind
        self._instrumentation_info = instrumentation_info
        self._instrumentation_scope = instrumentation_scope
        self._parent = parent
        self._start_time = start_time
        self._end_time = end_time
        self._attributes = attributes
        self._events = events
        self._links = links
        self._resource = Resource.create({}) if resource is None else resource
        self._status = status

    @property
    def name(self) -> str:
        """The name."""
        return self._name

    def get_span_context(self) -> trace_api.SpanContext | None:
        """The span's context."""
        return self._context

    @property
    def context(self) -> trace_api.SpanContext | None:
        """The span's context."""
        return self._context

    @property
    def kind(self) -> trace_api.SpanKind:
        """The kind."""
        return self._kind

    @property
    def parent(self) -> trace_api.SpanContext | None:
        """The parent's context; None for a root span."""
        return self._parent

    @property
    def start_time(self) -> int | None:
        """When it started."""
        return self._start_time

    @property
    def end_time(self) -> int | None:
        """When it ended; None before."""
        return self._end_time

    @property
    def status(self) -> Status:
        """The status."""
        return self._status

    @property
    def attributes(self) -> types.Attributes:
        """The attributes, read-only."""
        return MappingProxyType(self._attributes or {})

    @property
    def events(self) -> Sequence[Event]:
        """The events."""
        return tuple(self._events)

    @property
    def links(self) -> Sequence[trace_api.Link]:
        """The links."""
        return tuple(self._links)

    @property
    def resource(self) -> Resource:
        """The resource."""
        return self._resource

    @property
    def dropped_attributes(self) -> int:
        """How many attributes did not fit."""
        attributes = self._attributes
        return attributes.dropped if isinstance(attributes, BoundedAttributes) else 0

    @property
    def dropped_events(self) -> int:
        """How many events did not fit."""
        events = self._events
        return events.dropped if isinstance(events, util.BoundedList) else 0

    @property
    def dropped_links(self) -> int:
        """How many links did not fit."""
        links = self._links
        return links.dropped if isinstance(links, util.BoundedList) else 0

    @property
    @deprecated("You should use instrumentation_scope. Deprecated since version 1.11.1.")
    def instrumentation_info(self) -> InstrumentationInfo | None:
        """The instrumentation scope in its older form."""
        return self._instrumentation_info

    @property
    def _instrumentation_info(self) -> InstrumentationInfo | None:
        if "instrumentation_info" in self.__dict__:
            return self.__dict__["instrumentation_info"]  # type: ignore[no-any-return]
        scope = self._instrumentation_scope
        return _older_form(scope) if isinstance(scope, InstrumentationScope) else None

    @_instrumentation_info.setter
    def _instrumentation_info(self, value: InstrumentationInfo | None) -> None:
        self.__dict__["instrumentation_info"] = value

    @property
    def instrumentation_scope(self) -> InstrumentationScope | None:
        """Who made the span."""
        return self._instrumentation_scope

    def to_json(self, indent: int | None = 4) -> str:
        """The span as JSON text, as the console exporter prints it; ``indent`` as in ``json.dumps``."""
        import json

        status: dict[str, Any] = {"status_code": str(self._status.status_code.name)}
        if self._status.description:
            status["description"] = self._status.description
        shown = {
            "name": self._name,
            "context": self._format_context(self._context) if self._context else None,
            "kind": str(self.kind),
            "parent_id": f"0x{trace_api.format_span_id(self.parent.span_id)}" if self.parent is not None else None,
            "start_time": util.ns_to_iso_str(self._start_time) if self._start_time else None,
            "end_time": util.ns_to_iso_str(self._end_time) if self._end_time else None,
            "status": status,
            "attributes": self._format_attributes(self._attributes),
            "events": self._format_events(self._events),
            "links": self._format_links(self._links),
            "resource": json.loads(self.resource.to_json()),
        }
        return json.dumps(shown, indent=indent)

    def __deepcopy__(self, memo: dict[int, Any]) -> ReadableSpan:
        import copy

        copied = self._copied(
            copy.deepcopy(self._attributes, memo), copy.deepcopy(self._events, memo), copy.deepcopy(self._links, memo)
        )
        memo[id(self)] = copied
        return copied

    def __copy__(self) -> ReadableSpan:
        return self._copied(self._attributes, self._events, self._links)

    def _copied(
        self, attributes: types.Attributes, events: Sequence[Event], links: Sequence[trace_api.Link]
    ) -> ReadableSpan:
        # A copy cannot be recorded into: what becomes of it would reach nobody.
        kind = ReadableSpan if isinstance(self, Span) else type(self)
        copied = kind.__new__(kind)
        copied.__dict__.update(self.__dict__)
        ReadableSpan.__init__(
            copied,
            name=self._name,
            context=self._context,
            parent=self._parent,
            resource=self._resource,
            attributes=attributes,
            events=events,
            links=links,
            kind=self._kind,
            instrumentation_info=self._instrumentation_info,
            status=self._status,
            start_time=self._start_time,
            end_time=self._end_time,
            instrumentation_scope=self._instrumentation_scope,
        )
        return copied

    @staticmethod
    def _format_context(context: trace_api.SpanContext) -> dict[str, str]:
        return {
            "trace_id": f"0x{trace_api.format_trace_id(context.trace_id)}",
            "span_id": f"0x{trace_api.format_span_id(context.span_id)}",
            "trace_state": repr(context.trace_state),
        }

    @staticmethod
    def _format_attributes(attributes: types.Attributes) -> dict[str, Any] | None:
        return attributes if attributes is None or isinstance(attributes, dict) else dict(attributes)

    @staticmethod
    def _format_events(events: Sequence[Event]) -> list[dict[str, Any]]:
        return [
            {
                "name": event.name,
                "timestamp": util.ns_to_iso_str(event.timestamp),
                "attributes": ReadableSpan._format_attributes(event.attributes),
            }
            for event in events
        ]

    @staticmethod
    def _format_links(links: Sequence[trace_api.Link]) -> list[dict[str, Any]]:
        return [
            {
                "context": ReadableSpan._format_context(link.context),
                "attributes": ReadableSpan._format_attributes(link.attributes),
            }
            for link in links
        ]


_NATIVE_METHODS = frozenset(name for name in vars(_native.SpanBase) if name not in ("__doc__", "__module__"))


def _replaced(cls: type, name: str) -> None:
    if name in _NATIVE_METHODS and issubclass(_Span, cls):
        _native.span_patched()
        if cls is not _Span and name in vars(_Span):
            type.__delattr__(_Span, name)


class _SpanType(ABCMeta):
    """Notices that somebody replaces a method of ``Span``, as ``mock.patch.object`` does.

    Native code calls ``end`` without looking it up, and ``_Span`` has descriptors of its own for speed: both end then.
    """

    def __setattr__(cls, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        _replaced(cls, name)

    def __delattr__(cls, name: str) -> None:
        super().__delattr__(name)
        _replaced(cls, name)


class Span(_native.SpanBase, ReadableSpan, trace_api.Span, metaclass=_SpanType):
    """A span that records (specification: trace API, span). Made by a tracer, never by hand.

    Its methods may be called from several threads; after the end they do nothing but log a warning.
    """

    __slots__ = ()

    def __new__(cls, *args: Any, **kwargs: Any) -> Span:
        if cls is Span:
            raise TypeError("Span must be instantiated via a tracer.")
        return super().__new__(cls)

    def __init__(
        self,
        name: str,
        context: trace_api.SpanContext,
        parent: trace_api.SpanContext | None = None,
        sampler: Sampler | None = None,
        trace_config: None = None,
        resource: Resource | None = None,
        attributes: types.Attributes = None,
        events: Sequence[Event] | None = None,
        links: Sequence[trace_api.Link] = (),
        kind: trace_api.SpanKind = trace_api.SpanKind.INTERNAL,
        span_processor: SpanProcessor = SpanProcessor(),
        instrumentation_info: InstrumentationInfo | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        limits: SpanLimits = _UnsetLimits,
        instrumentation_scope: InstrumentationScope | None = None,
        *,
        record_end_metrics: Any = None,
    ) -> None:
        ReadableSpan.__init__(
            self,
            name=name,
            context=context,
            parent=parent,
            kind=kind,
            resource=resource,
            instrumentation_info=instrumentation_info,
            instrumentation_scope=instrumentation_scope,
        )
        self._sampler = sampler
        self._trace_config = trace_config
        self._limits = limits
        self._record_exception = record_exception
        self._set_status_on_exception = set_status_on_exception
        self._span_processor = span_processor
        self._record_end_metrics = record_end_metrics
        if attributes:
            self.set_attributes(attributes)
        for event in events or ():
            self._add_event(event)
        for link in links or ():
            if link is not None:
                self.add_link(link.context, link.attributes)

    def __repr__(self) -> str:
        return f'{type(self).__name__}(name="{self._name}", context={self._context})'

    def _add_event(self, event: EventBase) -> None:
        self.add_event(event.name, event.attributes, event.timestamp)

    def _add_link(self, link: trace_api.Link) -> None:
        self.add_link(link.context, link.attributes)

    def record_exception(
        self,
        exception: BaseException,
        attributes: types.Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Records an exception as an event named ``exception`` (specification: trace, exceptions).

        Args:
            exception: The exception.
            attributes: More attributes for the event; they win over those made from the exception.
            timestamp: Nanoseconds since the epoch; default: now.
            escaped: Whether it leaves the span's block.
        """
        kind = type(exception)
        module = kind.__module__
        recorded: dict[str, types.AnyValue] = {
            EXCEPTION_TYPE: f"{module}.{kind.__qualname__}" if module and module != "builtins" else kind.__qualname__,
            EXCEPTION_MESSAGE: _text(exception),
            EXCEPTION_STACKTRACE: _stacktrace(exception),
            EXCEPTION_ESCAPED: str(escaped),
        }
        try:
            recorded.update(attributes or {})
        except Exception:
            _logger.warning("The attributes of a recorded exception must be a mapping, got %s", type(attributes))
        self.add_event("exception", recorded, timestamp)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Sets the status. Once it is OK it stays so, and UNSET is never set (specification: trace API, set status).

        Args:
            status: A ``Status``, or a ``StatusCode`` that goes with ``description``.
            description: Only for the code ERROR.
        """
        if self._end_time is not None:
            _logger.warning("Tried calling %s on an ended span.", "set_status")
            return
        made = _status_of(status, description)
        if (
            made is not None
            and made.status_code is not StatusCode.UNSET
            and self._status.status_code is not StatusCode.OK
        ):
            self._status = made

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        """Records the exception that leaves the block, if any, and ends the span."""
        if exc_val is not None and self.is_recording():
            if self._record_exception:
                self.record_exception(exception=exc_val, escaped=True)
            if self._set_status_on_exception:
                description = f"{type(exc_val).__name__}: {_text(exc_val)}"
                self.set_status(Status(StatusCode.ERROR, description))
        self.end()


class _Span(Span):
    """What a tracer makes."""

    __slots__ = ()


def _older_form(scope: InstrumentationScope) -> InstrumentationInfo:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return InstrumentationInfo(scope.name, scope.version or "", scope.schema_url)


def _status_of(status: object, description: object) -> Status | None:
    if isinstance(status, Status):
        if description is not None:
            _logger.warning("Description %s ignored. Use either `Status` or `(StatusCode, Description)`", description)
        return status
    if not isinstance(status, StatusCode):
        _logger.warning("A status must be a Status or a StatusCode, got %s", type(status))
        return None
    try:
        return Status(status, description)  # type: ignore[arg-type]
    except Exception:
        _logger.warning("The description of a status must be a str, got %s", type(description))
        return Status(status)


def _text(exception: object) -> str:
    if not isinstance(exception, BaseException):
        return str(type(exception))
    try:
        return str(exception)
    except Exception:
        return f"<{type(exception).__name__} whose __str__ raised>"


def _stacktrace(exception: BaseException) -> str:
    # With what it imports in turn it takes longer than this module: imported with the first provider.
    import traceback

    from opentelemetry.sdk.trace._stack_trace import format_exception

    try:
        return format_exception(exception)
    except Exception:
        return "".join(traceback.format_tb(getattr(exception, "__traceback__", None))) + _text(exception)


def _make_scope(
    name: str, version: str, schema_url: str, attributes: Mapping[str, types.AnyValue]
) -> InstrumentationScope:
    return InstrumentationScope(name, version, schema_url, attributes)


def _make_resource(attributes: Mapping[str, types.AnyValue], schema_url: str) -> Resource:
    return Resource(attributes, schema_url)
