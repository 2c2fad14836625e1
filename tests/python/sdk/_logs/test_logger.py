"""`Logger.emit` and `enabled`, through native and through Python pipelines."""

from __future__ import annotations

import time
import warnings
from typing import Any

import pytest

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.sdk._logs import (
    ConcurrentMultiLogRecordProcessor,
    LoggerProvider,
    LogRecordDroppedAttributesWarning,
    LogRecordLimits,
    LogRecordProcessor,
    ReadWriteLogRecord,
)
from opentelemetry.sdk._logs._internal import _LoggerConfig
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from .conftest import EngineExporter, Receiver, attributes


def test_a_native_record_has_everything_that_was_said(native: LoggerProvider, receiver: Receiver) -> None:
    with TracerProvider(shutdown_on_exit=False).get_tracer("t").start_as_current_span("s") as span:
        native.get_logger("a", "1", "https://schema", {"k": "v"}).emit(
            timestamp=7,
            observed_timestamp=8,
            severity_number=SeverityNumber.WARN2,
            severity_text="careful",
            body={"text": "hello", "list": [1, 2.5, True, b"x", None]},
            attributes={"a": 1, "nested": {"b": ["c"]}},
            event_name="an.event",
        )
    native.force_flush()
    (request,) = receiver.requests
    assert attributes(request["resourceLogs"][0]["resource"]["attributes"])["service.name"] == "shop"
    (scope,) = receiver.scopes()
    assert scope["scope"]["name"] == "a" and scope["scope"]["version"] == "1" and scope["schemaUrl"] == "https://schema"
    assert attributes(scope["scope"]["attributes"]) == {"k": "v"}
    (record,) = receiver.records()
    assert (record["timeUnixNano"], record["observedTimeUnixNano"]) == ("7", "8")
    assert (record["severityNumber"], record["severityText"], record["eventName"]) == (14, "careful", "an.event")
    assert receiver.bodies() == [{"text": "hello", "list": [1, 2.5, True, "eA==", None]}]
    assert attributes(record["attributes"]) == {"a": 1, "nested": {"b": ["c"]}}
    context = span.get_span_context()
    assert record["traceId"] == f"{context.trace_id:032x}" and record["spanId"] == f"{context.span_id:016x}"
    assert record["flags"] == context.trace_flags


def test_a_record_has_nothing_of_those_before_it(native: LoggerProvider, receiver: Receiver) -> None:
    # Records are used again once they are exported.
    logger = native.get_logger("a")
    for _ in range(3):
        for number in range(100):
            logger.emit(
                timestamp=7,
                severity_number=SeverityNumber.ERROR,
                severity_text="bad",
                body="b" * 40,
                attributes={"number": number, "text": "t" * 40},
                event_name="an.event",
            )
        native.force_flush()
        for _ in range(100):
            logger.emit(observed_timestamp=8)
        native.force_flush()
    said = [record for record in receiver.records() if "body" in record]
    assert [attributes(record["attributes"])["number"] for record in said] == 3 * list(range(100))
    bare = [record for record in receiver.records() if "body" not in record]
    assert bare == 300 * [{"observedTimeUnixNano": "8"}]


def test_attributes_are_those_of_the_call_whatever_their_values_do(native: LoggerProvider, receiver: Receiver) -> None:
    class Clears:
        def __str__(self) -> str:
            given.clear()
            return "text"

    for count in (2, 20):
        given: dict[str, Any] = {"first": Clears(), **{f"k{number}": number for number in range(1, count)}}
        native.get_logger("a").emit(attributes=given)
    native.force_flush()
    assert [len(record["attributes"]) for record in receiver.records()] == [2, 20]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (SeverityNumber.INFO, 9),
        (SeverityNumber.FATAL4, 24),
        (9, 9),
        (None, None),
        ("INFO", None),
        (SeverityNumber.UNSPECIFIED, None),
    ],
)
def test_severities(native: LoggerProvider, receiver: Receiver, given: Any, sent: int | None) -> None:
    for _ in range(2):
        native.get_logger("a").emit(severity_number=given)
    native.force_flush()
    assert [record.get("severityNumber") for record in receiver.records()] == [sent, sent]


@pytest.mark.parametrize(
    ("given", "sent"), [(7, "7"), (True, "1"), (2.9, "2"), (-1, None), (2**63, str(2**63)), (2**70, str(2**64 - 1))]
)
def test_times(native: LoggerProvider, receiver: Receiver, given: Any, sent: str | None) -> None:
    native.get_logger("a").emit(timestamp=given)
    native.force_flush()
    (record,) = receiver.records()
    assert record.get("timeUnixNano") == sent


