"""Where trace and span ids come from (specification: Trace SDK, "Id Generators")."""

from __future__ import annotations

import abc

from opentelemetry import trace


class IdGenerator(abc.ABC):
    """Subclass it to make ids of your own."""

    @abc.abstractmethod
    def generate_span_id(self) -> int:
        """A new span id: a number of 64 bits that is not 0."""

    @abc.abstractmethod
    def generate_trace_id(self) -> int:
        """A new trace id: a number of 128 bits that is not 0.

        Ratio samplers decide by the lowest 56 bits, so these should be random; when they are, make
        `is_trace_id_random` return true as well.
        """

    def is_trace_id_random(self) -> bool:
        """Are at least the lowest 56 bits of every trace id random? It is propagated as the trace flag "random"."""
        return False


class RandomIdGenerator(IdGenerator):
    """Random in every bit.

    A provider that was given exactly this class takes its ids from the engine, where `random.seed` has no say: a
    program that seeds doesn't repeat its ids. A subclass, or a call from Python, draws on Python's `random`, which is
    seeded anew in a forked child.
    """

    def generate_span_id(self) -> int:
        return _other_than(trace.INVALID_SPAN_ID, 64)

    def generate_trace_id(self) -> int:
        return _other_than(trace.INVALID_TRACE_ID, 128)

    def is_trace_id_random(self) -> bool:
        return True


def _other_than(invalid: int, bits: int) -> int:
    import random

    while True:
        number = random.getrandbits(bits)
        if number != invalid:
            return number
