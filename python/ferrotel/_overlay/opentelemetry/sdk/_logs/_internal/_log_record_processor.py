"""Log record processors: their interface, and those that forward to several."""

from __future__ import annotations

import abc
import threading
from contextvars import copy_context
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, Callable

from ferrotel import _native
from opentelemetry.sdk.util._fork import call_after_fork

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from opentelemetry._logs import SeverityNumber
    from opentelemetry.context.context import Context
    from opentelemetry.sdk._logs._internal._log_record import ReadWriteLogRecord
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope


class LogRecordProcessor(abc.ABC):
    """Is told of every log record (specification: logs SDK, log record processor).

    The methods run on the thread that logs: they should return soon. What they raise is logged and goes no further,
    and what they log themselves does not become a log record.
    """

    @abc.abstractmethod
    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """A record was emitted; changes are seen by the processors after this one."""

    def enabled(
        self,
        *,
        context: Context | None = None,
        instrumentation_scope: InstrumentationScope | None = None,
        severity_number: SeverityNumber | None = None,
        event_name: str | None = None,
    ) -> bool:
        """Whether such a record would be of use; True unless a processor knows better."""
        return True

    @abc.abstractmethod
    def shutdown(self) -> None:
        """The provider shuts down."""

    @abc.abstractmethod
    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Exports what waits; returns False when ``timeout_millis`` passed first."""


def _describe_log_record_processor(processor: Any) -> tuple[bool, Any]:
    """What the native pipeline needs to know: whether ``enabled`` has to be asked, and the native core that stands for
    ``on_emit``, if any."""
    kind = type(processor)
    own = getattr(processor, "__dict__", {})
    asks = "enabled" in own or getattr(kind, "enabled", None) is not LogRecordProcessor.enabled
    core = getattr(processor, "_native_core", None) if "_native_core" in own else None
    if core is not None and ("on_emit" in own or not getattr(kind.on_emit, "_stands_for_native_core", False)):
        core = None
    return asks, core


class SynchronousMultiLogRecordProcessor(_native.LogRecordProcessorListBase, LogRecordProcessor):
    """Forwards to its processors one after the other, in the order in which they were added.

    This is what a provider uses by default, and the logger reads its list without calling it.
    """

    _log_record_processors: tuple[LogRecordProcessor, ...]

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def add_log_record_processor(self, log_record_processor: LogRecordProcessor) -> None:
        """Adds a processor at the end."""
        with self._lock:
            self._log_record_processors += (log_record_processor,)

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        for processor in self._log_record_processors:
            processor.on_emit(log_record)

    def enabled(
        self,
        *,
        context: Context | None = None,
        instrumentation_scope: InstrumentationScope | None = None,
        severity_number: SeverityNumber | None = None,
        event_name: str | None = None,
    ) -> bool:
        """Whether one of the processors has a use for such a record."""
        return _any_enabled(self._log_record_processors, context, instrumentation_scope, severity_number, event_name)

    def shutdown(self) -> None:
        """Shuts every processor down."""
        for processor in self._log_record_processors:
            processor.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flushes every processor; ``timeout_millis`` is for all of them together.

        Returns:
            False if the time was over before all were asked, or if one of them says so.
        """
        deadline = monotonic_ns() + timeout_millis * 1_000_000
        flushed = True
        for processor in self._log_record_processors:
            left = (deadline - monotonic_ns()) // 1_000_000
            if left <= 0:
                return False
            flushed = processor.force_flush(left) is not False and flushed
        return flushed


class ConcurrentMultiLogRecordProcessor(LogRecordProcessor):
    """Forwards to its processors at the same time, and waits until every one has returned.

    Args:
        max_workers: How many threads forward.
    """

    def __init__(self, max_workers: int = 2) -> None:
        self._log_record_processors: tuple[LogRecordProcessor, ...] = ()
        self._lock = threading.RLock()
        self._max_workers = max_workers
        self._init_executor()
        call_after_fork(self._init_executor)

    def _init_executor(self) -> None:
        # A forked child has none of the pool's threads.
        from concurrent.futures import ThreadPoolExecutor

        self._executor: ThreadPoolExecutor = ThreadPoolExecutor(max_workers=self._max_workers)

    def add_log_record_processor(self, log_record_processor: LogRecordProcessor) -> None:
        """Adds a processor."""
        with self._lock:
            self._log_record_processors += (log_record_processor,)

    def _submit_and_wait(
        self, func: Callable[[LogRecordProcessor], Callable[..., None]], *args: Any, **kwargs: Any
    ) -> None:
        # In the caller's context: what a processor logs there must be known for what it is.
        forwarded = [
            self._executor.submit(copy_context().run, func(processor), *args, **kwargs)
            for processor in self._log_record_processors
        ]
        for future in forwarded:
            future.result()

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        self._submit_and_wait(lambda processor: processor.on_emit, log_record)

    def enabled(
        self,
        *,
        context: Context | None = None,
        instrumentation_scope: InstrumentationScope | None = None,
        severity_number: SeverityNumber | None = None,
        event_name: str | None = None,
    ) -> bool:
        """Whether one of the processors has a use for such a record."""
        return _any_enabled(self._log_record_processors, context, instrumentation_scope, severity_number, event_name)

    def shutdown(self) -> None:
        """Shuts every processor down."""
        self._submit_and_wait(lambda processor: processor.shutdown)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flushes every processor at the same time; returns False if one says so or is not done in time."""
        from concurrent.futures import wait

        flushes = [self._executor.submit(p.force_flush, timeout_millis) for p in self._log_record_processors]
        done, late = wait(flushes, timeout_millis / 1e3)
        return not late and all(flush.result() is not False for flush in done)


def _any_enabled(
    processors: tuple[LogRecordProcessor, ...],
    context: Context | None,
    instrumentation_scope: InstrumentationScope | None,
    severity_number: SeverityNumber | None,
    event_name: str | None,
) -> bool:
    return any(
        processor.enabled(
            context=context,
            instrumentation_scope=instrumentation_scope,
            severity_number=severity_number,
            event_name=event_name,
        )
        for processor in processors
    )
