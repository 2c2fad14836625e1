"""Span processors: the interface, and the two that forward to several others."""

from __future__ import annotations

import _thread
from _weakrefset import WeakSet
from time import monotonic_ns

from ferrotel import _native
from ferrotel._late import TYPE_CHECKING
from opentelemetry.sdk.util._fork import call_after_fork

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor
    from typing import Any, Callable

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace._span import ReadableSpan, Span


class SpanProcessor:
    """Is told of every recorded span's start and end (specification: trace SDK, span processor).

    The methods run on the thread that starts or ends the span: they should return soon. What they raise is logged and
    goes no further.
    """

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """The span has started; ``parent_context`` is the context that the caller passed, if any."""

    def _on_ending(self, span: Span) -> None:
        """The span is about to end; its end time is set."""

    def on_end(self, span: ReadableSpan) -> None:
        """The span has ended and can only be read."""

    def shutdown(self) -> None:
        """The provider shuts down."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Exports what waits; returns False when ``timeout_millis`` passed first."""
        return True


_NO_OPERATION = frozenset((SpanProcessor.on_start, SpanProcessor._on_ending, SpanProcessor.on_end))


def _describe_processor(processor: Any) -> tuple[bool, bool, bool, Any]:
    """What the native pipeline needs to know: whether on_start, _on_ending and on_end are there to be called from
    Python, and the native core that stands for on_end otherwise."""
    kind = type(processor)
    own = getattr(processor, "__dict__", {})

    def wanted(name: str) -> bool:
        function = getattr(kind, name, None)
        return name in own or not (function in _NO_OPERATION or getattr(function, "_no_operation", False))

    core = getattr(processor, "_native_core", None) if "_native_core" in own else None
    if core is not None and ("on_end" in own or not getattr(kind.on_end, "_stands_for_native_core", False)):
        core = None
    return wanted("on_start"), wanted("_on_ending"), core is None and wanted("on_end"), core


class PatchableSpanProcessor(SpanProcessor):
    """A processor that the native pipeline need not call, and notices when one of its methods is replaced.

    Programs put a function in the place of a processor's `on_start` or `on_end`, also after it was added to a provider.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in _TOLD:
            _describe_again(self)

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        if name in _TOLD:
            _describe_again(self)


_TOLD = frozenset(("on_start", "_on_ending", "on_end"))
_lists: WeakSet[SynchronousMultiSpanProcessor] = WeakSet()


def _describe_again(processor: SpanProcessor) -> None:
    for joined in list(_lists):
        with joined._lock:
            if any(each is processor for each in joined._span_processors):
                # Whoever is in a list is described when the list is set.
                joined._span_processors = joined._span_processors


class SynchronousMultiSpanProcessor(_native.ProcessorListBase, SpanProcessor):
    """Forwards to its processors one after the other, in the order in which they were added.

    This is what a provider uses by default, and the tracer reads its list without calling it.
    """

    _span_processors: tuple[SpanProcessor, ...]

    def __init__(self) -> None:
        self._lock = _thread.RLock()
        _lists.add(self)

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Adds a processor at the end."""
        with self._lock:
            self._span_processors += (span_processor,)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        for processor in self._span_processors:
            processor.on_start(span, parent_context=parent_context)

    def _on_ending(self, span: Span) -> None:
        for processor in self._span_processors:
            processor._on_ending(span)

    def on_end(self, span: ReadableSpan) -> None:
        for processor in self._span_processors:
            processor.on_end(span)

    def shutdown(self) -> None:
        """Shuts every processor down."""
        for processor in self._span_processors:
            processor.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flushes every processor; ``timeout_millis`` is for all of them together.

        Returns:
            False if the time was over before all were asked, or if one of them says so.
        """
        deadline = monotonic_ns() + timeout_millis * 1_000_000
        flushed = True
        for processor in self._span_processors:
            left = (deadline - monotonic_ns()) // 1_000_000
            if left <= 0:
                return False
            flushed = processor.force_flush(left) is not False and flushed
        return flushed


class ConcurrentMultiSpanProcessor(SpanProcessor):
    """Forwards to its processors at the same time, and waits until every one has returned.

    Args:
        num_threads: How many threads forward.
    """

    _span_processors: tuple[SpanProcessor, ...]

    def __init__(self, num_threads: int = 2) -> None:
        self._span_processors = ()
        self._lock = _thread.RLock()
        self._num_threads = num_threads
        self._init_executor(num_threads)
        call_after_fork(self._handle_fork)

    def _handle_fork(self) -> None:
        # A child has none of the pool's threads.
        self._init_executor(self._num_threads)

    def _init_executor(self, num_threads: int) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self._executor: ThreadPoolExecutor = ThreadPoolExecutor(max_workers=num_threads)

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Adds a processor."""
        with self._lock:
            self._span_processors += (span_processor,)

    def _submit_and_await(
        self, func: Callable[[SpanProcessor], Callable[..., None]], *args: Any, **kwargs: Any
    ) -> None:
        forwarded = [self._executor.submit(func(processor), *args, **kwargs) for processor in self._span_processors]
        for future in forwarded:
            future.result()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self._submit_and_await(lambda processor: processor.on_start, span, parent_context=parent_context)

    def _on_ending(self, span: Span) -> None:
        self._submit_and_await(lambda processor: processor._on_ending, span)

    def on_end(self, span: ReadableSpan) -> None:
        self._submit_and_await(lambda processor: processor.on_end, span)

    def shutdown(self) -> None:
        """Shuts every processor down."""
        self._submit_and_await(lambda processor: processor.shutdown)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flushes every processor at the same time; returns False if one says so or is not done in time."""
        from concurrent.futures import wait

        flushes = [self._executor.submit(p.force_flush, timeout_millis) for p in self._span_processors]
        done, late = wait(flushes, timeout_millis / 1e3)
        return not late and all(flush.result() is not False for flush in done)
