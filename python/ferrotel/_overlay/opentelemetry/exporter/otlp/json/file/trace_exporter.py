"""OTLP in lines of JSON: spans."""

from __future__ import annotations

import os
from logging import getLogger
from typing import IO, Any, Sequence

from ferrotel import _native
from opentelemetry.exporter.otlp.json.file._lines import LineWriter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

_logger = getLogger(__name__)


class FileSpanExporter(SpanExporter):
    """Appends spans to the file at `path`, or writes them to `stream`, which it does not close; default: standard
    output."""

    def __init__(self, path: str | os.PathLike[str] | None = None, *, stream: IO[str] | None = None) -> None:
        self._writer = LineWriter(path, stream, _logger)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Writes one line; FAILURE, and a line in the log, when that can't be done."""
        written = not spans or self._writer.write(_native.encode_spans_json(spans), "spans")
        return SpanExportResult.SUCCESS if written else SpanExportResult.FAILURE

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Closes the file."""
        self._writer.shut_down()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """True: nothing is kept."""
        return True
