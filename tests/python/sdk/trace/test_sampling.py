"""The samplers, asked from Python."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from opentelemetry.context import Context
from opentelemetry.sdk.trace import sampling
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    DEFAULT_OFF,
    DEFAULT_ON,
    AlwaysRecordSampler,
    Decision,
    ParentBased,
    ParentBasedTraceIdRatio,
    Sampler,
    SamplingResult,
    StaticSampler,
    TraceIdRatioBased,
    _get_from_env_or_default,
    _get_parent_trace_state,
)
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState, set_span_in_context

TRACE_STATE = TraceState([("vendor", "value")])


def context(*, sampled: bool, remote: bool) -> Context:
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
    return set_span_in_context(NonRecordingSpan(SpanContext(1, 2, remote, flags, TRACE_STATE)))


def decide(sampler: Sampler, parent: Context | None = None, trace_id: int = 3) -> Decision:
    return sampler.should_sample(parent if parent is not None else Context(), trace_id, "name").decision


def test_decision() -> None:
    assert [decision.is_recording() for decision in Decision] == [False, True, True]
    assert [decision.is_sampled() for decision in Decision] == [False, False, True]
    assert [decision.value for decision in Decision] == [0, 1, 2]


def test_result_has_immutable_attributes() -> None:
    given = {"a": 1}
    result = SamplingResult(Decision.RECORD_ONLY, given, TRACE_STATE)
    assert isinstance(result.attributes, MappingProxyType)
    assert dict(result.attributes) == given
    assert result.trace_state == TRACE_STATE
    assert repr(result) == "SamplingResult(Decision.RECORD_ONLY, attributes={'a': 1})"
    assert dict(SamplingResult(Decision.DROP).attributes) == {}


def test_static_samplers() -> None:
    parent = context(sampled=True, remote=True)
    on = ALWAYS_ON.should_sample(parent, 1, "name", attributes={"a": 1})
    assert (on.decision, dict(on.attributes), on.trace_state) == (
        Decision.RECORD_AND_SAMPLE,
        {"a": 1},
        TRACE_STATE,
    )
    off = ALWAYS_OFF.should_sample(parent, 1, "name", attributes={"a": 1})
    assert (off.decision, dict(off.attributes), off.trace_state) == (Decision.DROP, {}, TRACE_STATE)
    assert ALWAYS_ON.should_sample(None, 1, "name").trace_state is None
    assert ALWAYS_ON.get_description() == "AlwaysOnSampler"
    assert ALWAYS_OFF.get_description() == "AlwaysOffSampler"
    assert StaticSampler(Decision.RECORD_ONLY).get_description() == "AlwaysOnSampler"


@pytest.mark.parametrize(
    ("rate", "bound"),
    [(0.0, 0), (1.0, 1 << 64), (0.5, 1 << 63), (0.25, 1 << 62), (2**-64, 1)],
)
def test_ratio_samples_ids_below_its_bound(rate: float, bound: int) -> None:
    sampler = TraceIdRatioBased(rate)
    assert sampler.rate == sampler._rate == rate
    assert sampler.bound == sampler._bound == TraceIdRatioBased.get_bound_for_rate(rate) == bound
    # Only the lowest 64 bits count.
    high = 0xABC << 64
    if bound > 0:
        assert decide(sampler, trace_id=high | (bound - 1)) is Decision.RECORD_AND_SAMPLE
    if bound < 1 << 64:
        assert decide(sampler, trace_id=high | bound) is Decision.DROP


def test_ratio_describes_itself_and_checks_its_argument() -> None:
    assert TraceIdRatioBased(0.01).get_description() == "TraceIdRatioBased{0.01}"
    for rate in (-0.1, 1.1, float("nan"), float("inf")):
        with pytest.raises((ValueError, OverflowError)):
            TraceIdRatioBased(rate)


def test_parent_based_asks_the_sampler_for_this_kind_of_parent() -> None:
    class Named(Sampler):
        def __init__(self, name: str) -> None:
            self.name = name

        def should_sample(self, parent_context: Any, *args: Any, **kwargs: Any) -> SamplingResult:
            return SamplingResult(Decision.RECORD_AND_SAMPLE, {"asked": self.name, **(kwargs["attributes"] or {})})

        def get_description(self) -> str:
            return self.name

    roles = (
        "root",
        "remote_parent_sampled",
        "remote_parent_not_sampled",
        "local_parent_sampled",
        "local_parent_not_sampled",
    )
    sampler = ParentBased(**{role: Named(role) for role in roles})

    def asked(parent: Context | None) -> object:
        return sampler.should_sample(parent, 1, "name", attributes={"own": 1}).attributes["asked"]

    assert asked(Context()) == "root"
    assert asked(set_span_in_context(NonRecordingSpan(SpanContext(0, 0, True)))) == "root"
    assert asked(context(sampled=True, remote=True)) == "remote_parent_sampled"
    assert asked(context(sampled=False, remote=True)) == "remote_parent_not_sampled"
    assert asked(context(sampled=True, remote=False)) == "local_parent_sampled"
    assert asked(context(sampled=False, remote=False)) == "local_parent_not_sampled"
    assert sampler._root.get_description() == "root"
    assert sampler._remote_parent_sampled.get_description() == "remote_parent_sampled"
    assert sampler.get_description() == (
        "ParentBased{root:root,remoteParentSampled:remote_parent_sampled,"
        "remoteParentNotSampled:remote_parent_not_sampled,localParentSampled:local_parent_sampled,"
        "localParentNotSampled:local_parent_not_sampled}"
    )


def test_parent_based_follows_the_parent_by_default() -> None:
    for remote in (True, False):
        assert decide(DEFAULT_OFF, context(sampled=True, remote=remote)) is Decision.RECORD_AND_SAMPLE
        assert decide(DEFAULT_ON, context(sampled=False, remote=remote)) is Decision.DROP
    assert decide(DEFAULT_ON) is Decision.RECORD_AND_SAMPLE
    assert decide(DEFAULT_OFF) is Decision.DROP
    ratio = ParentBasedTraceIdRatio(0.5)
    assert decide(ratio, trace_id=(1 << 63) - 1) is Decision.RECORD_AND_SAMPLE
    assert decide(ratio, trace_id=1 << 63) is Decision.DROP
    assert decide(ratio, context(sampled=True, remote=True), trace_id=1 << 63) is Decision.RECORD_AND_SAMPLE


def test_always_record_turns_a_drop_into_a_recording() -> None:
    result = AlwaysRecordSampler(ALWAYS_OFF).should_sample(context(sampled=True, remote=True), 1, "name")
    assert result.decision is Decision.RECORD_ONLY
    assert result.trace_state == TRACE_STATE
    assert decide(AlwaysRecordSampler(ALWAYS_ON)) is Decision.RECORD_AND_SAMPLE
    assert AlwaysRecordSampler(ALWAYS_ON).get_description() == "AlwaysRecordSampler{AlwaysOnSampler}"
    with pytest.raises(ValueError, match="root must not be None"):
        AlwaysRecordSampler(None)  # type: ignore[arg-type]


def test_parent_trace_state() -> None:
    assert _get_parent_trace_state(context(sampled=True, remote=True)) == TRACE_STATE
    assert _get_parent_trace_state(Context()) is None


@pytest.mark.parametrize(
    ("name", "argument", "description", "warning"),
    [
        (None, None, DEFAULT_ON.get_description(), None),
        ("", None, DEFAULT_ON.get_description(), None),
        ("always_on", None, "AlwaysOnSampler", None),
        ("ALWAYS_OFF", "ignored", "AlwaysOffSampler", None),
        ("parentbased_always_off", None, DEFAULT_OFF.get_description(), None),
        ("traceidratio", "0.25", "TraceIdRatioBased{0.25}", None),
        ("parentbased_traceidratio", "0.5", ParentBasedTraceIdRatio(0.5).get_description(), None),
        ("traceidratio", "half", "TraceIdRatioBased{1.0}", "Could not convert TRACES_SAMPLER_ARG to float."),
        ("traceidratio", None, "TraceIdRatioBased{1.0}", "Could not convert TRACES_SAMPLER_ARG to float."),
        ("traceidratio", "1.5", "TraceIdRatioBased{1.0}", "Could not convert TRACES_SAMPLER_ARG to float."),
        ("traceidratio", "nan", "TraceIdRatioBased{1.0}", "Could not convert TRACES_SAMPLER_ARG to float."),
        ("nosuch", None, DEFAULT_ON.get_description(), "Couldn't recognize sampler nosuch."),
    ],
)
def test_sampler_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str | None,
    argument: str | None,
    description: str,
    warning: str | None,
) -> None:
    for variable, value in (("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", argument)):
        if value is None:
            monkeypatch.delenv(variable, raising=False)
        else:
            monkeypatch.setenv(variable, value)
    assert _get_from_env_or_default().get_description() == description
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == (warning is not None)
    assert all(message.startswith(str(warning)) for message in messages)


def test_entry_points_take_the_argument_and_ignore_it() -> None:
    assert sampling._AlwaysOn("x").get_description() == "AlwaysOnSampler"
    assert sampling._AlwaysOff(None).get_description() == "AlwaysOffSampler"
    assert sampling._ParentBasedAlwaysOn(None).get_description() == DEFAULT_ON.get_description()
    assert sampling._ParentBasedAlwaysOff(None).get_description() == DEFAULT_OFF.get_description()


def test_samplers_can_be_subclassed() -> None:
    class Half(TraceIdRatioBased):
        def __init__(self) -> None:
            super().__init__(0.5)

        def should_sample(self, *args: Any, **kwargs: Any) -> SamplingResult:
            result = super().should_sample(*args, **kwargs)
            return SamplingResult(result.decision, {"sampler": "half"}, result.trace_state)

    result = Half().should_sample(None, 1, "name")
    assert (result.decision, dict(result.attributes)) == (Decision.RECORD_AND_SAMPLE, {"sampler": "half"})
    with pytest.raises(TypeError):
        Sampler()  # type: ignore[abstract]
