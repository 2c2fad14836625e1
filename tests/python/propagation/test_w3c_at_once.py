"""Headers in a plain dict are read by both W3C propagators at once; it must not be told from one after the other."""

from __future__ import annotations

import gc
import json
import logging
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentelemetry import baggage, context, propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import DefaultGetter, default_getter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

VALID = "00-12345678901234567890123456789012-1234567890123456-01"
ALL = {"traceparent": VALID, "tracestate": "a=1,b=2", "baggage": "k=v,l=w"}


class Plain(dict):  # type: ignore[type-arg]
    """Not exactly a dict, so each header is looked up by itself."""


class Getter(DefaultGetter):
    """Not exactly the default one, so it is asked for each header."""


def header(valid: str, *others: str) -> st.SearchStrategy[Any]:
    near = st.builds(
        lambda at, char: valid[:at] + char + valid[at + 1 :],
        st.integers(0, len(valid)),
        st.sampled_from(" -,=;0fF\t%é"),
    )
    odd = st.sampled_from([None, "", " ", 5, b"bytes", [], [valid, valid], (valid, "other"), "\ud800", valid + "\n"])
    return st.one_of(st.just(valid), st.sampled_from(others), near, odd, st.text(max_size=20))


HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "traceparent": header(VALID, VALID.upper(), "ff" + VALID[2:], "01" + VALID[2:] + "-x", "00-" + "0" * 52),
        "tracestate": header(
            "a=1,b=2", "a=1,a=2", " a=1 , b=2 ", "A=1", "a=", "a= 1", ",".join(f"k{i}=v" for i in range(40))
        ),
        "baggage": header("k=v,l=w", "k=v;p=1", "a%20b=c%2Cd", "k=v,k=w", "=v", "k", "a+b=c+d", "k=" + "v" * 5000),
        "Traceparent": st.just(VALID),
        "host": st.just("example.org"),
    },
)
MORE = st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=3), max_size=12)


def outcome(caplog: pytest.LogCaptureFixture, carrier: Any, base: Context | None, getter: Any) -> Any:
    caplog.clear()
    made = propagate.extract(carrier, base, getter)
    logged = [(record.name, record.levelname, record.getMessage()) for record in caplog.records]
    return trace.get_current_span(made).get_span_context(), dict(baggage.get_all(made)), dict(made).keys(), logged


@pytest.mark.parametrize("base", [None, Context(), Context({"a": 1}), baggage.set_baggage("k", "known", Context())])
def test_all_ways_agree(caplog: pytest.LogCaptureFixture, base: Context | None) -> None:
    # What is told only once is told now.
    propagate.extract(Plain(dict.fromkeys(ALL, 5)))
    caplog.set_level(logging.WARNING)

    @given(HEADERS, MORE, st.booleans())  # type: ignore[untyped-decorator]
    def check(headers: dict[str, Any], more: dict[str, str], first: bool) -> None:
        carrier = {**more, **headers} if first else {**headers, **more}
        at_once = outcome(caplog, carrier, base, default_getter)
        assert at_once == outcome(caplog, Plain(carrier), base, default_getter)
        assert at_once == outcome(caplog, carrier, base, Getter())

    check()


@pytest.mark.parametrize("more", [0, 4, 20])
def test_names_that_are_not_interned(more: int) -> None:
    carrier = {"".join(list(name)): value for name, value in ALL.items()}
    made = propagate.extract({**{f"x{i}": "" for i in range(more)}, **carrier})
    assert trace.get_current_span(made).get_span_context().trace_state.to_header() == "a=1,b=2"
    assert baggage.get_all(made) == {"k": "v", "l": "w"}


def test_odd_keys_are_left_to_the_dict() -> None:
    class Same:
        def __hash__(self) -> int:
            return hash("traceparent")

        def __eq__(self, other: object) -> bool:
            return other == "traceparent"

    for carrier in (
        {Same(): VALID},
        {Same(): VALID, 1: "", None: ""},
        {Same(): VALID, **dict.fromkeys("abcdefghijkl")},
    ):
        made = propagate.extract(carrier)
        assert trace.get_current_span(made).get_span_context().is_valid


def test_baggage_is_there_for_whoever_looks() -> None:
    key = baggage._BAGGAGE_KEY
    ways: list[Any] = [
        lambda made: context.get_value(key, made),
        lambda made: context.get_value("".join(list(key)), made),
        lambda made: made[key],
        lambda made: dict(made)[key],
        lambda made: json.loads(json.dumps({k: v for k, v in made.items() if k == key}))[key],
        lambda made: baggage.get_all(context.set_value("more", 1, made)),
        lambda made: baggage.get_all(trace.set_span_in_context(trace.INVALID_SPAN, made)),
        lambda made: baggage.get_all(propagate.extract(ALL, made)),
    ]
    for way in ways:
        made = propagate.extract(ALL)
        assert way(made) == {"k": "v", "l": "w"}
        assert baggage.get_all(made) == {"k": "v", "l": "w"}
        assert len(made) == 2
    made = propagate.extract(ALL)
    assert context.get_value(key, made) is context.get_value(key, made)
    assert baggage.get_all(baggage.set_baggage("m", "x", made)) == {"k": "v", "l": "w", "m": "x"}
    assert baggage.get_all(made) == {"k": "v", "l": "w"}
    token = context.attach(made)
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    context.detach(token)
    assert carrier == ALL


def test_extracted_contexts_hold_no_garbage() -> None:
    for looked in (False, True):
        for _ in range(300):
            made = propagate.extract(ALL)
            if looked:
                baggage.get_all(made)
            made = trace.set_span_in_context(trace.INVALID_SPAN, made)
        del made
    gc.collect()
    assert propagate.extract({"traceparent": VALID}) is not None
    assert baggage.get_all(propagate.extract({"traceparent": VALID})) == {}


def test_what_is_replaced_is_seen() -> None:
    composite: Any = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])
    with mock.patch.object(propagate, "_HTTP_TEXT_FORMAT", composite):
        span_id = trace.get_current_span(propagate.extract(ALL)).get_span_context().span_id
        assert span_id == 0x1234567890123456
        composite._propagators.pop(0)
        assert not trace.get_current_span(propagate.extract(ALL)).get_span_context().is_valid
        composite._propagators = [TraceContextTextMapPropagator()]
        assert baggage.get_all(propagate.extract(ALL)) == {}
        composite.__dict__ = {"_propagators": [W3CBaggagePropagator()]}
        assert list(propagate.extract(ALL)) == [baggage._BAGGAGE_KEY]
        composite._propagators = [TraceContextTextMapPropagator(), W3CBaggagePropagator()]
        composite._propagators[1].extract = lambda *_, **__: Context({"mine": 1})
        assert propagate.extract(ALL) == {"mine": 1}
        del composite._propagators[1].extract
        assert baggage.get_all(propagate.extract(ALL)) == {"k": "v", "l": "w"}
        with mock.patch.object(CompositePropagator, "_propagators", [], create=True):
            # The object's own attribute goes before it.
            assert baggage.get_all(propagate.extract(ALL)) == {"k": "v", "l": "w"}
        with mock.patch.object(CompositePropagator, "_propagators", property(lambda _: []), create=True):
            assert propagate.extract(ALL) == {}
    assert baggage.get_all(propagate.extract(ALL)) == {"k": "v", "l": "w"}
