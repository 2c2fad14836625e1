"""The SDK's handler of `logging`, deprecated in favour of the one of `opentelemetry-instrumentation-logging`."""

from __future__ import annotations

import logging
import threading
import traceback
import warnings
from contextvars import ContextVar
from time import time_ns
from typing import TYPE_CHECKING, Any, Mapping, Sequence

from opentelemetry._logs import LogRecord, NoOpLogger, SeverityNumber, get_logger, get_logger_provider

if TYPE_CHECKING:
    from opentelemetry._logs import LoggerProvider

# What a record of `logging` has by itself; anything else the program has added.
_RESERVED_ATTRS = frozenset(
    (
        "asctime",
        "args",
        "created",
        "exc_info",
        "exc_text",
        "filename",
        "funcName",
        "getMessage",
        "message",
        "levelname",
        "levelno",
        "lineno",
        "module",
        "msecs",
        "msg",
        "name",
        "pathname",
        "process",
        "processName",
        "relativeCreated",
        "stack_info",
        "thread",
        "threadName",
        "taskName",
    )
)
# The data model's names of these levels.
_SEVERITY_TEXTS = {"WARNING": "WARN", "CRITICAL": "FATAL"}
# `Logger._emit_logging_record`: with the attributes `code.*`, and with bodies that are no strings.
_CODE_ATTRIBUTES_AND_OBJECTS = 1 | 2
# An object's `__str__` may log, but not without an end.
_DEEPEST = 3
_depth: ContextVar[int] = ContextVar("opentelemetry_logging_handler_depth", default=0)


def _severity_of(level: int) -> SeverityNumber:
    tens, grade = divmod(level, 10)
    return SeverityNumber(tens * 4 + 1 + min(grade, 3))


_STD_TO_OTEL = {level: _severity_of(level) for level in range(10, 54)}


def std_to_otel(levelno: int) -> SeverityNumber:
    """The severity of a level of `logging` (logs data model, appendix B)."""
    if levelno < 10:
        return SeverityNumber.UNSPECIFIED
    return _STD_TO_OTEL.get(int(levelno), SeverityNumber.FATAL4)


def _is_alone(handler: logging.Handler, name: str) -> bool:
    """Whether no other handler sees the records of this logger.

    `logging` writes warnings to standard error where there is no handler at all. A program that has none must not fall
    silent because this one was set up for it.
    """
    logger: Any = logging.root if name == "root" else logging.Logger.manager.loggerDict.get(name, logging.root)
    while logger is not None:
        if any(other is not handler for other in getattr(logger, "handlers", ())):
            return False
        if not getattr(logger, "propagate", True):
            break
        # The place of a logger that is yet to be made has no parent.
        logger = getattr(logger, "parent", logging.root)
    return True


def _handle_as_last_resort(record: logging.LogRecord) -> None:
    last_resort = logging.lastResort
    if last_resort is not None and record.levelno >= last_resort.level:
        last_resort.handle(record)


