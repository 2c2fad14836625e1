"""The current context and its immutability, across threads, tasks and generators."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, Token, copy_context
from typing import Any, Iterator

import pytest

from opentelemetry import context
from opentelemetry.context.context import Context, _RuntimeContext
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext


def _run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )


def test_values_travel_with_the_context_that_is_attached() -> None:
    key = context.create_key("say")
    assert context.get_value(key) is None
    token = context.attach(context.set_value(key, "foo"))
    try:
        assert context.get_value(key) == "foo"
        other = context.set_value(key, "bar")
        assert context.get_value(key) == "foo"
        assert context.get_value(key, context=other) == "bar"
    finally:
        context.detach(token)
    assert context.get_value(key) is None


def test_set_value_starts_from_the_given_context() -> None:
    base = context.set_value("a", 1, Context())
    both = context.set_value("b", 2, base)
    assert dict(both) == {"a": 1, "b": 2}
    assert dict(base) == {"a": 1}


def test_keys_are_unique_and_readable() -> None:
    keys = {context.create_key("say") for _ in range(1000)}
    assert len(keys) == 1000
    assert all(key.startswith("say-") for key in keys)


@pytest.mark.parametrize(
    "mutate",
    [
        lambda c: c.__setitem__("a", 1),
        lambda c: c.__delitem__("a"),
        lambda c: c.pop("a"),
        lambda c: c.popitem(),
        lambda c: c.clear(),
        lambda c: c.update({"a": 1}),
        lambda c: c.setdefault("a", 1),
        pytest.param(
            lambda c: c.__ior__({"a": 1}), marks=pytest.mark.skipif(sys.version_info < (3, 9), reason="new in 3.9")
        ),
    ],
)
def test_a_context_never_changes(mutate: Any) -> None:
    current = context.set_value("a", 0, Context())
    with pytest.raises(ValueError):
        mutate(current)
    assert dict(current) == {"a": 0}


def test_a_context_is_a_dict_for_all_readers() -> None:
    made = context.set_value("b", 2, context.set_value("a", 1, Context()))
    assert isinstance(made, dict)
    assert made == {"a": 1, "b": 2}
    assert len(made) == 2 and "a" in made and made["b"] == 2
    assert sorted(made) == ["a", "b"]
    assert sorted(made.items()) == [("a", 1), ("b", 2)]
    assert {**made} == {"a": 1, "b": 2}
    assert made.copy() == made and type(made.copy()) is dict
    assert pickle.loads(pickle.dumps(made)) == made
    assert isinstance(pickle.loads(pickle.dumps(made)), Context)
    assert copy.deepcopy(made) == made


def test_a_new_thread_starts_with_an_empty_context() -> None:
    token = context.attach(context.set_value("a", 1))
    try:
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(context.get_value, "a").result() is None
            assert pool.submit(copy_context().run, context.get_value, "a").result() == 1
    finally:
        context.detach(token)


def test_asyncio_tasks_keep_their_contexts_apart() -> None:
    async def work(value: int) -> object:
        token = context.attach(context.set_value("a", value))
        try:
            for _ in range(5):
                await asyncio.sleep(0)
                assert context.get_value("a") == value
            return context.get_value("a")
        finally:
            context.detach(token)

    async def main() -> list[object]:
        token = context.attach(context.set_value("outer", "kept"))
        try:
            values = await asyncio.gather(*(work(value) for value in range(20)))
            assert context.get_value("a") is None
            assert context.get_value("outer") == "kept"
            return list(values)
        finally:
            context.detach(token)

    assert asyncio.run(main()) == list(range(20))


def test_a_generator_that_attaches_and_is_run_to_its_end_leaves_nothing_behind() -> None:
    def steps() -> Iterator[object]:
        token = context.attach(context.set_value("a", 1))
        try:
            yield context.get_value("a")
        finally:
            context.detach(token)

    assert list(steps()) == [1]
    assert context.get_value("a") is None


def test_detach_of_a_foreign_token_never_raises_and_is_reported_once() -> None:
    script = """
from contextvars import copy_context
from opentelemetry import context
tokens = []
copy_context().run(lambda: tokens.append(context.attach(context.set_value("a", 1))))
for wrong in [tokens[0], None, "no token", 3] * 3:
    context.detach(wrong)
assert context.get_current() == {}
print("alive")
"""
    done = _run(script)
    assert done.stdout.strip() == "alive"
    assert done.stderr.count("Failed to detach context") == 1
    assert "was created in a different Context" in done.stderr


def test_detach_out_of_order_restores_what_each_token_remembers() -> None:
    outer = context.attach(Context())
    first = context.attach(context.set_value("c", 1))
    second = context.attach(context.set_value("c", 2))
    context.detach(first)
    assert context.get_current() == {}
    context.detach(second)
    assert context.get_current() == {"c": 1}
    context.detach(outer)


class _Recorder(_RuntimeContext):
    def __init__(self) -> None:
        self._stack = [Context()]
        self.calls: list[str] = []

    def attach(self, context: Context) -> Token[Context]:
        self.calls.append("attach")
        self._stack.append(context)
        return ContextVar[Context]("unused").set(context)

    def get_current(self) -> Context:
        self.calls.append("get_current")
        return self._stack[-1]

    def detach(self, token: Token[Context]) -> None:
        self.calls.append("detach")
        self._stack.pop()


def test_another_runtime_context_takes_effect_when_it_is_put_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = _Recorder()
    monkeypatch.setattr(context, "_RUNTIME_CONTEXT", recorder)
    token = context.attach(Context({"a": 1}))
    assert context.get_value("a") == 1
    context.detach(token)
    assert context.get_value("a") is None
    assert [call for call in recorder.calls if call != "get_current"] == ["attach", "detach"]
    monkeypatch.undo()
    assert isinstance(context._RUNTIME_CONTEXT, ContextVarsRuntimeContext)
    recorder.calls.clear()
    context.detach(context.attach(context.get_current()))
    assert recorder.calls == []


def test_the_runtime_context_is_usable_by_itself() -> None:
    token = context._RUNTIME_CONTEXT.attach(Context({"a": 1}))
    assert context.get_value("a") == 1
    context._RUNTIME_CONTEXT.detach(token)
    assert context.get_value("a") is None
    own = ContextVarsRuntimeContext()
    assert own._CONTEXT_KEY == own._current_context.name == "current_context"
    assert own.get_current() == {}


def test_an_unknown_runtime_context_in_the_environment_is_reported_and_replaced() -> None:
    script = "from opentelemetry import context; print(type(context._RUNTIME_CONTEXT).__name__)"
    done = _run(script, OTEL_PYTHON_CONTEXT="nobody_has_this")
    assert done.stdout.strip() == "ContextVarsRuntimeContext"
    assert "Failed to load context: nobody_has_this, falling back to contextvars_context" in done.stderr


def test_many_threads_do_not_see_each_others_values() -> None:
    failures: list[object] = []
    barrier = threading.Barrier(8)

    def work(value: int) -> None:
        barrier.wait()
        for _ in range(200):
            token = context.attach(context.set_value("a", value))
            if context.get_value("a") != value:
                failures.append(value)
            context.detach(token)

    threads = [threading.Thread(target=work, args=(value,)) for value in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_the_private_keys_that_instrumentations_use_are_there() -> None:
    keys = {
        context._SUPPRESS_INSTRUMENTATION_KEY,
        context._SUPPRESS_HTTP_INSTRUMENTATION_KEY,
        context._ON_EMIT_RECURSION_COUNT_KEY,
    }
    assert len(keys) == 3
    assert all(isinstance(key, str) for key in keys)
