"""The process's propagator, OTEL_PROPAGATORS, and the composite."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import subprocess
import sys
from typing import Any
from unittest import mock

import pytest

from opentelemetry import baggage, propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositeHTTPPropagator, CompositePropagator
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

VALID = "00-12345678901234567890123456789012-1234567890123456-01"


def test_default_is_trace_context_and_baggage() -> None:
    context = propagate.extract({"traceparent": VALID, "baggage": "k=v"}, Context({"a": 1}))
    assert trace.get_current_span(context).get_span_context().span_id == 0x1234567890123456
    assert baggage.get_all(context) == {"k": "v"}
    assert context["a"] == 1
    carrier: dict[str, str] = {}
    propagate.inject(carrier, context)
    assert carrier == {"traceparent": VALID, "baggage": "k=v"}
    assert propagate.get_global_textmap().fields == {"traceparent", "tracestate", "baggage"}


def test_module_names() -> None:
    assert propagate.propagators == []
    assert propagate.environ_propagators == "tracecontext,baggage"
    assert propagate.propagator == "baggage"


def in_a_process(**environment: str) -> Any:
    program = """
import json
from opentelemetry import propagate
print(json.dumps([type(p).__name__ for p in propagate.get_global_textmap()._propagators]))
"""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env={**os.environ, **environment}
    )
    return json.loads(result.stdout) if result.returncode == 0 else result.stderr


@pytest.mark.parametrize(
    "value, expected",
    [
        ("", ["TraceContextTextMapPropagator", "W3CBaggagePropagator"]),
        ("baggage", ["W3CBaggagePropagator"]),
        (" b3 ,jaeger,\tb3multi", ["B3SingleFormat", "JaegerPropagator", "B3MultiFormat"]),
        ("tracecontext,,", ["TraceContextTextMapPropagator"]),
        ("none", []),
        ("tracecontext, None", []),
    ],
)
def test_otel_propagators(value: str, expected: list[str]) -> None:
    assert in_a_process(OTEL_PROPAGATORS=value) == expected


def test_unknown_name_says_so() -> None:
    error = in_a_process(OTEL_PROPAGATORS="tracecontext,zipkin")
    assert "ValueError: Propagator zipkin not found. It is either misspelled or not installed." in error


def test_entry_points() -> None:
    third_party = mock.Mock(spec=TextMapPropagator)
    entry_point = mock.Mock(**{"load.return_value": lambda: third_party})
    try:
        with mock.patch.dict(os.environ, {"OTEL_PROPAGATORS": "tracecontext,third"}):
            with mock.patch("opentelemetry.util._importlib_metadata.entry_points", return_value=[entry_point]) as found:
                importlib.reload(propagate)
        assert found.call_args == mock.call(group="opentelemetry_propagator", name="third")
        assert propagate.get_global_textmap()._propagators[1] is third_party  # type: ignore[attr-defined]
    finally:
        importlib.reload(propagate)


class Marking(TextMapPropagator):
    """Written in Python, as a third party does."""

    def __init__(self, name: str) -> None:
        self.name = name

    def extract(
        self, carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter
    ) -> Context:
        seen: Any = baggage.get_baggage("seen", context) or ()
        return baggage.set_baggage("seen", (*seen, self.name), context)

    def inject(
        self, carrier: CarrierT, context: Context | None = None, setter: Setter[CarrierT] = default_setter
    ) -> None:
        setter.set(carrier, "mark", self.name)

    @property
    def fields(self) -> set[str]:
        return {"mark"}


class Broken(Marking):
    """Raises from everything."""

    def extract(self, *_: Any, **__: Any) -> Context:
        raise RuntimeError("cannot extract")

    def inject(self, *_: Any, **__: Any) -> None:
        raise RuntimeError("cannot inject")


@pytest.mark.parametrize("sequence", [list, tuple])
def test_composite_runs_in_order(sequence: Any) -> None:
    composite = CompositePropagator(sequence([Marking("a"), TraceContextTextMapPropagator(), Marking("b")]))
    context = composite.extract({"traceparent": VALID}, Context())
    assert baggage.get_baggage("seen", context) == ("a", "b")
    assert trace.get_current_span(context).get_span_context().is_valid
    carrier: dict[str, str] = {}
    composite.inject(carrier, context)
    assert carrier == {"mark": "b", "traceparent": VALID}
    assert composite.fields == {"mark", "traceparent", "tracestate"}


def test_composite_of_nothing() -> None:
    context = Context({"a": 1})
    assert CompositePropagator([]).extract({"traceparent": VALID}, context) is context
    # A context in any case: who attaches it needs one. The reference answers None.
    assert CompositePropagator([]).extract({"traceparent": VALID}) == Context()
    carrier: dict[str, str] = {}
    CompositePropagator([]).inject(carrier, context)
    assert carrier == {}


def test_a_broken_propagator_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    composite = CompositePropagator([Broken("x"), TraceContextTextMapPropagator()])
    context = composite.extract({"traceparent": VALID})
    assert trace.get_current_span(context).get_span_context().is_valid
    carrier: dict[str, str] = {}
    composite.inject(carrier, context)
    assert carrier == {"traceparent": VALID}
    assert [(r.name, r.levelname) for r in caplog.records] == [("opentelemetry.propagators.composite", "ERROR")] * 2
    assert "Broken raised" in caplog.text and "cannot extract" in caplog.text and "cannot inject" in caplog.text


@pytest.mark.parametrize("known", [TraceContextTextMapPropagator, W3CBaggagePropagator])
def test_composite_sees_what_was_replaced(known: type[TextMapPropagator]) -> None:
    """The native short cut must not bypass a patched method, be it on the class or on the object."""
    composite = CompositePropagator([known()])
    with mock.patch.object(known, "extract", return_value=Context({"patched": 1})) as patched:
        assert composite.extract({}) == {"patched": 1}
    assert patched.call_args == mock.call({}, None, getter=default_getter)
    with mock.patch.object(known, "inject") as patched:
        composite.inject({}, Context())
    assert patched.call_args == mock.call({}, Context(), setter=default_setter)

    one = known()
    one.extract = lambda *_, **__: Context({"patched": 2})  # type: ignore[method-assign]
    assert CompositePropagator([one]).extract({}) == {"patched": 2}

    class Sub(known):  # type: ignore[valid-type, misc]
        def extract(self, *_: Any, **__: Any) -> Context:
            return Context({"patched": 3})

    assert CompositePropagator([Sub()]).extract({}) == {"patched": 3}


def test_composite_respects_a_subclass_with_other_headers() -> None:
    class Prefixed(TraceContextTextMapPropagator):
        _TRACEPARENT_HEADER_NAME = "x-traceparent"

    context = CompositePropagator([Prefixed()]).extract({"x-traceparent": VALID})
    carrier: dict[str, str] = {}
    CompositePropagator([Prefixed()]).inject(carrier, context)
    assert carrier == {"x-traceparent": VALID}


def test_baggage_first_starts_from_the_current_context() -> None:
    composite = CompositePropagator([W3CBaggagePropagator()])
    assert composite.extract({}) == Context()
    assert baggage.get_all(composite.extract({"baggage": "a=1"})) == {"a": "1"}


def test_set_global_textmap() -> None:
    before = propagate.get_global_textmap()
    try:
        propagate.set_global_textmap(Marking("mine"))
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        assert carrier == {"mark": "mine"}
        assert baggage.get_baggage("seen", propagate.extract({})) == ("mine",)
    finally:
        propagate.set_global_textmap(before)


def test_former_name_warns() -> None:
    with pytest.warns(DeprecationWarning, match="You should use CompositePropagator"):
        composite = CompositeHTTPPropagator([Marking("a")])
    assert isinstance(composite, CompositePropagator)
    assert composite.fields == {"mark"}


def test_functions_ask_the_module_for_the_propagator() -> None:
    """`extract` and `inject` are native; whatever is replaced has to be seen all the same."""
    mine = mock.Mock(spec=TextMapPropagator)
    carrier: dict[str, str] = {}
    context = Context()
    for name, replacement in (("get_global_textmap", lambda: mine), ("_HTTP_TEXT_FORMAT", mine)):
        mine.reset_mock()
        with mock.patch.object(propagate, name, replacement):
            assert propagate.extract(carrier) is mine.extract.return_value
            assert propagate.inject(carrier, context) is None  # type: ignore[func-returns-value]
        assert mine.extract.call_args == mock.call(carrier, None, getter=default_getter)
        assert mine.inject.call_args == mock.call(carrier, context=context, setter=default_setter)
    for owner in (CompositePropagator, propagate.get_global_textmap()):
        with mock.patch.object(owner, "extract", return_value=Context({"patched": 1})):
            assert propagate.extract({}) == {"patched": 1}
        with mock.patch.object(owner, "inject") as patched:
            propagate.inject(carrier)
        assert patched.called
        assert propagate.extract({}) == {}


def test_functions_look_like_functions() -> None:
    assert list(inspect.signature(propagate.extract).parameters) == ["carrier", "context", "getter"]
    assert list(inspect.signature(propagate.inject).parameters) == ["carrier", "context", "setter"]
    assert propagate.extract.__module__ == propagate.inject.__module__ == "opentelemetry.propagate"
    assert propagate.extract.__doc__ and "carrier" in propagate.extract.__doc__
    assert propagate.extract(carrier={"traceparent": VALID}, getter=default_getter, context=None)
    with pytest.raises(TypeError, match="missing required argument"):
        propagate.extract()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        propagate.inject({}, getter=default_getter)  # type: ignore[call-arg]


def test_errors_of_a_propagator_of_ones_own_are_its_own() -> None:
    with mock.patch.object(propagate, "_HTTP_TEXT_FORMAT", Broken("x")):
        with pytest.raises(RuntimeError, match="cannot extract"):
            propagate.extract({})
