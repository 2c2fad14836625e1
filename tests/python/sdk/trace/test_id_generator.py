"""Id generators."""

from __future__ import annotations

import random
from typing import Iterator

import pytest

from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator


def test_ids_are_in_range_and_differ() -> None:
    generator = RandomIdGenerator()
    traces = {generator.generate_trace_id() for _ in range(1000)}
    spans = {generator.generate_span_id() for _ in range(1000)}
    assert len(traces) == len(spans) == 1000
    assert all(0 < number < 1 << 128 for number in traces)
    assert all(0 < number < 1 << 64 for number in spans)
    # Every bit is used.
    assert max(traces).bit_length() > 120
    assert max(spans).bit_length() > 56


def test_random_seed_makes_ids_repeatable() -> None:
    state = random.getstate()
    try:
        made = []
        for _ in range(2):
            random.seed(7)
            generator = RandomIdGenerator()
            made.append((generator.generate_trace_id(), generator.generate_span_id()))
        assert made[0] == made[1]
    finally:
        random.setstate(state)


def test_the_invalid_id_is_never_given(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers: Iterator[int] = iter([0, 0, 5, 0, 6])
    monkeypatch.setattr(random, "getrandbits", lambda _bits: next(numbers))
    assert RandomIdGenerator().generate_trace_id() == 5
    assert RandomIdGenerator().generate_span_id() == 6


def test_only_a_random_generator_says_so() -> None:
    class Counting(IdGenerator):
        def generate_span_id(self) -> int:
            return 1

        def generate_trace_id(self) -> int:
            return 2

    assert RandomIdGenerator().is_trace_id_random() is True
    assert Counting().is_trace_id_random() is False
    with pytest.raises(TypeError):
        IdGenerator()  # type: ignore[abstract]
