"""`ThreadingInstrumentor`: threads begin in the context of whoever started them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Iterator

import pytest

from opentelemetry import context
from opentelemetry.instrumentation.threading import ThreadingInstrumentor

COMMAND = Path(sys.executable).parent / "opentelemetry-instrument"
WRAPPED = (
    (threading.Thread, "start"),
    (threading.Thread, "run"),
    (threading.Timer, "run"),
    (ThreadPoolExecutor, "submit"),
)


@pytest.fixture
def instrumentor() -> Iterator[ThreadingInstrumentor]:
    instrumentor = ThreadingInstrumentor()
    instrumentor.instrument()
    yield instrumentor
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()


@pytest.fixture
def tenant() -> Iterator[None]:
    token = context.attach(context.set_value("tenant", "blue"))
    yield
    context.detach(token)


def current() -> Any:
    return context.get_value("tenant")


class Finder(threading.Thread):
    """A thread with a `run` of its own, that does not call the one that it inherits."""

    found: Any = None
    hidden: Any = None

    def run(self) -> None:
        self.found = current()
        self.hidden = "run" in vars(self)


def in_thread(make: Any) -> Any:
    found: list[Any] = []
    thread = make(lambda: found.append(current()))
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.parametrize(
    "make", [lambda target: threading.Thread(target=target), lambda target: threading.Timer(0.001, target)]
)
def test_a_thread_takes_the_context_of_its_start_along(
    instrumentor: ThreadingInstrumentor, tenant: None, make: Any
) -> None:
    assert in_thread(make) == "blue"
    instrumentor.uninstrument()
    assert in_thread(make) is None


def test_a_class_with_a_run_of_its_own_does_too(instrumentor: ThreadingInstrumentor, tenant: None) -> None:
    thread = Finder()
    thread.start()
    thread.join()
    assert thread.found == "blue"
    # What made it so is gone when it runs.
    assert not thread.hidden

    again = Finder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading, "_start_new_thread", fail, raising=False)
        patch.setattr(threading, "_start_joinable_thread", fail, raising=False)
        with pytest.raises(RuntimeError, match="no more"):
            again.start()
    assert "run" not in vars(again)


def fail(*args: Any, **kwargs: Any) -> None:
    raise RuntimeError("no more")


def test_what_a_thread_attaches_is_its_own(instrumentor: ThreadingInstrumentor, tenant: None) -> None:
    thread = threading.Thread(target=lambda: context.attach(context.set_value("tenant", "red")))
    thread.start()
    thread.join()
    assert current() == "blue"


def test_run_without_start_has_the_caller_s_context(instrumentor: ThreadingInstrumentor, tenant: None) -> None:
    found: list[Any] = []
    threading.Thread(target=lambda: found.append(current())).run()
    assert found == ["blue"]


def test_each_task_of_a_pool_has_the_context_of_its_own_submit(instrumentor: ThreadingInstrumentor) -> None:
    with ThreadPoolExecutor(1) as pool:
        token = context.attach(context.set_value("tenant", "blue"))
        assert pool.submit(current).result() == "blue"
        assert list(pool.map(lambda _: current(), range(2))) == ["blue"] * 2
        context.detach(token)
        assert pool.submit(current).result() is None
        token = context.attach(context.set_value("tenant", "red"))
        assert pool.submit(current).result() == "red"
        # The thread itself is not in the context of what it was started for.
        instrumentor.uninstrument()
        assert pool.submit(current).result() is None
        context.detach(token)


def test_a_pool_passes_arguments_results_and_errors_on(instrumentor: ThreadingInstrumentor) -> None:
    def work(current: Any, function: Any = None) -> Any:
        return current, function

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(work, 1, function=2).result() == (1, 2)
        with pytest.raises(ZeroDivisionError):
            pool.submit(lambda: 1 // 0).result()
        with pytest.raises(TypeError):
            pool.submit()  # type: ignore[call-arg]


def test_to_thread_of_asyncio(instrumentor: ThreadingInstrumentor, tenant: None) -> None:
    async def main() -> Any:
        return await asyncio.get_running_loop().run_in_executor(None, current)

    assert asyncio.run(main()) == "blue"


def test_uninstrument_restores() -> None:
    before = [vars(owner)[name] for owner, name in WRAPPED]
    ThreadingInstrumentor().instrument()
    assert not any(vars(owner)[name] is original for (owner, name), original in zip(WRAPPED, before))
    ThreadingInstrumentor().uninstrument()
    assert [vars(owner)[name] for owner, name in WRAPPED] == before


def test_what_wraps_ours_stays_and_ours_does_nothing_any_more(
    instrumentor: ThreadingInstrumentor, tenant: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = ThreadPoolExecutor.submit
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ThreadPoolExecutor, "submit", lambda *args: ours(*args))
        theirs = ThreadPoolExecutor.submit
        instrumentor.uninstrument()
        assert ThreadPoolExecutor.submit is theirs
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(current).result() is None
    # As it was before the fixture.
    ThreadPoolExecutor.submit = ours.__wrapped__  # type: ignore[method-assign, attr-defined]


def test_threads_carry_context_under_opentelemetry_instrument() -> None:
    program = """
from concurrent.futures import ThreadPoolExecutor
from opentelemetry import trace
with ThreadPoolExecutor(1) as pool, trace.get_tracer("app").start_as_current_span("outer") as outer:
    inner = pool.submit(trace.get_current_span).result()
    print(inner.get_span_context() == outer.get_span_context())
"""
    flags = ("--traces_exporter", "none", "--metrics_exporter", "none", "--logs_exporter", "none")
    carried = {}
    for disabled in ("", "threading"):
        done = subprocess.run(
            [str(COMMAND), *flags, sys.executable, "-c", program],
            env={**os.environ, "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": disabled},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.stderr == ""
        carried[disabled] = done.stdout.strip()
    assert carried == {"": "True", "threading": "False"}
