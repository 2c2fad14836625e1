"""What a batch processor of the engine's reports about itself and its exporter, through the metrics API.

The engine counts anyway. A collection asks for the queue's size, and that is when everything else is brought up to
date: nothing is added to the way of a span or log record.
"""

from __future__ import annotations

import os
import threading

from ferrotel import _native
from ferrotel._late import TYPE_CHECKING
from opentelemetry.sdk._shared_internal._processor_metrics import ProcessorMetricsT

if TYPE_CHECKING:
    from typing import Any

_NOTHING = dict.fromkeys(("in_flight", "dropped", "abandoned", "exported", "failed", "ignored"), 0)


class EngineMetrics:
    """Carries one processor's counters over to the instruments."""

    def __init__(
        self,
        core: _native.BatchSpanCore | _native.BatchLogRecordCore,
        processor: ProcessorMetricsT,
        exporter: Any,
    ) -> None:
        self._core = core
        self._processor = processor
        self._exporter = exporter
        self._begin()
        processor.register_queue_size(self._queue_size)

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._told = _NOTHING

    def _queue_size(self) -> int:
        if self._pid != os.getpid():
            # The engine has begun to count anew, and another thread may have held the lock.
            self._begin()
        # Of two readers that collect at the same time, one does it.
        if self._lock.acquire(blocking=False):
            try:
                return self._tell()
            finally:
                self._lock.release()
        return self._core.counts()["queued"]

    def _tell(self) -> int:
        operations = self._core.take_operations()
        counts = self._core.counts()
        before, self._told = self._told, counts
        new = {name: counts[name] - before[name] for name in _NOTHING}
        processor = self._processor
        handed_over = new["exported"] + new["failed"]
        if handed_over + new["in_flight"]:
            processor.finish_items(handed_over + new["in_flight"])
        if new["dropped"] - new["abandoned"]:
            processor.drop_items(new["dropped"] - new["abandoned"])
        if new["abandoned"]:
            processor.drop_items(new["abandoned"], "shutdown")
        if new["ignored"]:
            processor.drop_items(new["ignored"], "already_shutdown")
        if handed_over or new["in_flight"]:
            # Looked up each time: an exporter can be given another meter provider.
            self._exporter._metrics.settle(new["in_flight"], new["exported"], new["failed"], operations)
        return counts["queued"]