class LoggingHandler(logging.Handler):
    """Turns the records of `logging` into log records.

    Unlike other handlers it holds no lock while it works: it needs none, and an object's `__str__` that waits for
    another thread, which logs, would wait for ever.
    """

    def __init__(self, level: int = logging.NOTSET, logger_provider: LoggerProvider | None = None) -> None:
        super().__init__(level=level)
        self._logger_provider = logger_provider or get_logger_provider()
        warnings.warn(
            "`LoggingHandler` in `opentelemetry-sdk` is deprecated. Use the "
            "handler from `opentelemetry-instrumentation-logging` instead.",
            DeprecationWarning,
            stacklevel=2,
        )
        # Set where nobody asked for the handler: see `_is_alone`.
        self._keeps_last_resort = False
        # Loggers that read a record themselves, by name. A subclass's own reading goes before theirs.
        self._native: dict[str, Any] = {}
        self._native_of: Any = None
        self._has_own_reading = (
            type(self)._translate is not LoggingHandler._translate
            or type(self)._get_attributes is not LoggingHandler._get_attributes
        )

    def handle(self, record: logging.LogRecord) -> Any:
        """As in every handler, but for the lock."""
        if type(self).emit is not LoggingHandler.emit:
            return super().handle(record)
        passes: Any = self.filter(record) if self.filters else True
        if passes:
            if isinstance(passes, logging.LogRecord):
                record = passes
            if self._keeps_last_resort and record.levelno >= logging.WARNING and _is_alone(self, record.name):
                _handle_as_last_resort(record)
            self.emit(record)
        return passes

    def emit(self, record: logging.LogRecord) -> None:
        """Makes a log record of `record`. What cannot be formatted is reported as `logging` does."""
        try:
            if not self._has_own_reading:
                read = self._native.get(record.name) if self._logger_provider is self._native_of else None
                if read is None:
                    read = self._find_native(record.name)
                formatted = None if self.formatter is None else self.format
                if read is not None and read(record, formatted, _CODE_ATTRIBUTES_AND_OBJECTS):
                    return
            self._emit_object(record)
        except Exception:
            self.handleError(record)

    def _find_native(self, name: str) -> Any:
        provider = self._logger_provider
        logger = get_logger(name, logger_provider=provider)
        read = getattr(logger, "_emit_logging_record", None)
        if read is not None:
            if provider is not self._native_of:
                self._native, self._native_of = {}, provider
            self._native[name] = read
        return read

    def _emit_object(self, record: logging.LogRecord) -> None:
        depth = _depth.get()
        if depth >= _DEEPEST:
            return
        token = _depth.set(depth + 1)
        try:
            logger = get_logger(record.name, logger_provider=self._logger_provider)
            if not isinstance(logger, NoOpLogger):
                logger.emit(self._translate(record))
        finally:
            _depth.reset(token)

    @staticmethod
    def _get_attributes(record: logging.LogRecord) -> dict[str, Any]:
        attributes = {key: value for key, value in vars(record).items() if key not in _RESERVED_ATTRS}
        attributes["code.file.path"] = record.pathname
        attributes["code.function.name"] = record.funcName
        attributes["code.line.number"] = record.lineno
        if record.exc_info:
            kind, exception, stack = record.exc_info
            if kind is not None:
                attributes["exception.type"] = kind.__name__
            if exception is not None and exception.args:
                attributes["exception.message"] = str(exception.args[0])
            if stack is not None:
                attributes["exception.stacktrace"] = "".join(traceback.format_exception(*record.exc_info))
        return attributes

    def _translate(self, record: logging.LogRecord) -> LogRecord:
        # Where programs, and tests, look for it.
        from opentelemetry.sdk._logs import _internal

        attributes = self._get_attributes(record)
        message: Any = record.msg
        body: Any
        if self.formatter:
            body = self.format(record)
        elif record.args or isinstance(message, str):
            body = record.getMessage()
        elif message is None or isinstance(message, (bool, bytes, int, float, Sequence, Mapping)):
            body = message
        else:
            body = str(message)
        return LogRecord(
            timestamp=int(record.created * 1e9),
            observed_timestamp=time_ns(),
            context=_internal.get_current() or None,
            severity_text=_SEVERITY_TEXTS.get(record.levelname, record.levelname),
            severity_number=std_to_otel(record.levelno),
            body=body,
            attributes=attributes,
        )

    def flush(self) -> None:
        """Asks the provider to export what waits, and does not wait for it: `logging` may hold its locks here."""
        force_flush = getattr(self._logger_provider, "force_flush", None)
        if not callable(force_flush):
            return
        try:
            threading.Thread(target=force_flush, name="OtelLogFlush", daemon=True).start()
        except RuntimeError:
            # The interpreter is going down and starts no thread; the provider delivers at exit.
            pass
