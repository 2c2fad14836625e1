"""Composable samplers, composed and asked."""

from __future__ import annotations

from typing import Any

import pytest

from opentelemetry.context import Context
from opentelemetry.sdk.trace._sampling_experimental import (
    ComposableSampler,
    SamplingIntent,
    composable_always_off,
    composable_always_on,
    composable_parent_threshold,
    composable_rule_based,
    composable_traceid_ratio_based,
    composite_sampler,
)
from opentelemetry.sdk.trace._sampling_experimental._rule_based import (
    AllPredicate,
    AlwaysMatchPredicate,
    AttributePatternsPredicate,
    AttributePredicate,
    AttributeValuesPredicate,
    ParentPredicate,
    SpanKindPredicate,
)
from opentelemetry.sdk.trace._sampling_experimental._trace_state import OtelTraceState, serialize_th
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, TraceState, set_span_in_context

HALF = 1 << 55


def context(*, sampled: bool = True, remote: bool = True) -> Context:
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
    return set_span_in_context(NonRecordingSpan(SpanContext(1, 2, remote, flags)))


def sample(
    delegate: ComposableSampler, trace_id: int = 1, ot: str | None = None, parent: Context | None = None
) -> tuple[Decision, str | None]:
    """The decision, and the member `ot` of the new trace state."""
    state = TraceState([("ot", ot), ("vendor", "v")]) if ot is not None else None
    parent = parent if parent is not None else Context()
    result = composite_sampler(delegate).should_sample(parent, trace_id, "name", trace_state=state)
    return result.decision, result.trace_state.get("ot") if result.trace_state is not None else None


def intent(sampler: ComposableSampler, parent: Context | None = None, **span: Any) -> SamplingIntent:
    asked = {"name": "n", "span_kind": None, "attributes": None, "links": None, "trace_state": None, **span}
    return sampler.sampling_intent(parent if parent is not None else Context(), **asked)


def test_always_on_and_off() -> None:
    assert sample(composable_always_on()) == (Decision.RECORD_AND_SAMPLE, "th:0")
    assert sample(composable_always_off()) == (Decision.DROP, None)
    assert composable_always_on() is composable_always_on()
    assert composite_sampler(composable_always_off()).get_description() == "ComposableAlwaysOff"


def test_ratio_compares_the_lowest_56_bits() -> None:
    half = composable_traceid_ratio_based(0.5)
    assert sample(half, trace_id=HALF) == (Decision.RECORD_AND_SAMPLE, "th:8")
    assert sample(half, trace_id=(0xFF << 56) | (HALF - 1)) == (Decision.DROP, None)
    assert half.get_description() == "ComposableTraceIDRatioBased{threshold=8, ratio=0.5}"


@pytest.mark.parametrize("ratio", [0.0, 2**-60])
def test_a_ratio_of_nothing_never_samples(ratio: float) -> None:
    sampler = composable_traceid_ratio_based(ratio)
    assert sample(sampler, trace_id=(1 << 56) - 1) == (Decision.DROP, None)
    assert "threshold=max" in sampler.get_description()


@pytest.mark.parametrize("ratio", [-0.1, 1.1, float("nan")])
def test_ratio_checks_its_argument(ratio: float) -> None:
    with pytest.raises(ValueError, match="between 0.0 and 1.0"):
        composable_traceid_ratio_based(ratio)


def test_an_explicit_random_value_decides_instead_of_the_trace_id() -> None:
    half = composable_traceid_ratio_based(0.5)
    assert sample(half, trace_id=0, ot="rv:ffffffffffffff") == (Decision.RECORD_AND_SAMPLE, "th:8;rv:ffffffffffffff")
    assert sample(half, trace_id=HALF, ot="rv:00000000000000") == (Decision.DROP, "rv:00000000000000")


def test_parent_threshold() -> None:
    sampler = composable_parent_threshold(composable_traceid_ratio_based(0.5))
    assert sample(sampler, trace_id=HALF) == (Decision.RECORD_AND_SAMPLE, "th:8")
    # The parent's threshold holds, whatever the root would say.
    assert sample(sampler, HALF - 1, "th:4", context()) == (Decision.RECORD_AND_SAMPLE, "th:4")
    assert sample(sampler, HALF - 1, "th:c", context()) == (Decision.DROP, "th:c")
    # Without a threshold its flag decides and nothing is propagated.
    assert intent(sampler, context(sampled=True)) == SamplingIntent(threshold=0, threshold_reliable=False)
    assert intent(sampler, context(sampled=False)) == SamplingIntent(threshold=-1, threshold_reliable=False)
    assert sampler.get_description().startswith("ComposableParentThreshold{root=ComposableTraceIDRatioBased{")


def test_the_rest_of_the_trace_state_is_kept() -> None:
    state = TraceState([("ot", "th:c;other:1"), ("vendor", "v")])
    result = composite_sampler(composable_always_on()).should_sample(None, 1, "name", trace_state=state)
    assert result.trace_state is not None
    assert dict(result.trace_state.items()) == {"ot": "th:0;other:1", "vendor": "v"}


