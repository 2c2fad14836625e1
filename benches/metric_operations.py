"""What is measured of metrics: as in operations.py."""

from __future__ import annotations

from itertools import repeat
from typing import Callable

from operations import Run

from opentelemetry.metrics import Meter

TWO = {"http.request.method": "GET", "http.route": "/users/{id}"}


def counter_add(meter: Meter) -> Run:
    counter = meter.create_counter("requests")

    def run(count: int) -> None:
        for _ in repeat(None, count):
            counter.add(1)

    return run


def counter_add_2(meter: Meter) -> Run:
    counter = meter.create_counter("requests.by.route")

    def run(count: int) -> None:
        for _ in repeat(None, count):
            counter.add(1, {"http.request.method": "GET", "http.route": "/users/{id}"})

    return run


def counter_add_2_kept(meter: Meter) -> Run:
    counter = meter.create_counter("requests.by.kept.route")

    def run(count: int) -> None:
        for _ in repeat(None, count):
            counter.add(1, TWO)

    return run


def counter_add_5(meter: Meter) -> Run:
    counter = meter.create_counter("requests.in.detail")

    def run(count: int) -> None:
        for _ in repeat(None, count):
            counter.add(
                1,
                {
                    "http.request.method": "GET",
                    "http.route": "/users/{id}",
                    "http.response.status_code": 200,
                    "url.scheme": "https",
                    "server.address": "shop.example",
                },
            )

    return run


def histogram_record(meter: Meter) -> Run:
    histogram = meter.create_histogram("duration")

    def run(count: int) -> None:
        for _ in repeat(None, count):
            histogram.record(12.5)

    return run


def histogram_record_2(meter: Meter) -> Run:
    histogram = meter.create_histogram("duration.by.route")

    def run(count: int) -> None:
        for _ in repeat(None, count):
            histogram.record(12.5, {"http.request.method": "GET", "http.route": "/users/{id}"})

    return run


def histogram_record_5(meter: Meter) -> Run:
    histogram = meter.create_histogram("duration.in.detail")

    def run(count: int) -> None:
        for _ in repeat(None, count):
            histogram.record(
                12.5,
                {
                    "http.request.method": "GET",
                    "http.route": "/users/{id}",
                    "http.response.status_code": 200,
                    "url.scheme": "https",
                    "server.address": "shop.example",
                },
            )

    return run


OPERATIONS: tuple[Callable[[Meter], Run], ...] = (
    counter_add,
    counter_add_2,
    counter_add_2_kept,
    counter_add_5,
    histogram_record,
    histogram_record_2,
    histogram_record_5,
)
