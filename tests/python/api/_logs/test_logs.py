"""The logs API without an SDK: records, no-op loggers, and proxies that become real."""

from __future__ import annotations

import copy
import inspect
import time
from typing import Any
from unittest.mock import Mock

import pytest

from opentelemetry import _logs, trace
from opentelemetry._logs import _internal as internal
from opentelemetry.context import Context

CONTEXT = trace.SpanContext(0x1234, 0x56, False, trace.TraceFlags(1))


def test_a_record_belongs_to_the_current_span() -> None:
    with trace.use_span(trace.NonRecordingSpan(CONTEXT)):
        record = _logs.LogRecord(body="text", severity_number=_logs.SeverityNumber.INFO, attributes={"a": 1})
    assert (record.trace_id, record.span_id, record.trace_flags) == (0x1234, 0x56, 1)
    assert trace.get_current_span(record.context).get_span_context() is CONTEXT
    assert (record.body, record.severity_number, record.attributes) == ("text", _logs.SeverityNumber.INFO, {"a": 1})


def test_a_record_belongs_to_the_span_of_its_context() -> None:
    context = trace.set_span_in_context(trace.NonRecordingSpan(CONTEXT), Context())
    assert _logs.LogRecord(context=context).span_id == 0x56
    assert _logs.LogRecord().span_id == 0


def test_ids_that_are_given_are_stronger() -> None:
    with trace.use_span(trace.NonRecordingSpan(CONTEXT)):
        record = _logs.LogRecord(trace_id=7, span_id=8, trace_flags=trace.TraceFlags(3))
    assert (record.trace_id, record.span_id, record.trace_flags) == (7, 8, 3)


def test_the_times_of_a_record() -> None:
    before = time.time_ns()
    record = _logs.LogRecord(timestamp=5)
    assert record.timestamp == 5
    assert before <= record.observed_timestamp <= time.time_ns()
    assert _logs.LogRecord(observed_timestamp=0).observed_timestamp == 0


def test_what_else_a_record_carries() -> None:
    error = ValueError("boom")
    record = _logs.LogRecord(severity_text="INFO", event_name="event", exception=error)
    assert (record.severity_text, record.event_name) == ("INFO", "event")
    assert record.exception is error


def test_a_record_has_its_fields_as_any_object_does() -> None:
    record = _logs.LogRecord(body="text")
    assert list(vars(record)) == [
        *("context", "timestamp", "observed_timestamp", "trace_id", "span_id", "trace_flags", "severity_text"),
        *("severity_number", "body", "attributes", "event_name", "exception"),
    ]
    assert vars(copy.copy(record)) == vars(record)
    assert list(inspect.signature(_logs.LogRecord).parameters)[:3] == ["timestamp", "observed_timestamp", "context"]
    for wrong in ({"nobody": 1}, {"body": 1, "bodies": 1}):
        with pytest.raises(TypeError, match="got an unexpected keyword argument"):
            _logs.LogRecord(**wrong)
    with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
        _logs.LogRecord("text")  # type: ignore[call-overload]


def test_a_class_that_derives_from_the_record() -> None:
    class Upper(_logs.LogRecord):
        def __init__(self, text: str) -> None:
            super().__init__(body=text)
            self.more = 1

        @property
        def body(self) -> Any:
            return self.text.upper()

        @body.setter
        def body(self, value: Any) -> None:
            self.text = value

    record = Upper("text")
    assert (record.body, record.more, record.trace_id) == ("TEXT", 1, 0)


def test_a_record_of_a_span_that_is_somebody_elses() -> None:
    class Other(trace.NonRecordingSpan):
        def get_span_context(self) -> Any:
            return Mock(trace_id="t", span_id="s", trace_flags="f")

    with trace.use_span(Other(CONTEXT)):
        record = _logs.LogRecord()
    assert (record.trace_id, record.span_id, record.trace_flags) == ("t", "s", "f")


def test_without_a_provider_records_go_nowhere() -> None:
    logger = _logs.get_logger("test")
    assert isinstance(logger, internal.ProxyLogger)
    assert not logger.enabled(severity_number=_logs.SeverityNumber.FATAL)
    logger.emit(_logs.LogRecord(body="text"))
    logger.emit(body="text")
    assert not _logs.NoOpLoggerProvider().get_logger("test").enabled()


def test_a_proxy_becomes_real_when_a_provider_is_set() -> None:
    logger = _logs.get_logger("name", "1.0", schema_url="https://schema", attributes={"a": 1})
    proxy_provider = _logs.get_logger_provider()
    provider = Mock()
    _logs.set_logger_provider(provider)
    assert _logs.get_logger_provider() is provider
    record = _logs.LogRecord()
    logger.emit(record)
    provider.get_logger.assert_called_once_with("name", "1.0", "https://schema", {"a": 1})
    real = provider.get_logger()
    real.emit.assert_called_once_with(record)
    logger.emit(body="text", event_name="event")
    assert real.emit.call_args[1]["body"] == "text"
    assert real.emit.call_args[1]["event_name"] == "event"
    real.enabled.return_value = True
    assert logger.enabled(severity_number=_logs.SeverityNumber.INFO)
    real.enabled.assert_called_once_with(context=None, severity_number=_logs.SeverityNumber.INFO, event_name=None)
    assert proxy_provider.get_logger("other") is provider.get_logger()


def test_the_provider_can_be_set_once(caplog: pytest.LogCaptureFixture) -> None:
    first = Mock()
    _logs.set_logger_provider(first)
    _logs.set_logger_provider(Mock())
    assert _logs.get_logger_provider() is first
    assert [(r.name, r.getMessage()) for r in caplog.records] == [
        ("opentelemetry._logs._internal", "Overriding of current LoggerProvider is not allowed")
    ]


def test_a_provider_named_in_the_environment(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("OTEL_PYTHON_LOGGER_PROVIDER", "nobody_has_this")
    assert _logs.get_logger_provider() is _logs.get_logger_provider() is internal._PROXY_LOGGER_PROVIDER
    assert [r.getMessage() for r in caplog.records] == ["Failed to load configured provider logger_provider"]
    provider: Any = Mock()
    monkeypatch.setattr(internal, "_load_provider", lambda variable, kind: provider)
    assert _logs.get_logger_provider() is provider


def test_severities_are_numbered_as_in_the_data_model() -> None:
    names = [
        f"{level}{grade}" for level in ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL") for grade in ("", 2, 3, 4)
    ]
    assert [severity.name for severity in _logs.SeverityNumber] == ["UNSPECIFIED", *names]
    assert [severity.value for severity in _logs.SeverityNumber] == list(range(25))


def test_the_abstract_methods() -> None:
    assert _logs.Logger.__abstractmethods__ == {"emit", "enabled"}
    assert _logs.LoggerProvider.__abstractmethods__ == {"get_logger"}
