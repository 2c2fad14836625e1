"""BoundedAttributes: what goes in is cleaned, bounded, and never hurts the program that gave it."""

from __future__ import annotations

import copy
import logging
import threading
from collections import UserDict, UserList
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentelemetry.attributes import BoundedAttributes, _clean_attribute, _clean_attribute_value


class Silent:
    pass


class WithText:
    def __str__(self) -> str:
        return "<a text>"


class RaisesInStr:
    def __str__(self) -> str:
        raise RuntimeError("no text")


class RaisesEverywhere(RaisesInStr):
    def __bool__(self) -> bool:
        raise RuntimeError("no truth")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no equality")

    def __hash__(self) -> int:
        return 1

    def __len__(self) -> int:
        raise RuntimeError("no length")


class Unbound:
    """As a context local's proxy outside of its context: everything about it raises."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("working outside of request context")

    def __bool__(self) -> bool:
        raise RuntimeError("working outside of request context")

    __str__ = __repr__ = __hash__ = __len__ = __iter__ = __bool__  # type: ignore[assignment]


class BrokenMapping(UserDict):  # type: ignore[type-arg]
    def items(self) -> Any:
        yield "first", 1
        raise RuntimeError("gone")


class BrokenSequence(UserList):  # type: ignore[type-arg]
    def __iter__(self) -> Any:
        raise RuntimeError("gone")


@pytest.mark.parametrize("value", [None, True, 3, -(2**70), 2.5, "text", b"\xff"])
def test_scalars_stay_as_they_are(value: Any) -> None:
    assert _clean_attribute_value(value, None) is value


def test_sequences_become_tuples_and_mappings_dicts_all_the_way_down() -> None:
    value = {"list": [1, "a", [None, {"deep": (True,)}]], "user": UserDict({"k": UserList([1])})}
    assert _clean_attribute_value(value, None) == {
        "list": (1, "a", (None, {"deep": (True,)})),
        "user": {"k": (1,)},
    }


def test_strings_are_cut_wherever_they_stand_and_bytes_are_not() -> None:
    assert _clean_attribute_value({"a": ["12345", b"12345"]}, 3) == {"a": ("123", b"12345")}


@pytest.mark.parametrize(
    ("value", "clean"),
    [(WithText(), "<a text>"), (Silent(), None), (RaisesInStr(), None), (RaisesEverywhere(), None), ({1, 2}, "{1, 2}")],
)
def test_other_objects_become_their_text_or_none_with_a_warning(
    value: Any, clean: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert _clean_attribute_value(value, None) == clean
    assert "Expected one of bool, str, None, bytes, int, float" in caplog.records[0].getMessage()
    assert {record.name for record in caplog.records} == {"opentelemetry.attributes"}


def test_a_lazy_object_outside_of_its_context_is_lost_and_nothing_else() -> None:
    unbound: Any = Unbound()
    assert _clean_attribute_value([1, unbound], None) == (1, None)
    attributes = BoundedAttributes(attributes={"a": unbound, "b": {"c": unbound}, "d": 1})
    assert attributes == {"a": None, "b": {"c": None}, "d": 1}
    attributes._immutable = False
    attributes[unbound] = 1
    assert attributes.dropped == 1
    assert len(BoundedAttributes(attributes=unbound)) == 0


def test_the_text_of_another_object_is_cut_too() -> None:
    assert _clean_attribute_value(WithText(), 3) == "<a "  # type: ignore[arg-type]


def test_cyclic_values_are_cut() -> None:
    items: list[Any] = [1]
    items += [items, items, {"again": items}]
    assert _clean_attribute_value(items, None) == (1, None, None, {"again": None})


def test_the_same_container_twice_is_no_cycle() -> None:
    shared = [1]
    assert _clean_attribute_value([shared, shared], None) == ((1,), (1,))


def test_endless_nesting_is_cut() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    clean: Any = _clean_attribute_value(value, None)
    depth = 0
    while clean:
        (clean,) = clean
        depth += 1
    assert depth == 64 and clean is None


def test_what_can_be_read_of_a_broken_mapping_is_kept() -> None:
    attributes = BoundedAttributes(attributes=BrokenMapping({"first": 1, "second": 2}))
    assert dict(attributes) == {"first": 1}
    assert attributes.dropped == 1


def test_a_broken_sequence_becomes_its_text() -> None:
    assert _clean_attribute_value(BrokenSequence([1, 2]), None) == "[1, 2]"


@pytest.mark.parametrize("attributes", [[("a", 1)], "text", 5])
def test_attributes_that_are_no_mapping_are_dropped_with_a_warning(
    attributes: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert len(BoundedAttributes(attributes=attributes)) == 0
    assert "must be a mapping" in caplog.text


@pytest.mark.parametrize("key", ["", None, 1, RaisesEverywhere()])
def test_a_key_that_is_no_string_is_refused_and_counted(key: Any, caplog: pytest.LogCaptureFixture) -> None:
    attributes = BoundedAttributes(immutable=False)
    attributes[key] = 1
    assert len(attributes) == 0
    assert attributes.dropped == 1
    assert "must be non-empty string" in caplog.text


def test_keys_of_the_first_attributes_become_text_where_they_have_one() -> None:
    given_attributes: Any = {1: "one", None: "none", Silent(): "silent", RaisesInStr(): "raises", "": "empty", "a": "b"}
    attributes = BoundedAttributes(attributes=given_attributes)
    assert dict(attributes) == {"1": "one", "a": "b"}
    assert attributes.dropped == 4


def test_the_oldest_goes_when_it_is_full_and_one_warning_says_so(caplog: pytest.LogCaptureFixture) -> None:
    attributes = BoundedAttributes(2, {"a": 1, "b": 2, "c": 3, "d": 4}, immutable=False)
    assert list(attributes) == ["c", "d"]
    assert attributes.dropped == 2
    (record,) = caplog.records
    assert record.getMessage() == (
        "Attributes dict is full. Dropping the oldest key-value pair from attributes to make space for the new "
        "key-value pair."
    )
    attributes["c"] = 5
    attributes["e"] = 6
    assert dict(attributes) == {"c": 5, "e": 6}
    assert attributes.dropped == 3


def test_with_room_for_nothing_everything_is_dropped() -> None:
    attributes = BoundedAttributes(0, {"a": 1, "b": 2}, immutable=False)
    attributes["c"] = 3
    assert len(attributes) == 0
    assert attributes.dropped == 3


@pytest.mark.parametrize("arguments", [{"maxlen": -1}, {"max_value_len": -1}])
def test_negative_limits_are_refused(arguments: Any) -> None:
    with pytest.raises(ValueError, match="must be valid int greater or equal to 0"):
        BoundedAttributes(**arguments)


def test_an_immutable_one_refuses_changes_until_it_is_told_otherwise() -> None:
    attributes = BoundedAttributes(attributes={"a": 1})
    with pytest.raises(TypeError):
        attributes["b"] = 2
    with pytest.raises(TypeError):
        del attributes["a"]
    attributes._immutable = False
    attributes["b"] = 2
    del attributes["a"]
    assert attributes == {"b": 2}
    assert attributes._dict == {"b": 2}


def test_a_deep_copy_is_independent_and_like_the_original() -> None:
    attributes = BoundedAttributes(4, {"a": {"b": [1]}}, max_value_len=5)
    attributes.dropped = 7
    made = copy.deepcopy(attributes)
    assert made == attributes and made is not attributes
    assert (made.maxlen, made.max_value_len, made.dropped, made._immutable) == (4, 5, 7, True)
    assert made["a"] is not attributes["a"]


def test_a_plain_copy_is_a_dict() -> None:
    copied = BoundedAttributes(attributes={"a": 1}).copy()
    assert copied == {"a": 1} and type(copied) is dict
    assert repr(BoundedAttributes(attributes={"a": 1})) == "{'a': 1}"


def test_a_log_handler_that_writes_back_does_not_deadlock() -> None:
    attributes = BoundedAttributes(1, immutable=False, max_value_len=3)

    class WritesBack(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "back" not in attributes:
                attributes["back"] = 1

    handler = WritesBack()
    logger = logging.getLogger("opentelemetry.attributes")
    logger.addHandler(handler)
    try:
        worker = threading.Thread(target=attributes.update, args=({"a": "too long", "b": 2},), daemon=True)
        worker.start()
        worker.join(5)
        assert not worker.is_alive()
    finally:
        logger.removeHandler(handler)


def test_a_value_whose_text_writes_back_does_not_deadlock() -> None:
    attributes = BoundedAttributes(immutable=False)

    class WritesBack:
        def __str__(self) -> str:
            attributes["back"] = 1
            return "text"

    worker = threading.Thread(target=attributes.__setitem__, args=("a", WritesBack()), daemon=True)
    worker.start()
    worker.join(5)
    assert not worker.is_alive()
    assert attributes == {"back": 1, "a": "text"}


def test_iteration_while_another_thread_writes() -> None:
    attributes = BoundedAttributes(50, immutable=False)
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            attributes[str(number % 1000)] = number
            number += 1

    logging.getLogger("opentelemetry.attributes").setLevel(logging.CRITICAL)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(500):
            assert len(list(attributes)) <= 50
    finally:
        stop.set()
        writer.join()
        logging.getLogger("opentelemetry.attributes").setLevel(logging.NOTSET)


def test_clean_attribute_checks_the_key() -> None:
    assert _clean_attribute("a", [1], None) == (1,)
    assert _clean_attribute("", 1, None) is None
    assert _clean_attribute(None, 1, None) is None  # type: ignore[arg-type]


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(min_size=1), inner),
    max_leaves=20,
)


def _as_clean(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return tuple(_as_clean(item) for item in value)
    if isinstance(value, dict):
        return {key: _as_clean(item) for key, item in value.items()}
    return value


@given(_values)
@settings(deadline=None)
def test_attribute_values_lose_nothing(value: Any) -> None:
    clean = _clean_attribute_value(value, None)
    assert clean == _as_clean(value)
    assert _clean_attribute_value(clean, None) == clean


@given(st.dictionaries(st.text(min_size=1), st.integers()), st.integers(min_value=0, max_value=5))
@settings(deadline=None)
def test_the_newest_are_kept(attributes: Any, maxlen: int) -> None:
    logging.getLogger("opentelemetry.attributes").setLevel(logging.CRITICAL)
    try:
        bounded = BoundedAttributes(maxlen, attributes)
    finally:
        logging.getLogger("opentelemetry.attributes").setLevel(logging.NOTSET)
    assert list(bounded) == list(attributes)[max(len(attributes) - maxlen, 0) :]
    assert bounded.dropped == max(len(attributes) - maxlen, 0)
