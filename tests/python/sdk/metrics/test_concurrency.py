"""Threads, collections and forks: no measurement is lost or counted twice."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from typing import Any, Callable

import pytest

from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ConsoleMetricExporter,
    InMemoryMetricReader,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View

from .conftest import collected

Provide = Callable[..., MeterProvider]
THREADS = 4
EACH = 5000


@pytest.fixture(autouse=True)
def _switch_often() -> Any:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def run(*functions: Callable[[], None]) -> None:
    failed: list[BaseException] = []

    def guarded(function: Callable[[], None]) -> None:
        try:
            function()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert not failed


@pytest.mark.parametrize("temporality", [AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE])
def test_four_threads_and_a_collector(provide: Provide, temporality: AggregationTemporality) -> None:
    reader = InMemoryMetricReader({Counter: temporality, Histogram: temporality})
    views = [View(instrument_name="e", aggregation=ExponentialBucketHistogramAggregation())]
    meter = provide(reader, views=views).get_meter("m")
    counter = meter.create_counter("c")
    histogram, exponential = meter.create_histogram("h"), meter.create_histogram("e")
    bound = counter.bind({"thread": "bound"})
    done = threading.Event()
    counted: dict[str, int] = {"c": 0, "h": 0, "e": 0}

    def collect() -> None:
        for name, data in collected(reader).items():
            seen = sum(getattr(point, "value", None) or getattr(point, "count", 0) for point in data.data_points)
            counted[name] = counted[name] + seen if temporality is AggregationTemporality.DELTA else seen

    def collector() -> None:
        while not done.is_set():
            collect()

    def measure(number: int) -> Callable[[], None]:
        def measuring() -> None:
            for each in range(EACH):
                counter.add(1, {"thread": number % 2, "each": each % 7})
                bound.add(1)
                histogram.record(each)
                exponential.record(each, {"x": str(each % 3)})

        return measuring

    collecting = threading.Thread(target=collector)
    collecting.start()
    run(*(measure(number) for number in range(THREADS)))
    done.set()
    collecting.join(60)
    collect()
    assert counted == {"c": 2 * THREADS * EACH, "h": THREADS * EACH, "e": THREADS * EACH}


def test_series_that_come_and_go_lose_nothing(provide: Provide) -> None:
    reader = InMemoryMetricReader({Counter: AggregationTemporality.DELTA}, cardinality_limit=8)
    counter = provide(reader).get_meter("m").create_counter("c")
    done = threading.Event()
    total = [0]

    def collector() -> None:
        while not done.is_set():
            total[0] += sum(point.value for data in collected(reader).values() for point in data.data_points)

    def measuring() -> None:
        for each in range(EACH):
            counter.add(1, {"each": each // 50})

    collecting = threading.Thread(target=collector)
    collecting.start()
    run(*[measuring] * THREADS)
    done.set()
    collecting.join(60)
    total[0] += sum(point.value for data in collected(reader).values() for point in data.data_points)
    assert total[0] == THREADS * EACH


def test_readers_come_and_go_while_measuring(provide: Provide) -> None:
    reader = InMemoryMetricReader()
    provider = provide(reader)
    counter = provider.get_meter("m").create_counter("c")
    done = threading.Event()

    def others() -> None:
        while not done.is_set():
            other = InMemoryMetricReader()
            provider.add_metric_reader(other)
            other.get_metrics_data()
            provider.remove_metric_reader(other)

    def measuring() -> None:
        for each in range(EACH):
            counter.add(1, {"each": each % 5})

    coming = threading.Thread(target=others)
    coming.start()
    run(*[measuring] * THREADS)
    done.set()
    coming.join(60)
    assert sum(point.value for point in collected(reader)["c"].data_points) == THREADS * EACH


def test_callbacks_are_not_called_by_two_threads_at_once(provide: Provide) -> None:
    one, two = InMemoryMetricReader(), InMemoryMetricReader()
    meter = provide(one, two).get_meter("m")
    inside = [0]

    def observe(options: Any) -> list[Observation]:
        inside[0] += 1
        assert inside[0] == 1
        time.sleep(0.0001)
        inside[0] -= 1
        return [Observation(1)]

    meter.create_observable_gauge("g", [observe])

    def collecting(reader: InMemoryMetricReader) -> Callable[[], None]:
        def collect() -> None:
            for _ in range(50):
                assert "g" in collected(reader)

        return collect

    run(collecting(one), collecting(one), collecting(two))


def test_many_threads_make_one_instrument(provide: Provide) -> None:
    reader = InMemoryMetricReader()
    provider = provide(reader)

    def make() -> None:
        for number in range(50):
            provider.get_meter(f"m{number}").create_counter("c").add(1)

    run(*[make] * THREADS)
    data: Any = reader.get_metrics_data()
    scopes = data.resource_metrics[0].scope_metrics
    assert len(scopes) == 50
    assert {scope.metrics[0].data.data_points[0].value for scope in scopes} == {THREADS}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_measures_and_exports(provide: Provide) -> None:
    read, write = os.pipe()
    out = open(write, "w")
    reader = PeriodicExportingMetricReader(ConsoleMetricExporter(out=out), export_interval_millis=50)
    provider = provide(reader)
    counter = provider.get_meter("m").create_counter("c")
    stop = threading.Event()

    def measuring() -> None:
        while not stop.is_set():
            counter.add(1, {"who": "parent"})

    busy = [threading.Thread(target=measuring) for _ in range(2)]
    for thread in busy:
        thread.start()
    time.sleep(0.02)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            counter.add(7, {"who": "child"})
            assert reader._daemon_thread is not None
            assert reader._daemon_thread.is_alive()
            time.sleep(0.2)
            counter.add(1, {"who": "child"})
            provider.shutdown()
            status = 0
        finally:
            os._exit(status)
    stop.set()
    for thread in busy:
        thread.join(10)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 if hasattr(os, "waitstatus_to_exitcode") else True
    provider.shutdown()
    out.close()
    with open(read) as exported:
        text = exported.read()
    assert '"who": "child"' in text
    assert '"value": 8' in text


@pytest.mark.parametrize("exporter", ["python", "engine"])
def test_the_interpreter_may_end_while_a_reader_is_at_work(exporter: str) -> None:
    program = """
import sys, time
from ferrotel import _native
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, PeriodicExportingMetricReader

class Exporter(MetricExporter):
    if sys.argv[1] == "engine":
        def _engine_exporter(self):
            return _native.OtlpMetricExporter(
                protocol="http/protobuf", endpoint="http://127.0.0.1:9", headers=[], timeout=0.01, compression="none"
            )
    def export(self, *arguments, **kwargs):
        return MetricExportResult.SUCCESS
    def force_flush(self, timeout_millis=0):
        return True
    def shutdown(self, *arguments, **kwargs):
        pass

import logging
logging.disable()
reader = PeriodicExportingMetricReader(Exporter(), export_interval_millis=0.1)
meter = MeterProvider([reader], shutdown_on_exit=False).get_meter("m")
meter.create_observable_gauge("g", [lambda options: [Observation(1)]])
counter = meter.create_counter("c")
for number in range(1500):
    counter.add(1, {"number": number})
time.sleep(0.02)
"""
    for _ in range(5):
        ran = subprocess.run(
            [sys.executable, "-c", program, exporter], capture_output=True, text=True, timeout=60, check=False
        )
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
