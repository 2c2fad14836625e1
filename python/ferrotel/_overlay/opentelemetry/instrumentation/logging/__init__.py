"""Instruments `logging`: its records become OpenTelemetry log records, and may carry the ids of the current span.

    from opentelemetry.instrumentation.logging import LoggingInstrumentor

    LoggingInstrumentor().instrument(inject_trace_context=True)

adds a handler to the root logger and, for formats of the program's own, the attributes `otelTraceID`, `otelSpanID`,
`otelTraceSampled` and `otelServiceName` to every record. `set_logging_format=True` also calls `logging.basicConfig`
with a format that shows them. The program's own handlers stay as they are.
"""

from __future__ import annotations

import logging
from os import environ
from typing import Any, Callable, Collection

from opentelemetry._logs import get_logger_provider
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from opentelemetry.instrumentation.logging.constants import DEFAULT_LOGGING_FORMAT
from opentelemetry.instrumentation.logging.environment_variables import (
    OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION,
    OTEL_PYTHON_LOG_CODE_ATTRIBUTES,
    OTEL_PYTHON_LOG_CORRELATION,
    OTEL_PYTHON_LOG_FORMAT,
    OTEL_PYTHON_LOG_HANDLER_LEVEL,
    OTEL_PYTHON_LOG_LEVEL,
)
from opentelemetry.instrumentation.logging.handler import LoggingHandler, _setup_logging_handler
from opentelemetry.instrumentation.logging.package import _instruments
from opentelemetry.trace import INVALID_SPAN, INVALID_SPAN_CONTEXT, get_current_span, get_tracer_provider

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

_logger = logging.getLogger(__name__)


class LoggingInstrumentor(BaseInstrumentor):
    """Instruments `logging`.

    What `instrument` takes, and which variable holds instead:

    - `tracer_provider`: whose resource has the service's name; default: the global one.
    - `inject_trace_context`: add the ids to every record of `logging`.
    - `set_logging_format` (OTEL_PYTHON_LOG_CORRELATION): that, and call `logging.basicConfig` with `logging_format`
      (OTEL_PYTHON_LOG_FORMAT) and `log_level` (OTEL_PYTHON_LOG_LEVEL).
    - `log_hook`: called with the span and the record, for every record inside of a span. What it raises is dropped.
    - `enable_log_auto_instrumentation` (OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION): add the handler.
    - `log_code_attributes` (OTEL_PYTHON_LOG_CODE_ATTRIBUTES): log records say which line logged.
    - `log_handler_level` (OTEL_PYTHON_LOG_HANDLER_LEVEL): the least severe level that the handler takes.
    """

    _old_factory: Callable[..., logging.LogRecord] | None = None
    _factory: Callable[..., logging.LogRecord] | None = None
    _log_hook: Callable[..., Any] | None = None
    _logging_handler: LoggingHandler | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        set_format = kwargs.get("set_logging_format", _is_true(OTEL_PYTHON_LOG_CORRELATION, "false"))
        if set_format:
            log_format = kwargs.get("logging_format", environ.get(OTEL_PYTHON_LOG_FORMAT)) or DEFAULT_LOGGING_FORMAT
            log_level = kwargs.get("log_level", LEVELS.get(environ.get(OTEL_PYTHON_LOG_LEVEL, ""))) or logging.INFO
            logging.basicConfig(format=log_format, level=log_level)
        inject = bool(set_format or kwargs.get("inject_trace_context", False))
        hook = kwargs.get("log_hook")
        LoggingInstrumentor._log_hook = staticmethod(hook) if callable(hook) else None
        if inject or callable(hook):
            _install_factory(kwargs.get("tracer_provider") or get_tracer_provider(), inject)
        self._add_handler(kwargs)

    def _add_handler(self, kwargs: dict[str, Any]) -> None:
        if environ.get("OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED", "notset").strip().lower() == "true":
            _logger.warning(
                "Skipping installation of LoggingHandler from "
                "`opentelemetry-instrumentation-logging` to avoid duplicate logs. "
                "The SDK's deprecated LoggingHandler is already active "
                "(OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED=true). To migrate, unset "
                "this environment variable. The SDK's handler will be removed in a future release."
            )
            return
        if not kwargs.get("enable_log_auto_instrumentation", _is_true(OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION, "true")):
            return
        LoggingInstrumentor._logging_handler = _setup_logging_handler(
            logger_provider=get_logger_provider(),
            log_code_attributes=kwargs.get("log_code_attributes", _is_true(OTEL_PYTHON_LOG_CODE_ATTRIBUTES, "false")),
            level=kwargs.get("log_handler_level", _get_log_level(environ.get(OTEL_PYTHON_LOG_HANDLER_LEVEL))),
        )

    def _uninstrument(self, **kwargs: Any) -> None:
        ours = LoggingInstrumentor
        # A factory that somebody has wrapped around ours stays; ours has nothing to do any more.
        if ours._old_factory is not None and logging.getLogRecordFactory() is ours.__dict__["_factory"].__func__:
            logging.setLogRecordFactory(ours._old_factory)
        ours._old_factory = ours._factory = ours._log_hook = None
        if ours._logging_handler is not None:
            logging.getLogger().removeHandler(ours._logging_handler)
            ours._logging_handler = None


def _is_true(variable: str, default: str) -> bool:
    return environ.get(variable, default).strip().lower() == "true"


def _get_log_level(level_name: str | None) -> int | None:
    if level_name is None:
        return None
    level = logging.getLevelName(level_name.upper().strip())
    if isinstance(level, int):
        return level
    _logger.warning(
        "Invalid log level %r for %s; defaulting to NOTSET",
        level_name,
        OTEL_PYTHON_LOG_HANDLER_LEVEL,
    )
    return logging.NOTSET


def _install_factory(provider: Any, inject: bool) -> None:
    old_factory = logging.getLogRecordFactory()
    service_name: str | None = None

    def record_factory(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = old_factory(*args, **kwargs)
        if LoggingInstrumentor._factory is not None:
            fields: Any = record
            if inject:
                nonlocal service_name
                if service_name is None:
                    service_name = _service_name(provider)
                fields.otelSpanID = "0"
                fields.otelTraceID = "0"
                fields.otelTraceSampled = False
                fields.otelServiceName = service_name
            span = get_current_span()
            if span is not INVALID_SPAN:
                _add_span(span, fields, inject)
        return record

    LoggingInstrumentor._old_factory = staticmethod(old_factory)
    LoggingInstrumentor._factory = staticmethod(record_factory)
    logging.setLogRecordFactory(record_factory)


def _add_span(span: Any, record: Any, inject: bool) -> None:
    context = span.get_span_context()
    if context == INVALID_SPAN_CONTEXT:
        return
    if inject:
        record.otelSpanID = format(context.span_id, "016x")
        record.otelTraceID = format(context.trace_id, "032x")
        record.otelTraceSampled = context.trace_flags.sampled
    hook = LoggingInstrumentor._log_hook
    if callable(hook):
        try:
            hook(span, record)
        except Exception:
            # Logged, it would come back here.
            pass


def _service_name(provider: Any) -> str:
    resource = getattr(provider, "resource", None)
    return (resource.attributes.get("service.name") or "") if resource else ""
