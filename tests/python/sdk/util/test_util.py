"""`BoundedList`, `BoundedDict`, and the two conversions."""

from __future__ import annotations

import copy
from collections.abc import MutableMapping, Sequence

import pytest

from opentelemetry.sdk.util import BoundedDict, BoundedList, get_dict_as_key, ns_to_iso_str


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1_700_000_000_123_456_789, "2023-11-14T22:13:20.123457Z"),
    ],
)
def test_ns_to_iso_str(nanoseconds: int, text: str) -> None:
    assert ns_to_iso_str(nanoseconds) == text


def test_get_dict_as_key() -> None:
    assert get_dict_as_key({"b": [1, 2], "a": "x"}) == (("a", "x"), ("b", (1, 2)))
    assert hash(get_dict_as_key({"a": 1, "b": 2})) == hash(get_dict_as_key({"b": 2, "a": 1}))


def test_bounded_list_drops_the_oldest() -> None:
    bounded: BoundedList[int] = BoundedList(3)
    bounded.extend([1, 2])
    assert (list(bounded), bounded.dropped) == ([1, 2], 0)
    bounded.append(3)
    bounded.append(4)
    assert (list(bounded), bounded.dropped, len(bounded)) == ([2, 3, 4], 1, 3)
    bounded.extend(iter([5, 6, 7, 8]))
    assert (list(bounded), bounded.dropped) == ([6, 7, 8], 5)
    assert (bounded[0], bounded[-1], list(bounded[1:])) == (6, 8, [7, 8])
    assert repr(bounded) == "BoundedList([6, 7, 8], maxlen=3)"
    assert isinstance(bounded, Sequence)


def test_bounded_list_without_bound_and_with_none_at_all() -> None:
    assert len(BoundedList.from_seq(None, range(1000))) == 1000
    nothing: BoundedList[int] = BoundedList.from_seq(0, [1, 2])
    assert (list(nothing), nothing.dropped) == ([], 2)


def test_bounded_list_can_be_looped_over_while_it_grows() -> None:
    bounded: BoundedList[int] = BoundedList.from_seq(10, [1, 2])
    for item in bounded:
        bounded.append(item)
    assert list(bounded) == [1, 2, 1, 2]


def test_a_deep_copy_of_a_bounded_list_is_independent() -> None:
    class Named(BoundedList[object]):
        pass

    original = Named.from_seq(2, [[1], [2], [3]])
    twin = copy.deepcopy(original)
    twin.append([4])
    assert type(twin) is Named
    assert (list(original), original.dropped) == ([[2], [3]], 1)
    assert (list(twin), twin.dropped) == ([[3], [4]], 2)
    assert twin[0] is not original[1]


def bounded_dict(maxlen: int | None) -> BoundedDict[str, int]:
    with pytest.warns(DeprecationWarning, match="Deprecated since version 1.4.0."):
        return BoundedDict(maxlen)


def test_bounded_dict_drops_what_was_set_longest_ago() -> None:
    bounded = bounded_dict(2)
    bounded["a"], bounded["b"], bounded["a"], bounded["c"] = 1, 2, 3, 4
    assert (dict(bounded), bounded.dropped, len(bounded)) == ({"a": 3, "c": 4}, 1, 2)
    del bounded["a"]
    assert repr(bounded) == "BoundedDict({'c': 4}, maxlen=2)"
    assert isinstance(bounded, MutableMapping)
    with pytest.raises(KeyError):
        bounded["a"]


def test_bounded_dict_without_bound_and_with_none_at_all() -> None:
    with pytest.warns(DeprecationWarning):
        assert len(BoundedDict.from_map(None, {str(n): n for n in range(1000)})) == 1000
    nothing = bounded_dict(0)
    nothing["a"] = 1
    assert (dict(nothing), nothing.dropped) == ({}, 1)


@pytest.mark.parametrize("maxlen", [-1, "3", 1.5])
def test_bounded_dict_checks_its_argument(maxlen: object) -> None:
    with pytest.warns(DeprecationWarning), pytest.raises(ValueError):
        BoundedDict(maxlen)  # type: ignore[arg-type]
