"""Carriers, getters and setters, kind and hostile, seen through the propagators."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import Any, Mapping

import pytest

from opentelemetry import baggage, trace
from opentelemetry.context import Context
from opentelemetry.propagate import extract, inject
from opentelemetry.propagators._envcarrier import EnvironmentGetter, EnvironmentSetter
from opentelemetry.propagators.textmap import (
    DefaultGetter,
    DefaultSetter,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)

VALID = "00-12345678901234567890123456789012-1234567890123456-01"
SPAN = trace.NonRecordingSpan(trace.SpanContext(1, 2, False, trace.TraceFlags(1)))
SENT = trace.set_span_in_context(SPAN, baggage.set_baggage("k", "v", Context()))
WRITTEN = {"traceparent": "00-00000000000000000000000000000001-0000000000000002-01", "baggage": "k=v"}


def is_valid(context: Context) -> bool:
    return trace.get_current_span(context).get_span_context().is_valid


class CaseInsensitive(dict):  # type: ignore[type-arg]
    """What HTTP libraries have: a subclass of dict with its own look-up."""

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key.title(), default)

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key.title(), value)


class NoMapping:
    """Has just what the default getter and setter use."""

    def __init__(self) -> None:
        self.items: list[tuple[str, str]] = []

    def get(self, key: str, default: Any) -> Any:
        return dict(self.items).get(key, default)

    def __setitem__(self, key: str, value: str) -> None:
        self.items.append((key, value))


class Text(str):
    """Some libraries have their own strings."""


def test_dict_subclass_keeps_its_look_up() -> None:
    carrier = CaseInsensitive()
    inject(carrier, SENT)
    assert dict(carrier) == {key.title(): value for key, value in WRITTEN.items()}
    received = extract(carrier)
    assert is_valid(received)
    assert baggage.get_all(received) == {"k": "v"}


def test_anything_with_get_and_setitem() -> None:
    carrier: Any = NoMapping()
    inject(carrier, SENT)
    assert dict(carrier.items) == WRITTEN
    assert is_valid(extract(carrier))


@pytest.mark.parametrize(
    "value", [VALID, Text(VALID), [VALID], (VALID,), iter([VALID]), {VALID}, [VALID, VALID], [b"", VALID]]
)
def test_values_that_count(value: Any) -> None:
    assert is_valid(extract({"traceparent": value}))


@pytest.mark.parametrize(
    "value", [None, "", [], (), [None], 7, b"", VALID.encode(), [VALID.encode()], object(), ["", VALID], "\ud800" * 55]
)
def test_values_that_do_not_count(value: Any) -> None:
    assert extract({"traceparent": value}) == {}


def test_header_names_are_looked_up_as_they_are() -> None:
    assert not is_valid(extract({"Traceparent": VALID}))


class Raising:
    """Raises wherever one touches it."""

    def get(self, *_: Any) -> Any:
        raise RuntimeError("no reading")

    keys = get

    def set(self, *_: Any) -> None:
        raise RuntimeError("no writing")

    def __setitem__(self, key: str, value: str) -> None:
        raise RuntimeError("no writing")


class RaisingGetter(Raising, Getter[Any]):
    """A getter with a defect."""


class RaisingSetter(Raising, Setter[Any]):
    """A setter with a defect."""


PROPAGATORS = ["tracecontext", "baggage", "b3", "b3multi", "jaeger"]


def propagator(name: str) -> TextMapPropagator:
    from opentelemetry import propagate

    return propagate._load(name)


@pytest.mark.parametrize("name", PROPAGATORS)
def test_getter_that_raises(name: str) -> None:
    base = Context({"a": 1})
    assert propagator(name).extract({}, base, RaisingGetter()) is base
    assert propagator(name).extract(Raising(), base) is base


@pytest.mark.parametrize("name", PROPAGATORS)
def test_setter_that_raises(name: str) -> None:
    propagator(name).inject({}, SENT, RaisingSetter())
    propagator(name).inject(Raising(), SENT)


@pytest.mark.parametrize("carrier", [None, 1, "text", [("traceparent", VALID)], object()])
@pytest.mark.parametrize("name", PROPAGATORS)
def test_carrier_of_a_wrong_type(name: str, carrier: Any) -> None:
    base = Context({"a": 1})
    assert propagator(name).extract(carrier, base) is base
    propagator(name).inject(carrier, SENT)


def test_defects_are_reported_once() -> None:
    program = """
