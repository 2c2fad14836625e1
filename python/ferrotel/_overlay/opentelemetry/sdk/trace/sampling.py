"""Which spans are recorded and sampled (specification: Trace SDK, "Sampling").

A sampler goes to the provider (`TracerProvider(sampler=TraceIdRatioBased(0.01))`) or into the environment:
`OTEL_TRACES_SAMPLER` is one of always_on, always_off, traceidratio, parentbased_always_on (the default),
parentbased_always_off and parentbased_traceidratio, and `OTEL_TRACES_SAMPLER_ARG` is the ratio.

A sampler of your own subclasses `Sampler`. To be named in the environment it needs an entry point in the group
`opentelemetry_traces_sampler`: a callable that gets `OTEL_TRACES_SAMPLER_ARG` (None when it is unset) and returns the
sampler. It takes effect where a configurator sets up the SDK.

The provider runs the samplers of this module in the engine when they are exactly these classes; `should_sample` here
gives the same answer to Python callers and to subclasses.
"""

from __future__ import annotations

import abc
import enum
import os
from types import MappingProxyType

from ferrotel._late import TYPE_CHECKING, getLogger, late_types
from opentelemetry.context import Context
from opentelemetry.sdk.environment_variables import OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG
from opentelemetry.trace import Link, SpanKind, get_current_span
from opentelemetry.trace.span import TraceState

if TYPE_CHECKING:
    from typing import Callable, Mapping, Sequence

    from opentelemetry.util.types import AnyValue, Attributes
else:
    __getattr__ = late_types(__name__, Attributes="Attributes")

_logger = getLogger(__name__)


class Decision(enum.Enum):
    """What becomes of a span."""

    DROP = 0
    """Nothing is recorded, nothing is exported."""
    RECORD_ONLY = 1
    """Span processors see it, but it is not marked as sampled."""
    RECORD_AND_SAMPLE = 2
    """It is recorded, and its trace flag "sampled" is set."""

    def is_recording(self) -> bool:
        return self is not Decision.DROP

    def is_sampled(self) -> bool:
        return self is Decision.RECORD_AND_SAMPLE


class SamplingResult:
    """A sampler's answer: the decision, attributes for the new span, and the span's trace state."""

    def __init__(
        self,
        decision: Decision,
        attributes: Attributes = None,
        trace_state: TraceState | None = None,
    ) -> None:
        self.decision = decision
        self.attributes: Mapping[str, AnyValue] = MappingProxyType({} if attributes is None else attributes)
        self.trace_state = trace_state

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.decision!s}, attributes={self.attributes!s})"


class Sampler(abc.ABC):
    """Decides about each span when it starts."""

    @abc.abstractmethod
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
        """The decision about a span that is about to start.

        `parent_context`: the context that holds the parent span, if there is one; its trace state is the one to
        hand on in the result. The other arguments are those of the new span.
        """

    @abc.abstractmethod
    def get_description(self) -> str:
        """The sampler's name with its settings, for people who debug."""


class StaticSampler(Sampler):
    """Gives every span the same decision."""

    def __init__(self, decision: Decision) -> None:
        self._decision = decision

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
        return _result(self._decision, attributes, parent_context)

    def get_description(self) -> str:
        return "AlwaysOffSampler" if self._decision is Decision.DROP else "AlwaysOnSampler"


ALWAYS_OFF = StaticSampler(Decision.DROP)
"""Samples no span."""

ALWAYS_ON = StaticSampler(Decision.RECORD_AND_SAMPLE)
"""Samples every span."""


class TraceIdRatioBased(Sampler):
    """Samples this share of all traces, chosen by trace id, so that every service chooses the same ones.

    `rate`: from 0.0 to 1.0; anything else raises ValueError.
    """

    # The decision is made on the lowest 64 bits, where ids of 64-bit systems have theirs too.
    TRACE_ID_LIMIT = (1 << 64) - 1

    def __init__(self, rate: float) -> None:
        if rate < 0.0 or rate > 1.0:
            raise ValueError("Probability must be in range [0.0, 1.0].")
        self._rate = rate
        self._bound = self.get_bound_for_rate(rate)

    @classmethod
    def get_bound_for_rate(cls, rate: float) -> int:
        """The number below which the lowest 64 bits of a sampled trace id lie."""
        return round(rate * (cls.TRACE_ID_LIMIT + 1))

    @property
    def rate(self) -> float:
        return self._rate

    @property
    def bound(self) -> int:
        return self._bound

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
        sampled = trace_id & self.TRACE_ID_LIMIT < self.bound
        return _result(Decision.RECORD_AND_SAMPLE if sampled else Decision.DROP, attributes, parent_context)

    def get_description(self) -> str:
        return f"TraceIdRatioBased{{{self._rate}}}"


