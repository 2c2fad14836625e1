"""The handlers of `logging`, in front of native and of Python pipelines: both read a record the same way."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from typing import Any, Callable, Iterator

import pytest

from opentelemetry._logs import SeverityNumber
from opentelemetry.instrumentation.logging.handler import LoggingHandler as InstrumentationHandler
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk._logs._internal import std_to_otel
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    InMemoryLogRecordExporter,
    LogRecordExporter,
    LogRecordExportResult,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.trace import TracerProvider

from .conftest import Receiver, attributes

Made = Callable[[LoggerProvider], logging.Handler]


def sdk_handler(provider: LoggerProvider) -> logging.Handler:
    with pytest.warns(DeprecationWarning, match="LoggingHandler"):
        return LoggingHandler(logger_provider=provider)


def instrumentation_handler(provider: LoggerProvider) -> logging.Handler:
    return InstrumentationHandler(logger_provider=provider, log_code_attributes=True)


@pytest.fixture(params=[sdk_handler, instrumentation_handler], ids=["sdk", "instrumentation"])
def make(request: pytest.FixtureRequest) -> Made:
    made: Made = request.param
    return made


class Pipelines:
    """The same records through both pipelines."""

    def __init__(
        self, native: LoggerProvider, receiver: Receiver, python: LoggerProvider, kept: InMemoryLogRecordExporter
    ) -> None:
        self.native, self.receiver, self.python, self.kept = native, receiver, python, kept

    def seen(self) -> Iterator[tuple[Any, dict[str, Any], int, str, str | None]]:
        """Body, attributes, severity number and text, event name of each record, having compared the two."""
        self.native.force_flush()
        sent, held = self.receiver.records(), self.kept.get_finished_logs()
        assert len(sent) == len(held)
        for body, native, readable in zip(self.receiver.bodies(), sent, held):
            record = readable.log_record
            held_body = record.body.replace("\ud800", "\ufffd") if isinstance(record.body, str) else record.body
            assert body == (list(held_body) if isinstance(held_body, tuple) else held_body)
            ours = attributes(native.get("attributes", ()))
            theirs = {k: list(v) if isinstance(v, tuple) else v for k, v in (record.attributes or {}).items()}
            assert ours == theirs and list(ours) == list(theirs)
            number = native.get("severityNumber", 0)
            assert record.severity_number is not None and number == record.severity_number.value
            assert native["severityText"] == record.severity_text
            assert int(native["timeUnixNano"]) == record.timestamp
            assert native.get("eventName") == record.event_name
            yield body, ours, number, native["severityText"], record.event_name


@pytest.fixture
def both(
    native: LoggerProvider,
    receiver: Receiver,
    provider: LoggerProvider,
    kept: InMemoryLogRecordExporter,
    logger: logging.Logger,
    make: Made,
) -> Pipelines:
    logger.addHandler(make(native))
    logger.addHandler(make(provider))
    return Pipelines(native, receiver, provider, kept)


def test_levels(both: Pipelines, logger: logging.Logger) -> None:
    levels = [*range(10, 61), 1000]
    logging.addLevelName(25, "NOTICE")
    for level in levels:
        logger.log(level, "x")
    seen = list(both.seen())
    assert [number for _, _, number, _, _ in seen] == [std_to_otel(level).value for level in levels]
    texts = {level: text for level, (_, _, _, text, _) in zip(levels, seen)}
    assert (texts[30], texts[50], texts[25], texts[20], texts[11]) == ("WARN", "FATAL", "NOTICE", "INFO", "Level 11")
    assert std_to_otel(20) is SeverityNumber.INFO and std_to_otel(9) is SeverityNumber.UNSPECIFIED


def test_texts_and_arguments(both: Pipelines, logger: logging.Logger, make: Made) -> None:
    logger.info("plain %s")
    logger.info("one %s", "argument")
    logger.info("a mapping %(a)s", {"a": 1})
    logger.info("numbers %d %.2f", 1, 2.0)
    logger.info("surrogate \ud800")
    logger.info(["a", "%s"], "list")
    logger.info({"key": ["value", 1]})
    bodies = [body for body, *_ in both.seen()]
    assert bodies[:4] == ["plain %s", "one argument", "a mapping 1", "numbers 1 2.00"]
    # What UTF-8 cannot carry.
    assert bodies[4] == "surrogate \ufffd"
    assert bodies[5] == "['a', 'list']"
    assert bodies[6] == ({"key": ["value", 1]} if make is sdk_handler else "{'key': ['value', 1]}")


def test_extras_become_attributes(both: Pipelines, logger: logging.Logger) -> None:
    logger.info("x", extra={"http.status_code": 200, "list": [1, 2], "map": {"a": None}, "none": None})
    ((_, found, *_),) = both.seen()
    assert {k: v for k, v in found.items() if not k.startswith("code.")} == {
        "http.status_code": 200,
        "list": [1, 2],
        "map": {"a": None},
        "none": None,
    }
    assert found["code.file.path"] == __file__ and found["code.function.name"] == "test_extras_become_attributes"
    assert isinstance(found["code.line.number"], int)


def test_a_handlers_format_before_ours_adds_nothing(both: Pipelines, logger: logging.Logger) -> None:
    stream = logging.StreamHandler(open("/dev/null", "w"))
    stream.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.handlers.insert(0, stream)
    logger.info("x %s", 1)
    ((body, found, *_),) = both.seen()
    stream.stream.close()
    assert body == "x 1" and all(key.startswith("code.") for key in found)


def test_event_names(both: Pipelines, logger: logging.Logger, make: Made) -> None:
    logger.info("x", extra={"otel.event.name": "new", "event.name": "old"})
    logger.info("x", extra={"event.name": "old"})
    first, second = both.seen()
    if make is sdk_handler:
        assert (first[4], second[4]) == (None, None) and first[1]["otel.event.name"] == "new"
    else:
        assert (first[4], second[4]) == ("new", "old") and "event.name" not in first[1]


def test_exceptions_have_identical_stacks(both: Pipelines, logger: logging.Logger) -> None:
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise ValueError("outer") from inner
    except ValueError:
        expected = "".join(traceback.format_exception(*sys.exc_info()))
        logger.exception("failed")
        logger.error("not an exception", exc_info=False)
        logger.error("an instance", exc_info=Exception())
    first, second, third = both.seen()
    assert first[1]["exception.type"] == "ValueError" and first[1]["exception.message"] == "outer"
    assert first[1]["exception.stacktrace"] == expected
    assert not any(key.startswith("exception") for key in second[1])
    assert third[1]["exception.type"] == "Exception" and "exception.message" not in third[1]


def test_a_formatter_makes_the_body(both: Pipelines, logger: logging.Logger) -> None:
    for handler in logger.handlers:
        handler.setFormatter(logging.Formatter("[%(levelname)s] %(message)s"))
    logger.warning(["a"])
    assert [body for body, *_ in both.seen()] == ["[WARNING] ['a']"]


def test_filters_and_levels_of_the_handler_hold(both: Pipelines, logger: logging.Logger) -> None:
    for handler in logger.handlers:
        handler.setLevel(logging.WARNING)
        handler.addFilter(lambda record: "secret" not in record.getMessage())
    logger.info("too fine")
    logger.warning("a secret")
    logger.warning("shown")
    assert [body for body, *_ in both.seen()] == ["shown"]


def test_a_record_belongs_to_the_current_span(
    native: LoggerProvider, receiver: Receiver, logger: logging.Logger, make: Made
) -> None:
    logger.addHandler(make(native))
    with TracerProvider(shutdown_on_exit=False).get_tracer("t").start_as_current_span("s") as span:
        logger.info("in")
    logger.info("out")
    native.force_flush()
    inside, outside = receiver.records()
    assert int(inside["traceId"], 16) == span.get_span_context().trace_id
    assert int(inside["spanId"], 16) == span.get_span_context().span_id and inside["flags"] & 1
    assert "traceId" not in outside or not int(outside["traceId"] or "0", 16)
    assert receiver.scopes()[0]["scope"]["name"] == logger.name


def test_a_record_is_formatted_once(
    native: LoggerProvider, receiver: Receiver, logger: logging.Logger, make: Made
) -> None:
    class Counting:
        count = 0

        def __str__(self) -> str:
            self.count += 1
            return "text"

    counting = Counting()
    logger.addHandler(make(native))
    logger.info("%s", counting)
    assert counting.count == 1
    native.force_flush()
    assert receiver.bodies() == ["text"]


class Raises:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


@pytest.mark.parametrize("python", (False, True))
def test_what_cannot_be_formatted_is_reported_as_logging_does(
    native: LoggerProvider,
    provider: LoggerProvider,
    logger: logging.Logger,
    make: Made,
    python: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    logger.addHandler(make(provider if python else native))
    logger.info("too few %s %s", "arguments")  # noqa: PLE1206
    logger.info("%s", Raises())
    assert capsys.readouterr().err.count("--- Logging error ---") == 2
    logger.info("x", extra={"a": Raises()})
    logger.error("x", exc_info=(ValueError, ValueError(Raises()), None))


def test_an_object_may_log_in_its_str(
    native: LoggerProvider, receiver: Receiver, logger: logging.Logger, make: Made
) -> None:
    class Chatty:
        def __str__(self) -> str:
            logger.info("from __str__")
            return "chatty"

    class Endless:
        def __str__(self) -> str:
            logger.info("%s", Endless())
            return "endless"

    logger.addHandler(make(native))
    logger.info("%s", Chatty())
    native.force_flush()
    assert receiver.bodies() == ["from __str__", "chatty"]
    logger.info("%s", Endless())
    native.force_flush()
    assert receiver.bodies()[2:] == ["endless"] * 3


def test_an_object_whose_str_waits_for_a_thread_that_logs(
    native: LoggerProvider, receiver: Receiver, logger: logging.Logger, make: Made
) -> None:
    class Waiting:
        def __str__(self) -> str:
            thread = threading.Thread(target=logger.info, args=("from the thread",))
            thread.start()
            thread.join(10)
            assert not thread.is_alive()
            return "waited"

    logger.addHandler(make(native))
    logger.info("%s", Waiting())
    native.force_flush()
    assert receiver.bodies() == ["from the thread", "waited"]


def test_a_finalizer_may_log(native: LoggerProvider, receiver: Receiver, logger: logging.Logger, make: Made) -> None:
    class Dying:
        def __del__(self) -> None:
            logger.info("dying")

    logger.addHandler(make(native))
    logger.info("x", extra={"a": [Dying()]})
    native.force_flush()
    assert sorted(receiver.bodies()) == ["dying", "x"]


@pytest.mark.parametrize("batch", (False, True))
def test_exporters_and_processors_never_feed_on_their_own_lines(
    logger: logging.Logger, make: Made, batch: bool
) -> None:
    class Chatty(LogRecordExporter):
        def __init__(self) -> None:
            self.bodies: list[Any] = []

        def export(self, batch: Any) -> LogRecordExportResult:
            logger.info("exporting")
            self.bodies += [item.log_record.body for item in batch]
            raise ValueError("and failing")

        def shutdown(self) -> None:
            logger.info("shutting down")

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            return True

    class Talker(LogRecordProcessor):
        def on_emit(self, log_record: ReadWriteLogRecord) -> None:
            logger.info("processing")

        def shutdown(self) -> None:
            pass

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            return True

    exporter = Chatty()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(Talker())
    provider.add_log_record_processor(
        BatchLogRecordProcessor(exporter, schedule_delay_millis=10) if batch else SimpleLogRecordProcessor(exporter)
    )
    handler = make(provider)
    logger.addHandler(handler)
    sdk = logging.getLogger("opentelemetry.sdk")
    sdk.addHandler(handler)
    try:
        logger.info("a")
        provider.force_flush()
        logger.info("b")
        provider.force_flush()
        provider.force_flush()
        assert exporter.bodies == ["a", "b"]
        provider.shutdown()
    finally:
        sdk.removeHandler(handler)
    assert exporter.bodies == ["a", "b"]


def test_the_engines_own_lines_do_not_come_back(native: LoggerProvider, receiver: Receiver, make: Made) -> None:
    handler = make(native)
    ours = logging.getLogger("opentelemetry")
    ours.addHandler(handler)
    seen: list[str] = []
    watch = logging.Handler()
    watch.emit = lambda record: seen.append(record.getMessage())  # type: ignore[method-assign]
    ours.addHandler(watch)

    class Unknown:
        def __str__(self) -> str:
            return "unknown"

    try:
        native.get_logger("a").emit(body=Unknown(), attributes={"a": Unknown(), "": 1})
        native.force_flush()
        assert seen
        native.force_flush()
    finally:
        ours.removeHandler(handler)
        ours.removeHandler(watch)
    assert receiver.bodies() == ["unknown"]


def test_a_subclass_with_its_own_translation_is_asked(
    native: LoggerProvider, receiver: Receiver, logger: logging.Logger
) -> None:
    class Mine(InstrumentationHandler):
        def _translate(self, record: logging.LogRecord) -> Any:
            made = super()._translate(record)
            made.body = "mine"
            return made

    logger.addHandler(Mine(logger_provider=native))
    logger.info("x")
    native.force_flush()
    assert receiver.bodies() == ["mine"]


def test_records_with_a_message_of_their_own(
    native: LoggerProvider, receiver: Receiver, logger: logging.Logger, make: Made
) -> None:
    class Braces(logging.LogRecord):
        def getMessage(self) -> str:
            return str(self.msg).format(*(self.args or ()))

    logger.addHandler(make(native))
    logger.handle(Braces(logger.name, 20, __file__, 1, "{} and {}", ("a", "b"), None))
    native.force_flush()
    assert receiver.bodies() == ["a and b"]
