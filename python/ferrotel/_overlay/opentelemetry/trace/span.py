"""A span, its context, and the spans that record nothing."""

from __future__ import annotations

import abc
import collections.abc

from ferrotel import _native
from ferrotel._late import TYPE_CHECKING
from opentelemetry.trace.status import Status as Status
from opentelemetry.trace.status import StatusCode as StatusCode

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Mapping

    from opentelemetry.util import types

__all__ = [
    "DEFAULT_TRACE_OPTIONS",
    "DEFAULT_TRACE_STATE",
    "INVALID_SPAN",
    "INVALID_SPAN_CONTEXT",
    "INVALID_SPAN_ID",
    "INVALID_TRACE_ID",
    "NonRecordingSpan",
    "Span",
    "SpanContext",
    "TraceFlags",
    "TraceState",
    "annotations",
    "format_span_id",
    "format_trace_id",
]

SpanContext = _native.SpanContext
TraceState = _native.TraceState

INVALID_SPAN_ID = 0
INVALID_TRACE_ID = 0
_SPAN_ID_MAX_VALUE = (1 << 64) - 1
_TRACE_ID_MAX_VALUE = (1 << 128) - 1


class Span(abc.ABC):
    """One operation within a trace.

    Used as a context manager it ends when the block is left, without having been the current span inside; for that see
    `opentelemetry.trace.use_span`.
    """

    # The native span derives from this class and keeps everything in native fields. Subclasses written in Python have a
    # `__dict__` as ever.
    __slots__ = ()

    @abc.abstractmethod
    def end(self, end_time: int | None = None) -> None:
        """Marks the operation as finished, at `end_time` (nanoseconds since the Unix epoch) or now.

        Only the first call counts.
        """

    @abc.abstractmethod
    def get_span_context(self) -> SpanContext:
        """The immutable part that identifies the span and may leave the process."""

    @abc.abstractmethod
    def set_attributes(self, attributes: Mapping[str, types.AnyValue]) -> None:
        """Sets each of `attributes`; what was under the same keys is replaced."""

    @abc.abstractmethod
    def set_attribute(self, key: str, value: types.AnyValue) -> None:
        """Sets one attribute; what was under `key` is replaced.

        A sampler sees only what was given when the span was started.
        """

    @abc.abstractmethod
    def add_event(self, name: str, attributes: types.Attributes = None, timestamp: int | None = None) -> None:
        """Adds something that happened at `timestamp` (nanoseconds since the Unix epoch), by default now."""

    def add_link(self, context: SpanContext, attributes: types.Attributes = None) -> None:
        """Adds a link to another span, which may belong to another trace."""
        import warnings

        warnings.warn(
            "Span.add_link() not implemented and will be a no-op. "
            "Use opentelemetry-sdk >= 1.23 to add links after span creation",
            stacklevel=2,
        )

    @abc.abstractmethod
    def update_name(self, name: str) -> None:
        """Gives the span another name. The sampler has already decided with the first one."""

    @abc.abstractmethod
    def is_recording(self) -> bool:
        """Whether attributes, events and the status go anywhere: false after the end, and for unsampled spans."""

    @abc.abstractmethod
    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Sets how the operation ended; `description` belongs to a bare `StatusCode.ERROR`."""

    @abc.abstractmethod
    def record_exception(
        self,
        exception: BaseException,
        attributes: types.Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Adds an event that describes `exception` with its stack trace; `escaped`: it left the span's scope."""

    def __enter__(self) -> Span:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self.end()


class TraceFlags(int):
    """The flags of a trace, as the `traceparent` header carries them (W3C Trace Context level 2)."""

    DEFAULT = 0x00
    SAMPLED = 0x01
    RANDOM_TRACE_ID = 0x02

    @classmethod
    def get_default(cls) -> TraceFlags:
        """No flag set."""
        return cls(cls.DEFAULT)

    @property
    def sampled(self) -> bool:
        """Whether the caller may have recorded the trace."""
        return bool(self & self.SAMPLED)

    @property
    def random_trace_id(self) -> bool:
        """Whether at least the 56 rightmost bits of the trace id are random, evenly distributed."""
        return bool(self & self.RANDOM_TRACE_ID)


# The native span context makes its flags with this class.
_native.register_types(Span=Span, TraceFlags=TraceFlags)
collections.abc.Mapping.register(TraceState)


class NonRecordingSpan(_native.NonRecordingSpanBase, Span):
    """A span that only passes its context on."""

    __slots__ = ()

    def __init__(self, context: SpanContext) -> None:
        self._context = context

    def __repr__(self) -> str:
        return f"NonRecordingSpan({self._context!r})"


DEFAULT_TRACE_OPTIONS = TraceFlags.get_default()
DEFAULT_TRACE_STATE = TraceState.get_default()
INVALID_SPAN_CONTEXT = SpanContext(
    trace_id=INVALID_TRACE_ID,
    span_id=INVALID_SPAN_ID,
    is_remote=False,
    trace_flags=DEFAULT_TRACE_OPTIONS,
    trace_state=DEFAULT_TRACE_STATE,
)
INVALID_SPAN = NonRecordingSpan(INVALID_SPAN_CONTEXT)
_native.register_types(NonRecordingSpan=NonRecordingSpan, INVALID_SPAN=INVALID_SPAN)


def format_trace_id(trace_id: int) -> str:
    """A trace id as 32 hexadecimal digits."""
    return f"{trace_id:032x}"


def format_span_id(span_id: int) -> str:
    """A span id as 16 hexadecimal digits."""
    return f"{span_id:016x}"
