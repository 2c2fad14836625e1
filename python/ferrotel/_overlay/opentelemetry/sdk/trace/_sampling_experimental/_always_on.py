"""The composable sampler that samples every span."""

from __future__ import annotations

from typing import Sequence

from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from ._composable import ComposableSampler, SamplingIntent
from ._util import MIN_THRESHOLD

_INTENT = SamplingIntent(threshold=MIN_THRESHOLD)


def composable_always_on() -> ComposableSampler:
    """A composable sampler that samples every span."""
    return _SAMPLER


class _ComposableAlwaysOnSampler(ComposableSampler):
    def sampling_intent(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None = None,
    ) -> SamplingIntent:
        return _INTENT

    def get_description(self) -> str:
        return "ComposableAlwaysOn"


_SAMPLER = _ComposableAlwaysOnSampler()
