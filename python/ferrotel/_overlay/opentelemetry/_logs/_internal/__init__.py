"""Log records, the loggers that take them, and the global logger provider."""

from __future__ import annotations

from abc import ABC, abstractmethod
from logging import getLogger
from os import environ
from time import time_ns as time_ns
from typing import TYPE_CHECKING, Any, cast, overload

from ferrotel import _native
from ferrotel._compat import deprecated
from opentelemetry._logs.severity import SeverityNumber
from opentelemetry.context import get_current as get_current
from opentelemetry.context.context import Context
from opentelemetry.environment_variables import _OTEL_PYTHON_LOGGER_PROVIDER
from opentelemetry.trace import get_current_span as get_current_span
from opentelemetry.trace.span import TraceFlags
from opentelemetry.util._once import Once
from opentelemetry.util._providers import _load_provider
from opentelemetry.util.types import AnyValue, Attributes

_logger = getLogger(__name__)


class _Signature:
    """For `inspect.signature`: that of older Pythons does not find what a native `__init__` takes. A class that derives
    from the record has a signature of its own."""

    def __get__(self, instance: object, owner: type) -> Any:
        import inspect

        if owner is not LogRecord:
            raise AttributeError("__signature__")
        names = "timestamp observed_timestamp context trace_id span_id trace_flags severity_text severity_number"
        names += " body attributes event_name exception"
        kind = inspect.Parameter.KEYWORD_ONLY
        return inspect.Signature([inspect.Parameter(name, kind, default=None) for name in names.split()])


class LogRecord(_native.LogRecordBase, ABC):
    """One thing that was logged.

    Times are in nanoseconds since the Unix epoch: `timestamp` is when it happened, `observed_timestamp` when it was
    collected, by default now. Trace id, span id and flags are those of the span in `context`, by default the current
    one; given by themselves, as before 1.35, they are stronger.
    """

    __signature__ = _Signature()

    if TYPE_CHECKING:
        context: Context
        timestamp: int | None
        observed_timestamp: int
        trace_id: int
        span_id: int
        trace_flags: TraceFlags
        severity_text: str | None
        severity_number: SeverityNumber | None
        body: AnyValue
        attributes: Attributes
        event_name: str | None
        exception: BaseException | None

        @overload
        def __init__(
            self,
            *,
            timestamp: int | None = None,
            observed_timestamp: int | None = None,
            context: Context | None = None,
            severity_text: str | None = None,
            severity_number: SeverityNumber | None = None,
            body: AnyValue = None,
            attributes: Attributes = None,
            event_name: str | None = None,
            exception: BaseException | None = None,
        ) -> None: ...

        @overload
        @deprecated("LogRecord init with `trace_id`, `span_id`, and/or `trace_flags` is deprecated. Use `context`.")
        def __init__(
            self,
            *,
            timestamp: int | None = None,
            observed_timestamp: int | None = None,
            trace_id: int | None = None,
            span_id: int | None = None,
            trace_flags: TraceFlags | None = None,
            severity_text: str | None = None,
            severity_number: SeverityNumber | None = None,
            body: AnyValue = None,
            attributes: Attributes = None,
        ) -> None: ...

        def __init__(self, **fields: Any) -> None: ...


