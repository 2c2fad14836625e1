"""Settings per instrumentation scope, found by rules."""

from __future__ import annotations

from typing import Generic, Sequence, Tuple, TypeVar

from opentelemetry.sdk.util.instrumentation import InstrumentationScope, _InstrumentationScopePredicateT

ConfigT = TypeVar("ConfigT")
ConfiguratorRulesT = Sequence[Tuple[_InstrumentationScopePredicateT, ConfigT]]


class RuleBasedConfigurator(Generic[ConfigT]):
    """Gives a scope the settings of the first rule whose predicate is true for it, else the default ones."""

    def __init__(self, *, rules: ConfiguratorRulesT[ConfigT], default_config: ConfigT) -> None:
        self._rules = rules
        self._default_config = default_config

    def __call__(self, scope: InstrumentationScope) -> ConfigT:
        return next((config for applies, config in self._rules if applies(scope)), self._default_config)

    def update_rules(self, rules: ConfiguratorRulesT[ConfigT]) -> None:
        """Replaces the rules for all scopes asked about from now on."""
        self._rules = rules
