"""The composable sampler that chooses another one by rules, and the predicates that rules are made of."""

from __future__ import annotations

import logging
from fnmatch import fnmatchcase
from typing import Any, Protocol, Sequence, Tuple

from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import AnyValue, Attributes

from ._composable import ComposableSampler, SamplingIntent
from ._util import INVALID_THRESHOLD


class PredicateT(Protocol):
    """A question about a span that is about to start."""

    def __call__(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> bool: ...

    def __str__(self) -> str: ...


RulesT = Sequence[Tuple[PredicateT, ComposableSampler]]


def composable_rule_based(rules: RulesT) -> ComposableSampler:
    """A composable sampler that leaves the decision to the sampler of the first rule whose predicate is true.

    A span that no rule fits is not sampled.
    """
    return _ComposableRuleBased(rules)


class _ComposableRuleBased(ComposableSampler):
    def __init__(self, rules: RulesT) -> None:
        self._rules = list(rules)

    def sampling_intent(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None = None,
    ) -> SamplingIntent:
        span: Any = {
            "parent_ctx": parent_ctx,
            "name": name,
            "span_kind": span_kind,
            "attributes": attributes,
            "links": links,
            "trace_state": trace_state,
        }
        for predicate, sampler in self._rules:
            if predicate(**span):
                return sampler.sampling_intent(**span)
        return _NOT_SAMPLED

    def get_description(self) -> str:
        rules = ",".join(f"({predicate}:{sampler.get_description()})" for predicate, sampler in self._rules)
        return f"ComposableRuleBased{{[{rules}]}}"


_NOT_SAMPLED = SamplingIntent(threshold=INVALID_THRESHOLD, threshold_reliable=False)


class AlwaysMatchPredicate:
    """True for every span."""

    def __call__(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> bool:
        return True

    def __str__(self) -> str:
        return "AlwaysMatch"


class AllPredicate:
    """True when all of these are."""

    def __init__(self, predicates: Sequence[PredicateT]) -> None:
        self._predicates = tuple(predicates)

    def __call__(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> bool:
        return all(ask(parent_ctx, name, span_kind, attributes, links, trace_state) for ask in self._predicates)

    def __str__(self) -> str:
        return " && ".join(map(str, self._predicates))


class AttributePredicate:
    """True when the attribute has exactly this value. Deprecated: `AttributeValuesPredicate` does more."""

    def __init__(self, key: str, value: AnyValue) -> None:
        logging.getLogger(__name__).warning("This is deprecated, use AttributeValuesPredicate instead")
        self.key = key
        self.value = value

    def __call__(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> bool:
        return attributes is not None and attributes.get(self.key) == self.value

    def __str__(self) -> str:
        return f"{self.key}={self.value!s}"


class AttributeValuesPredicate:
    """True when the attribute, or an item of it when it is a sequence, is one of these values as text."""

    def __init__(self, key: str, values: Sequence[str]) -> None:
        self._key = key
        self._values = frozenset(values)

    def __call__(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> bool:
        return not self._values.isdisjoint(_texts_of(attributes, self._key))

    def __str__(self) -> str:
        return f"{self._key} in [{','.join(sorted(self._values))}]"


class AttributePatternsPredicate:
    """True when the attribute, or an item of it, fits an included pattern and no excluded one.

    Patterns know `*`, `?` and `[...]`, and case counts. No `included` means that everything is.
    """

    def __init__(
        self,
        key: str,
        included: Sequence[str] | None = None,
        excluded: Sequence[str] | None = None,
    ) -> None:
        self._key = key
        self._included = tuple(included or ())
        self._excluded = tuple(excluded or ())

    def __call__(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> bool:
        return any(
            (not self._included or _fits_any(text, self._included)) and not _fits_any(text, self._excluded)
            for text in _texts_of(attributes, self._key)
        )

    def __str__(self) -> str:
        return f"{self._key} matches"


class SpanKindPredicate:
    """True when the span is of one of these kinds."""

    def __init__(self, span_kinds: Sequence[SpanKind]) -> None:
        self._span_kinds = frozenset(span_kinds)

    def __call__(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> bool:
        return span_kind in self._span_kinds

    def __str__(self) -> str:
        return f"span_kind in [{','.join(sorted(kind.name.lower() for kind in self._span_kinds))}]"


class ParentPredicate:
    """True when the parent is one of these: "none", "remote" (from another process), "local"."""

    def __init__(self, parents: Sequence[str]) -> None:
        self._parents = frozenset(parents)

    def __call__(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> bool:
        parent = get_current_span(parent_ctx).get_span_context()
        origin = "none" if not parent.is_valid else "remote" if parent.is_remote else "local"
        return origin in self._parents

    def __str__(self) -> str:
        return f"parent in [{','.join(sorted(self._parents))}]"


def _texts_of(attributes: Attributes, key: str) -> Sequence[str]:
    if not attributes or key not in attributes:
        return ()
    value = attributes[key]
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
        return [str(item) for item in value]
    return (str(value),)


def _fits_any(text: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)
