"""What composable samplers are, and what they answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Protocol, Sequence

from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes


def _unchanged(trace_state: TraceState) -> TraceState:
    return trace_state


@dataclass(frozen=True)
class SamplingIntent:
    """A composable sampler's wish for one span.

    `threshold`: the span is sampled when its random value reaches it; a number outside 0..2**56 means never.
    `threshold_reliable`: may the threshold be propagated, so that the number of spans it stands for can be computed?
    `attributes`: added to the span when it is sampled.
    `update_trace_state`: gives the trace state of the span, made from that of its parent.
    """

    threshold: int
    threshold_reliable: bool = True
    attributes: Attributes = None
    update_trace_state: Callable[[TraceState], TraceState] = _unchanged


class ComposableSampler(Protocol):
    """A sampler that others can be built from; `composite_sampler` makes a `Sampler` of it."""

    def sampling_intent(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> SamplingIntent:
        """What to do with this span."""
        ...

    def get_description(self) -> str:
        """The sampler's name with its settings, for people who debug."""
        ...
