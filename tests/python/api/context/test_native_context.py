"""The native context: a dict whose entries are there when somebody looks, and never before."""

from __future__ import annotations

import copy
import gc
import json
import pickle
import weakref
from typing import Any

import pytest

from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext
from opentelemetry.trace.propagation import _SPAN_KEY

SPAN = NonRecordingSpan(SpanContext(1, 2, False))
OTHER = NonRecordingSpan(SpanContext(3, 4, False))


def lazy() -> Context:
    """A context that was made by setting a span, so that nobody has looked at its entries yet."""
    return trace.set_span_in_context(SPAN, Context({"a": 1, "b": 2}))


ENTRIES = {"a": 1, "b": 2, _SPAN_KEY: SPAN}


@pytest.mark.parametrize(
    "look",
    [
        dict,
        lambda c: {**c},
        lambda c: dict(c.items()),
        lambda c: dict(zip(c.keys(), c.values())),
        lambda c: {key: c[key] for key in c},
        lambda c: {key: c.get(key) for key in reversed(c)},
        lambda c: c.copy(),
        copy.copy,
        lambda c: c | {},
        lambda c: {} | c,
        lambda c: (lambda **kwargs: kwargs)(**c),
        Context,
        lambda c: {**Context(), **c},
    ],
)
def test_every_way_to_look(look: Any) -> None:
    assert look(lazy()) == ENTRIES


def test_questions() -> None:
    assert len(lazy()) == 3 and "a" in lazy() and _SPAN_KEY in lazy() and "z" not in lazy() and bool(lazy())
    assert lazy()["b"] == 2 and lazy().get("z") is None and lazy().get("z", 9) == 9
    with pytest.raises(KeyError):
        lazy()["z"]
    assert repr(lazy()) == repr(ENTRIES)
    with pytest.raises(TypeError):
        hash(lazy())


def test_equality() -> None:
    assert lazy() == ENTRIES and ENTRIES == lazy() and lazy() == lazy()
    assert lazy() != trace.set_span_in_context(OTHER, Context({"a": 1, "b": 2}))
    assert not lazy() != lazy() and lazy() != 5


def test_a_span_over_a_span() -> None:
    base = lazy()
    made = trace.set_span_in_context(OTHER, base)
    assert made == {**ENTRIES, _SPAN_KEY: OTHER} and base == ENTRIES
    again = context_api.set_value("c", 3, made)
    assert again == {**ENTRIES, _SPAN_KEY: OTHER, "c": 3}
    assert trace.get_current_span(again) is OTHER
    assert trace.get_current_span(context_api.set_value(_SPAN_KEY, SPAN, again)) is SPAN


def test_values() -> None:
    base = lazy()
    assert context_api.get_value(_SPAN_KEY, base) is SPAN
    assert context_api.get_value("".join(list(_SPAN_KEY)), base) is SPAN
    assert context_api.get_value("a", base) == 1 and context_api.get_value("z", base) is None
    assert context_api.get_value(key="b", context=base) == 2


def test_keys_that_are_no_strings() -> None:
    class Odd:
        def __eq__(self, other: object) -> bool:
            raise ValueError("asked")

        def __hash__(self) -> int:
            return 12345

    odd = Odd()
    assert context_api.get_value(odd, lazy()) is None  # type: ignore[arg-type]
    made = context_api.set_value(odd, 1, lazy())  # type: ignore[arg-type]
    assert context_api.get_value(odd, made) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.__setitem__("a", 5),
        lambda c: c.__delitem__("a"),
        lambda c: c.update({"a": 5}),
        lambda c: c.pop("a"),
        lambda c: c.popitem(),
        lambda c: c.clear(),
        lambda c: c.setdefault("z", 1),
        lambda c: c.__ior__({"a": 5}),
    ],
)
def test_it_is_immutable(change: Any) -> None:
    context = lazy()
    with pytest.raises(ValueError, match="immutable"):
        change(context)
    assert context == ENTRIES


def test_copies_and_pickles() -> None:
    context = lazy()
    assert type(copy.copy(context)) is Context and copy.copy(context) == context
    for made in (pickle.loads(pickle.dumps(context)), copy.deepcopy(context)):
        assert type(made) is Context and made["a"] == 1
        assert trace.get_current_span(made).get_span_context() == SPAN.get_span_context()
    assert json.loads(json.dumps(context_api.set_value("c", 3, Context({"a": 1})))) == {"a": 1, "c": 3}


def test_a_class_of_ones_own() -> None:
    class Mine(Context):
        pass

    mine = Mine({"a": 1})
    assert mine["a"] == 1 and trace.set_span_in_context(SPAN, mine)["a"] == 1
    token = context_api.attach(mine)
    assert context_api.get_current() is mine and context_api.get_value("a") == 1
    context_api.detach(token)


def test_any_mapping_is_a_context() -> None:
    made = trace.set_span_in_context(SPAN, {"a": 1})  # type: ignore[arg-type]
    assert made == {"a": 1, _SPAN_KEY: SPAN} and trace.get_current_span({_SPAN_KEY: SPAN}) is SPAN  # type: ignore[arg-type]


def test_a_context_used_before_shows_nothing_of_it() -> None:
    """The memory of contexts is used again."""
    for i in range(1000):
        made = trace.set_span_in_context(SPAN if i % 2 else OTHER, Context({"i": i}))
        if i % 3 == 0:
            dict.__setitem__(made, "smuggled", i)
        del made
    assert trace.set_span_in_context(SPAN, Context()) == {_SPAN_KEY: SPAN}


def test_cycles_are_collected() -> None:
    class Thing:
        context: Any

    gone = []
    for make in (
        lambda thing: context_api.set_value("k", thing, Context()),
        lambda thing: trace.set_span_in_context(thing, Context()),
        lambda thing: trace.set_span_in_context(SPAN, context_api.set_value("k", thing, Context())),
    ):
        thing = Thing()
        thing.context = make(thing)  # type: ignore[no-untyped-call]
        gone.append(weakref.ref(thing))
        del thing
    gc.collect()
    assert [one() for one in gone] == [None, None, None]


def test_contexts_nested_without_end() -> None:
    context = Context()
    for _ in range(200_000):
        context = context_api.set_value("before", context, context)
    del context


def test_tokens(caplog: pytest.LogCaptureFixture) -> None:
    token = context_api.attach(lazy())
    assert context_api.get_current() == ENTRIES
    context_api.detach(token)
    assert context_api.get_current() == {}
    for wrong in (token, None, 5, "token"):
        context_api.detach(wrong)  # type: ignore[arg-type]
    assert context_api.get_current() == {}


def test_arguments_are_checked_as_python_does() -> None:
    for wrong in (
        lambda: context_api.attach(),  # type: ignore[call-arg]
        lambda: context_api.set_value("a"),  # type: ignore[call-arg]
        lambda: context_api.get_value(),  # type: ignore[call-arg]
        lambda: context_api.get_value("a", wrong=1),  # type: ignore[call-arg]
        lambda: lazy().get(),  # type: ignore[call-overload]
        lambda: lazy().items(1),  # type: ignore[call-arg]
    ):
        with pytest.raises(TypeError):
            wrong()
    with pytest.raises(TypeError):
        context_api.set_value([], 1)  # type: ignore[arg-type]
