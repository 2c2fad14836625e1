"""The handler that turns the records of `logging` into log records."""

from __future__ import annotations

import functools
import logging
import logging.config
import threading
import traceback
from contextvars import ContextVar
from time import time_ns
from typing import Any, Callable

from opentelemetry._logs import LoggerProvider, LogRecord, NoOpLogger, get_logger, get_logger_provider
from opentelemetry.context import get_current
from opentelemetry.instrumentation.log_utils import std_to_otel
from opentelemetry.util.types import AnyValue

_internal_logger = logging.getLogger(__name__ + ".internal")
_internal_logger.propagate = False
_internal_logger.addHandler(logging.StreamHandler())

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
# Options of `_emit_logging_record`.
_CODE_ATTRIBUTES = 1
_EVENT_NAMES = 4
# An object's `__str__` may log, but not without an end.
_DEEPEST = 3


class LoggingHandler(logging.Handler):
    """Turns the records of `logging` into log records.

    Unlike other handlers it holds no lock while it works: it needs none, and an object's `__str__` that waits for
    another thread, which logs, would wait for ever. A logger that can read `logging`'s records by itself is left to do
    so; ferrotel's does, without an object for the log record.

    Args:
        level: The least severe level that it takes.
        logger_provider: Whose loggers get the log records; default: the global one.
        log_code_attributes: Whether they say which line logged.
    """

    _is_emitting: ContextVar[int] = ContextVar("_is_emitting", default=0)

    def __init__(
        self,
        level: int = logging.NOTSET,
        logger_provider: LoggerProvider | None = None,
        log_code_attributes: bool = False,
    ) -> None:
        super().__init__(level=level)
        self._logger_provider = logger_provider or get_logger_provider()
        self._log_code_attributes = log_code_attributes
        self._options = _EVENT_NAMES | (_CODE_ATTRIBUTES if log_code_attributes else 0)
        # Set where nobody asked for the handler: see `_is_alone`.
        self._keeps_last_resort = False
        # Loggers that read a record themselves, by name. A subclass's own reading goes before theirs.
        self._readers: dict[str, Any] = {}
        self._readers_of: Any = None
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
                read = self._readers.get(record.name) if self._logger_provider is self._readers_of else None
                if read is None:
                    read = self._find_reader(record.name)
                formatted = None if self.formatter is None else self.format
                if read is not None and read(record, formatted, self._options):
                    return
            self._emit_object(record)
        except Exception:
            self.handleError(record)

    def _find_reader(self, name: str) -> Any:
        provider = self._logger_provider
        logger = get_logger(name, logger_provider=provider)
        read = getattr(logger, "_emit_logging_record", None)
        if read is not None:
            if provider is not self._readers_of:
                self._readers, self._readers_of = {}, provider
            self._readers[name] = read
        return read

    def _emit_object(self, record: logging.LogRecord) -> None:
        depth = self._is_emitting.get()
        if depth >= _DEEPEST:
            _internal_logger.warning("LoggingHandler.emit detected recursive logging, skipping to prevent deadlock.")
            return
        token = self._is_emitting.set(depth + 1)
        try:
            logger = get_logger(record.name, logger_provider=self._logger_provider)
            if not isinstance(logger, NoOpLogger):
                logger.emit(self._translate(record))
        finally:
            self._is_emitting.reset(token)

    def _get_attributes(self, record: logging.LogRecord) -> tuple[dict[str, AnyValue], str | None]:
        attributes: dict[str, Any] = {k: v for k, v in vars(record).items() if k not in _RESERVED_ATTRS}
        # The second one is the older name.
        event_name = attributes.pop("otel.event.name", None)
        older_event_name = attributes.pop("event.name", None)
        if event_name is None:
            event_name = older_event_name
        if self._log_code_attributes:
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
        return attributes, event_name

    def _translate(self, record: logging.LogRecord) -> LogRecord:
        body = self.format(record) if self.formatter else record.getMessage()
        attributes, event_name = self._get_attributes(record)
        return LogRecord(
            timestamp=int(record.created * 1e9),
            observed_timestamp=time_ns(),
            context=get_current() or None,
            severity_text=_SEVERITY_TEXTS.get(record.levelname, record.levelname),
            severity_number=std_to_otel(record.levelno),
            body=body,
            attributes=attributes,
            event_name=event_name,
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


def _setup_logging_handler(
    logger_provider: LoggerProvider,
    log_code_attributes: bool = False,
    level: int | None = None,
) -> LoggingHandler:
    handler = LoggingHandler(
        level=level or logging.NOTSET,
        logger_provider=logger_provider,
        log_code_attributes=log_code_attributes,
    )
    handler._keeps_last_resort = True
    logging.getLogger().addHandler(handler)
    _overwrite_logging_config_fns(handler)
    return handler


def _overwrite_logging_config_fns(handler: LoggingHandler) -> None:
    """Hides the handler from the functions that configure logging: they would remove it, or do nothing for it."""
    root = logging.getLogger()

    def hiding_handler(configure: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(configure)
        def configure_without_handler(*args: Any, **kwargs: Any) -> Any:
            hidden = handler in root.handlers
            if hidden:
                root.handlers.remove(handler)
            try:
                return configure(*args, **kwargs)
            finally:
                if hidden:
                    root.addHandler(handler)

        return configure_without_handler

    logging.config.fileConfig = hiding_handler(logging.config.fileConfig)
    logging.config.dictConfig = hiding_handler(logging.config.dictConfig)
    logging.basicConfig = hiding_handler(logging.basicConfig)


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
