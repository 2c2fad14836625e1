"""The composable sampler that follows the parent's threshold."""

from __future__ import annotations

from typing import Sequence

from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import Attributes

from ._composable import ComposableSampler, SamplingIntent
from ._trace_state import OtelTraceState
from ._util import INVALID_THRESHOLD, MIN_THRESHOLD, is_valid_threshold


def composable_parent_threshold(root_sampler: ComposableSampler) -> ComposableSampler:
    """A composable sampler that decides as the parent did; `root_sampler` decides about spans without a parent.

    The parent's threshold is taken over where the trace state has one. Where it has none, the parent's flag "sampled"
    decides, and no threshold is propagated.
    """
    return _ComposableParentThreshold(root_sampler)


class _ComposableParentThreshold(ComposableSampler):
    def __init__(self, root_sampler: ComposableSampler) -> None:
        self._root_sampler = root_sampler
        self._description = f"ComposableParentThreshold{{root={root_sampler.get_description()}}}"

    def sampling_intent(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None = None,
    ) -> SamplingIntent:
        parent = get_current_span(parent_ctx).get_span_context()
        if not parent.is_valid:
            return self._root_sampler.sampling_intent(parent_ctx, name, span_kind, attributes, links, trace_state)
        threshold = OtelTraceState.parse(trace_state).threshold
        if is_valid_threshold(threshold):
            return SamplingIntent(threshold=threshold)
        return SamplingIntent(
            threshold=MIN_THRESHOLD if parent.trace_flags.sampled else INVALID_THRESHOLD,
            threshold_reliable=False,
        )

    def get_description(self) -> str:
        return self._description
