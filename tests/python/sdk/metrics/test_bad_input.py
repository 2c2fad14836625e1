"""Whatever a program hands over, nothing is raised, and the rest is measured."""

from __future__ import annotations

import gc
import sys
from typing import Any, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from .conftest import collected, values

Provide = Callable[..., MeterProvider]


class Hostile:
    """Raises wherever it can."""

    def _fail(self, *args: Any) -> Any:
        raise ValueError("hostile")

    __str__ = __repr__ = __hash__ = __eq__ = __iter__ = __len__ = __bool__ = _fail  # type: ignore[assignment]
    __int__ = __index__ = __float__ = __lt__ = __gt__ = __getitem__ = __contains__ = keys = items = _fail


class HostileDict(dict):  # type: ignore[type-arg]
    def items(self) -> Any:
        raise ValueError("hostile")

    __iter__ = keys = items  # type: ignore[assignment]


class OddString(str):
    def __hash__(self) -> int:
        raise ValueError("hostile")

    def __eq__(self, other: object) -> bool:
        raise ValueError("hostile")


def kind(each: object) -> str:
    return type(each).__name__


GARBAGE: list[Any] = ["1", None, b"1", [1], {}, 1j, Hostile(), object, 10**400, int]


@pytest.mark.parametrize("amount", GARBAGE, ids=kind)
def test_garbage_amounts(provide: Provide, way: dict[str, Any], amount: Any, caplog: pytest.LogCaptureFixture) -> None:
    from opentelemetry.sdk.metrics._internal import instrument

    instrument._refused_types.clear()
    reader = InMemoryMetricReader()
    meter = provide(reader, **way).get_meter("m")
    counter = meter.create_counter("c")
    for _ in range(3):
        counter.add(amount)
        counter.bind(None).add(amount)
    meter.create_histogram("h").record(amount)
    meter.create_gauge("g").set(amount)
    meter.create_up_down_counter("u").add(amount)
    assert collected(reader) == {}
    (record,) = caplog.records
    assert record.name == "opentelemetry.sdk.metrics._internal.instrument"
    assert "is no number that can be measured, ignoring measurement" in record.getMessage()


@pytest.mark.parametrize(
    "attributes, expected",
    [
        ({"kept": 1, "": 2}, {"kept": 1}),
        ({"kept": 1, 2: 3}, {"kept": 1, "2": 3}),
        ({"kept": 1, None: 3}, {"kept": 1}),
        ({"kept": Hostile()}, {"kept": None}),
        ({"kept": [Hostile()]}, {"kept": (None,)}),
        ({"kept": {Hostile: Hostile()}}, None),
        ({"kept": 2**70}, {"kept": 2**70}),
        ({"kept": "\ud800"}, None),
        ({str(number): number for number in range(50)}, {str(number): number for number in range(50)}),
        ("no mapping", {}),
        (7, {}),
        (["a"], {}),
    ],
    ids=kind,
)
def test_odd_attributes(provide: Provide, way: dict[str, Any], attributes: Any, expected: Any) -> None:
    reader = InMemoryMetricReader()
    counter = provide(reader, **way).get_meter("m").create_counter("c")
    counter.add(1, attributes)
    counter.add(2, attributes)
    (point,) = collected(reader)["c"].data_points
    assert point.value == 3
    if expected is not None:
        assert point.attributes == expected


@pytest.mark.parametrize("attributes", [Hostile(), HostileDict(a=1), {OddString: 1}, {"a": HostileDict(b=1)}], ids=kind)
def test_hostile_attributes(provide: Provide, attributes: Any) -> None:
    reader = InMemoryMetricReader()
    counter = provide(reader).get_meter("m").create_counter("c")
    counter.add(1, attributes)
    counter.bind(attributes).add(2)
    assert sum(point.value for point in collected(reader)["c"].data_points) == 3


@pytest.mark.parametrize(
    "context", [Hostile(), 7, "x", {"current-span": Hostile()}], ids=lambda each: type(each).__name__
)
def test_odd_contexts(provide: Provide, context: Any) -> None:
    reader = InMemoryMetricReader()
    counter = provide(reader).get_meter("m").create_counter("c")
    counter.add(1, None, context)
    counter.bind({}).add(2, context)
    assert values(collected(reader)["c"]) == {(): 3}


def test_an_amount_may_measure_while_it_is_measured(provide: Provide) -> None:
    reader = InMemoryMetricReader()
    provider = provide(reader)
    counter = provider.get_meter("m").create_counter("c")
    second = InMemoryMetricReader()

    class Recursive:
        def __index__(self) -> int:
            counter.add(1, {"inner": True})
            if not second._collect:
                provider.add_metric_reader(second)
            gc.collect()
            return 5

    amount: Any = Recursive()
    counter.add(amount, {"outer": True})
    counter.add(amount, {"outer": True})
    assert values(collected(reader)["c"]) == {(("inner", True),): 2, (("outer", True),): 10}


def test_a_value_may_change_its_dict_while_it_is_read(provide: Provide) -> None:
    reader = InMemoryMetricReader()
    counter = provide(reader).get_meter("m").create_counter("c")
    attributes: dict[str, Any] = {}

    class Changing:
        def __str__(self) -> str:
            counter.add(1, {"inner": 1})
            attributes.clear()
            attributes["simple"] = "now"
            return "text"

    for _ in range(3):
        attributes.clear()
        attributes.update({"a": Changing(), "b": [Changing()]})
        counter.add(10, attributes)
    data = values(collected(reader)["c"])
    assert data[(("inner", 1),)] == 6
    assert sum(data.values()) == 36


def test_wrong_calls_raise_as_pythons_do(provide: Provide) -> None:
    counter: Any = provide(InMemoryMetricReader()).get_meter("m").create_counter("c")
    for call in (
        lambda: counter.add(),
        lambda: counter.add(1, {}, None, 4),
        lambda: counter.add(1, unknown=2),
        lambda: counter.add(1, amount=2),
        lambda: counter.bind({}).add(),
        lambda: counter.bind({}).add(1, None, None),
    ):
        with pytest.raises(TypeError):
            call()


def test_references_are_given_back(provide: Provide) -> None:
    reader = InMemoryMetricReader()
    counter = provide(reader).get_meter("m").create_counter("c")
    key, value, context = "key of a test " * 2, "value of a test " * 2, object()
    attributes = {key: value, "number": 10**9}
    counter.add(1, attributes)
    before = [sys.getrefcount(each) for each in (key, value, attributes, context, counter)]
    for number in range(1000):
        counter.add(1, attributes)
        counter.add(10**6 + number, {key: value, "number": 10**9}, None)
        counter.bind(attributes).add(1)
    assert [sys.getrefcount(each) for each in (key, value, attributes, context, counter)] == before


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=4), anything, max_size=4))
def test_any_attributes_are_the_same_on_every_way(attributes: dict[str, Any]) -> None:
    from .conftest import WAYS

    seen = []
    for make in WAYS.values():
        reader = InMemoryMetricReader()
        counter = MeterProvider([reader], shutdown_on_exit=False, **make()).get_meter("m").create_counter("c")
        counter.add(1, attributes)
        counter.add(2, dict(reversed(list(attributes.items()))))
        points = collected(reader)["c"].data_points
        seen.append(sorted(repr(sorted(point.attributes.items())) for point in points))
        assert sum(point.value for point in points) == 3
    assert seen[0] == seen[1]