def test_native_and_python_pipelines_agree(
    native: LoggerProvider, receiver: Receiver, provider: LoggerProvider, kept: InMemoryLogRecordExporter
) -> None:
    context = trace.set_span_in_context(
        trace.NonRecordingSpan(trace.SpanContext(3, 4, False, trace.TraceFlags(1))), Context()
    )
    fields: list[dict[str, Any]] = [
        {},
        {"body": "text", "severity_number": SeverityNumber.INFO, "context": context},
        {"body": 1, "attributes": {"a": (1, 2)}, "event_name": "e", "exception": ValueError("no")},
    ]
    for made in (native, provider):
        logger = made.get_logger("a")
        for given in fields:
            logger.emit(**given)
            logger.emit(LogRecord(**given))
    native.force_flush()
    assert len(receiver.records()) == len(kept.get_finished_logs()) == 6
    for sent, held in zip(receiver.records(), kept.get_finished_logs()):
        record = held.log_record
        assert int(sent["traceId"] or "0", 16) == record.trace_id if "traceId" in sent else record.trace_id == 0
        assert sent.get("severityNumber", 0) == (record.severity_number or SeverityNumber.UNSPECIFIED).value
        assert sent.get("eventName") == record.event_name
        ours = {k: list(v) if isinstance(v, tuple) else v for k, v in (record.attributes or {}).items()}
        assert attributes(sent.get("attributes", ())) == ours
    assert receiver.bodies() == [held.log_record.body for held in kept.get_finished_logs()]


def test_a_record_with_ids_of_its_own_keeps_them(native: LoggerProvider, receiver: Receiver) -> None:
    record = LogRecord(body="a")
    record.trace_id, record.span_id, record.trace_flags = 5, 6, trace.TraceFlags(1)
    native.get_logger("a").emit(record)
    native.force_flush()
    (sent,) = receiver.records()
    assert int(sent["traceId"], 16) == 5 and int(sent["spanId"], 16) == 6


def test_an_empty_context_means_the_current_one(native: LoggerProvider, receiver: Receiver) -> None:
    with TracerProvider(shutdown_on_exit=False).get_tracer("t").start_as_current_span("s") as span:
        native.get_logger("a").emit(body="a", context=Context())
    native.force_flush()
    assert receiver.records()[0]["spanId"] == f"{span.get_span_context().span_id:016x}"


def test_an_exception_becomes_attributes_and_those_given_stay(native: LoggerProvider, receiver: Receiver) -> None:
    try:
        raise KeyError("x")
    except KeyError as error:
        native.get_logger("a").emit(body="a", exception=error, attributes={"exception.type": "mine"})
    native.force_flush()
    sent = attributes(receiver.records()[0]["attributes"])
    assert sent["exception.type"] == "mine" and sent["exception.message"] == "'x'"
    assert 'raise KeyError("x")' in sent["exception.stacktrace"]


def test_a_processor_changes_what_those_after_it_see(receiver: Receiver, kept: InMemoryLogRecordExporter) -> None:
    class Redact(LogRecordProcessor):
        def on_emit(self, log_record: ReadWriteLogRecord) -> None:
            log_record.log_record.body = "redacted"
            assert log_record.log_record.attributes is not None
            log_record.log_record.attributes["more"] = 1  # type: ignore[index]

        def shutdown(self) -> None:
            pass

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            return True

    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(kept, schedule_delay_millis=60_000))
    provider.add_log_record_processor(Redact())
    provider.add_log_record_processor(BatchLogRecordProcessor(EngineExporter(receiver.url)))
    provider.get_logger("a").emit(body="secret", attributes={"a": 1})
    provider.shutdown()
    assert [held.log_record.body for held in kept.get_finished_logs()] == ["secret"]
    assert receiver.bodies() == ["redacted"]
    assert attributes(receiver.records()[0]["attributes"]) == {"a": 1, "more": 1}
    assert receiver.scopes()[0]["scope"]["name"] == "a"


