"""TraceState: the mapping, its changes, and the header."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from opentelemetry.trace import SpanContext, TraceState

LOGGER = "opentelemetry.trace.span"


def cases(section: str) -> list[Any]:
    path = Path(__file__).parents[2] / "vectors" / "tracestate.json"
    return [pytest.param(case, id=case["name"]) for case in json.loads(path.read_text())[section]]


@pytest.mark.parametrize("case", cases("parse"))
def test_from_header(case: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    state = TraceState.from_header(case["headers"])
    assert list(state.items()) == [tuple(pair) for pair in case["expect"]]
    messages = [record.getMessage() for record in caplog.records if record.name == LOGGER]
    expected = {
        "malformed": "Member doesn't match the w3c identifiers format",
        "too many": "There can't be more than 32",
    }
    if "error" in case:
        assert len(messages) == 1
        assert messages[0].startswith(expected[case["error"]])
    else:
        assert messages == []


@pytest.mark.parametrize("case", cases("change"))
def test_change(case: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    before = TraceState([tuple(pair) for pair in case["from"]])
    arguments = [case[name] for name in ("key", "value") if name in case]
    after = getattr(before, case["op"])(*arguments)
    expected = {
        "exists": "already exists",
        "missing": "doesn't exist",
        "too many": "There can't be more 32 key/value pairs.",
        "invalid": "Invalid key/value pair",
    }
    if "error" in case:
        assert after is before
        assert [expected[case["error"]] in record.getMessage() for record in caplog.records] == [True]
    else:
        assert list(after.items()) == [tuple(pair) for pair in case["expect"]]
        assert list(before.items()) == [tuple(pair) for pair in case["from"]]
        assert caplog.records == []


def test_is_a_mapping() -> None:
    state = TraceState([("a", "1"), ("b", "2")])
    assert isinstance(state, Mapping)
    assert len(state) == 2
    assert list(state) == list(state.keys()) == ["a", "b"]
    assert list(state.values()) == ["1", "2"]
    assert state["a"] == "1"
    number: object = 1
    assert "a" in state and "c" not in state and number not in state
    assert state.get("c") is None and state.get("c", "x") == "x" and state.get("a", "x") == "1"
    assert dict(state) == {"a": "1", "b": "2"} == {**state}
    assert state == {"b": "2", "a": "1"} and {"a": "1", "b": "2"} == state
    assert state != {"a": "1"} and state != [("a", "1"), ("b", "2")]
    assert bool(state) and not TraceState()
    assert repr(state) == "['{key=a, value=1}', '{key=b, value=2}']"
    assert state.to_header() == "a=1,b=2"
    with pytest.raises(KeyError, match="'c'"):
        state["c"]
    with pytest.raises(TypeError):
        hash(state)


def test_is_immutable() -> None:
    state: Any = TraceState([("a", "1")])
    with pytest.raises(TypeError):
        state["a"] = "2"
    with pytest.raises(AttributeError):
        state.anything = 1


@pytest.mark.parametrize("entries", [[], [("a", "1"), ("b", "2")]])
def test_copies_and_pickles(entries: list[tuple[str, str]]) -> None:
    state = TraceState(entries)
    for twin in (copy.copy(state), copy.deepcopy(state), pickle.loads(pickle.dumps(state))):
        assert list(twin.items()) == entries


def test_default() -> None:
    assert TraceState.get_default() == TraceState() == {}
    assert TraceState(None).to_header() == ""


class Vendor(TraceState):
    """A subclass, as a vendor may write it."""

    def vendor(self) -> str | None:
        return self.get("vendor")


def test_subclass() -> None:
    state = Vendor.from_header(["vendor=1,other=2"])
    assert isinstance(state, Vendor)
    assert state.vendor() == "1"
    assert isinstance(Vendor.get_default(), Vendor)
    assert isinstance(pickle.loads(pickle.dumps(state)), Vendor)


def test_constructor_leaves_out_what_is_wrong(caplog: pytest.LogCaptureFixture) -> None:
    entries: Any = [
        ("a", "1"),
        ("A", "2"),
        ("b", 3),
        (4, "4"),
        ("a", "5"),
        "nonsense",
        None,
        ("c", "\ud800"),
        ("d", "6"),
    ]
    assert dict(TraceState(entries)) == {"a": "1", "d": "6"}
    assert len(caplog.records) == 7
    assert {record.levelname for record in caplog.records} == {"WARNING"}
    assert "Duplicate key: a found." in caplog.messages


def test_constructor_with_too_many(caplog: pytest.LogCaptureFixture) -> None:
    assert len(TraceState([(f"k{i}", "v") for i in range(32)])) == 32
    assert len(TraceState([(f"k{i}", "v") for i in range(33)])) == 0
    assert caplog.messages == ["There can't be more than 32 key/value pairs."]


@pytest.mark.parametrize(
    "key, value", [(1, "v"), ("k", 1), (None, None), ("\ud800", "v"), ("k", "\ud800"), ("k", b"v")]
)
def test_wrong_types_change_nothing(key: Any, value: Any, caplog: pytest.LogCaptureFixture) -> None:
    state = TraceState([("a", "1")])
    assert state.add(key, value) is state
    assert state.update(key, value) is state
    assert len(caplog.records) == 2


@pytest.mark.parametrize("headers", [["a=\ud800"], [None], [b"a=1"], [1], ["a=1", None]])
def test_header_that_is_no_text(headers: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert dict(TraceState.from_header(headers)) == {}
    assert len(caplog.records) == 1


def test_hostile_header_is_quick_and_quiet(caplog: pytest.LogCaptureFixture) -> None:
    assert dict(TraceState.from_header(["a=b" + " " * 1_000_000 + "x"])) == {}
    assert len(caplog.messages[0]) < 400


def test_the_text_of_a_header_in_place_of_a_trace_state() -> None:
    context: Any = SpanContext(1, 2, is_remote=False, trace_state="foo=bar,a=1")  # type: ignore[arg-type]
    assert context.trace_state == "foo=bar,a=1"
    assert context.trace_state == {"foo": "bar", "a": "1"}
    assert context.trace_state != "foo=bar"
