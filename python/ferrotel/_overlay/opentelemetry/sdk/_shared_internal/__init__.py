"""The batching that span and log record processors share, for exporters that are written in Python.

Exporters of the engine never come here: see `_native_batch`.
"""

from __future__ import annotations

import _thread
import enum
import os
import time
from abc import abstractmethod
from collections import deque

from ferrotel import _native
from ferrotel._late import TYPE_CHECKING, Generic, Protocol, TypeVar, getLogger
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value
from opentelemetry.sdk.util._fork import call_after_fork

if TYPE_CHECKING:
    from logging import LogRecord
    from typing import Any

    from opentelemetry.sdk._shared_internal._processor_metrics import ProcessorMetricsT

Telemetry = TypeVar("Telemetry")

_DEFAULT_TIMEOUT_MILLIS = 30_000
# Longer than an exporter's usual timeout of ten seconds, so that one failing export is one line.
_REPEAT_SECONDS = 20


class DuplicateFilter:
    """Lets a line pass once per twenty seconds while the logger says nothing else."""

    last_log: tuple[Any, ...] | None = None

    def filter(self, record: LogRecord) -> bool:
        current = (record.module, record.levelno, record.msg, time.time() // _REPEAT_SECONDS)
        repeated = current == self.last_log
        self.last_log = current
        return not repeated


_logger = getLogger(__name__)
_logger.addFilter(DuplicateFilter())


class BatchExportStrategy(enum.Enum):
    """How much one round of exporting takes out of the queue."""

    EXPORT_ALL = 0
    EXPORT_WHILE_BATCH_EXCEEDS_THRESHOLD = 1
    EXPORT_AT_LEAST_ONE_BATCH = 2


class Exporter(Protocol[Telemetry]):
    """What `BatchProcessor` needs of an exporter."""

    @abstractmethod
    def export(self, batch: list[Telemetry], /) -> Any: ...

    @abstractmethod
    def shutdown(self) -> Any: ...


class BatchProcessor(Generic[Telemetry]):
    """A bounded queue and a daemon thread that hands what is queued to an exporter, in batches."""

    def __init__(
        self,
        exporter: Exporter[Telemetry],
        schedule_delay_millis: float,
        max_export_batch_size: int,
        export_timeout_millis: float,
        max_queue_size: int,
        exporting: str,
        metrics: ProcessorMetricsT,
    ) -> None:
        self._exporter = exporter
        self._exporting = exporting
        self._max_queue_size = max_queue_size
        self._max_export_batch_size = max_export_batch_size
        self._schedule_delay_millis = schedule_delay_millis
        self._schedule_delay = schedule_delay_millis / 1e3
        self._export_timeout_millis = export_timeout_millis
        self._shutdown = False
        self._shutdown_timeout_exceeded = False
        self._dropped = self._dropped_told = 0
        # The newest item stands on the left; a full deque lets its right end, the oldest, fall.
        self._queue: deque[Telemetry] = deque([], max_queue_size)
        self._metrics = metrics
        self._begin()
        metrics.register_queue_size(lambda: len(self._queue))
        call_after_fork(self._at_fork_reinit)

    def _begin(self) -> None:
        import threading

        self._pid = os.getpid()
        # Under gevent this one knows greenlets, which `_thread`'s does not: exporting may switch between them.
        self._export_lock = threading.RLock()
        self._worker_awaken = threading.Event()
        self._worker_thread = threading.Thread(
            name=f"OtelBatch{self._exporting}RecordProcessor", target=self.worker, daemon=True
        )
        self._worker_thread.start()
        from opentelemetry.sdk.util._exit import deliver_at_sigterm

        deliver_at_sigterm(self)

    def _at_fork_reinit(self) -> None:
        # The parent's items are the parent's to export, and its lock may be held by a thread that is not here.
        self._queue.clear()
        if self._shutdown:
            import threading

            self._pid = os.getpid()
            self._export_lock = threading.RLock()
        else:
            self._begin()

    def emit(self, data: Telemetry) -> None:
        """Queues one item; never waits."""
        if self._shutdown:
            _logger.info("Shutdown called, ignoring %s.", self._exporting)
            self._metrics.drop_items(1, "already_shutdown")
            return
        if self._pid != os.getpid():
            # A fork that did not go through Python's own.
            self._at_fork_reinit()
        if len(self._queue) >= self._max_queue_size:
            self._dropped += 1
            _logger.warning("Queue full, dropping %s.", self._exporting)
            self._metrics.drop_items(1)
        self._queue.appendleft(data)
        if len(self._queue) >= self._max_export_batch_size and not self._worker_awaken.is_set():
            self._worker_awaken.set()

    def worker(self) -> None:
        """The thread's life."""
        while True:
            full_batch = self._worker_awaken.wait(self._schedule_delay)
            if self._shutdown:
                break
            # Cleared before the round: a batch that fills up meanwhile is not forgotten.
            self._worker_awaken.clear()
            self._export(
                BatchExportStrategy.EXPORT_WHILE_BATCH_EXCEEDS_THRESHOLD
                if full_batch
                else BatchExportStrategy.EXPORT_AT_LEAST_ONE_BATCH
            )
        self._export(BatchExportStrategy.EXPORT_ALL)

    def _should_export_batch(self, batch_strategy: BatchExportStrategy, num_iterations: int) -> bool:
        if self._shutdown_timeout_exceeded or not self._queue:
            return False
        return (
            len(self._queue) >= self._max_export_batch_size
            or batch_strategy is BatchExportStrategy.EXPORT_ALL
            or (batch_strategy is BatchExportStrategy.EXPORT_AT_LEAST_ONE_BATCH and num_iterations == 0)
        )

    def _export(self, batch_strategy: BatchExportStrategy) -> None:
        with self._export_lock:
            self._export_batches(batch_strategy)

    def _export_batches(self, batch_strategy: BatchExportStrategy, deadline: float = float("inf")) -> None:
        with _Unheard(self._exporting):
            self._export_rounds(batch_strategy, deadline)

    def _export_rounds(self, batch_strategy: BatchExportStrategy, deadline: float) -> None:
        rounds = 0
        while self._should_export_batch(batch_strategy, rounds) and time.monotonic() < deadline:
            rounds += 1
            batch = [self._queue.pop() for _ in range(min(self._max_export_batch_size, len(self._queue)))]
            self._metrics.finish_items(len(batch))
            token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
            try:
                self._exporter.export(batch)
            except Exception:
                _logger.exception("Exception while exporting %s.", self._exporting)
            finally:
                detach(token)
        if self._dropped > self._dropped_told and not self._queue:
            lost, self._dropped_told = self._dropped - self._dropped_told, self._dropped
            _logger.warning("%d %s(s) were dropped because the queue was full.", lost, self._exporting)

    def force_flush(self, timeout_millis: float | None = None) -> bool:
        """Exports what is queued, on the calling thread; False after shutdown or when the time is over first."""
        if self._shutdown:
            return False
        if timeout_millis is None:
            self._export(BatchExportStrategy.EXPORT_ALL)
            return True
        deadline = time.monotonic() + timeout_millis / 1e3
        if not self._export_lock.acquire(timeout=min(max(timeout_millis / 1e3, 0), _thread.TIMEOUT_MAX)):
            return False
        try:
            self._export_batches(BatchExportStrategy.EXPORT_ALL, deadline)
            return not self._queue
        finally:
            self._export_lock.release()

    def shutdown(self, timeout_millis: float = _DEFAULT_TIMEOUT_MILLIS) -> None:
        """Exports what is queued, for as long as `timeout_millis` allows, then shuts the exporter down."""
        if self._shutdown:
            return
        deadline = time.monotonic() + timeout_millis / 1e3
        self._shutdown = True
        self._worker_awaken.set()
        self._worker_thread.join(timeout_millis / 1e3)
        self._shutdown_timeout_exceeded = True
        remaining = max(0.0, deadline - time.monotonic()) * 1e3
        with _Unheard(self._exporting):
            try:
                if _takes_timeout(self._exporter.shutdown):
                    self._exporter.shutdown(timeout_millis=remaining)  # type: ignore[call-arg]
                else:
                    self._exporter.shutdown()
            except Exception:
                _logger.exception("Exception while shutting down the exporter of %s.", self._exporting)


def _takes_timeout(shutdown: Any) -> bool:
    # It takes longer to import than the rest of this package.
    import inspect

    try:
        return "timeout_millis" in inspect.getfullargspec(shutdown).args
    except TypeError:
        return False


class _Unheard:
    """What an exporter of log records logs must not become a log record for it to export."""

    def __init__(self, exporting: str) -> None:
        self._exporting = exporting

    def __enter__(self) -> None:
        self._silence = _native.silence("batch") if self._exporting == "Log" else None

    def __exit__(self, *_: object) -> None:
        _native.end_silence(self._silence)
