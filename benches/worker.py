"""One Python contender: does an operation for a while on command and says how long it took.

Runs under the contender's own interpreter: `worker.py --pipeline otlp --endpoint http://127.0.0.1:4318`.
Commands come on stdin, one a line, answers go to stdout, one a line:
  `turn OPERATION MILLISECONDS`  ->  `done COUNT WALL CPU`: nanoseconds on the clock and of the calling thread's CPU
  `count OPERATION COUNT`        ->  the same, for exactly so many
  anything that can't be done    ->  `absent` or `error TEXT`
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from typing import Any, Callable, Sequence

import log_operations
import metric_operations
import operations
from null_exporter import NullSpanExporter

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

# Fewer than the default queue holds: no span is dropped, each costs what it costs in a program that keeps up.
BURST = 1500
# Nanoseconds of a burst that may be shorter.
LONG = 20_000_000
# Spans in the batch that is encoded: the default size of a batch.
BATCH = 512


class NullMetricExporter(MetricExporter):
    """Takes metrics and does nothing."""

    def export(self, metrics_data: Any, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        return MetricExportResult.SUCCESS

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        pass

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True


class NullLogExporter(LogRecordExporter):
    """Takes log records and does nothing."""

    def export(self, batch: Sequence[Any]) -> LogRecordExportResult:
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pipeline", choices=["otlp", "null"], required=True)
    parser.add_argument("--endpoint")
    options = parser.parse_args()
    exporters = null_exporters() if options.pipeline == "null" else otlp_exporters(options.endpoint)
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporters[0]))
    meters = MeterProvider(metric_readers=[PeriodicExportingMetricReader(exporters[1])])
    loggers = LoggerProvider()
    loggers.add_log_record_processor(BatchLogRecordProcessor(exporters[2]))

    def flush() -> None:
        provider.force_flush()
        loggers.force_flush()

    subject = operations.Subject(
        tracer=provider.get_tracer("benches", "1.0"),
        unsampled=TracerProvider(sampler=ALWAYS_OFF).get_tracer("benches", "1.0"),
        encode=None,
    )
    subject = subject._replace(encode=encoder())
    runs = {make.__name__: make(subject) for make in operations.OPERATIONS}
    meter = meters.get_meter("benches", "1.0")
    runs.update({measure.__name__: measure(meter) for measure in metric_operations.OPERATIONS})
    runs.update({log.__name__: log(loggers) for log in log_operations.OPERATIONS})
    say("ready")
    for line in sys.stdin:
        command, name, amount = line.split()
        run = runs.get(name)
        if run is None:
            say("absent")
            continue
        # The collector's pauses belong to the operation, but not the garbage of the one before.
        gc.collect()
        limit = int(amount)
        try:
            if command == "turn":
                say("done", *turn(run, flush, limit * 1_000_000))
            else:
                say("done", *exactly(run, flush, limit))
        except Exception as error:
            say("error", repr(error))
    provider.shutdown()
    meters.shutdown()
    loggers.shutdown()


def say(*words: Any) -> None:
    print(*words, flush=True)


def turn(run: operations.Run, flush: Callable[[], Any], wanted: int) -> tuple[int, int, int]:
    """Bursts of `run` until they took `wanted` nanoseconds; what happens between bursts is not counted."""
    count = wall = cpu = 0
    size = 1
    while wall < wanted:
        burst_wall, burst_cpu = burst(run, size)
        flush()
        if burst_wall < LONG and size < BURST:
            # These warm up.
            size = min(size * 4, BURST)
            continue
        count += size
        wall += burst_wall
        cpu += burst_cpu
    return count, wall, cpu


def exactly(run: operations.Run, flush: Callable[[], Any], wanted: int) -> tuple[int, int, int]:
    """`wanted` operations, in bursts."""
    wall = cpu = 0
    for done in range(0, wanted, BURST):
        burst_wall, burst_cpu = burst(run, min(BURST, wanted - done))
        flush()
        wall += burst_wall
        cpu += burst_cpu
    return wanted, wall, cpu


def burst(run: operations.Run, size: int) -> tuple[int, int]:
    cpu = time.thread_time_ns()
    wall = time.perf_counter_ns()
    run(size)
    wall = time.perf_counter_ns() - wall
    return wall, time.thread_time_ns() - cpu


def null_exporters() -> tuple[SpanExporter, MetricExporter, LogRecordExporter]:
    return NullSpanExporter(), NullMetricExporter(), NullLogExporter()


def otlp_exporters(endpoint: str) -> tuple[SpanExporter, MetricExporter, LogRecordExporter]:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return (
        OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces"),
        OTLPMetricExporter(endpoint=f"{endpoint}/v1/metrics"),
        OTLPLogExporter(endpoint=f"{endpoint}/v1/logs"),
    )


def encoder() -> Callable[[], Any] | None:
    """Encodes a batch as the exporter does; None for ferrotel, whose exporter never comes to Python for that."""
    try:
        import ferrotel  # noqa: F401
    except ImportError:
        pass
    else:
        return None
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

    memory = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("benches", "1.0")
    subject = operations.Subject(tracer, tracer, None)
    operations.attributes_4(subject)(BATCH)
    spans = memory.get_finished_spans()
    return lambda: encode_spans(spans).SerializeToString()


if __name__ == "__main__":
    main()