class Logger(ABC):
    """Takes the log records of one instrumentation scope."""

    def __init__(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> None:
        super().__init__()
        self._name = name
        self._version = version
        self._schema_url = schema_url
        self._attributes = attributes

    if TYPE_CHECKING:

        @overload
        def emit(
            self,
            *,
            timestamp: int | None = None,
            observed_timestamp: int | None = None,
            context: Context | None = None,
            severity_number: SeverityNumber | None = None,
            severity_text: str | None = None,
            body: AnyValue = None,
            attributes: Attributes = None,
            event_name: str | None = None,
            exception: BaseException | None = None,
        ) -> None: ...

        @overload
        def emit(self, record: LogRecord) -> None: ...

    @abstractmethod
    def emit(
        self,
        record: LogRecord | None = None,
        *,
        timestamp: int | None = None,
        observed_timestamp: int | None = None,
        context: Context | None = None,
        severity_number: SeverityNumber | None = None,
        severity_text: str | None = None,
        body: AnyValue = None,
        attributes: Attributes = None,
        event_name: str | None = None,
        exception: BaseException | None = None,
    ) -> None:
        """Takes `record`, or a record made of the other arguments."""

    @abstractmethod
    def enabled(
        self,
        *,
        context: Context | None = None,
        severity_number: SeverityNumber | None = None,
        event_name: str | None = None,
    ) -> bool:
        """Whether such a record would go anywhere now: to be asked before one that is dear to make."""


class LoggerProvider(ABC):
    """Gives out loggers."""

    @abstractmethod
    def get_logger(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Logger:
        """A logger for an instrumentation scope.

        The name is that of the library that logs, or of the logger where the records come from a logging library;
        version, schema URL and attributes describe the same library.
        """


class NoOpLogger(Logger):
    """A logger whose records go nowhere."""

    def emit(
        self,
        record: LogRecord | None = None,
        *,
        timestamp: int | None = None,
        observed_timestamp: int | None = None,
        context: Context | None = None,
        severity_number: SeverityNumber | None = None,
        severity_text: str | None = None,
        body: AnyValue = None,
        attributes: Attributes = None,
        event_name: str | None = None,
        exception: BaseException | None = None,
    ) -> None:
        """Does nothing."""

    def enabled(
        self,
        *,
        context: Context | None = None,
        severity_number: SeverityNumber | None = None,
        event_name: str | None = None,
    ) -> bool:
        """Always false."""
        return False


class NoOpLoggerProvider(LoggerProvider):
    """A provider of no-op loggers."""

    def get_logger(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Logger:
        """A no-op logger."""
        return NoOpLogger(name, version=version, schema_url=schema_url, attributes=attributes)


class ProxyLogger(Logger):
    """A logger that was asked for before there was a provider: no-op until one is set, and that one's logger then."""

    def __init__(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ):
        super().__init__(name, version, schema_url, attributes)
        self._real_logger: Logger | None = None
        self._noop_logger = NoOpLogger(name)

    @property
    def _logger(self) -> Logger:
        if self._real_logger is None:
            if _LOGGER_PROVIDER is None:
                return self._noop_logger
            self._real_logger = _LOGGER_PROVIDER.get_logger(
                self._name, self._version, self._schema_url, self._attributes
            )
        return self._real_logger

    def emit(
        self,
        record: LogRecord | None = None,
        *,
        timestamp: int | None = None,
        observed_timestamp: int | None = None,
        context: Context | None = None,
        severity_number: SeverityNumber | None = None,
        severity_text: str | None = None,
        body: AnyValue = None,
        attributes: Attributes = None,
        event_name: str | None = None,
        exception: BaseException | None = None,
    ) -> None:
        """As the real logger's, or the no-op one's."""
        if record is not None:
            self._logger.emit(record)
            return
        self._logger.emit(
            timestamp=timestamp,
            observed_timestamp=observed_timestamp,
            context=context,
            severity_number=severity_number,
            severity_text=severity_text,
            body=body,
            attributes=attributes,
            event_name=event_name,
            exception=exception,
        )

    def enabled(
        self,
        *,
        context: Context | None = None,
        severity_number: SeverityNumber | None = None,
        event_name: str | None = None,
    ) -> bool:
        """As the real logger's, or the no-op one's."""
        return self._logger.enabled(context=context, severity_number=severity_number, event_name=event_name)


class ProxyLoggerProvider(LoggerProvider):
    """The global provider while none is set: its loggers become real when one is."""

    def get_logger(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Logger:
        """The real provider's logger if there is one by now, else a proxy."""
        if _LOGGER_PROVIDER is not None:
            return _LOGGER_PROVIDER.get_logger(name, version=version, schema_url=schema_url, attributes=attributes)
        return ProxyLogger(name, version=version, schema_url=schema_url, attributes=attributes)


_LOGGER_PROVIDER_SET_ONCE = Once()
_LOGGER_PROVIDER: LoggerProvider | None = None
_PROXY_LOGGER_PROVIDER = ProxyLoggerProvider()


def get_logger(
    instrumenting_module_name: str,
    instrumenting_library_version: str = "",
    logger_provider: LoggerProvider | None = None,
    schema_url: str | None = None,
    attributes: Attributes = None,
) -> Logger:
    """A logger of `logger_provider`, by default the global one; the other arguments are those of its `get_logger`."""
    provider = get_logger_provider() if logger_provider is None else logger_provider
    return provider.get_logger(instrumenting_module_name, instrumenting_library_version, schema_url, attributes)


def get_logger_provider() -> LoggerProvider:
    """The global logger provider: what `set_logger_provider` was given, else what `OTEL_PYTHON_LOGGER_PROVIDER` names,
    else a proxy that waits for the former."""
    if _LOGGER_PROVIDER is None:
        if _OTEL_PYTHON_LOGGER_PROVIDER not in environ:
            return _PROXY_LOGGER_PROVIDER
        try:
            named = _load_provider(_OTEL_PYTHON_LOGGER_PROVIDER, "logger_provider")
        except Exception:
            return _PROXY_LOGGER_PROVIDER
        _set_logger_provider(named, log=False)
    return cast("LoggerProvider", _LOGGER_PROVIDER)


def set_logger_provider(logger_provider: LoggerProvider) -> None:
    """Sets the global logger provider. That can be done once; later calls only log a warning."""
    _set_logger_provider(logger_provider, log=True)


def _set_logger_provider(logger_provider: LoggerProvider, log: bool) -> None:
    def assign() -> None:
        global _LOGGER_PROVIDER
        _LOGGER_PROVIDER = logger_provider

    if not _LOGGER_PROVIDER_SET_ONCE.do_once(assign) and log:
        _logger.warning("Overriding of current LoggerProvider is not allowed")
