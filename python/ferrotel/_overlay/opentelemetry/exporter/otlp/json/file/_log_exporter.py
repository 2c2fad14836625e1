"""OTLP in lines of JSON: log records."""

from __future__ import annotations

import os
from logging import getLogger
from typing import IO, Sequence

from ferrotel import _native
from opentelemetry.exporter.otlp.json.file._lines import LineWriter
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult

_logger = getLogger(__name__)


class FileLogExporter(LogRecordExporter):
    """Appends log records to the file at `path`, or writes them to `stream`, which it does not close; default: standard
    output."""

    def __init__(self, path: str | os.PathLike[str] | None = None, *, stream: IO[str] | None = None) -> None:
        self._writer = LineWriter(path, stream, _logger)

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Writes one line; FAILURE, and a line in the log, when that can't be done."""
        written = not batch or self._writer.write(_native.encode_logs_json(batch), "log records")
        return LogRecordExportResult.SUCCESS if written else LogRecordExportResult.FAILURE

    def shutdown(self) -> None:
        """Closes the file."""
        self._writer.shut_down()

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        """True: nothing is kept."""
        return True
