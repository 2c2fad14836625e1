"""The sampler that a configuration describes."""

from __future__ import annotations

from typing import Any, Callable

from opentelemetry.configuration import models
from opentelemetry.configuration._components import create_component
from opentelemetry.configuration._exceptions import ConfigurationError
from opentelemetry.sdk.trace import _sampling_experimental as composable
from opentelemetry.sdk.trace._sampling_experimental import ComposableSampler, _rule_based
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    AlwaysRecordSampler,
    ParentBased,
    Sampler,
    TraceIdRatioBased,
)
from opentelemetry.trace import SpanKind

_PARENTS = ("remote_parent_sampled", "remote_parent_not_sampled", "local_parent_sampled", "local_parent_not_sampled")


def create_sampler(config: models.Sampler) -> Sampler:
    """A sampler of the SDK, or another package's by its entry point in `opentelemetry_sampler`."""
    sampler: Sampler = create_component("sampler", config, _SAMPLERS, "opentelemetry_sampler")
    return sampler


def _parent_based(config: models.ParentBasedSampler) -> Sampler:
    given = {name: getattr(config, name) for name in _PARENTS}
    delegates = {name: create_sampler(sampler) for name, sampler in given.items() if sampler is not None}
    return ParentBased(root=ALWAYS_ON if config.root is None else create_sampler(config.root), **delegates)


def _composable(config: models.ExperimentalComposableSampler) -> ComposableSampler:
    sampler: ComposableSampler = create_component(
        "composable sampler", config, _COMPOSABLES, "opentelemetry_composable_sampler"
    )
    return sampler


def _ratio(config: Any) -> float:
    return 1.0 if config.ratio is None else float(config.ratio)


def _rules(config: models.ExperimentalComposableRuleBasedSampler) -> ComposableSampler:
    return composable.composable_rule_based(
        [(_condition(rule), _composable(rule.sampler)) for rule in config.rules or ()]
    )


def _condition(rule: models.ExperimentalComposableRuleBasedSamplerRule) -> Any:
    conditions: list[Any] = []
    if rule.attribute_values is not None:
        conditions.append(_rule_based.AttributeValuesPredicate(rule.attribute_values.key, rule.attribute_values.values))
    if rule.attribute_patterns is not None:
        patterns = rule.attribute_patterns
        conditions.append(_rule_based.AttributePatternsPredicate(patterns.key, patterns.included, patterns.excluded))
    if rule.span_kinds is not None:
        conditions.append(_rule_based.SpanKindPredicate([SpanKind[kind.value.upper()] for kind in rule.span_kinds]))
    if rule.parent is not None:
        conditions.append(_rule_based.ParentPredicate([parent.value for parent in rule.parent]))
    if len(conditions) < 2:
        return conditions[0] if conditions else _rule_based.AlwaysMatchPredicate()
    return _rule_based.AllPredicate(conditions)


def _no_remote_sampler(_config: Any) -> Sampler:
    raise ConfigurationError("ferrotel has no remote sampler")


_SAMPLERS: dict[str, Callable[[Any], Sampler]] = {
    "always_on": lambda _: ALWAYS_ON,
    "always_off": lambda _: ALWAYS_OFF,
    "always_record": lambda config: AlwaysRecordSampler(create_sampler(config.root)),
    "parent_based": _parent_based,
    "trace_id_ratio_based": lambda config: TraceIdRatioBased(_ratio(config)),
    "composite_development": lambda config: composable.composite_sampler(_composable(config)),
    "probability_development": lambda config: composable.composite_sampler(
        composable.composable_traceid_ratio_based(_ratio(config))
    ),
    "jaeger_remote_development": _no_remote_sampler,
}

_COMPOSABLES: dict[str, Callable[[Any], ComposableSampler]] = {
    "always_on": lambda _: composable.composable_always_on(),
    "always_off": lambda _: composable.composable_always_off(),
    "parent_threshold": lambda config: composable.composable_parent_threshold(_composable(config.root)),
    "probability": lambda config: composable.composable_traceid_ratio_based(_ratio(config)),
    "rule_based": _rules,
}
