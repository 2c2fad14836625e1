"""What telemetry keeps in memory: bytes for a live span, a queued span, a queued log record, a metric series.

python benches/memory.py [--python PYTHON] [--rounds 3] [--check]

Each figure is measured in a process of its own: by how much its resident memory grows while so many of one kind are
made and kept, divided by their number. Queues are set so large, and delays so long, that nothing is exported meanwhile.
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any, Callable

COUNT = 100_000
# Made before the first look, so that what is needed once is there already.
WARM_UP = 500
HOUR = 3_600_000

Make = Callable[[int], Any]


def span_provider(endpoint: str, count: int) -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(
        # A batch is as large as the queue, so that nothing is exported before it is full.
        BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces"), 2 * count, HOUR, 2 * count)
    )
    return provider


def four_attributes(span: Any, number: int) -> None:
    span.set_attribute("http.request.method", "GET")
    span.set_attribute("http.route", "/users/{id}")
    span.set_attribute("url.path", f"/users/{number}")
    span.set_attribute("http.response.status_code", 200)


def live_span(endpoint: str, count: int) -> Make:
    return span_provider(endpoint, count).get_tracer("benches").start_span


def live_span_4(endpoint: str, count: int) -> Make:
    tracer = span_provider(endpoint, count).get_tracer("benches")

    def make(number: int) -> Any:
        span = tracer.start_span("operation")
        four_attributes(span, number)
        return span

    return make


def queued_span(endpoint: str, count: int) -> Make:
    tracer = span_provider(endpoint, count).get_tracer("benches")

    def make(number: int) -> None:
        tracer.start_span("operation").end()

    return make


def queued_span_4(endpoint: str, count: int) -> Make:
    tracer = span_provider(endpoint, count).get_tracer("benches")

    def make(number: int) -> None:
        with tracer.start_as_current_span("operation") as span:
            four_attributes(span, number)

    return make


def queued_log_record(endpoint: str, count: int) -> Make:
    from opentelemetry._logs import SeverityNumber
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(
        BatchLogRecordProcessor(
            OTLPLogExporter(endpoint=f"{endpoint}/v1/logs"),
            schedule_delay_millis=HOUR,
            max_export_batch_size=2 * count,
            max_queue_size=2 * count,
        )
    )
    logger = provider.get_logger("benches")

    def make(number: int) -> None:
        logger.emit(
            timestamp=1_700_000_000_000_000_000,
            severity_number=SeverityNumber.INFO,
            severity_text="INFO",
            body=f"user {number} signed in",
            attributes={"user.id": number, "session": "gold"},
        )

    return make


def metric_provider(endpoint: str, count: int) -> Any:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    reader = PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=f"{endpoint}/v1/metrics"), HOUR)
    # The official SDK knows no limit, and no argument for it.
    limit = {"cardinality_limit": 2 * count} if is_ferrotel() else {}
    return MeterProvider(metric_readers=[reader], shutdown_on_exit=False, **limit)


def counter_series(endpoint: str, count: int) -> Make:
    counter = metric_provider(endpoint, count).get_meter("benches").create_counter("requests")
    return lambda number: counter.add(1, {"user.id": number, "http.route": "/users/{id}"})


def histogram_series(endpoint: str, count: int) -> Make:
    histogram = metric_provider(endpoint, count).get_meter("benches").create_histogram("duration")
    return lambda number: histogram.record(12.5, {"user.id": number, "http.route": "/users/{id}"})


CASES: dict[str, tuple[str, Callable[[str, int], Make]]] = {
    "live_span": ("a live span", live_span),
    "live_span_4": ("... with 4 attributes", live_span_4),
    "queued_span": ("a queued span", queued_span),
    "queued_span_4": ("... with 4 attributes", queued_span_4),
    "queued_log_record": ("a queued log record with 2 attributes", queued_log_record),
    "counter_series": ("a counter's series, 2 attributes", counter_series),
    "histogram_series": ("a histogram's series, 2 attributes", histogram_series),
}


def is_ferrotel() -> bool:
    from opentelemetry.sdk import trace

    return "ferrotel" in str(trace.__file__)


def subject(case: str, count: int) -> None:
    """The process that is measured; prints the bytes for one."""
    # Nobody listens there, and nobody is called.
    make = CASES[case][1]("http://127.0.0.1:9", count)
    kept: list[Any] = [None] * (count + WARM_UP)
    for number in range(count, count + WARM_UP):
        kept[number] = make(number)
    gc.collect()
    before = resident()
    for number in range(count):
        kept[number] = make(number)
    gc.collect()
    print((resident() - before) / count, flush=True)
    # What waits is not to be delivered.
    os._exit(0)


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> int:
    parser = argparse.ArgumentParser(description="bytes of memory, beside the official packages")
    parser.add_argument("--python", default="", help="the CPython to measure on")
    parser.add_argument("--ferrotel-python", help="measure the ferrotel that this interpreter sees, not a fresh wheel")
    parser.add_argument("--rounds", type=int, default=3, help="processes for each figure (default: 3)")
    parser.add_argument("--count", type=int, default=COUNT, help=f"how many are kept (default: {COUNT})")
    parser.add_argument("--check", action="store_true", help="exit with 1 where ferrotel keeps more than the other")
    parser.add_argument("--subject", choices=list(CASES), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.subject:
        subject(options.subject, options.count)
        return 0

    import contenders
    from run import default_python, facts_of, save_as

    python = contenders.interpreter(options.python) if options.python else default_python()
    interpreters = {
        "ferrotel": contenders.interpreter(options.ferrotel_python or contenders.ferrotel_python(python)),
        "official": contenders.official_python(python),
    }
    found: dict[str, dict[str, list[float]]] = {case: {name: [] for name in interpreters} for case in CASES}
    for number in range(options.rounds):
        for case in CASES:
            for name, interpreter in interpreters.items():
                command = [interpreter, __file__, "--subject", case, "--count", str(options.count)]
                answer = subprocess.run(
                    command, check=True, stdout=subprocess.PIPE, text=True, env=contenders.ENVIRONMENT
                )
                found[case][name].append(float(answer.stdout))
        print(f"\rbenches: round {number + 1} of {options.rounds}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(f"{'bytes':40}{'ferrotel':>10}{'official':>10}{'':>9}")
    rows: dict[str, dict[str, float]] = {}
    for case, of in found.items():
        ours, theirs = median(of["ferrotel"]), median(of["official"])
        rows[case] = {"ferrotel": ours, "official": theirs}
        print(f"{CASES[case][0]:40}{ours:10,.0f}{theirs:10,.0f}{theirs / ours:8.1f}x")
    print(f"\nResident memory, median of {options.rounds} processes that keep {options.count:,} of each.")
    facts = facts_of(interpreters["ferrotel"], interpreters["official"])
    print("written:", save_as("memory", {"facts": facts, "rows": rows, "rounds": found}))
    more = [CASES[case][0] for case, of in rows.items() if of["ferrotel"] > of["official"]]
    if more:
        print("takes more than the official packages:", "; ".join(more))
    return 1 if more and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
