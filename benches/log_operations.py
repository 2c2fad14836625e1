"""What is measured of logs: as in operations.py."""

from __future__ import annotations

import logging
from itertools import repeat
from typing import Callable

from operations import Run

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider


def logger_emit(provider: LoggerProvider) -> Run:
    logger = provider.get_logger("benches", "1.0")

    def run(count: int) -> None:
        for _ in repeat(None, count):
            logger.emit(
                timestamp=1_700_000_000_000_000_000,
                severity_number=SeverityNumber.INFO,
                severity_text="INFO",
                body="user 42 signed in",
            )

    return run


def logger_emit_2(provider: LoggerProvider) -> Run:
    logger = provider.get_logger("benches", "1.0")

    def run(count: int) -> None:
        for _ in repeat(None, count):
            logger.emit(
                timestamp=1_700_000_000_000_000_000,
                severity_number=SeverityNumber.INFO,
                severity_text="INFO",
                body="user 42 signed in",
                attributes={"user.id": 42, "session": "gold"},
            )

    return run


def logger_emit_record(provider: LoggerProvider) -> Run:
    """A record that the program makes, in Python on both sides."""
    logger = provider.get_logger("benches", "1.0")

    def run(count: int) -> None:
        for _ in repeat(None, count):
            logger.emit(
                LogRecord(
                    timestamp=1_700_000_000_000_000_000,
                    severity_number=SeverityNumber.INFO,
                    severity_text="INFO",
                    body="user 42 signed in",
                    attributes={"user.id": 42, "session": "gold"},
                )
            )

    return run


def logging_plain(provider: LoggerProvider) -> Run:
    """What `logging` itself takes: the handler does nothing."""
    return logging_info("benches.plain", logging.NullHandler())


def logging_handler(provider: LoggerProvider) -> Run:
    import warnings

    from opentelemetry.sdk._logs import LoggingHandler

    with warnings.catch_warnings():
        # The official class announces that it is to move.
        warnings.simplefilter("ignore", DeprecationWarning)
        handler = LoggingHandler(logger_provider=provider)
    return logging_info("benches.handler", handler)


def logging_info(name: str, handler: logging.Handler) -> Run:
    logger = logging.getLogger(name)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)

    def run(count: int) -> None:
        for _ in repeat(None, count):
            logger.info("user %d signed in", 42)

    return run


OPERATIONS: tuple[Callable[[LoggerProvider], Run], ...] = (
    logger_emit,
    logger_emit_2,
    logger_emit_record,
    logging_plain,
    logging_handler,
)
