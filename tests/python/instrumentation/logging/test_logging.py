"""`LoggingInstrumentor`: arguments, variables, and what stays of the program's own logging."""

from __future__ import annotations

import logging
import logging.config
from typing import Any, Iterator

import pytest

from opentelemetry import _logs, trace
from opentelemetry.instrumentation import logging as instrumentation
from opentelemetry.instrumentation.logging import DEFAULT_LOGGING_FORMAT, LoggingInstrumentor
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider


@pytest.fixture(autouse=True)
def _clean_logging() -> Iterator[None]:
    """pytest's own handlers are out of the way, and everything is put back."""
    root = logging.getLogger()
    handlers, level, factory = list(root.handlers), root.level, logging.getLogRecordFactory()
    functions = logging.basicConfig, logging.config.dictConfig, logging.config.fileConfig
    yield
    if LoggingInstrumentor().is_instrumented_by_opentelemetry:
        LoggingInstrumentor().uninstrument()
    logging.basicConfig, logging.config.dictConfig, logging.config.fileConfig = functions
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.setLogRecordFactory(factory)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryLogRecordExporter]:
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider(Resource({}), shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    monkeypatch.setattr(instrumentation, "get_logger_provider", lambda: provider)
    yield exporter
    provider.shutdown()


def ours() -> list[logging.Handler]:
    return [handler for handler in logging.getLogger().handlers if isinstance(handler, LoggingHandler)]


def test_the_handler_comes_and_goes(kept: InMemoryLogRecordExporter) -> None:
    factory = logging.getLogRecordFactory()
    LoggingInstrumentor().instrument()
    assert len(ours()) == 1 and ours()[0].level == logging.NOTSET
    logging.getLogger("app").warning("hello", extra={"event.name": "greeting"})
    (readable,) = kept.get_finished_logs()
    assert readable.log_record.body == "hello" and readable.log_record.event_name == "greeting"
    assert not readable.log_record.attributes
    LoggingInstrumentor().uninstrument()
    assert not ours() and logging.getLogRecordFactory() is factory


@pytest.mark.parametrize("by_variable", (False, True))
def test_the_handler_may_be_left_out(
    kept: InMemoryLogRecordExporter, monkeypatch: pytest.MonkeyPatch, by_variable: bool
) -> None:
    if by_variable:
        monkeypatch.setenv("OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION", " False ")
        LoggingInstrumentor().instrument()
    else:
        LoggingInstrumentor().instrument(enable_log_auto_instrumentation=False)
    assert not ours()


def test_the_sdks_own_handler_excludes_ours(
    kept: InMemoryLogRecordExporter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED", "true")
    LoggingInstrumentor().instrument()
    assert not ours() and "Skipping installation of LoggingHandler" in caplog.text


def test_level_and_code_attributes_by_variable(
    kept: InMemoryLogRecordExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_PYTHON_LOG_HANDLER_LEVEL", " Error ")
    monkeypatch.setenv("OTEL_PYTHON_LOG_CODE_ATTRIBUTES", "TRUE")
    LoggingInstrumentor().instrument()
    logging.getLogger("app").warning("too fine")
    logging.getLogger("app").error("shown")
    (readable,) = kept.get_finished_logs()
    assert readable.log_record.attributes is not None
    assert readable.log_record.attributes["code.function.name"] == "test_level_and_code_attributes_by_variable"


def test_an_unknown_level_is_reported(
    kept: InMemoryLogRecordExporter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_PYTHON_LOG_HANDLER_LEVEL", "loud")
    LoggingInstrumentor().instrument()
    assert "Invalid log level 'loud' for OTEL_PYTHON_LOG_HANDLER_LEVEL" in caplog.text
    assert ours()[0].level == logging.NOTSET


def test_ids_are_injected(kept: InMemoryLogRecordExporter) -> None:
    provider = TracerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
    records: list[Any] = []
    watch = logging.Handler()
    watch.emit = records.append  # type: ignore[method-assign]
    logging.getLogger().addHandler(watch)
    LoggingInstrumentor().instrument(inject_trace_context=True, tracer_provider=provider)
    logging.getLogger("app").warning("outside")
    with provider.get_tracer("t").start_as_current_span("s") as span:
        logging.getLogger("app").warning("inside")
    outside, inside = records
    assert (outside.otelTraceID, outside.otelSpanID, outside.otelTraceSampled) == ("0", "0", False)
    context = span.get_span_context()
    assert inside.otelTraceID == trace.format_trace_id(context.trace_id)
    assert inside.otelSpanID == trace.format_span_id(context.span_id)
    assert inside.otelTraceSampled is True and inside.otelServiceName == outside.otelServiceName == "shop"


def test_the_hook_is_called_inside_of_spans_and_may_raise(kept: InMemoryLogRecordExporter) -> None:
    seen: list[Any] = []

    def hook(span: Any, record: logging.LogRecord) -> None:
        seen.append((span, record.getMessage()))
        raise ValueError("no")

    LoggingInstrumentor().instrument(log_hook=hook)
    logging.getLogger("app").warning("outside")
    with TracerProvider(shutdown_on_exit=False).get_tracer("t").start_as_current_span("s") as span:
        logging.getLogger("app").warning("inside")
    assert seen == [(span, "inside")]


def test_correlation_by_variable_configures_logging(
    kept: InMemoryLogRecordExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(logging, "basicConfig", lambda **given: calls.append(given))
    monkeypatch.setenv("OTEL_PYTHON_LOG_CORRELATION", "true")
    LoggingInstrumentor().instrument()
    assert calls == [{"format": DEFAULT_LOGGING_FORMAT, "level": logging.INFO}]
    LoggingInstrumentor().uninstrument()
    monkeypatch.setenv("OTEL_PYTHON_LOG_FORMAT", "%(otelTraceID)s %(message)s")
    monkeypatch.setenv("OTEL_PYTHON_LOG_LEVEL", "debug")
    LoggingInstrumentor().instrument()
    assert calls[1] == {"format": "%(otelTraceID)s %(message)s", "level": logging.DEBUG}
    LoggingInstrumentor().uninstrument()
    LoggingInstrumentor().instrument(set_logging_format=True, logging_format="%(message)s", log_level=logging.ERROR)
    assert calls[2] == {"format": "%(message)s", "level": logging.ERROR}


def test_console_output_stays(kept: InMemoryLogRecordExporter, capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger().handlers[:] = []
    LoggingInstrumentor().instrument()
    logging.basicConfig(format="console %(message)s", force=True)
    logging.getLogger("app").warning("hello")
    assert capsys.readouterr().err == "console hello\n"
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})
    logging.getLogger("app").warning("still exported")
    assert len(ours()) == 1
    assert [readable.log_record.body for readable in kept.get_finished_logs()] == ["hello", "still exported"]


def test_a_program_without_handlers_does_not_fall_silent(
    kept: InMemoryLogRecordExporter, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger().handlers[:] = []
    LoggingInstrumentor().instrument()
    logging.getLogger("some.app").warning("shown as ever")
    assert capsys.readouterr().err == "shown as ever\n"


def test_an_endless_str_ends(kept: InMemoryLogRecordExporter, caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("endless")
    logger.propagate = False

    class Endless:
        def __str__(self) -> str:
            logger.warning("%s", self)
            return "endless"

    internal = logging.getLogger("opentelemetry.instrumentation.logging.handler.internal")
    internal.addHandler(caplog.handler)
    provider = instrumentation.get_logger_provider()
    handler = LoggingHandler(logger_provider=provider)
    logger.addHandler(handler)
    try:
        logger.warning("%s", Endless())
    finally:
        logger.removeHandler(handler)
        internal.removeHandler(caplog.handler)
    assert [readable.log_record.body for readable in kept.get_finished_logs()] == ["endless"] * 3
    assert "LoggingHandler.emit detected recursive logging" in caplog.text


def test_loggers_of_the_api_without_an_sdk() -> None:
    handler = LoggingHandler(logger_provider=_logs.NoOpLoggerProvider())
    handler.handle(logging.LogRecord("a", 20, __file__, 1, "x", (), None))
    handler.flush()
    proxy = LoggingHandler(logger_provider=_logs._internal.ProxyLoggerProvider())
    proxy.handle(logging.LogRecord("a", 20, __file__, 1, "x", (), None))
