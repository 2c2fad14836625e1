"""The baggage API: pairs in a context."""

from __future__ import annotations

from typing import Any

import pytest

from opentelemetry import baggage
from opentelemetry.context import Context, attach, detach


def test_set_get_remove_clear() -> None:
    empty = Context()
    one = baggage.set_baggage("a", "1", empty)
    two = baggage.set_baggage("b", 2, one)
    assert baggage.get_baggage("a", two) == "1"
    assert baggage.get_baggage("c", two) is None
    assert baggage.get_all(two) == {"a": "1", "b": 2}
    assert baggage.get_all(baggage.remove_baggage("a", two)) == {"b": 2}
    assert baggage.get_all(baggage.remove_baggage("nothing", two)) == {"a": "1", "b": 2}
    assert baggage.get_all(baggage.clear(two)) == {}
    assert baggage.get_all(one) == {"a": "1"} and baggage.get_all(empty) == {}


def test_setting_again_keeps_the_place() -> None:
    context = baggage.set_baggage("a", 1, Context())
    context = baggage.set_baggage("b", 2, context)
    context = baggage.set_baggage("a", 3, context)
    assert list(baggage.get_all(context).items()) == [("a", 3), ("b", 2)]


def test_default_is_the_current_context() -> None:
    token = attach(baggage.set_baggage("a", "1"))
    try:
        assert baggage.get_baggage("a") == "1"
        assert baggage.get_all(baggage.set_baggage("b", "2")) == {"a": "1", "b": "2"}
        assert baggage.get_all(baggage.remove_baggage("a")) == {}
        assert baggage.get_all(baggage.clear()) == {}
    finally:
        detach(token)
    assert baggage.get_all() == {}


def test_cannot_be_changed_in_place() -> None:
    context = baggage.set_baggage("a", "1", Context())
    view: Any = baggage.get_all(context)
    with pytest.raises(TypeError):
        view["a"] = "2"
    assert baggage.get_baggage("a", context) == "1"


def test_other_entries_of_the_context_stay() -> None:
    assert baggage.set_baggage("a", "1", Context({"k": "v"}))["k"] == "v"


def test_something_else_under_the_key() -> None:
    context = Context({baggage._BAGGAGE_KEY: "no baggage"})
    assert baggage.get_all(context) == {}
    assert baggage.get_all(baggage.set_baggage("a", "1", context)) == {"a": "1"}


@pytest.mark.parametrize(
    "value, valid",
    [
        ("v", True),
        ("", True),
        ("v;p", True),
        ("v ; p = 1", True),
        ("a b", False),
        ("v;", False),
        ("v;p q", False),
        (5, True),
    ],
)
def test_valid_values(value: Any, valid: bool) -> None:
    assert baggage._is_valid_value(value) is valid
    assert baggage._is_valid_pair("k", value) is valid
    assert baggage._is_valid_pair("k k", value) is False