def test_an_intent_adds_attributes_and_changes_the_trace_state() -> None:
    class Adding(ComposableSampler):
        def sampling_intent(self, *args: Any, **kwargs: Any) -> SamplingIntent:
            return SamplingIntent(0, True, {"a": 1}, lambda state: state.add("mine", "1"))

        def get_description(self) -> str:
            return "Adding"

    state = TraceState([("vendor", "v")])
    result = composite_sampler(Adding()).should_sample(None, 1, "name", trace_state=state)
    assert dict(result.attributes) == {"a": 1}
    assert result.trace_state is not None
    assert dict(result.trace_state.items()) == {"ot": "th:0", "mine": "1", "vendor": "v"}


@pytest.mark.parametrize(
    ("text", "threshold", "random_value", "rest"),
    [
        ("th:8", HALF, -1, ()),
        ("th:0;rv:00000000000001", 0, 1, ()),
        ("th:fffffffffffffff", -1, -1, ()),
        ("th:;rv:1", -1, -1, ()),
        ("th:xyz;a:b", -1, -1, ["a:b"]),
        ("th:+1", -1, -1, ()),
        ("th:1_0;rv:0x000000000001", -1, -1, ()),
        ("x" * 257, -1, -1, ()),
    ],
)
def test_parsing(text: str, threshold: int, random_value: int, rest: object) -> None:
    assert OtelTraceState.parse(TraceState([("ot", text)])) == OtelTraceState(random_value, threshold, rest)  # type: ignore[arg-type]


def test_serializing_leaves_whole_parts_out() -> None:
    assert OtelTraceState(-1, -1, ()).serialize() == ""
    assert OtelTraceState(1, 1 << 56, ()).serialize() == "rv:00000000000001"
    parts = ["a:" + "x" * 100, "b:" + "y" * 100, "c:" + "z" * 100]
    assert OtelTraceState(-1, 0, parts).serialize() == ";".join(["th:0", *parts[:2]])
    assert serialize_th(0) == "0"
    assert serialize_th(HALF) == "8"
    assert serialize_th(1) == "0" * 13 + "1"


def test_rules() -> None:
    rules: list[Any] = [
        (AttributeValuesPredicate("path", ["/health"]), composable_always_off()),
        (SpanKindPredicate([SpanKind.SERVER]), composable_always_on()),
    ]
    sampler = composable_rule_based(rules)
    rules.clear()
    assert intent(sampler, attributes={"path": "/health"}, span_kind=SpanKind.SERVER).threshold == -1
    assert intent(sampler, span_kind=SpanKind.SERVER).threshold == 0
    assert intent(sampler, span_kind=SpanKind.CLIENT) == SamplingIntent(threshold=-1, threshold_reliable=False)
    assert sampler.get_description() == (
        "ComposableRuleBased{[(path in [/health]:ComposableAlwaysOff),(span_kind in [server]:ComposableAlwaysOn)]}"
    )


def fits(predicate: Any, parent: Context | None = None, attributes: Any = None, kind: Any = None) -> bool:
    return bool(predicate(parent if parent is not None else Context(), "name", kind, attributes, None, None))


def test_predicates_on_attributes() -> None:
    values = AttributeValuesPredicate("k", ["a", "1"])
    assert fits(values, attributes={"k": "a"})
    assert fits(values, attributes={"k": 1})
    assert fits(values, attributes={"k": ["x", "a"]})
    assert not fits(values, attributes={"k": "x"})
    assert not fits(values, attributes={"other": "a"})
    assert not fits(values)

    patterns = AttributePatternsPredicate("k", included=["/api/*"], excluded=["*/health"])
    assert fits(patterns, attributes={"k": "/api/x"})
    assert not fits(patterns, attributes={"k": "/API/x"})
    assert not fits(patterns, attributes={"k": "/api/health"})
    assert fits(AttributePatternsPredicate("k", excluded=["b"]), attributes={"k": ["b", "a"]})
    assert not fits(AttributePatternsPredicate("k"))
    assert str(patterns) == "k matches"


def test_the_deprecated_predicate_says_so(caplog: pytest.LogCaptureFixture) -> None:
    predicate = AttributePredicate("k", 1)
    assert [record.getMessage() for record in caplog.records] == [
        "This is deprecated, use AttributeValuesPredicate instead"
    ]
    assert fits(predicate, attributes={"k": 1})
    assert not fits(predicate, attributes={})
    assert not fits(predicate)
    assert str(predicate) == "k=1"


def test_predicates_on_the_parent() -> None:
    predicate = ParentPredicate(["remote", "none"])
    assert fits(predicate, context(remote=True))
    assert fits(predicate)
    assert not fits(predicate, context(remote=False))
    assert str(predicate) == "parent in [none,remote]"


def test_all_predicates_must_fit() -> None:
    both = AllPredicate([AlwaysMatchPredicate(), SpanKindPredicate([SpanKind.SERVER, SpanKind.CLIENT])])
    assert fits(both, kind=SpanKind.SERVER)
    assert not fits(both, kind=SpanKind.INTERNAL)
    assert str(both) == "AlwaysMatch && span_kind in [client,server]"
