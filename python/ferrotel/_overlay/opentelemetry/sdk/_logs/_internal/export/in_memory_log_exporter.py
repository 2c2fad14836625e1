"""An exporter that keeps the log records, for tests."""

from __future__ import annotations

import threading
from typing import Sequence

from ferrotel._compat import deprecated
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult


class InMemoryLogRecordExporter(LogRecordExporter):
    """Keeps the records that it is given."""

    def __init__(self) -> None:
        self._logs: list[ReadableLogRecord] = []
        self._lock = threading.RLock()
        self._stopped = False

    def clear(self) -> None:
        """Forgets the records."""
        with self._lock:
            self._logs.clear()

    def get_finished_logs(self) -> tuple[ReadableLogRecord, ...]:
        """The records so far, in the order in which they came."""
        with self._lock:
            return tuple(self._logs)

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        if self._stopped:
            return LogRecordExportResult.FAILURE
        with self._lock:
            self._logs.extend(batch)
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        self._stopped = True

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


@deprecated("Use InMemoryLogRecordExporter. Since logs are not stable yet this WILL be removed in future releases.")
class InMemoryLogExporter(InMemoryLogRecordExporter):
    """The older name of `InMemoryLogRecordExporter`."""
