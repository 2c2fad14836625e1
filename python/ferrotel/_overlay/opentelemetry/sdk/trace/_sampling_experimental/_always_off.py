"""The composable sampler that samples no span."""

from __future__ import annotations

from typing import Sequence

from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from ._composable import ComposableSampler, SamplingIntent
from ._util import INVALID_THRESHOLD

_INTENT = SamplingIntent(threshold=INVALID_THRESHOLD, threshold_reliable=False)


def composable_always_off() -> ComposableSampler:
    """A composable sampler that samples no span."""
    return _SAMPLER


class _ComposableAlwaysOffSampler(ComposableSampler):
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
        return "ComposableAlwaysOff"


_SAMPLER = _ComposableAlwaysOffSampler()