class ParentBased(Sampler):
    """Asks `root` about spans without a parent, and one of four other samplers about the rest.

    Which one depends on whether the parent came from another process (remote) and whether it was sampled. By default
    a child follows its parent.
    """

    def __init__(
        self,
        root: Sampler,
        remote_parent_sampled: Sampler = ALWAYS_ON,
        remote_parent_not_sampled: Sampler = ALWAYS_OFF,
        local_parent_sampled: Sampler = ALWAYS_ON,
        local_parent_not_sampled: Sampler = ALWAYS_OFF,
    ) -> None:
        self._root = root
        self._remote_parent_sampled = remote_parent_sampled
        self._remote_parent_not_sampled = remote_parent_not_sampled
        self._local_parent_sampled = local_parent_sampled
        self._local_parent_not_sampled = local_parent_not_sampled

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
        return self._sampler_for(parent_context).should_sample(
            parent_context=parent_context,
            trace_id=trace_id,
            name=name,
            kind=kind,
            attributes=attributes,
            links=links,
        )

    def _sampler_for(self, parent_context: Context | None) -> Sampler:
        parent = get_current_span(parent_context).get_span_context()
        if parent is None or not parent.is_valid:
            return self._root
        if parent.is_remote:
            return self._remote_parent_sampled if parent.trace_flags.sampled else self._remote_parent_not_sampled
        return self._local_parent_sampled if parent.trace_flags.sampled else self._local_parent_not_sampled

    def get_description(self) -> str:
        delegates = {
            "root": self._root,
            "remoteParentSampled": self._remote_parent_sampled,
            "remoteParentNotSampled": self._remote_parent_not_sampled,
            "localParentSampled": self._local_parent_sampled,
            "localParentNotSampled": self._local_parent_not_sampled,
        }
        described = ",".join(f"{role}:{sampler.get_description()}" for role, sampler in delegates.items())
        return f"ParentBased{{{described}}}"


class AlwaysRecordSampler(Sampler):
    """Samples what `root` samples and records the rest too, so that a processor sees every span.

    For counting or measuring all spans of a service without the cost of sampling them all.
    """

    def __init__(self, root: Sampler) -> None:
        if root is None:
            raise ValueError("root must not be None")
        self._root = root

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
        result = self._root.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
        if result.decision is not Decision.DROP:
            return result
        return SamplingResult(Decision.RECORD_ONLY, result.attributes, result.trace_state)

    def get_description(self) -> str:
        return f"AlwaysRecordSampler{{{self._root.get_description()}}}"


DEFAULT_OFF = ParentBased(ALWAYS_OFF)
"""Follows the parent; samples no span without one."""

DEFAULT_ON = ParentBased(ALWAYS_ON)
"""Follows the parent; samples every span without one."""


class ParentBasedTraceIdRatio(ParentBased):
    """Follows the parent; samples this share of the spans without one. `rate` as for `TraceIdRatioBased`."""

    def __init__(self, rate: float) -> None:
        super().__init__(root=TraceIdRatioBased(rate=rate))


# The entry points of the group opentelemetry_traces_sampler: called with OTEL_TRACES_SAMPLER_ARG, which they ignore.


class _AlwaysOff(StaticSampler):
    def __init__(self, _: object) -> None:
        super().__init__(Decision.DROP)


class _AlwaysOn(StaticSampler):
    def __init__(self, _: object) -> None:
        super().__init__(Decision.RECORD_AND_SAMPLE)


class _ParentBasedAlwaysOff(ParentBased):
    def __init__(self, _: object) -> None:
        super().__init__(ALWAYS_OFF)


class _ParentBasedAlwaysOn(ParentBased):
    def __init__(self, _: object) -> None:
        super().__init__(ALWAYS_ON)


_FIXED_SAMPLERS: dict[str, Sampler] = {
    "always_on": ALWAYS_ON,
    "always_off": ALWAYS_OFF,
    "parentbased_always_on": DEFAULT_ON,
    "parentbased_always_off": DEFAULT_OFF,
}
_RATIO_SAMPLERS: dict[str, Callable[[float], Sampler]] = {
    "traceidratio": TraceIdRatioBased,
    "parentbased_traceidratio": ParentBasedTraceIdRatio,
}


def _get_from_env_or_default() -> Sampler:
    """The sampler that `OTEL_TRACES_SAMPLER` names; each unusable value is reported and replaced by its default."""
    name = os.getenv(OTEL_TRACES_SAMPLER, "").strip().lower() or "parentbased_always_on"
    ratio_sampler = _RATIO_SAMPLERS.get(name)
    if ratio_sampler is not None:
        try:
            return ratio_sampler(float(os.getenv(OTEL_TRACES_SAMPLER_ARG, "")))
        except (ValueError, TypeError):
            _logger.warning("Could not convert TRACES_SAMPLER_ARG to float. Using default rate 1.0.")
            return ratio_sampler(1.0)
    if name not in _FIXED_SAMPLERS:
        _logger.warning("Couldn't recognize sampler %s.", name)
    return _FIXED_SAMPLERS.get(name, DEFAULT_ON)


def _get_parent_trace_state(parent_context: Context | None) -> TraceState | None:
    """The trace state of the span in this context; None when there is no valid one."""
    parent = get_current_span(parent_context).get_span_context()
    return parent.trace_state if parent is not None and parent.is_valid else None


def _result(decision: Decision, attributes: Attributes, parent_context: Context | None) -> SamplingResult:
    kept = None if decision is Decision.DROP else attributes
    return SamplingResult(decision, kept, _get_parent_trace_state(parent_context))
