"""Which span is current, whatever happens to the execution context in a block: as with a `ContextVar` set and reset."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import sys
import threading
import weakref
from typing import Any, Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import INVALID_SPAN, get_current_span

other: contextvars.ContextVar[Any] = contextvars.ContextVar("other")
tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")


def block(name: str = "a") -> Any:
    return tracer.start_as_current_span(name)


def anew(function: Callable[[], None]) -> None:
    """Runs it where no variable is set, several times: the later ones find what the first one left."""
    for _ in range(3):
        contextvars.Context().run(function)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.CRITICAL)
    yield


def test_nested_blocks() -> None:
    def program() -> None:
        assert get_current_span() is INVALID_SPAN and len(contextvars.copy_context()) == 0
        with block() as a:
            for _ in range(3):
                with block() as b:
                    assert get_current_span() is b and b.parent == a.context
                    with block() as c:
                        assert get_current_span() is c and c.parent == b.context
                    assert get_current_span() is b
                assert get_current_span() is a
            assert dict(context_api.get_current()) == {trace.propagation._SPAN_KEY: a}  # type: ignore[attr-defined]
        assert get_current_span() is INVALID_SPAN and len(contextvars.copy_context()) == 0

    anew(program)


def test_deep_nesting() -> None:
    def down(depth: int) -> None:
        with block() as span:
            if depth:
                down(depth - 1)
            assert get_current_span() is span

    anew(lambda: down(400))


def test_a_copied_context_keeps_its_span() -> None:
    def program() -> None:
        with block() as outer:
            before = contextvars.copy_context()
            with block() as inner:
                inside = contextvars.copy_context()
        with block():
            with block():
                assert before.run(get_current_span) is outer
                assert inside.run(get_current_span) is inner
        assert inside.run(get_current_span) is inner

    anew(program)


def test_a_changed_copy_keeps_its_span() -> None:
    def program() -> None:
        kept = []
        for _ in range(3):
            with block() as span:
                copy = contextvars.copy_context()
                copy.run(other.set, "x")
                kept.append((copy, span))
        for copy, span in kept:
            assert copy.run(get_current_span) is span and copy.run(other.get) == "x"

    anew(program)


def test_a_kept_context_keeps_its_span() -> None:
    def program() -> None:
        with block() as span:
            kept = context_api.get_current()
        with block() as later:
            assert trace.get_current_span(kept) is span
            assert trace.get_current_span() is later
        assert list(kept.values()) == [span]

    anew(program)


def test_a_context_that_was_looked_into() -> None:
    def program() -> None:
        with block() as span:
            assert list(context_api.get_current().values()) == [span]
        with block() as span:
            assert list(context_api.get_current().values()) == [span]
            assert context_api.get_value("missing") is None

    anew(program)


def test_variables_set_in_a_block_stay() -> None:
    def program() -> None:
        with block() as outer:
            other.set(1)
            with block() as inner:
                other.set(2)
                assert get_current_span() is inner
            assert get_current_span() is outer and other.get() == 2
        assert get_current_span() is INVALID_SPAN and other.get() == 2
        assert list(contextvars.copy_context()) == [other]
        with block() as span:
            assert get_current_span() is span and other.get() == 2
        assert list(contextvars.copy_context()) == [other]

    anew(program)


def test_many_variables() -> None:
    variables: list[contextvars.ContextVar[int]] = [contextvars.ContextVar(f"v{i}") for i in range(40)]

    def program() -> None:
        for i, variable in enumerate(variables):
            variable.set(i)
            with block() as span:
                copy = contextvars.copy_context()
                token = variable.set(-1)
                with block() as inner:
                    assert get_current_span() is inner
                assert get_current_span() is span
                variable.reset(token)
            assert copy.run(get_current_span) is span and get_current_span() is INVALID_SPAN
        assert [variable.get() for variable in variables] == list(range(40))

    anew(program)


def test_an_attached_context() -> None:
    def program() -> None:
        for _ in range(3):
            with block() as outer:
                token = context_api.attach(context_api.set_value("k", "v"))
                with block() as inner:
                    assert get_current_span() is inner and context_api.get_value("k") == "v"
                assert get_current_span() is outer and context_api.get_value("k") == "v"
                context_api.detach(token)
                assert context_api.get_value("k") is None and get_current_span() is outer
            assert get_current_span() is INVALID_SPAN

    anew(program)


def test_blocks_left_in_another_order() -> None:
    def program() -> None:
        first, second = block(), block()
        a = first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert get_current_span() is INVALID_SPAN
        second.__exit__(None, None, None)
        # As a reset by the second token leaves it.
        assert get_current_span() is a
        with block() as span:
            assert get_current_span() is span
        assert get_current_span() is a

    anew(program)


def test_a_block_left_elsewhere() -> None:
    def program() -> None:
        scope = block()
        span = scope.__enter__()
        contextvars.copy_context().run(scope.__exit__, None, None, None)
        assert get_current_span() is span and not span.is_recording()
        contextvars.Context().run(block("b").__enter__)

    anew(program)


def test_tasks() -> None:
    async def child(parent: Any, depth: int) -> None:
        assert get_current_span() is parent
        with block() as span:
            assert span.parent == parent.context
            tasks = [asyncio.create_task(child(span, depth - 1)) for _ in range(2 if depth else 0)]
            await asyncio.sleep(0)
            assert get_current_span() is span
            await asyncio.gather(*tasks)
            assert get_current_span() is span
        assert get_current_span() is parent

    async def main() -> None:
        async def request() -> None:
            with block() as span:
                late = asyncio.create_task(child(span, 3))
            with block():
                await late

        await asyncio.gather(*(request() for _ in range(10)))

    for _ in range(3):
        asyncio.run(main())


def test_threads() -> None:
    failed: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(300):
                with block() as outer, block() as inner:
                    assert get_current_span() is inner and inner.parent == outer.context
                assert get_current_span() is INVALID_SPAN
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="everything goes through ContextVar.set and reset there")
def test_a_block_leaves_its_context_for_the_next_one() -> None:
    def contexts() -> set[int]:
        return {id(context) for context in gc.get_objects() if type(context) is type(context_api.get_current())}

    def program() -> None:
        with block():
            before = id(context_api.get_current())
        # Not freed, nor among the memory that is kept for others.
        assert before in contexts()
        with block():
            assert id(context_api.get_current()) == before

    anew(program)


def test_what_the_collector_shows_does_not_change() -> None:
    kind = type(context_api.get_current())

    def program() -> None:
        with block():
            pass
        shown = [context for context in gc.get_objects() if type(context) is kind]
        before = [dict(context) for context in shown]
        with block() as span:
            assert get_current_span() is span
            assert [dict(context) for context in shown] == before

    anew(program)


def test_a_span_is_let_go_when_its_block_is_left() -> None:
    def program() -> None:
        with block():
            with block() as span:
                gone = weakref.ref(span)
            del span
            assert gone() is None

    anew(program)


def test_values_are_let_go_when_the_block_is_left() -> None:
    class Value:
        pass

    def program() -> None:
        value = Value()
        gone = weakref.ref(value)
        token = other.set(value)
        with block():
            with block():
                pass
        other.reset(token)
        del value, token
        assert gone() is None

    anew(program)


def test_blocks_that_are_never_left() -> None:
    class Holder:
        scope: Any

    def abandoned() -> Any:
        holder = Holder()
        holder.scope = tracer.start_as_current_span("a", attributes={"holder": 1}, links=[])
        span = holder.scope.__enter__()
        span.holder = holder
        return weakref.ref(span)

    def program() -> None:
        gone = contextvars.Context().run(abandoned)
        gc.collect()
        assert gone() is None
        with block() as span:
            assert get_current_span() is span

    anew(program)


# A program: a list of steps, some of which have a program of their own that runs in another execution context.
STEP = st.deferred(
    lambda: st.one_of(
        st.tuples(st.just("enter")),
        st.tuples(st.just("enter")),
        st.tuples(st.just("exit"), st.integers(0, 3)),
        st.tuples(st.just("exit"), st.just(0)),
        st.tuples(st.just("set"), st.integers(0, 1)),
        st.tuples(st.just("reset")),
        st.tuples(st.just("copy"), st.lists(STEP, max_size=6)),
        st.tuples(st.just("return"), st.integers(0, 3), st.lists(STEP, max_size=6)),
        st.tuples(st.just("keep")),
        st.tuples(st.just("collect")),
    )
)


class Model:
    """What `contextvars` would do, on dicts."""

    def __init__(self) -> None:
        self.here: dict[str, Any] = {}
        # Blocks: scope, the execution context, what was current before (None: nothing).
        self.blocks: list[tuple[Any, dict[str, Any], Any]] = []
        self.tokens: list[tuple[Any, dict[str, Any], Any]] = []
        self.contexts: list[tuple[contextvars.Context, dict[str, Any]]] = []
        self.kept: list[tuple[Any, Any]] = []
        self.running: list[contextvars.Context] = []

    def check(self) -> None:
        assert get_current_span() is self.here.get("span", INVALID_SPAN)
        assert other.get(None) == self.here.get("other")
        for context, span in self.kept:
            assert get_current_span(context) is span

    def run(self, steps: Any) -> None:
        for kind, *arguments in steps:
            if kind == "enter":
                scope = block()
                span = scope.__enter__()
                self.blocks.append((scope, self.here, self.here.get("span")))
                self.here["span"] = span
            elif kind == "exit" and self.blocks:
                scope, where, before = self.blocks.pop(-1 - arguments[0] % len(self.blocks))
                scope.__exit__(None, None, None)
                self.restore("span", where, before)
            elif kind == "set":
                self.tokens.append((other.set(arguments[0]), self.here, self.here.get("other")))
                self.here["other"] = arguments[0]
            elif kind == "reset" and self.tokens:
                token, where, before = self.tokens.pop()
                if where is self.here:
                    other.reset(token)
                    self.restore("other", where, before)
            elif kind == "copy":
                self.contexts.append((contextvars.copy_context(), dict(self.here)))
                self.inside(len(self.contexts) - 1, arguments[0])
            elif kind == "return" and self.contexts:
                self.inside(arguments[0] % len(self.contexts), arguments[1])
            elif kind == "keep":
                self.kept.append((context_api.get_current(), self.here.get("span", INVALID_SPAN)))
            elif kind == "collect":
                gc.collect(0)
            self.check()

    def restore(self, name: str, where: dict[str, Any], before: Any) -> None:
        if where is self.here:
            if before is None:
                del self.here[name]
            else:
                self.here[name] = before

    def inside(self, number: int, steps: Any) -> None:
        context, inside = self.contexts[number]
        if context in self.running:
            return
        outside, self.here = self.here, inside
        self.running.append(context)
        context.run(self.run, steps)
        self.running.pop()
        self.here = outside


@settings(deadline=None, max_examples=150)
@given(st.lists(STEP, max_size=25))
def test_any_program(steps: Any) -> None:
    def program() -> None:
        model = Model()
        model.run(steps)
        for scope, where, before in reversed(model.blocks):
            scope.__exit__(None, None, None)
            model.restore("span", where, before)
            model.check()

    contextvars.Context().run(program)
