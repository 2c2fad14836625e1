"""loguru, as docs/logs.md shows it."""

from __future__ import annotations

from typing import Iterator

import pytest
from loguru import logger

from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider


@pytest.fixture
def kept() -> Iterator[InMemoryLogRecordExporter]:
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    sink = logger.add(LoggingHandler(logger_provider=provider), format="{message}", level="INFO")
    yield exporter
    logger.remove(sink)
    provider.shutdown()


def test_messages_and_bound_values(kept: InMemoryLogRecordExporter) -> None:
    with TracerProvider(shutdown_on_exit=False).get_tracer("t").start_as_current_span("s") as span:
        logger.bind(user=7).info("order {} placed", 5)
    logger.debug("too fine")
    try:
        raise ValueError("no")
    except ValueError:
        logger.exception("failed")
    placed, failed = (readable.log_record for readable in kept.get_finished_logs())
    assert placed.body == "order 5 placed" and placed.severity_text == "INFO"
    assert placed.attributes is not None and placed.attributes["extra"] == {"user": 7}
    assert placed.span_id == span.get_span_context().span_id
    assert failed.attributes is not None and failed.attributes["exception.type"] == "ValueError"
    assert "raise ValueError" in str(failed.attributes["exception.stacktrace"])
