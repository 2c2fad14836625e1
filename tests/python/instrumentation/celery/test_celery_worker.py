"""A Celery worker under `opentelemetry-instrument`, at a real Redis, and a program that sends it tasks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ferrotel import _native

PROGRAMS = Path(__file__).parent / "programs"
COMMAND = Path(sys.executable).parent / "opentelemetry-instrument"
CLIENT, PRODUCER, CONSUMER = 3, 4, 5
UNSET, ERROR = 0, 2
CELERY = "opentelemetry.instrumentation.celery"

POOLS = {
    # Each child ends after one task. Celery takes seconds to replace one: with more of them nobody waits for that.
    "prefork": ("--concurrency", "8", "--max-tasks-per-child", "1"),
    "solo": (),
    "threads": ("--concurrency", "2"),
}


class Worked(NamedTuple):
    """All that arrived, of a worker and a program that have both ended."""

    pool: str
    found: dict[str, Any]
    spans: list[dict[str, Any]]
    metrics: list[dict[str, Any]]
    logged: str

    def named(self, name: str) -> list[dict[str, Any]]:
        return [span for span in self.spans if span["name"] == name]

    def of(self, name: str) -> list[dict[str, Any]]:
        """Celery's spans of what the program called so, in the order of their starts."""
        (root,) = self.named(name)
        same = [span for span in self.spans if span["trace_id"] == root["trace_id"] and span["scope_name"] == CELERY]
        return sorted(same, key=lambda span: int(span["start_time_unix_nano"]))

    def parent(self, span: dict[str, Any]) -> dict[str, Any]:
        (parent,) = [each for each in self.spans if each["span_id"] == span["parent_span_id"]]
        return parent


@pytest.fixture(scope="module")
def all_worked(redis_server: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Worked]:
    # Mostly they wait, and do so together.
    logs = {pool: tmp_path_factory.mktemp("celery") / "log" for pool in POOLS}
    with ThreadPoolExecutor() as threads:
        return dict(zip(POOLS, threads.map(lambda pool: work(pool, redis_server.url, logs[pool]), POOLS)))


@pytest.fixture(scope="module", params=list(POOLS))
def worked(request: pytest.FixtureRequest, all_worked: dict[str, Worked]) -> Worked:
    return all_worked[request.param]


def work(pool: str, redis: str, log: Path) -> Worked:
    """Runs a worker and the program, and has the worker end when that has."""
    number = 2 * list(POOLS).index(pool)
    with _native.ViewServer() as receiver:
        environ = {
            **os.environ,
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.grpc_endpoint,
            "OTEL_EXPORTER_OTLP_INSECURE": "true",
            "OTEL_LOGS_EXPORTER": "none",
            # Importing what the tests' environment has besides takes longer than all tasks.
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "django,fastapi,flask,httpx,psycopg2,requests,sqlalchemy",
            # What a process does not deliver at its end arrives too late.
            "OTEL_BSP_SCHEDULE_DELAY": "600000",
            "OTEL_METRIC_EXPORT_INTERVAL": "600000",
            "BROKER_URL": f"{redis}/{number}",
            "RESULT_URL": f"{redis}/{number + 1}",
            "PYTHONPATH": str(PROGRAMS),
        }
        with running(pool, environ, log) as worker:
            program = subprocess.run(
                [str(COMMAND), sys.executable, str(PROGRAMS / "publish.py")],
                env={**environ, "OTEL_SERVICE_NAME": "shop"},
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert (program.returncode, program.stderr) == (0, ""), program.stderr + log.read_text()
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(60) == 0, log.read_text()
        return Worked(pool, json.loads(program.stdout), receiver.spans(), receiver.metrics(), log.read_text())


class running:
    """A worker that is ready, in a block."""

    def __init__(self, pool: str, environ: dict[str, str], log: Path) -> None:
        self._log = log
        options = ["--pool", pool, *POOLS[pool], "--hostname", "worker@here", "--loglevel", "info"]
        with open(log, "wb") as out:
            self._process = subprocess.Popen(
                [str(COMMAND), sys.executable, "-m", "celery", "-A", "tasks", "worker", *options],
                env={**environ, "OTEL_SERVICE_NAME": "worker"},
                stdout=out,
                stderr=out,
            )

    def __enter__(self) -> subprocess.Popen[bytes]:
        deadline = time.monotonic() + 60
        while "worker@here ready" not in self._log.read_text():
            assert self._process.poll() is None and time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.02)
        return self._process

    def __exit__(self, *error: Any) -> None:
        self._process.kill()
        self._process.wait(20)


def test_every_span_arrives(worked: Worked) -> None:
    assert worked.found == {
        "add": 3,
        "fail": "ValueError",
        "expected": "Expected",
        "retry": 2,
        "chain": 4,
        "chord": 6,
        "by name": 7,
        "eager": 11,
        "revoked": "TaskRevokedError",
    }
    counts: dict[str, int] = {}
    for span in worked.spans:
        if span["scope_name"] == CELERY:
            counts[span["name"]] = counts.get(span["name"], 0) + 1
    assert counts == {
        "apply_async/tasks.add": 7,
        "run/tasks.add": 7,
        "apply_async/tasks.fail": 1,
        "run/tasks.fail": 1,
        "apply_async/tasks.fail_as_expected": 1,
        "run/tasks.fail_as_expected": 1,
        "apply_async/tasks.flaky": 3,
        "run/tasks.flaky": 3,
        "apply_async/tasks.total": 1,
        "run/tasks.total": 1,
        # It ran when the worker was told to end.
        "apply_async/tasks.slow": 1,
        "run/tasks.slow": 1,
    }
    assert "opentelemetry" not in worked.logged
    assert "signal" not in worked.logged.lower().replace("signal 15", "")


