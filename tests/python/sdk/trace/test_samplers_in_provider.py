"""The samplers in a provider: where the engine decides, its answers are those of `should_sample`."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    AlwaysRecordSampler,
    Decision,
    ParentBased,
    ParentBasedTraceIdRatio,
    Sampler,
    SamplingResult,
    StaticSampler,
    TraceIdRatioBased,
    _AlwaysOff,
    _AlwaysOn,
    _ParentBasedAlwaysOff,
    _ParentBasedAlwaysOn,
)
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

TRACE_STATE = TraceState([("vendor", "value")])


class Given(IdGenerator):
    def __init__(self, trace_id: int) -> None:
        self.trace_id = trace_id

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return 7


def start(sampler: Sampler, trace_id: int = 1, parent: Context | None = None, **arguments: Any) -> Span:
    provider = TracerProvider(
        sampler=sampler, resource=Resource({}), shutdown_on_exit=False, id_generator=Given(trace_id)
    )
    return provider.get_tracer("test").start_span("name", context=parent or Context(), **arguments)


def outcome(span: Span) -> Decision:
    if not span.is_recording():
        assert not span.get_span_context().trace_flags.sampled
        return Decision.DROP
    return Decision.RECORD_AND_SAMPLE if span.get_span_context().trace_flags.sampled else Decision.RECORD_ONLY


def parent_context(trace_id: int, *, sampled: bool, remote: bool) -> Context:
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
    return set_span_in_context(NonRecordingSpan(SpanContext(trace_id, 2, remote, flags, TRACE_STATE)))


SAMPLERS = [
    ALWAYS_ON,
    ALWAYS_OFF,
    StaticSampler(Decision.RECORD_ONLY),
    TraceIdRatioBased(0.3),
    ParentBased(TraceIdRatioBased(0.5)),
    ParentBased(ALWAYS_OFF, ALWAYS_OFF, ALWAYS_ON, TraceIdRatioBased(0.5), StaticSampler(Decision.RECORD_ONLY)),
    ParentBasedTraceIdRatio(0.7),
    AlwaysRecordSampler(TraceIdRatioBased(0.5)),
    _AlwaysOn("x"),
    _AlwaysOff("x"),
    _ParentBasedAlwaysOn("x"),
    _ParentBasedAlwaysOff("x"),
]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: type(sampler).__name__)
@pytest.mark.parametrize("kind_of_parent", [None, (True, True), (True, False), (False, True), (False, False)])
def test_the_engine_decides_as_python_does(sampler: Sampler, kind_of_parent: tuple[bool, bool] | None) -> None:
    for number in range(40):
        trace_id = (number * 0x9E3779B97F4A7C15) % (1 << 128) or 1
        parent = Context()
        if kind_of_parent is not None:
            parent = parent_context(trace_id, sampled=kind_of_parent[0], remote=kind_of_parent[1])
        wanted = sampler.should_sample(parent, trace_id, "name")
        span = start(sampler, trace_id, parent)
        assert outcome(span) is wanted.decision
        assert span.get_span_context().trace_state == (wanted.trace_state or TraceState())


@given(rate=st.floats(0, 1), offset=st.integers(-2, 2))
def test_the_engine_has_the_same_bound(rate: float, offset: int) -> None:
    sampler = TraceIdRatioBased(rate)
    trace_id = (1 << 64) | max(0, min((1 << 64) - 1, sampler.bound + offset))
    assert outcome(start(sampler, trace_id)) is sampler.should_sample(None, trace_id, "name").decision


def test_a_python_sampler_is_asked_with_everything_and_obeyed() -> None:
    asked: list[tuple[Any, ...]] = []

    class Mine(Sampler):
        def should_sample(
            self,
            parent_context: Context | None,
            trace_id: int,
            name: str,
            kind: SpanKind | None = None,
            attributes: Any = None,
            links: Any = None,
            trace_state: TraceState | None = None,
        ) -> SamplingResult:
            asked.append((parent_context, trace_id, name, kind, dict(attributes or {}), links))
            return SamplingResult(Decision.RECORD_ONLY, {"b": 2}, TraceState([("mine", "1")]))

        def get_description(self) -> str:
            return "Mine"

    link = Link(SpanContext(8, 9, False))
    parent = parent_context(5, sampled=True, remote=True)
    span: Any = start(Mine(), 6, parent, kind=SpanKind.SERVER, attributes={"a": 1}, links=[link])
    ((context, trace_id, name, kind, attributes, links),) = asked
    assert (context, trace_id, name, kind, attributes) == (parent, 5, "name", SpanKind.SERVER, {"a": 1})
    assert [one.context.span_id for one in links] == [9]
    assert outcome(span) is Decision.RECORD_ONLY
    assert dict(span.attributes) == {"b": 2}
    assert dict(span.get_span_context().trace_state.items()) == {"mine": "1"}
