"""A scope's ``__enter__`` and ``__exit__``: native descriptors of their own, which behave as methods do."""

from __future__ import annotations

import contextlib
import gc
import weakref
from typing import Any

import pytest

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace import _Span as SdkSpan

TRACER = TracerProvider().get_tracer("tests")


def test_with_and_by_hand_and_on_an_exit_stack() -> None:
    with TRACER.start_as_current_span("a") as span:
        assert trace.get_current_span() is span
    scope: Any = TRACER.start_as_current_span("b")
    enter, exit = scope.__enter__, scope.__exit__
    span = enter()
    assert trace.get_current_span() is span
    assert exit(None, None, None) is False and not span.is_recording()
    kind = type(scope)
    again: Any = TRACER.start_as_current_span("c")
    span = kind.__enter__(again)
    assert kind.__exit__(again, exc_type=None, exc_value=None, traceback=None) is False
    with contextlib.ExitStack() as stack:
        span = stack.enter_context(TRACER.start_as_current_span("d"))
        assert trace.get_current_span() is span
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_they_look_like_methods() -> None:
    scope: Any = TRACER.start_as_current_span("a")
    assert scope.__exit__.__self__ is scope and scope.__enter__.__name__ == "__enter__"
    assert "current" in type(scope).__exit__.__doc__ and callable(type(scope).__enter__)


def test_wrong_uses_raise() -> None:
    scope: Any = TRACER.start_as_current_span("a")
    other: Any = TRACER
    for wrong in (
        lambda: scope.__enter__(1),
        lambda: scope.__enter__(x=1),
        lambda: scope.__exit__(1, 2, 3, 4),
        lambda: type(scope).__enter__(),
        lambda: type(scope).__enter__(other),
        lambda: type(scope).__dict__["__enter__"].__get__(other, None),
        lambda: type(scope.__enter__)(),
        lambda: object.__new__(type(scope.__enter__)),
    ):
        with pytest.raises(TypeError):
            wrong()


def test_a_method_keeps_its_scope_and_cycles_are_collected() -> None:
    class Thing:
        exit: Any

    things = []
    for _ in range(100):
        thing = Thing()
        thing.exit = TRACER.start_as_current_span("a", attributes={"thing": thing}).__exit__  # type: ignore[dict-item]
        things.append(weakref.ref(thing))
        del thing
    gc.collect()
    assert [one() for one in things] == [None] * 100


def test_blocks_in_generators() -> None:
    def steps() -> Any:
        with TRACER.start_as_current_span("a") as span:
            yield span

    running = [steps() for _ in range(100)]
    spans = [next(one) for one in running]
    for one in reversed(running):
        one.close()
    assert not any(span.is_recording() for span in spans)


def test_a_span_that_somebody_gave_a_finalizer() -> None:
    ended: list[str] = []
    SdkSpan.__del__ = lambda span: ended.append(span.name)
    try:
        for i in range(3):
            TRACER.start_span(f"span {i}")
    finally:
        del SdkSpan.__del__  # type: ignore[attr-defined]
    TRACER.start_span("another")
    assert ended == ["span 0", "span 1", "span 2"]


def test_subclasses_free_what_they_add() -> None:
    class Mine(trace.NonRecordingSpan):
        def __init__(self) -> None:
            super().__init__(trace.INVALID_SPAN_CONTEXT)
            self.more = [self]

    mine = Mine()
    gone = weakref.ref(mine)
    mine.more.clear()
    del mine
    assert gone() is None