def test_a_task(worked: Worked) -> None:
    publish, run = worked.of("add")
    assert (publish["name"], publish["kind"]) == ("apply_async/tasks.add", PRODUCER)
    assert (run["name"], run["kind"]) == ("run/tasks.add", CONSUMER)
    assert run["parent_span_id"] == publish["span_id"]
    assert worked.parent(publish)["name"] == "add"
    assert (publish["resource"]["service.name"], run["resource"]["service.name"]) == ("shop", "worker")
    task_id = publish["attributes"]["messaging.message.id"]
    assert publish["attributes"] == {
        "celery.action": "apply_async",
        "celery.task_name": "tasks.add",
        "messaging.message.id": task_id,
        "messaging.destination": "celery",
        "messaging.destination_kind": "queue",
    }
    attributes = run["attributes"]
    assert {name: attributes[name] for name in ("celery.action", "celery.state", "celery.task_name")} == {
        "celery.action": "run",
        "celery.state": "SUCCESS",
        "celery.task_name": "tasks.add",
    }
    assert attributes["messaging.message.id"] == attributes["messaging.conversation_id"] == task_id
    assert attributes["messaging.destination"] == "celery"
    # Who sent it, as the reference has it.
    assert attributes["celery.hostname"].startswith("gen")
    assert "'routing_key': 'celery'" in attributes["celery.delivery_info"]
    assert (run["status_code"], run["events"]) == (UNSET, [])
    # Sending is a command of Redis, and so is keeping the result.
    for span in (publish, run):
        children = [each for each in worked.spans if each["parent_span_id"] == span["span_id"]]
        assert {each["kind"] for each in children if each["scope_name"] != CELERY} == {CLIENT}


def test_failures(worked: Worked) -> None:
    _, run = worked.of("fail")
    assert (run["attributes"]["celery.state"], run["status_code"]) == ("FAILURE", ERROR)
    assert run["status_message"] == "no such price"
    (event,) = run["events"]
    assert event["attributes"]["exception.type"] == "ValueError"
    assert event["attributes"]["exception.message"] == "no such price"
    assert 'raise ValueError("no such price")' in event["attributes"]["exception.stacktrace"]
    # What a task may throw is no error.
    _, run = worked.of("expected")
    assert (run["attributes"]["celery.state"], run["status_code"], run["events"]) == ("FAILURE", UNSET, [])


def test_a_task_that_is_tried_again(worked: Worked) -> None:
    spans = worked.of("retry")
    publications, runs = spans[::2], spans[1::2]
    assert [span["kind"] for span in publications] == [PRODUCER] * 3
    assert [span["attributes"]["celery.state"] for span in runs] == ["RETRY", "RETRY", "SUCCESS"]
    assert [span["attributes"].get("celery.retries") for span in runs] == [None, 1, 2]
    assert ["try later" in span["attributes"].get("celery.retry.reason", "") for span in runs] == [True, True, False]
    # Each is published by the run before.
    assert [span["parent_span_id"] for span in publications[1:]] == [span["span_id"] for span in runs[:2]]
    assert [span["parent_span_id"] for span in runs] == [span["span_id"] for span in publications]
    assert len({span["attributes"]["messaging.message.id"] for span in spans}) == 1
    assert [span["status_code"] for span in runs] == [UNSET] * 3


def test_chain_and_chord(worked: Worked) -> None:
    first, first_run, second, second_run = worked.of("chain")
    assert worked.parent(first)["name"] == "chain"
    assert [worked.parent(span) for span in (first_run, second, second_run)] == [first, first_run, second]
    chord = worked.of("chord")
    runs = [span for span in chord if span["kind"] == CONSUMER]
    assert sorted(span["name"] for span in runs) == ["run/tasks.add", "run/tasks.add", "run/tasks.total"]
    (total,) = [span for span in chord if span["name"] == "apply_async/tasks.total"]
    # The last part of the header sends the body.
    assert worked.parent(total)["name"] == "run/tasks.add"


def test_a_name_is_enough_to_send(worked: Worked) -> None:
    publish, run = worked.of("by name")
    assert publish["name"] == "apply_async/tasks.add"
    assert run["parent_span_id"] == publish["span_id"]


def test_an_eager_task_has_no_message(worked: Worked) -> None:
    (run,) = worked.of("eager")
    assert (run["name"], run["kind"], run["resource"]["service.name"]) == ("run/tasks.add", CONSUMER, "shop")
    assert worked.parent(run)["name"] == "eager"


def test_a_revoked_task_does_not_run(worked: Worked) -> None:
    (publish,) = worked.of("revoked")
    assert publish["kind"] == PRODUCER


def test_metrics(worked: Worked) -> None:
    series = {
        metric["attributes"]["task"]: metric
        for metric in worked.metrics
        if metric["name"] == "flower.task.runtime.seconds" and metric["attributes"]["worker"] == "worker@here"
    }
    names = {"add", "fail", "fail_as_expected", "flaky", "total", "slow"}
    assert set(series) == {f"tasks.{name}" for name in names}
    slow = series["tasks.slow"]["value"]
    assert (slow["count"], 0.9 < slow["sum"] < 10) == (1, True)
    if worked.pool != "prefork":
        # Of a pool of processes, each says what it has seen itself.
        assert {name: each["value"]["count"] for name, each in series.items()}["tasks.flaky"] == 3
