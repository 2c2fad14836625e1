"""Sends each kind of task, and waits for the results."""

from __future__ import annotations

import json
import time
from typing import Any, Callable

from celery import chain, chord, uuid
from celery.exceptions import TaskRevokedError
from tasks import Expected, add, app, fail, fail_as_expected, flaky, slow, total

from opentelemetry import trace

SECONDS = 30
found: dict[str, Any] = {}


def refused(result: Any, error: type[Exception]) -> str:
    try:
        result.get(timeout=SECONDS)
    except error as raised:
        return type(raised).__name__
    return "nothing"


def traced(name: str, work: Callable[[], Any]) -> None:
    with trace.get_tracer("app").start_as_current_span(name):
        found[name] = work()


traced("add", lambda: add.delay(1, 2).get(timeout=SECONDS))
traced("fail", lambda: refused(fail.delay(), ValueError))
traced("expected", lambda: refused(fail_as_expected.delay(), Expected))
traced("retry", lambda: flaky.delay().get(timeout=SECONDS))
traced("chain", lambda: chain(add.s(1, 1), add.s(2))().get(timeout=SECONDS))
traced("chord", lambda: chord([add.s(1, 1), add.s(2, 2)])(total.s()).get(timeout=SECONDS))
traced("by name", lambda: app.send_task("tasks.add", (3, 4)).get(timeout=SECONDS))
traced("eager", lambda: add.apply((5, 6)).get())

revoked = uuid()
app.control.revoke(revoked, reply=True, timeout=SECONDS, limit=1)
traced("revoked", lambda: refused(add.apply_async((0, 0), task_id=revoked), TaskRevokedError))

# It is still running when this program ends and the worker is told to.
slow.delay()
deadline = time.monotonic() + SECONDS
while app.backend.client.get("slow has begun") is None and time.monotonic() < deadline:
    time.sleep(0.02)
print(json.dumps(found))
