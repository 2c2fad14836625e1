"""structlog, as docs/logs.md shows it."""

from __future__ import annotations

import logging
from typing import Iterator

import pytest
import structlog

from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider


@pytest.fixture
def kept() -> Iterator[InMemoryLogRecordExporter]:
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    logger = logging.getLogger("shop")
    handler = LoggingHandler(logger_provider=provider)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield exporter
    logger.removeHandler(handler)
    provider.shutdown()
    structlog.reset_defaults()


def test_events_and_fields(kept: InMemoryLogRecordExporter) -> None:
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.render_to_log_kwargs,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    log = structlog.get_logger("shop").bind(user=7)
    with TracerProvider(shutdown_on_exit=False).get_tracer("t").start_as_current_span("s") as span:
        log.info("order placed", items=[1, 2])
    log.debug("too fine")
    try:
        raise ValueError("no")
    except ValueError:
        log.exception("failed")
    placed, failed = (readable.log_record for readable in kept.get_finished_logs())
    assert placed.body == "order placed" and placed.severity_text == "INFO"
    assert placed.attributes == {"user": 7, "items": (1, 2)}
    assert placed.span_id == span.get_span_context().span_id
    assert failed.attributes is not None
    assert failed.attributes["exception.type"] == "ValueError" and failed.attributes["user"] == 7
