"""The tasks of the tests' worker, without a line of telemetry."""

from __future__ import annotations

import os
import time
from typing import Any

from celery import Celery

app = Celery("tasks", broker=os.environ["BROKER_URL"], backend=os.environ["RESULT_URL"])
app.conf.update(
    broker_connection_retry_on_startup=False,
    worker_prefetch_multiplier=1,
    result_expires=60,
    broker_transport_options={"visibility_timeout": 60},
)


class Expected(Exception):
    pass


@app.task
def add(a: int, b: int) -> int:
    return a + b


@app.task
def fail() -> None:
    raise ValueError("no such price")


@app.task(throws=(Expected,))
def fail_as_expected() -> None:
    raise Expected("sold out")


@app.task(bind=True, max_retries=3)
def flaky(self: Any) -> int:
    tries: int = self.request.retries
    if tries < 2:
        raise self.retry(exc=ConnectionError("try later"), countdown=0)
    return tries


@app.task
def total(numbers: list[int]) -> int:
    return sum(numbers)


@app.task
def slow() -> str:
    app.backend.client.set("slow has begun", 1)
    time.sleep(1)
    return "done"
