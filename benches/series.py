"""What many metric series cost: collecting 100,000 of them while a Python thread ticks each millisecond.

python benches/series.py [--python PYTHON] [--series 100000]

Each contender runs in a process of its own: a counter with two attributes, PeriodicExportingMetricReader, OTLP over
HTTP to the same receiver. Said are the time of one collection with its export, the memory that the series take, and the
largest gap that the ticking thread saw meanwhile, beside the largest one that it saw before.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from statistics import median

TICK = 0.001
COLLECTIONS = 5


def subject(endpoint: str, series: int) -> None:
    """The process that is measured; prints its figures as JSON."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    reader = PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=endpoint, timeout=120), 3_600_000)
    settings = {} if not_ours() else {"cardinality_limit": series + 1}
    provider = MeterProvider(metric_readers=[reader], shutdown_on_exit=False, **settings)
    counter = provider.get_meter("benches").create_counter("series")
    before = resident()
    for number in range(series):
        counter.add(1, {"user.id": number, "route": "/users/{id}"})
    memory = (resident() - before) / series
    ticks = Ticks()
    time.sleep(1)
    quiet = ticks.largest()
    seconds, gaps = [], []
    for _ in range(COLLECTIONS):
        began = time.perf_counter()
        provider.force_flush(120_000)
        seconds.append(time.perf_counter() - began)
        gaps.append(ticks.largest())
    print(
        json.dumps(
            {
                "collect and export, ms": median(seconds) * 1e3,
                "memory per series, bytes": memory,
                "largest gap before, ms": quiet * 1e3,
                "largest gap, ms (median of collections)": median(gaps) * 1e3,
                "largest gap, ms": max(gaps) * 1e3,
            }
        ),
        flush=True,
    )


class Ticks:
    """A thread that wakes each millisecond."""

    def __init__(self) -> None:
        self._largest = 0.0
        threading.Thread(target=self._tick, daemon=True).start()

    def _tick(self) -> None:
        last = time.perf_counter()
        while True:
            time.sleep(TICK)
            now = time.perf_counter()
            self._largest = max(self._largest, now - last - TICK)
            last = now

    def largest(self) -> float:
        """The longest that it was late since the last question, in seconds."""
        found, self._largest = self._largest, 0.0
        return found


def not_ours() -> bool:
    try:
        import ferrotel  # noqa: F401
    except ImportError:
        return True
    return False


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def main() -> None:
    parser = argparse.ArgumentParser(description="what many metric series cost")
    parser.add_argument("--python", default="", help="the CPython to measure on")
    parser.add_argument("--ferrotel-python", help="measure the ferrotel that this interpreter sees")
    parser.add_argument("--series", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--subject", metavar="ENDPOINT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.subject:
        subject(options.subject, options.series)
        return

    import contenders
    from run import Sink, default_python, facts_of, save_as

    python = contenders.interpreter(options.python) if options.python else default_python()
    ferrotel = options.ferrotel_python or contenders.ferrotel_python(python)
    interpreters = {"ferrotel": contenders.interpreter(ferrotel), "official": contenders.official_python(python)}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in interpreters}
    with Sink() as sink:
        for _ in range(options.rounds):
            for name, interpreter in interpreters.items():
                endpoint = f"{sink.endpoint}/{name}/v1/metrics"
                command = [interpreter, __file__, "--series", str(options.series), "--subject", endpoint]
                answer = subprocess.run(
                    command, check=True, stdout=subprocess.PIPE, text=True, env=contenders.ENVIRONMENT
                )
                found[name].append(json.loads(answer.stdout))
    print(f"{options.series:,} series, median of {options.rounds} processes each")
    print(f"{'':42}{'ferrotel':>12}{'official':>12}")
    rows = {}
    for figure in found["ferrotel"][0]:
        cells = [median(round_[figure] for round_ in found[name]) for name in interpreters]
        rows[figure] = dict(zip(interpreters, cells))
        print(f"{figure:42}{cells[0]:12,.1f}{cells[1]:12,.1f}")
    facts = {**facts_of(interpreters["ferrotel"], interpreters["official"]), "series": options.series}
    print("written:", save_as("series", {"facts": facts, "rows": rows, "rounds": found}))


if __name__ == "__main__":
    sys.exit(main())
