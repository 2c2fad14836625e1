"""Observable instruments: callbacks of every kind, and what they get wrong."""

from __future__ import annotations

from typing import Any, Callable, Generator, Iterable

import pytest

from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from .conftest import collected, values

Provide = Callable[..., MeterProvider]


def test_functions_and_generators(provide: Provide, way: dict[str, Any]) -> None:
    def returning(options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(1, {"from": "function"})]

    def yielding(options: CallbackOptions) -> Iterable[Observation]:
        yield Observation(2, {"from": "generator function"})
        yield Observation(3)

    def generator() -> Generator[Iterable[Observation], CallbackOptions, None]:
        options = yield []
        for number in (4, 5):
            assert options.timeout_millis > 0
            options = yield [Observation(number, {"from": "generator"})]

    reader = InMemoryMetricReader()
    meter = provide(reader, **way).get_meter("m")
    meter.create_observable_counter("c", [returning, yielding, generator()])
    meter.create_observable_up_down_counter("u", [returning])
    meter.create_observable_gauge("g", [yielding])
    data = collected(reader)
    assert values(data["c"]) == {
        (("from", "function"),): 1,
        (("from", "generator function"),): 2,
        (): 3,
        (("from", "generator"),): 4,
    }
    assert data["c"].is_monotonic
    assert not data["u"].is_monotonic
    assert values(data["g"]) == {(("from", "generator function"),): 2, (): 3}
    assert values(collected(reader)["c"])[(("from", "generator"),)] == 5
    # A generator that is at its end observes nothing more.
    assert (("from", "generator"),) not in values(collected(reader)["c"])


def test_what_fails_loses_only_its_own(provide: Provide, way: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    def raising(options: CallbackOptions) -> Iterable[Observation]:
        yield Observation(1, {"before": "the error"})
        raise OSError("away")

    callbacks: list[Any] = [
        raising,
        lambda options: None,
        lambda options: [Observation("no number")],  # type: ignore[arg-type]
        lambda options: [Observation(float("nan")), Observation(2)],
        lambda options: ["no observation"],
    ]
    reader = InMemoryMetricReader()
    provide(reader, **way).get_meter("m").create_observable_gauge("g", callbacks)
    assert values(collected(reader)["g"]) == {(("before", "the error"),): 1, (): 2}
    assert [record.getMessage() for record in caplog.records] == [
        "Callback failed for instrument g.",
        "Callback failed for instrument g.",
        "Callback failed for instrument g.",
        "Callback returned a non-finite value nan for instrument g, ignoring measurement.",
        "Callback failed for instrument g.",
    ]
    assert {record.name for record in caplog.records} == {"opentelemetry.sdk.metrics._internal.instrument"}


def test_callbacks_may_use_the_sdk(provide: Provide, way: dict[str, Any]) -> None:
    reader, other = InMemoryMetricReader(), InMemoryMetricReader()
    provider = provide(reader, other, **way)
    meter = provider.get_meter("m")
    counter = meter.create_counter("c")

    def observe(options: CallbackOptions) -> Iterable[Observation]:
        counter.add(1, {"in": "callback"})
        meter.create_counter("made")
        provider.get_meter("another").create_observable_gauge("late", [lambda options: [Observation(9)]])
        other.collect()
        reader.collect()
        yield Observation(1)

    depth = [0]

    def once(options: CallbackOptions) -> Iterable[Observation]:
        depth[0] += 1
        try:
            return list(observe(options)) if depth[0] == 1 else []
        finally:
            depth[0] -= 1

    meter_ = provider.get_meter("fine")
    meter_.create_observable_gauge("g", [lambda options: [Observation(counter.add(1) or 5)]])
    assert values(collected(reader)["g"]) == {(): 5}
    meter.create_observable_gauge("again", [once])
    data = collected(reader)
    assert values(data["again"]) == {(): 1}
    assert values(collected(reader)["late"]) == {(): 9}


def test_every_reader_asks_for_itself(provide: Provide, way: dict[str, Any]) -> None:
    asked = [0]

    def observe(options: CallbackOptions) -> Iterable[Observation]:
        asked[0] += 1
        return [Observation(asked[0])]

    one, two = InMemoryMetricReader(), InMemoryMetricReader()
    provide(one, two, **way).get_meter("m").create_observable_counter("c", [observe])
    assert values(collected(one)["c"]) == {(): 1}
    assert values(collected(two)["c"]) == {(): 2}
    assert values(collected(one)["c"]) == {(): 3}


def test_observations_of_the_same_attributes_are_added_up_for_a_sum(provide: Provide, way: dict[str, Any]) -> None:
    reader = InMemoryMetricReader()
    meter = provide(reader, **way).get_meter("m")
    twice: Any = lambda options: [Observation(2, {"a": 1}), Observation(3, {"a": 1})]  # noqa: E731
    meter.create_observable_counter("c", [twice])
    meter.create_observable_gauge("g", [twice])
    for _ in range(2):
        data = collected(reader)
        assert values(data["c"]) == {(("a", 1),): 5}
        assert values(data["g"]) == {(("a", 1),): 3}


def test_a_disabled_meter_asks_nobody(provide: Provide) -> None:
    from opentelemetry.sdk.metrics._internal import _disable_meter_configurator

    asked: list[object] = []
    reader = InMemoryMetricReader()
    provider = provide(reader, _meter_configurator=_disable_meter_configurator)
    instrument = provider.get_meter("m").create_observable_gauge("g", [lambda options: asked.append(options) or []])
    assert not instrument.enabled()
    assert collected(reader) == {}
    assert asked == []
