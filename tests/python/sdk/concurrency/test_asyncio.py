"""Spans in coroutines: what is cancelled, closed by somebody else, or runs in a copied context."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import random
import sys
import warnings
from typing import Any, AsyncIterator, Awaitable, Callable

import pytest

from opentelemetry import context, trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


class Tracing:
    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = provider.get_tracer("asyncio")

    def span(self, name: str) -> Any:
        return self.tracer.start_as_current_span(name)

    def ended(self) -> dict[str, ReadableSpan]:
        spans = self.exporter.get_finished_spans()
        assert len({span.name for span in spans}) == len(spans), "a span ended twice"
        return {span.name: span for span in spans}

    def parent_of(self, name: str) -> str | None:
        spans = self.ended()
        parent = spans[name].parent
        return next((s.name for s in spans.values() if parent and s.context.span_id == parent.span_id), None)


@pytest.fixture
def tracing() -> Tracing:
    return Tracing()


def name_of_current() -> str | None:
    return getattr(trace.get_current_span(), "name", None)


def test_a_task_that_is_cancelled_ends_its_spans_without_an_error(tracing: Tracing) -> None:
    async def sleeps() -> None:
        with tracing.span("outer"):
            with tracing.span("inner"):
                await asyncio.sleep(60)

    async def main() -> None:
        with tracing.span("main"):
            task = asyncio.ensure_future(sleeps())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert name_of_current() == "main"

    asyncio.run(main())
    assert [tracing.parent_of(name) for name in ("inner", "outer", "main")] == ["outer", "main", None]
    for span in tracing.ended().values():
        assert span.status.status_code is trace.StatusCode.UNSET and not span.events


def test_a_span_survives_a_cancellation_that_is_caught_inside_of_it(tracing: Tracing) -> None:
    async def stubborn() -> str | None:
        with tracing.span("stubborn"):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                await asyncio.sleep(0)
            return name_of_current()

    async def main() -> str | None:
        task = asyncio.ensure_future(stubborn())
        await asyncio.sleep(0)
        task.cancel()
        return await task

    assert asyncio.run(main()) == "stubborn"


async def _generator(tracing: Tracing, name: str) -> AsyncIterator[int]:
    with tracing.span(name):
        yield 1
        yield 2


async def _left_to_the_loop(tracing: Tracing, name: str) -> None:
    async for _ in _generator(tracing, name):
        break
    gc.collect()
    # The loop's hook closes it in a task of its own.
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def _closed_by_another_task(tracing: Tracing, name: str) -> None:
    generator: Any = _generator(tracing, name)
    await generator.__anext__()
    await asyncio.ensure_future(generator.aclose())


async def _cancelled_in_another_task(tracing: Tracing, name: str) -> None:
    generator: Any = _generator(tracing, name)
    await asyncio.ensure_future(generator.__anext__())
    with pytest.raises(RuntimeError):
        await generator.athrow(RuntimeError("thrown by another task"))


@pytest.mark.parametrize("ends", [_left_to_the_loop, _closed_by_another_task, _cancelled_in_another_task])
def test_a_generator_that_ends_in_another_context_ends_its_span_and_says_so_once(
    tracing: Tracing, ends: Callable[[Tracing, str], Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        for number in range(20):
            await asyncio.ensure_future(ends(tracing, f"generator {number}"))

    with warnings.catch_warnings():
        # What other tests left behind.
        warnings.simplefilter("ignore")
        gc.collect()

    with caplog.at_level(logging.INFO):
        asyncio.run(main())
    assert len(tracing.ended()) == 20
    assert name_of_current() is None
    # The official package tells each; that a token belongs to another context is one mistake, and one line.
    assert [record.getMessage() for record in caplog.records] in ([], ["Failed to detach context"])


def test_what_is_left_at_the_loops_end_is_closed_too(tracing: Tracing) -> None:
    kept = []

    async def main() -> None:
        generator: Any = _generator(tracing, "kept")
        kept.append(generator)
        await generator.__anext__()

    asyncio.run(main())
    assert list(tracing.ended()) == ["kept"]


def test_a_copied_context_starts_from_what_was_current_and_gives_nothing_back(tracing: Tracing) -> None:
    with tracing.span("outer"):
        copy = contextvars.copy_context()
    assert name_of_current() is None

    def inside() -> str | None:
        with tracing.span("copied"):
            context.attach(context.set_value("left", "behind"))
            return name_of_current()

    assert copy.run(inside) == "copied"
    assert context.get_value("left") is None
    assert tracing.parent_of("copied") == "outer"


def test_a_callback_runs_in_the_context_of_who_asked_for_it(tracing: Tracing) -> None:
    async def main() -> str | None:
        loop = asyncio.get_running_loop()
        called: asyncio.Future[str | None] = loop.create_future()
        with tracing.span("asks"):
            loop.call_later(0.001, lambda: called.set_result(name_of_current()))
        assert name_of_current() is None
        return await called

    assert asyncio.run(main()) == "asks"


@pytest.mark.skipif(sys.version_info < (3, 9), reason="asyncio.to_thread came with 3.9")
def test_a_thread_has_the_context_of_the_task_that_started_it(tracing: Tracing) -> None:
    def work() -> None:
        with tracing.span("thread"):
            context.attach(context.set_value("left", "behind"))

    async def main() -> None:
        with tracing.span("task"):
            await asyncio.to_thread(work)  # type: ignore[attr-defined,unused-ignore]
            assert name_of_current() == "task" and context.get_value("left") is None

    asyncio.run(main())
    assert tracing.parent_of("thread") == "task"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.TaskGroup came with 3.11")
def test_a_task_group_that_fails_cancels_its_tasks_and_tells_the_span_around_it(tracing: Tracing) -> None:
    async def fails() -> None:
        with tracing.span("fails"):
            await asyncio.sleep(0)
            raise ValueError("odd")

    async def waits() -> None:
        with tracing.span("waits"):
            await asyncio.sleep(60)

    async def main() -> None:
        with tracing.span("group"):
            async with asyncio.TaskGroup() as group:  # type: ignore[attr-defined,unused-ignore]
                group.create_task(waits())
                group.create_task(fails())

    with pytest.raises(BaseException) as raised:
        asyncio.run(main())
    assert type(raised.value).__name__ == "ExceptionGroup"
    codes = {name: span.status.status_code for name, span in tracing.ended().items()}
    assert codes == {
        "fails": trace.StatusCode.ERROR,
        "waits": trace.StatusCode.UNSET,
        "group": trace.StatusCode.ERROR,
    }
    assert tracing.parent_of("fails") == tracing.parent_of("waits") == "group"


def test_hundreds_of_tasks_that_take_turns_at_random_have_the_right_parents(tracing: Tracing) -> None:
    generator = random.Random(1)
    expected: dict[str, str | None] = {}

    async def branch(name: str, parent: str | None, depth: int) -> None:
        expected[name] = parent
        with tracing.span(name):
            children = []
            for number in range(3 if depth else 0):
                await asyncio.sleep(generator.random() * 0.002)
                assert name_of_current() == name
                child = branch(f"{name}.{number}", name, depth - 1)
                if number:
                    children.append(asyncio.ensure_future(child))
                else:
                    await child
            if children and generator.random() < 0.2:
                children[0].cancel()
            await asyncio.gather(*children, return_exceptions=True)
            assert name_of_current() == name

    async def main() -> None:
        await asyncio.gather(*(branch(str(number), None, 3) for number in range(6)))

    asyncio.run(main())
    ended = tracing.ended()
    # A task that was cancelled before it began has no span, and nothing below it.
    assert len(ended) > 150
    by_id = {span.context.span_id: name for name, span in ended.items()}
    for name, span in ended.items():
        assert (by_id[span.parent.span_id] if span.parent else None) == expected[name]
