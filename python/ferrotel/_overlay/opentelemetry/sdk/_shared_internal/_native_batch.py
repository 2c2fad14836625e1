"""The face of the engine's batch processor: the attributes that programs read from `BatchProcessor`."""

from __future__ import annotations

from ferrotel import _native
from ferrotel._late import TYPE_CHECKING
from opentelemetry.sdk._shared_internal import BatchExportStrategy

if TYPE_CHECKING:
    from typing import Any

_DEFAULT_TIMEOUT_MILLIS = 30_000


def native_exporter(exporter: Any) -> Any:
    """The engine's exporter inside `exporter`, where nothing of it is overridden in Python; None otherwise."""
    probe = getattr(type(exporter), "_engine_exporter", None)
    return None if probe is None else probe(exporter)


def validate_batch_arguments(max_queue_size: int, schedule_delay_millis: float, max_export_batch_size: int) -> None:
    """Raises ValueError for sizes and times that no batch processor can work with."""
    if max_queue_size <= 0:
        raise ValueError("max_queue_size must be a positive integer.")
    if schedule_delay_millis <= 0:
        raise ValueError("schedule_delay_millis must be positive.")
    if max_export_batch_size <= 0:
        raise ValueError("max_export_batch_size must be a positive integer.")
    if max_export_batch_size > max_queue_size:
        raise ValueError("max_export_batch_size must be less than or equal to max_queue_size.")


class NativeBatchProcessor:
    """Queue, worker thread and export are the engine's and never take the interpreter lock."""

    def __init__(
        self,
        exporter: Any,
        core: _native.BatchSpanCore | _native.BatchLogRecordCore,
        schedule_delay_millis: float,
        max_export_batch_size: int,
        export_timeout_millis: float,
        max_queue_size: int,
        exporting: str,
    ) -> None:
        import threading

        self._exporter = exporter
        self._exporting = exporting
        self._max_queue_size = max_queue_size
        self._max_export_batch_size = max_export_batch_size
        self._schedule_delay_millis = schedule_delay_millis
        self._schedule_delay = schedule_delay_millis / 1e3
        self._export_timeout_millis = export_timeout_millis
        self._shutdown = False
        self._export_lock = threading.RLock()
        self._core = core
        self._queue = _NativeQueue(self._core, max_queue_size)
        self._worker_awaken = threading.Event()

    def emit(self, data: Any) -> None:
        self._core.push(data)

    def _should_export_batch(self, batch_strategy: BatchExportStrategy, num_iterations: int) -> bool:
        # The engine's worker decides; nothing in the queue waits for a Python thread.
        return False

    def _at_fork_reinit(self) -> None:
        """The engine renews itself in a forked child."""

    def force_flush(self, timeout_millis: float | None = None) -> bool:
        return self._core.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = _DEFAULT_TIMEOUT_MILLIS) -> None:
        if self._shutdown:
            return
        self._shutdown = True
        try:
            self._core.shutdown(timeout_millis)
        finally:
            self._exporter.shutdown()


class _NativeQueue:
    """The engine's queue as `BatchProcessor._queue` is used: asked for its length, and appended to."""

    def __init__(self, core: _native.BatchSpanCore | _native.BatchLogRecordCore, maxlen: int) -> None:
        self._core = core
        self.maxlen = maxlen

    def appendleft(self, item: Any) -> None:
        self._core.push(item)

    def __len__(self) -> int:
        return self._core.counts()["queued"]
