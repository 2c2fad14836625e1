"""W3C Baggage through the propagator class."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from opentelemetry import baggage
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context, attach, detach
from opentelemetry.propagators.textmap import DefaultGetter

PROPAGATOR = W3CBaggagePropagator()
LOGGER = "opentelemetry.baggage.propagation"


def cases(section: str) -> list[Any]:
    path = Path(__file__).parents[2] / "vectors" / "baggage.json"
    return [pytest.param(case, id=case["name"]) for case in json.loads(path.read_text())[section]]


def extracted(*headers: str) -> dict[str, object]:
    return dict(baggage.get_all(PROPAGATOR.extract({"baggage": list(headers)}, Context())))


def injected(entries: Any) -> str | None:
    carrier: dict[str, str] = {}
    PROPAGATOR.inject(carrier, baggage._with_entries(entries, Context()))
    return carrier.get("baggage")


def assert_problems(caplog: pytest.LogCaptureFixture, expected: list[str]) -> None:
    messages = [record.getMessage() for record in caplog.records if record.name == LOGGER]
    assert len(messages) == len(expected)
    for message, part in zip(messages, expected):
        assert part in message
        assert len(message) < 400, "a hostile header must not fill the log"


@pytest.mark.parametrize("case", cases("extract"))
def test_extract(case: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    assert list(extracted(*case["headers"]).items()) == [tuple(pair) for pair in case["expect"]]
    assert_problems(caplog, case["problems"])


@pytest.mark.parametrize("case", cases("inject"))
def test_inject(case: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    assert injected(dict(case["entries"])) == case["expect"]
    assert_problems(caplog, case.get("problems", []))


def test_extract_adds_to_what_is_there() -> None:
    base = baggage.set_baggage("a", "old", baggage.set_baggage("z", "kept", Context({"k": "v"})))
    context = PROPAGATOR.extract({"baggage": "a=new,b=1"}, base)
    assert dict(baggage.get_all(context)) == {"z": "kept", "a": "new", "b": "1"}
    assert context["k"] == "v"
    assert baggage.get_baggage("a", base) == "old"


def test_extract_starts_from_the_current_context() -> None:
    token = attach(baggage.set_baggage("a", "1"))
    try:
        assert dict(baggage.get_all(PROPAGATOR.extract({"baggage": "b=2"}))) == {"a": "1", "b": "2"}
        carrier: dict[str, str] = {}
        PROPAGATOR.inject(carrier)
        assert carrier == {"baggage": "a=1"}
    finally:
        detach(token)


@pytest.mark.parametrize("carrier", [{}, {"baggage": ""}, {"baggage": None}, {"baggage": []}, {"baggage": "no,good"}])
def test_extract_returns_the_context_where_nothing_arrives(carrier: Any) -> None:
    context = Context({"k": "v"})
    assert PROPAGATOR.extract(carrier, context) is context


def test_own_getter() -> None:
    class Own(DefaultGetter):
        pass

    context = PROPAGATOR.extract({"baggage": ["a=1", "b=2"]}, Context(), Own())
    assert dict(baggage.get_all(context)) == {"a": "1", "b": "2"}


def test_subclass_with_other_limits_and_header() -> None:
    class Small(W3CBaggagePropagator):
        _MAX_PAIRS = 1
        _BAGGAGE_HEADER_NAME = "x-baggage"

    context = Small().extract({"x-baggage": "a=1,b=2"}, Context())
    assert dict(baggage.get_all(context)) == {"a": "1"}
    carrier: dict[str, str] = {}
    Small().inject(carrier, baggage.set_baggage("b", "2", context))
    assert carrier == {"x-baggage": "a=1"}
    assert Small().fields == {"x-baggage"}


class Stubborn:
    """Has no text."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_values_of_any_type(caplog: pytest.LogCaptureFixture) -> None:
    assert injected({"a": True, "b": 1, "c": 1.5, "d": None, "e": b"x"}) == "a=True,b=1,c=1.5,d=None,e=b%27x%27"
    header = injected({1: "number", "lone": "\ud800", "s": Stubborn(), "z": "1"})
    assert re.fullmatch("1=number,lone=(%EF%BF%BD)+,z=1", header or "")
    assert [record.getMessage() for record in caplog.records] == [
        f"Baggage entry of type {Stubborn} has no text: it is left out"
    ]


@pytest.mark.parametrize("header", ["a=\ud800,b=1", "\ud800"])
def test_lone_surrogates(header: str) -> None:
    assert extracted(header) == ({"b": "1"} if "b" in header else {})


@given(st.text())
@example("%ff%C3%28 + \x00é\U0001f600")
def test_encodes_as_urllib_does(text: str) -> None:
    if len(quote_plus(text)) < 4000:
        assert injected({"k": text}) == "k=" + quote_plus(text)


@given(st.lists(st.sampled_from(["%", "C3", "a9", "%C3", "%e2%82", "%ff", "%41", "+", "a", "%zz", "%2"])))
def test_decodes_as_urllib_does(parts: list[str]) -> None:
    value = "".join(parts)
    assert extracted(f"k={value}") == {"k": unquote_plus(value).strip()}


@given(st.text(st.characters(max_codepoint=127)))
def test_accepts_what_the_grammar_accepts(header: str) -> None:
    """Against the regular expressions that the API has anyway."""
    expected = {}
    for member in header.split(","):
        name, found, value = (part.strip(" \t") for part in member.partition("="))
        if found and baggage._is_valid_pair(name, value):
            expected[unquote_plus(name).strip()] = unquote_plus(value).strip()
    assert extracted(header) == expected


@given(st.one_of(st.text(), st.binary(), st.integers(), st.lists(st.one_of(st.text(), st.binary(), st.none()))))
def test_no_value_raises(value: Any) -> None:
    assert isinstance(PROPAGATOR.extract({"baggage": value}, Context()), Context)
