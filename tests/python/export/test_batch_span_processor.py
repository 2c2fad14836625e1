"""BatchSpanProcessor in front of exporters that are written in Python."""

from __future__ import annotations

import gc
import logging
import os
import threading
import time
import weakref
from typing import Any, Callable, Iterator, Sequence

import pytest

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, get_value
from opentelemetry.sdk._shared_internal import BatchExportStrategy, BatchProcessor, DuplicateFilter
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

FOREVER = 3_600_000


class Recording(SpanExporter):
    """Keeps the names in batches; can be held up and can fail."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.shut = 0
        self.fail = False
        self.suppressed: list[Any] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.entered.set()
        self.gate.wait(10)
        self.suppressed.append(get_value(_SUPPRESS_INSTRUMENTATION_KEY))
        if self.fail:
            raise ValueError("the exporter is broken")
        self.batches.append([span.name for span in spans])
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self.shut += 1
        self.gate.set()

    @property
    def names(self) -> list[str]:
        return [name for batch in self.batches for name in batch]


Make = Callable[..., BatchSpanProcessor]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[BatchSpanProcessor] = []

    def make(exporter: SpanExporter, kind: Any = BatchSpanProcessor, **arguments: Any) -> BatchSpanProcessor:
        arguments.setdefault("schedule_delay_millis", FOREVER)
        made.append(kind(exporter, **arguments))
        return made[-1]

    yield make
    for processor in made:
        processor.shutdown()


def spans(processor: BatchSpanProcessor, names: Sequence[Any], **arguments: Any) -> None:
    provider = TracerProvider(shutdown_on_exit=False, **arguments)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("test")
    for name in names:
        tracer.start_span(str(name)).end()


def eventually(test: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not test():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_full_batch_goes_at_once(make: Make) -> None:
    exporter = Recording()
    spans(make(exporter, max_queue_size=20, max_export_batch_size=5), range(5))
    eventually(lambda: exporter.batches)
    assert exporter.batches == [["0", "1", "2", "3", "4"]]


def test_the_delay_sends_what_there_is(make: Make) -> None:
    exporter = Recording()
    spans(make(exporter, schedule_delay_millis=20), ["a"])
    eventually(lambda: exporter.batches == [["a"]])


def test_flush_sends_all_in_batches_on_this_thread_without_instrumentation(make: Make) -> None:
    exporter = Recording()
    processor = make(exporter, max_queue_size=20, max_export_batch_size=6)
    spans(processor, range(5))
    assert processor.force_flush()
    assert exporter.names == list("01234")
    assert exporter.suppressed == [True]
    assert get_value(_SUPPRESS_INSTRUMENTATION_KEY) is None


def test_flush_gives_up_when_its_time_is_over(make: Make) -> None:
    exporter = Recording()
    exporter.gate.clear()
    processor = make(exporter, max_export_batch_size=1)
    spans(processor, ["a"])
    assert exporter.entered.wait(10)
    spans(processor, ["b"])
    assert processor.force_flush(20) is False
    exporter.gate.set()
    assert processor.force_flush(10_000) is True
    assert exporter.names == ["a", "b"]


def test_unsampled_spans_stay_here(make: Make) -> None:
    exporter = Recording()
    processor = make(exporter)
    spans(processor, ["a"], sampler=ALWAYS_OFF)
    processor.force_flush()
    assert exporter.names == []


def test_a_full_queue_drops_the_oldest_and_says_so_once(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    exporter = Recording()
    exporter.gate.clear()
    processor = make(exporter, max_queue_size=4, max_export_batch_size=1)
    spans(processor, ["first"])
    assert exporter.entered.wait(10)
    with caplog.at_level(logging.WARNING, "opentelemetry.sdk._shared_internal"):
        spans(processor, range(10))
        assert [record.getMessage() for record in caplog.records].count("Queue full, dropping Span.") == 1
        exporter.gate.set()
        processor.shutdown()
    assert exporter.names == ["first", "6", "7", "8", "9"]
    assert "6 Span(s) were dropped" in caplog.text


def test_shutdown_sends_the_rest_and_later_spans_are_ignored(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    exporter = Recording()
    processor = make(exporter)
    spans(processor, ["a", "b"])
    processor.shutdown()
    processor.shutdown()
    assert exporter.names == ["a", "b"]
    assert exporter.shut == 1
    with caplog.at_level(logging.INFO, "opentelemetry.sdk._shared_internal"):
        spans(processor, ["c"])
    assert "Shutdown called, ignoring Span." in caplog.text
    assert exporter.names == ["a", "b"]
    assert processor.force_flush() is False


def test_shutdown_interrupts_an_export_when_its_time_is_over(make: Make) -> None:
    exporter = Recording()
    exporter.gate.clear()
    processor = make(exporter, max_export_batch_size=1)
    spans(processor, ["a", "b", "c"])
    assert exporter.entered.wait(10)
    begin = time.monotonic()
    processor._batch_processor.shutdown(timeout_millis=50)
    assert time.monotonic() - begin < 5
    processor._batch_processor._worker_thread.join(10)  # type: ignore[union-attr]
    assert exporter.names == ["a"]


def test_the_time_left_is_handed_to_an_exporter_that_asks(make: Make) -> None:
    class Timed(Recording):
        left = -1.0

        def shutdown(self, timeout_millis: float = 0) -> None:
            self.left = timeout_millis

    exporter = Timed()
    make(exporter)._batch_processor.shutdown(timeout_millis=5_000)
    assert 0 < exporter.left <= 5_000


def test_an_exporter_that_raises_costs_one_batch(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    exporter = Recording()
    processor = make(exporter)
    exporter.fail = True
    spans(processor, ["a"])
    assert processor.force_flush()
    exporter.fail = False
    spans(processor, ["b"])
    assert processor.force_flush()
    assert exporter.names == ["b"]
    assert "Exception while exporting Span." in caplog.text
    assert "the exporter is broken" in caplog.text


def test_a_shutdown_that_raises_is_told_not_raised(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Recording):
        def shutdown(self) -> None:
            raise ValueError("no way out")

    make(Broken()).shutdown()
    assert "no way out" in caplog.text


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_starts_afresh(make: Make) -> None:
    exporter = Recording()
    processor = make(exporter, max_export_batch_size=3)
    spans(processor, ["parent"])
    read, write = os.pipe()
    with processor._batch_processor._export_lock:
        pid = os.fork()
        if pid == 0:
            try:
                spans(processor, ["1", "2", "3"])
                eventually(lambda: exporter.batches)
                processor.force_flush()
                os.write(write, repr(exporter.batches).encode())
            finally:
                os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        assert pipe.read() == "[['1', '2', '3']]"
    os.waitpid(pid, 0)
    processor.force_flush()
    assert exporter.names == ["parent"]


def test_a_processor_that_is_shut_down_can_be_collected() -> None:
    processor = BatchSpanProcessor(Recording())
    gone = weakref.ref(processor)
    processor.shutdown()
    del processor
    gc.collect()
    assert gone() is None


def test_environment_and_defaults(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    names = ("_max_queue_size", "_schedule_delay_millis", "_max_export_batch_size", "_export_timeout_millis")
    variables = ("MAX_QUEUE_SIZE", "SCHEDULE_DELAY", "MAX_EXPORT_BATCH_SIZE", "EXPORT_TIMEOUT")

    def settings() -> list[Any]:
        batch = make(Recording(), schedule_delay_millis=None)._batch_processor
        return [getattr(batch, name) for name in names]

    assert settings() == [2048, 5000, 512, 30000]
    for variable, value in zip(variables, ("10", "20", "3", "40")):
        monkeypatch.setenv(f"OTEL_BSP_{variable}", value)
    assert settings() == [10, 20, 3, 40]
    for variable in variables:
        monkeypatch.setenv(f"OTEL_BSP_{variable}", "many")
    assert settings() == [2048, 5000, 512, 30000]
    assert "Unable to parse value for OTEL_BSP_SCHEDULE_DELAY as integer. Defaulting to 5000." in caplog.text


@pytest.mark.parametrize(
    "arguments",
    [
        {"max_queue_size": 0},
        {"max_queue_size": -1},
        {"schedule_delay_millis": 0},
        {"schedule_delay_millis": -0.5},
        {"max_export_batch_size": 0},
        {"max_queue_size": 5, "max_export_batch_size": 6},
    ],
)
def test_sizes_that_make_no_sense_raise(arguments: Any) -> None:
    with pytest.raises(ValueError):
        BatchSpanProcessor(Recording(), **arguments)


def test_a_subclass_adds_to_each_span(make: Make) -> None:
    class Numbering(BatchSpanProcessor):
        seen = 0

        def on_end(self, span: ReadableSpan) -> None:
            self.seen += 1
            super().on_end(span)

    exporter = Recording()
    processor = make(exporter, Numbering)
    spans(processor, ["a", "b"])
    processor.force_flush()
    assert processor.seen == 2  # type: ignore[attr-defined]
    assert exporter.names == ["a", "b"]


def test_the_private_names_that_programs_use(make: Make) -> None:
    exporter = Recording()
    processor = make(exporter, max_queue_size=7, max_export_batch_size=2)
    batch = processor._batch_processor
    assert isinstance(batch, BatchProcessor)
    assert processor.span_exporter is batch._exporter is exporter
    assert processor._native_core is None
    assert (batch._max_queue_size, batch._schedule_delay) == (7, FOREVER / 1e3)
    assert not batch._should_export_batch(BatchExportStrategy.EXPORT_ALL, 0)
    with batch._export_lock:
        span = TracerProvider(shutdown_on_exit=False).get_tracer("test").start_span("direct")
        batch._queue.appendleft(span)  # type: ignore[arg-type]
        assert batch._should_export_batch(BatchExportStrategy.EXPORT_ALL, 1)
        assert batch._should_export_batch(BatchExportStrategy.EXPORT_AT_LEAST_ONE_BATCH, 0)
        assert not batch._should_export_batch(BatchExportStrategy.EXPORT_AT_LEAST_ONE_BATCH, 1)
        assert not batch._should_export_batch(BatchExportStrategy.EXPORT_WHILE_BATCH_EXCEEDS_THRESHOLD, 0)
    assert not batch._worker_awaken.is_set()
    batch.force_flush()
    assert exporter.names == ["direct"]


def test_the_filter_lets_a_line_pass_once() -> None:
    repeats = DuplicateFilter()

    def passes(message: str, level: int = logging.WARNING) -> bool:
        return bool(repeats.filter(logging.LogRecord("x", level, __file__, 1, message, (), None)))

    assert passes("a")
    assert not passes("a")
    assert passes("b")
    assert passes("b", logging.ERROR)
