"""The sampler that carries out what a composable sampler wishes, and keeps the trace state right."""

from __future__ import annotations

from typing import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from ._composable import ComposableSampler, SamplingIntent
from ._trace_state import OTEL_TRACE_STATE_KEY, OtelTraceState
from ._util import INVALID_THRESHOLD, MAX_RANDOM_VALUE, is_valid_random_value, is_valid_threshold


def composite_sampler(delegate: ComposableSampler) -> Sampler:
    """A sampler for a provider that decides by `delegate`."""
    return _CompositeSampler(delegate)


class _CompositeSampler(Sampler):
    def __init__(self, delegate: ComposableSampler) -> None:
        self._delegate = delegate

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        intent = self._delegate.sampling_intent(parent_context, name, kind, attributes, links, trace_state)
        member = OtelTraceState.parse(trace_state)
        sampled = is_valid_threshold(intent.threshold) and intent.threshold <= _randomness(member, trace_id)
        member.threshold = intent.threshold if sampled and intent.threshold_reliable else INVALID_THRESHOLD
        return SamplingResult(
            Decision.RECORD_AND_SAMPLE if sampled else Decision.DROP,
            intent.attributes,
            _updated(trace_state, member.serialize(), intent),
        )

    def get_description(self) -> str:
        return self._delegate.get_description()


def _randomness(member: OtelTraceState, trace_id: int) -> int:
    if is_valid_random_value(member.random_value):
        return member.random_value
    return trace_id & MAX_RANDOM_VALUE


def _updated(trace_state: TraceState | None, member: str, intent: SamplingIntent) -> TraceState | None:
    if not trace_state:
        return TraceState([(OTEL_TRACE_STATE_KEY, member)]) if member else None
    updated = intent.update_trace_state(trace_state)
    return updated.update(OTEL_TRACE_STATE_KEY, member) if member else updated
