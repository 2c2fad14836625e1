"""One contender of `pipeline.py`: makes spans on command and says what that cost.

Runs under the contender's own interpreter: `pipeline_worker.py --exporter grpc --endpoint http://127.0.0.1:4317`.
Commands come on stdin, one a line; the answer is one line of JSON:
  `flat THREADS SECONDS`  so many threads make spans as fast as they can
  `paced RATE SECONDS`    one thread makes so many spans a second; a RATE of 0 makes none
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO, Callable

import operations
from null_exporter import NullSpanExporter

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

TICK = 0.001
# Spans that a thread makes between two looks at the clock.
GROUP = 100
# A thread that was kept away for longer does not make up for it: that would be a peak, not a pace.
DEBT = 0.01


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--exporter", choices=["grpc", "http", "null"], required=True)
    parser.add_argument("--endpoint", default="")
    options = parser.parse_args()
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter(options.exporter, options.endpoint)))
    tracer = provider.get_tracer("benches", "1.0")
    spans = operations.attributes_4(operations.Subject(tracer, tracer, None))
    say({"ready": True})
    for line in sys.stdin:
        command, number, seconds = line.split()
        run = {"flat": flat, "paced": paced}[command]
        gc.collect()
        say(measured(run, spans, int(number), float(seconds), provider))
    provider.shutdown()


def exporter(kind: str, endpoint: str) -> SpanExporter:
    if kind == "null":
        return NullSpanExporter()
    if kind == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc

        return Grpc(endpoint=endpoint, insecure=True)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http

    return Http(endpoint=f"{endpoint}/v1/traces")


def say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def measured(
    run: Callable[[operations.Run, int, float], int],
    spans: operations.Run,
    number: int,
    seconds: float,
    provider: TracerProvider,
) -> dict[str, Any]:
    """What making spans and delivering them costs the process; another thread ticks while they are made."""
    ticks = Ticks()
    wall, cpu, memory = time.perf_counter(), time.process_time(), resident()
    made = run(spans, number, seconds)
    making = time.perf_counter() - wall
    ticks.stop()
    provider.force_flush()
    return {
        "made": made,
        "making": making,
        "delivering": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "largest stall": ticks.largest,
        "stalled": ticks.stalled,
        "grown": resident() - memory,
    }


def flat(spans: operations.Run, threads: int, seconds: float) -> int:
    end = time.perf_counter() + seconds
    counts = [0] * threads

    def work(number: int) -> None:
        made = 0
        while time.perf_counter() < end:
            spans(GROUP)
            made += GROUP
        counts[number] = made

    running = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return sum(counts)


def paced(spans: operations.Run, rate: int, seconds: float) -> int:
    start = now = time.perf_counter()
    made = 0
    forgiven = 0.0
    while now - start < seconds:
        due = int((now - start - forgiven) * rate) - made
        if due > DEBT * rate:
            forgiven += due / rate - DEBT
            due = int(DEBT * rate)
        spans(due)
        made += due
        time.sleep(TICK)
        now = time.perf_counter()
    return made


class Ticks:
    """A thread that wants to wake each millisecond, and adds up by how much it is late.

    What it waited for a core, which others had, is not counted: that is the machine's doing.
    """

    def __init__(self) -> None:
        self.largest = 0.0
        """Seconds."""
        self.stalled = 0.0
        """Seconds, of all wakings that were late by a whole tick."""
        self._stopped = False
        self._thread = threading.Thread(target=self._tick)
        self._thread.start()

    def _tick(self) -> None:
        with open("/proc/thread-self/schedstat", "rb", buffering=0) as schedule:
            last, waited = time.perf_counter(), waited_for_a_core(schedule)
            while not self._stopped:
                time.sleep(TICK)
                now, waits = time.perf_counter(), waited_for_a_core(schedule)
                late = now - last - TICK - (waits - waited)
                self.largest = max(self.largest, late)
                if late > TICK:
                    self.stalled += late
                last, waited = now, waits

    def stop(self) -> None:
        self._stopped = True
        self._thread.join()


def waited_for_a_core(schedule: BinaryIO) -> float:
    """Seconds."""
    schedule.seek(0)
    return int(schedule.read(64).split()[1]) / 1e9


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


if __name__ == "__main__":
    main()
