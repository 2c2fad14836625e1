"""The logs API: loggers take log records, mostly from a bridge to a logging library.

    from opentelemetry._logs import SeverityNumber, get_logger

    get_logger("shop.checkout").emit(severity_number=SeverityNumber.INFO, body="order placed")

Records go nowhere until a logger provider is set: see `set_logger_provider`. Loggers that were handed out before work
from then on.
"""

from __future__ import annotations

from opentelemetry._logs._internal import (
    Logger,
    LoggerProvider,
    LogRecord,
    NoOpLogger,
    NoOpLoggerProvider,
    get_logger,
    get_logger_provider,
    set_logger_provider,
)
from opentelemetry._logs.severity import SeverityNumber

__all__ = [
    "LogRecord",
    "Logger",
    "LoggerProvider",
    "NoOpLogger",
    "NoOpLoggerProvider",
    "SeverityNumber",
    "get_logger",
    "get_logger_provider",
    "set_logger_provider",
]
