"""Settings per instrumentation scope, found by rules."""

from __future__ import annotations

from ferrotel._late import TYPE_CHECKING, Generic, TypeVar, late_types

if TYPE_CHECKING:
    from typing import Sequence, Tuple

    from opentelemetry.sdk.util.instrumentation import InstrumentationScope, _InstrumentationScopePredicateT

ConfigT = TypeVar("ConfigT")

if TYPE_CHECKING:
    ConfiguratorRulesT = Sequence[Tuple[_InstrumentationScopePredicateT, ConfigT]]
else:
    __getattr__ = late_types(__name__, ConfiguratorRulesT="Sequence[Tuple[Callable[..., bool], TypeVar('ConfigT')]]")


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
