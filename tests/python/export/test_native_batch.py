"""BatchSpanProcessor in front of the engine's exporters: the queue and the worker are the engine's."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any, Callable, Sequence
from unittest import mock

import pytest

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._shared_internal import BatchExportStrategy
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

FOREVER = 3_600_000


def provider_with(*processors: Any, **arguments: Any) -> TracerProvider:
    provider = TracerProvider(shutdown_on_exit=False, **arguments)
    for processor in processors:
        provider.add_span_processor(processor)
    return provider


def make(server: Any, kind: Any = BatchSpanProcessor, **arguments: Any) -> BatchSpanProcessor:
    arguments.setdefault("schedule_delay_millis", FOREVER)
    processor: BatchSpanProcessor = kind(OTLPSpanExporter(server.url + "/v1/traces"), **arguments)
    return processor


def counts(processor: BatchSpanProcessor) -> Any:
    assert processor._native_core is not None
    return processor._native_core.counts()


def eventually(test: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not test():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_spans_go_in_batches_without_a_python_thread(server: Any) -> None:
    threads = threading.active_count()
    processor = make(server, max_export_batch_size=2)
    tracer = provider_with(processor).get_tracer("test")
    for name in ["first", "second"]:
        tracer.start_span(name).end()
    eventually(lambda: counts(processor)["exported"] == 2)
    assert b"first" in server.requests[0].body and b"second" in server.requests[0].body
    assert not any(thread.name.startswith("OtelBatch") for thread in threading.enumerate())
    assert threading.active_count() <= threads + 1
    processor.shutdown()


def test_flush_shutdown_and_late_spans(server: Any) -> None:
    processor = make(server)
    provider = provider_with(processor)
    tracer = provider.get_tracer("test")
    tracer.start_span("one").end()
    assert processor.force_flush(10_000)
    assert len(server.requests) == 1
    tracer.start_span("two").end()
    provider.shutdown()
    assert len(server.requests) == 2
    tracer.start_span("late").end()
    assert processor.force_flush() is False
    assert counts(processor)["exported"] == 2
    assert len(server.requests) == 2


def test_a_full_queue_counts_what_it_drops(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    processor = make(server, max_queue_size=5, max_export_batch_size=5)
    core = processor._native_core
    assert core is not None
    span = provider_with(processor).get_tracer("test").start_span("held")
    span.end()
    for _ in range(3):
        core.push(span)
    assert counts(processor)["queued"] == 4
    server.answers.extend([(503, {"retry-after": "1"})])
    core.push(span)
    eventually(lambda: len(server.requests) == 1)
    for _ in range(12):
        core.push(span)
    assert counts(processor)["dropped"] == 7
    processor.shutdown()
    assert counts(processor)["exported"] == 10
    assert caplog.text.count("Queue full, dropping Span.") == 1
    assert "7 Span(s) were dropped" in caplog.text


def test_unsampled_spans_stay_here(server: Any) -> None:
    processor = make(server)
    provider_with(processor, sampler=ALWAYS_OFF).get_tracer("test").start_span("a").end()
    assert processor.force_flush()
    assert counts(processor)["exported"] == 0


def test_a_refusal_reaches_the_exporters_logger(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    server.answers.append((400, {}))
    processor = make(server)
    provider_with(processor).get_tracer("test").start_span("a").end()
    assert processor.force_flush()
    assert counts(processor)["failed"] == 1
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.name == "opentelemetry.exporter.otlp.proto.http.trace_exporter"
    processor.shutdown()


def test_a_subclass_of_the_processor_sees_each_span(server: Any) -> None:
    seen: list[str] = []

    class Watching(BatchSpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            seen.append(span.name)
            super().on_end(span)

    processor = make(server, Watching)
    provider_with(processor).get_tracer("test").start_span("a").end()
    assert processor.force_flush()
    assert seen == ["a"]
    assert counts(processor)["exported"] == 1


def test_a_subclass_of_the_exporter_gets_python_batches(server: Any) -> None:
    seen: list[str] = []

    class Watching(OTLPSpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            seen.extend(span.name for span in spans)
            return super().export(spans)

    processor = BatchSpanProcessor(Watching(server.url))
    assert processor._native_core is None
    provider_with(processor).get_tracer("test").start_span("a").end()
    processor.shutdown()
    assert seen == ["a"]
    assert len(server.requests) == 1


def test_a_patched_exporter_is_called(server: Any) -> None:
    with mock.patch.object(OTLPSpanExporter, "export", return_value=SpanExportResult.SUCCESS) as export:
        processor = BatchSpanProcessor(OTLPSpanExporter(server.url))
        provider_with(processor).get_tracer("test").start_span("a").end()
        processor.shutdown()
    assert export.call_count == 1
    exporter = OTLPSpanExporter(server.url)
    exporter.export = mock.Mock()  # type: ignore[method-assign]
    processor = BatchSpanProcessor(exporter)
    assert processor._native_core is None
    processor.shutdown()


def test_shutdown_reaches_the_python_object(server: Any) -> None:
    calls = []

    class Closing(OTLPSpanExporter):
        def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
            calls.append(self._shutdown)
            super().shutdown()

    processor = BatchSpanProcessor(Closing(server.url))
    assert processor._native_core is not None
    processor.shutdown()
    processor.shutdown()
    assert calls == [False]


def test_the_private_names_that_programs_use(server: Any) -> None:
    processor = make(server, max_queue_size=7, max_export_batch_size=7)
    batch = processor._batch_processor
    assert batch._exporter is processor.span_exporter
    assert (batch._max_queue_size, batch._schedule_delay, batch._max_export_batch_size) == (7, FOREVER / 1e3, 7)
    span = provider_with(processor).get_tracer("test").start_span("direct")
    span.end()
    with batch._export_lock:
        batch._queue.appendleft(span)  # type: ignore[arg-type]
        assert len(batch._queue) == 2
        assert not batch._should_export_batch(BatchExportStrategy.EXPORT_ALL, 0)
    batch._worker_awaken.set()
    assert not batch._shutdown
    batch._at_fork_reinit()
    assert batch.force_flush()
    assert counts(processor)["exported"] == 2
    batch.shutdown()
    assert batch._shutdown


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_a_queue_of_its_own(server: Any) -> None:
    processor = make(server)
    tracer = provider_with(processor).get_tracer("test")
    tracer.start_span("by-parent").end()
    assert processor.force_flush()
    tracer.start_span("waiting-in-parent").end()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            tracer.start_span("by-child").end()
            if processor.force_flush(10_000) and counts(processor)["exported"] == 1:
                code = 0
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0
    processor.shutdown()
    sent = [request.body for request in server.requests]
    assert [b"by-parent" in body for body in sent] == [True, False, False]
    assert [b"by-child" in body for body in sent] == [False, True, False]
    assert [b"waiting-in-parent" in body for body in sent] == [False, False, True]


def test_a_measured_exporter_stays_with_the_engine(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    processor = make(server)
    assert processor._native_core is not None
    provider_with(processor).get_tracer("test").start_span("a").end()
    processor.shutdown()
    assert len(server.requests) == 1


def test_a_destination_that_does_not_answer_keeps_no_other_waiting(server: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent_url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces"
        slow = BatchSpanProcessor(OTLPSpanExporter(silent_url, timeout=2), schedule_delay_millis=5)
        quick = make(server, schedule_delay_millis=5)
        tracer = provider_with(slow, quick).get_tracer("test")
        tracer.start_span("first").end()
        with silent.accept()[0]:
            tracer.start_span("second").end()
            eventually(lambda: counts(quick)["exported"] == 2)
            assert counts(slow)["exported"] == 0
            slow.shutdown()
    quick.shutdown()
    assert b"second" in b"".join(request.body for request in server.requests)


EXITING = """
import sys
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(sys.argv[1])))
trace.set_tracer_provider(provider)
trace.get_tracer("test").start_span("the last one").end()
"""


def test_a_program_that_ends_without_shutdown_loses_nothing(server: Any) -> None:
    subprocess.run([sys.executable, "-c", EXITING, server.url], check=True, timeout=30)
    assert [b"the last one" in request.body for request in server.requests] == [True]


WAITING = """
import signal, sys, time
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
signal.signal(signal.SIGINT, signal.default_int_handler)
provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter("http://127.0.0.1:9/v1/traces", timeout=60)))
provider.get_tracer("test").start_span("a").end()
print("ready", flush=True)
begin = time.monotonic()
try:
    getattr(provider, sys.argv[1])()
except KeyboardInterrupt:
    print("interrupted", time.monotonic() - begin < 10, flush=True)
"""


@pytest.mark.parametrize("wait", ["force_flush", "shutdown"])
def test_ctrl_c_ends_a_wait(wait: str) -> None:
    with subprocess.Popen([sys.executable, "-c", WAITING, wait], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        assert program.stdout.readline() == "ready\n"
        time.sleep(0.5)
        program.send_signal(signal.SIGINT)
        assert program.stdout.read() == "interrupted True\n"