@pytest.mark.parametrize("concurrent", (False, True))
def test_what_a_processor_raises_is_logged_once(concurrent: bool, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(LogRecordProcessor):
        def on_emit(self, log_record: ReadWriteLogRecord) -> None:
            raise ValueError("broken")

        def shutdown(self) -> None:
            pass

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            return True

    kept = InMemoryLogRecordExporter()
    multi = ConcurrentMultiLogRecordProcessor() if concurrent else None
    provider = LoggerProvider(shutdown_on_exit=False, multi_log_record_processor=multi)
    provider.add_log_record_processor(SimpleLogRecordProcessor(kept))
    provider.add_log_record_processor(Broken())
    for _ in range(3):
        provider.get_logger("a").emit(body="a")
    assert len(kept.get_finished_logs()) == 3
    told = [record for record in caplog.records if record.name == "opentelemetry.sdk._logs._internal"]
    assert len(told) <= 1 and all("Exception in a log record processor" in record.message for record in told)
    if not concurrent:
        assert len(told) == 1
    provider.shutdown()


def test_limits_hold_natively_and_are_warned_of_once(receiver: Receiver) -> None:
    limits = LogRecordLimits(max_log_record_attributes=2, max_log_record_attribute_length=3)
    provider = LoggerProvider(Resource({}), shutdown_on_exit=False, log_record_limits=limits)
    provider.add_log_record_processor(BatchLogRecordProcessor(EngineExporter(receiver.url)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("once", LogRecordDroppedAttributesWarning)
        for _ in range(3):
            provider.get_logger("a").emit(attributes={"a": 1, "b": "abcdef", "c": 3})
    assert [type(warning.message) for warning in caught] == [LogRecordDroppedAttributesWarning]
    provider.shutdown()
    assert [attributes(record["attributes"]) for record in receiver.records()] == [{"b": "abc", "c": 3}] * 3
    assert [record["droppedAttributesCount"] for record in receiver.records()] == [1] * 3


def test_enabled_is_asked_of_processors_that_have_an_opinion(native: LoggerProvider) -> None:
    class Picky(InMemoryProcessor):
        def enabled(self, **question: Any) -> bool:
            questions.append(question)
            return question["severity_number"] is SeverityNumber.ERROR

    questions: list[dict[str, Any]] = []
    provider = LoggerProvider(shutdown_on_exit=False)
    logger = provider.get_logger("a")
    assert not logger.enabled()
    provider.add_log_record_processor(Picky())
    assert logger.enabled(severity_number=SeverityNumber.ERROR)
    assert not logger.enabled(severity_number=SeverityNumber.INFO, event_name="e")
    assert questions[1]["event_name"] == "e" and questions[1]["instrumentation_scope"].name == "a"
    assert native.get_logger("a").enabled()


class InMemoryProcessor(LogRecordProcessor):
    def __init__(self) -> None:
        self.records: list[ReadWriteLogRecord] = []

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        self.records.append(log_record)

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


def test_a_disabled_logger_takes_nothing(native: LoggerProvider, receiver: Receiver) -> None:
    logger = native.get_logger("a")
    native._set_logger_configurator(logger_configurator=lambda scope: _LoggerConfig(is_enabled=False))
    logger.emit(body="a")
    assert not logger.enabled()
    native._set_logger_configurator(logger_configurator=lambda scope: _LoggerConfig())
    logger.emit(body="b")
    native.force_flush()
    assert receiver.bodies() == ["b"]


def test_emit_takes_what_the_reference_takes(native: LoggerProvider) -> None:
    logger: Any = native.get_logger("a")
    for wrong in (lambda: logger.emit(None, 1), lambda: logger.emit(nonsense=1), lambda: logger.enabled(1)):
        with pytest.raises(TypeError):
            wrong()


class Raises:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def test_bad_input_loses_no_record_and_raises_nothing(native: LoggerProvider, receiver: Receiver) -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    logger: Any = native.get_logger("a")
    bad: list[dict[str, Any]] = [
        {"body": object()},
        {"body": Raises()},
        {"body": cycle},
        {"body": "\ud800"},
        {"body": {1: {2: {3: Raises}}}},
        {"body": 1 << 200},
        {"body": float("nan")},
        {"timestamp": -1},
        {"timestamp": 1 << 80, "observed_timestamp": -(1 << 80)},
        {"timestamp": "yesterday", "observed_timestamp": float("inf")},
        {"severity_number": 1 << 70},
        {"severity_number": "bad", "severity_text": 5},
        {"attributes": 5},
        {"attributes": {"a": Raises(), "": 1, 5: 6, None: 7}},
        {"attributes": BoundedAttributes(1, {"a": 1, "b": 2})},
        {"event_name": ["x"]},
        {"exception": "no exception"},
    ]
    for fields in bad:
        logger.emit(**fields)
    assert native.force_flush()
    # An exception that is none has no attributes to give; its record is reported.
    assert len(receiver.records()) == len(bad) - 1


def test_bad_records_are_reported(native: LoggerProvider, receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    logger: Any = native.get_logger("a")
    logger.emit(object())
    logger.emit(body="still there")
    native.force_flush()
    assert receiver.bodies() == ["still there"]
    assert "A log record that can't be read is left out" in caplog.text


def test_a_subclass_of_the_batch_processor_is_called(receiver: Receiver) -> None:
    class Mine(BatchLogRecordProcessor):
        def on_emit(self, log_record: ReadWriteLogRecord) -> None:
            log_record.log_record.severity_text = "mine"
            super().on_emit(log_record)

    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(Mine(EngineExporter(receiver.url)))
    provider.get_logger("a").emit(body="a")
    provider.shutdown()
    assert receiver.records()[0]["severityText"] == "mine"


def test_a_native_simple_processor_exports_at_once(receiver: Receiver) -> None:
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(EngineExporter(receiver.url)))
    provider.get_logger("a").emit(body="a")
    assert receiver.bodies() == ["a"]
    provider.shutdown()
    provider.get_logger("a").emit(body="late")
    assert receiver.bodies() == ["a"]


def test_a_record_needs_no_python_thread(native: LoggerProvider, receiver: Receiver) -> None:
    logger = native.get_logger("a")
    for number in range(512):
        logger.emit(body=number)
    deadline = time.monotonic() + 10
    while len(receiver.records()) < 512 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sorted(receiver.bodies()) == list(range(512))
