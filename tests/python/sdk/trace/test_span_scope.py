"""`start_as_current_span` and `use_span`: blocks and decorators, in every kind of function and context."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import threading
from typing import Any, AsyncIterator, Iterator

import pytest

from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import INVALID_SPAN, NonRecordingSpan, SpanContext, StatusCode, get_current_span, use_span


class Ended(SpanProcessor):
    def __init__(self) -> None:
        self.spans: list[Any] = []

    def on_end(self, span: Any) -> None:
        self.spans.append(span)


@pytest.fixture
def ended() -> Ended:
    return Ended()


@pytest.fixture
def tracer(ended: Ended) -> Any:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(ended)
    return provider.get_tracer("t")


def test_a_block(tracer: Any, ended: Ended) -> None:
    scope = tracer.start_as_current_span("a", attributes={"k": 1})
    assert ended.spans == [] and get_current_span() is INVALID_SPAN
    with scope as span:
        assert get_current_span() is span and span.is_recording()
        with tracer.start_as_current_span("b") as inner:
            assert get_current_span() is inner
        assert get_current_span() is span
    assert get_current_span() is INVALID_SPAN
    assert [s.name for s in ended.spans] == ["b", "a"] and ended.spans[0].parent == span.context


def test_end_on_exit(tracer: Any) -> None:
    with tracer.start_as_current_span("a", end_on_exit=False) as span:
        pass
    assert span.is_recording()
    with use_span(span) as used:
        assert used is span is get_current_span()
    assert span.is_recording()
    with use_span(span, end_on_exit=1):  # type: ignore[arg-type]
        pass
    assert not span.is_recording()


@pytest.mark.parametrize("record", [True, False])
@pytest.mark.parametrize("status", [True, False])
def test_exceptions(tracer: Any, record: bool, status: bool) -> None:
    for scope in (
        tracer.start_as_current_span("a", record_exception=record, set_status_on_exception=status),
        use_span(tracer.start_span("b"), True, record, status),
    ):
        with pytest.raises(ValueError, match="boom"), scope as span:
            raise ValueError("boom")
        assert not span.is_recording()
        assert [e.attributes["exception.escaped"] for e in span.events] == (["False"] if record else [])
        assert (span.status.status_code, span.status.description) == (
            (StatusCode.ERROR, "ValueError: boom") if status else (StatusCode.UNSET, None)
        )


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
def test_what_is_no_error(tracer: Any, kind: Any) -> None:
    with pytest.raises(kind), tracer.start_as_current_span("a") as span:
        raise kind
    assert not span.is_recording() and span.status.status_code is StatusCode.UNSET
    assert span.events == () or issubclass(kind, Exception)


def test_an_exception_without_text(tracer: Any) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

        __repr__ = __str__

    with pytest.raises(Mute), tracer.start_as_current_span("a") as span:
        raise Mute
    assert span.status.status_code is StatusCode.ERROR and span.status.description.startswith("Mute: ")
    assert [e.name for e in span.events] == ["exception"] and not span.is_recording()


def test_a_block_is_entered_once_at_a_time(tracer: Any, ended: Ended) -> None:
    scope = tracer.start_as_current_span("a")
    with scope:
        with pytest.raises(RuntimeError), scope:
            pass
        assert get_current_span().is_recording()
    with scope:
        pass
    assert [s.name for s in ended.spans] == ["a", "a"]
    assert ended.spans[0].context.span_id != ended.spans[1].context.span_id
    assert scope.__exit__(None, None, None) is False


def test_wrong_arguments_of_exit(tracer: Any) -> None:
    scope = tracer.start_as_current_span("a")
    scope.__enter__()
    with pytest.raises(TypeError):
        scope.__exit__(1, 2, 3, 4)
    assert scope.__exit__() is False and get_current_span() is INVALID_SPAN


def test_decorated_functions(tracer: Any, ended: Ended) -> None:
    @tracer.start_as_current_span("f")
    def f(a: int, *, b: int = 2) -> Any:
        """Documented."""
        return a, b, get_current_span()

    a, b, span = f(1, b=3)
    assert (a, b, f.__name__, f.__doc__) == (1, 3, "f", "Documented.")
    assert f(1)[2] is not span and [s.name for s in ended.spans] == ["f", "f"]

    @use_span(span)
    def g() -> Any:
        return get_current_span()

    assert g() is span

    class C:
        @tracer.start_as_current_span("method")
        def method(self) -> Any:
            return self

    c = C()
    assert c.method() is c


def test_recursion_through_a_decorator(tracer: Any, ended: Ended) -> None:
    @tracer.start_as_current_span("f")
    def f(n: int) -> int:
        return n if n == 0 else f(n - 1)

    f(3)
    assert len(ended.spans) == 4 and ended.spans[0].parent.span_id == ended.spans[1].context.span_id


def test_decorated_coroutine_functions(tracer: Any, ended: Ended) -> None:
    @tracer.start_as_current_span("f")
    async def f(n: int) -> Any:
        span = get_current_span()
        await asyncio.sleep(0.001 * n)
        assert get_current_span() is span
        if n == 3:
            raise ValueError("three")
        return span

    async def main() -> Any:
        return await asyncio.gather(*(f(n) for n in range(4)), return_exceptions=True)

    results = asyncio.run(main())
    assert asyncio.iscoroutinefunction(f) and isinstance(results[3], ValueError)
    assert len({id(span) for span in results[:3]}) == 3 and all(not span.is_recording() for span in results[:3])
    assert [s.status.status_code for s in ended.spans].count(StatusCode.ERROR) == 1


def test_decorated_generator_functions(tracer: Any, ended: Ended) -> None:
    @tracer.start_as_current_span("f")
    def f() -> Iterator[int]:
        yield 1
        yield 2

    assert list(f()) == [1, 2] and [s.name for s in ended.spans] == ["f"]


def test_a_decorator_takes_one_function(tracer: Any) -> None:
    with pytest.raises(TypeError):
        tracer.start_as_current_span("a")()
    with pytest.raises(TypeError):
        tracer.start_as_current_span("a")(len, len)


def test_tasks_have_the_span_of_their_creation(tracer: Any) -> None:
    async def child(n: int) -> Any:
        outer = get_current_span()
        with tracer.start_as_current_span(f"child{n}") as span:
            await asyncio.sleep(0)
            assert get_current_span() is span
        assert get_current_span() is outer
        return outer, span

    async def main() -> Any:
        with tracer.start_as_current_span("parent") as parent:
            done = await asyncio.gather(*(asyncio.ensure_future(child(n)) for n in range(5)))
        return parent, done

    parent, done = asyncio.run(main())
    assert all(outer is parent and span.parent == parent.context for outer, span in done)


def test_a_cancelled_task_ends_its_span(tracer: Any, ended: Ended) -> None:
    async def forever() -> None:
        with tracer.start_as_current_span("forever"):
            await asyncio.sleep(1000)

    async def main() -> None:
        task = asyncio.ensure_future(forever())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert [s.name for s in ended.spans] == ["forever"]


def test_threads_start_without_a_span(tracer: Any) -> None:
    seen: list[Any] = []
    with tracer.start_as_current_span("a"):
        thread = threading.Thread(target=lambda: seen.append(get_current_span()))
        thread.start()
        thread.join()
        inside = contextvars.copy_context()
    assert seen == [INVALID_SPAN]
    assert inside.run(get_current_span) is not INVALID_SPAN


def test_a_generator_closed_elsewhere(tracer: Any, ended: Ended, caplog: pytest.LogCaptureFixture) -> None:
    def generator() -> Iterator[int]:
        with tracer.start_as_current_span("a"):
            yield 1

    with caplog.at_level(logging.DEBUG, "opentelemetry.context"):
        for _ in range(3):
            suspended = generator()
            contextvars.copy_context().run(next, suspended)
            suspended.close()
    assert len(ended.spans) == 3 and get_current_span() is INVALID_SPAN
    reports = [record for record in caplog.records if "Failed to detach context" in record.getMessage()]
    assert len(reports) == 3 and sum(record.levelno >= logging.WARNING for record in reports) <= 1


def test_an_async_generator_left_alone(tracer: Any, ended: Ended) -> None:
    async def generator() -> AsyncIterator[int]:
        with tracer.start_as_current_span("a"):
            yield 1
            yield 2

    async def main() -> None:
        async for _ in generator():
            break
        gc.collect()
        await asyncio.sleep(0)

    asyncio.run(main())
    assert [s.name for s in ended.spans] == ["a"]


def test_use_span_takes_any_span(tracer: Any) -> None:
    class Foreign(trace.Span):
        calls: list[Any] = []

        def end(self, end_time: int | None = None) -> None:
            self.calls.append("end")

        def get_span_context(self) -> SpanContext:
            return SpanContext(3, 4, False, trace.TraceFlags(1))

        def is_recording(self) -> bool:
            return True

        def record_exception(self, exception: BaseException, *args: Any, **kwargs: Any) -> None:
            self.calls.append(exception)

        def set_status(self, status: Any, description: str | None = None) -> None:
            self.calls.append(status.status_code)

        def set_attribute(self, key: str, value: Any) -> None: ...

        def set_attributes(self, attributes: Any) -> None: ...

        def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None: ...

        def update_name(self, name: str) -> None: ...

    foreign, error = Foreign(), ValueError("x")
    with pytest.raises(ValueError), use_span(foreign, end_on_exit=True):
        child = tracer.start_span("child")
        raise error
    assert child.parent == foreign.get_span_context()
    assert foreign.calls == [error, StatusCode.ERROR, "end"]
    with use_span(NonRecordingSpan(SpanContext(1, 2, False)), end_on_exit=True):
        assert get_current_span().get_span_context().span_id == 2


def test_what_is_no_span_is_not_current(tracer: Any) -> None:
    for thing in (None, 5, object()):
        with use_span(thing):  # type: ignore[arg-type]
            assert get_current_span() is INVALID_SPAN
            assert tracer.start_span("a").parent is None


def test_recording_that_fails_does_not_hide_the_exception(tracer: Any, caplog: pytest.LogCaptureFixture) -> None:
    class Failing(NonRecordingSpan):
        def is_recording(self) -> bool:
            return True

        def record_exception(self, *args: Any, **kwargs: Any) -> None:
            raise RuntimeError("cannot record")

    with pytest.raises(ValueError, match="the program's"), use_span(Failing(SpanContext(1, 2, False))):
        raise ValueError("the program's")
    assert "Failed to record an exception" in caplog.text


def test_attach_and_detach_around_a_block(tracer: Any) -> None:
    token = context_api.attach(context_api.set_value("k", "v"))
    with tracer.start_as_current_span("a"):
        assert context_api.get_value("k") == "v"
        with use_span(NonRecordingSpan(SpanContext(1, 2, False))):
            assert context_api.get_value("k") == "v"
    context_api.detach(token)
    assert context_api.get_value("k") is None
