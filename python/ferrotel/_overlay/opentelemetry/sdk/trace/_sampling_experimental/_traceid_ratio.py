"""The composable sampler that samples a share of all traces."""

from __future__ import annotations

from typing import Sequence

from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from ._composable import ComposableSampler, SamplingIntent
from ._trace_state import serialize_th
from ._util import INVALID_THRESHOLD, MAX_THRESHOLD, calculate_threshold


def composable_traceid_ratio_based(ratio: float) -> ComposableSampler:
    """A composable sampler that samples this share (0.0 to 1.0, else ValueError) of all traces.

    A share so small that the threshold is the largest one samples nothing and propagates no threshold.
    """
    if not 0.0 <= ratio <= 1.0:
        raise ValueError("Sampling ratio must be between 0.0 and 1.0")
    return ComposableTraceIDRatioBased(ratio)


class ComposableTraceIDRatioBased(ComposableSampler):
    def __init__(self, ratio: float) -> None:
        threshold = calculate_threshold(ratio)
        if threshold == MAX_THRESHOLD:
            self._intent = SamplingIntent(threshold=INVALID_THRESHOLD, threshold_reliable=False)
            shown = "max"
        else:
            self._intent = SamplingIntent(threshold=threshold)
            shown = serialize_th(threshold)
        self._description = f"ComposableTraceIDRatioBased{{threshold={shown}, ratio={ratio}}}"

    def sampling_intent(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> SamplingIntent:
        return self._intent

    def get_description(self) -> str:
        return self._description