import logging, sys
from opentelemetry import trace
from opentelemetry.propagate import extract, inject
logging.basicConfig(stream=sys.stdout, format="%(name)s %(levelname)s %(message)s")
context = trace.set_span_in_context(trace.NonRecordingSpan(trace.SpanContext(1, 2, False)))
for _ in range(3):
    extract(None)
    extract({"traceparent": b"00"})
    inject(None, context)
"""
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    lines = [line for line in output.splitlines() if line.startswith("opentelemetry.")]
    assert [line.split(";")[0].split(":")[0] for line in lines] == [
        "opentelemetry.propagators.textmap ERROR Failed to read a header",
        "opentelemetry.propagators.textmap WARNING The value of header traceparent is no str but <class 'bytes'>",
        "opentelemetry.propagators.textmap ERROR Failed to write a header",
    ]
    assert "AttributeError" in output and "TypeError" in output


class Interrupted(Getter[Any]):
    """Control-C comes while the header is read."""

    def get(self, carrier: Any, key: str) -> list[str] | None:
        raise KeyboardInterrupt

    def keys(self, carrier: Any) -> list[str]:
        return []


def test_keyboard_interrupt_is_not_swallowed() -> None:
    with pytest.raises(KeyboardInterrupt):
        extract({}, getter=Interrupted())


def test_getter_is_called_with_carrier_and_key() -> None:
    calls: list[Any] = []

    class Recording(DefaultGetter):
        def get(self, carrier: Mapping[str, Any], key: str) -> list[str] | None:
            calls.append((carrier, key))
            return super().get(carrier, key)

    carrier = {"traceparent": VALID}
    assert is_valid(extract(carrier, getter=Recording()))
    assert calls == [(carrier, "traceparent"), (carrier, "tracestate"), (carrier, "baggage")]


def test_default_getter_and_setter() -> None:
    assert default_getter.get({"a": "b"}, "a") == ["b"]
    assert default_getter.get({"a": ["b", "c"]}, "a") == ["b", "c"]
    assert default_getter.get({"a": ("b",)}, "a") == ["b"]
    numbers: list[Any] = default_getter.get({"a": 5}, "a") or []
    assert numbers == [5]
    assert default_getter.get({}, "a") is None
    assert default_getter.keys({"a": "b"}) == ["a"]
    carrier: dict[str, Any] = {}
    default_setter.set(carrier, "a", "b")
    assert carrier == {"a": "b"}
    assert isinstance(default_getter, DefaultGetter) and isinstance(default_setter, DefaultSetter)


@pytest.mark.parametrize("kind", [Getter, Setter, TextMapPropagator])
def test_abstract(kind: Any) -> None:
    with pytest.raises(TypeError):
        kind()


def test_environment_variables_carry_context() -> None:
    child: dict[str, str] = dict(os.environ)
    inject(child, SENT, EnvironmentSetter())
    assert child["TRACEPARENT"] == WRITTEN["traceparent"] and child["BAGGAGE"] == "k=v"
    received = extract(child, getter=EnvironmentGetter())
    assert is_valid(received)
    assert baggage.get_all(received) == {"k": "v"}


@pytest.mark.parametrize(
    "key, name",
    [
        ("traceparent", "TRACEPARENT"),
        ("x-b3", "X_B3"),
        ("1a", "_1A"),
        ("é", "_"),
        ("", "_"),
        ("A_1", "A_1"),
    ],
)
def test_environment_names(key: str, name: str) -> None:
    carrier: dict[str, str] = {}
    EnvironmentSetter().set(carrier, key, "v")
    assert carrier == {name: "v"}
    assert EnvironmentGetter().get(carrier, key) == ["v"]
    assert EnvironmentGetter().keys({**carrier, "lower": "v", "A-B": "v", "1A": "v"}) == [name]


def test_default_reports_stay_off_the_root_logger_level(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        extract({"traceparent": VALID})
        inject({}, SENT)
    assert caplog.records == []


class Awkward:
    """A key with the hash of a header's name that cannot be compared."""

    def __hash__(self) -> int:
        return hash("traceparent")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparing")


def test_dict_whose_keys_raise() -> None:
    carrier: Any = {Awkward(): "x"}
    context = Context({"a": 1})
    assert extract(carrier, context) is context
    inject(carrier, SENT)
