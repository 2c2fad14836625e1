"""One counter, one thread and four: time on the clock for one addition, and whether all were counted.

python benches/threads.py, with the interpreter of an environment that has the packages to measure
"""

from __future__ import annotations

import time
from statistics import median
from threading import Barrier, Thread
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

ADDITIONS = 200_000
ROUNDS = 9
ATTRIBUTES = {"http.request.method": "GET", "http.route": "/users/{id}"}


def main() -> None:
    reader = InMemoryMetricReader()
    counter = MeterProvider([reader]).get_meter("benches").create_counter("requests")
    costs: dict[int, list[float]] = {1: [], 4: []}
    for _ in range(ROUNDS):
        for threads, of in costs.items():
            of.append(nanoseconds(counter, threads))
    data: Any = reader.get_metrics_data()
    (point,) = data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
    made = 2 * ROUNDS * ADDITIONS
    for threads, of in costs.items():
        print(f"{threads} thread(s): {median(of):,.0f} ns for one addition")
    print(f"4 threads take {median(b / a for a, b in zip(costs[1], costs[4])):.2f} times as long as one")
    print(f"counted: {point.value:,} of {made:,}")


def nanoseconds(counter: Any, threads: int) -> float:
    """The time on the clock of one of ADDITIONS additions that so many threads share."""
    start = Barrier(threads + 1)

    def add() -> None:
        start.wait()
        for _ in range(ADDITIONS // threads):
            counter.add(1, ATTRIBUTES)

    running = [Thread(target=add) for _ in range(threads)]
    for thread in running:
        thread.start()
    start.wait()
    began = time.perf_counter_ns()
    for thread in running:
        thread.join()
    return (time.perf_counter_ns() - began) / ADDITIONS


if __name__ == "__main__":
    main()
