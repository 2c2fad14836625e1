"""The tracer."""

from __future__ import annotations

from ferrotel import _native
from ferrotel._late import TYPE_CHECKING, late_types
from opentelemetry import trace as trace_api
from opentelemetry.sdk.environment_variables import OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED
from opentelemetry.sdk.environment_variables._internal import parse_boolean_environment_variable
from opentelemetry.sdk.trace import sampling
from opentelemetry.sdk.trace._span_limits import SpanLimits
from opentelemetry.sdk.util._configurator import RuleBasedConfigurator
from opentelemetry.sdk.util.instrumentation import InstrumentationInfo, InstrumentationScope
from opentelemetry.trace._stand_in import StandInType

if TYPE_CHECKING:
    from typing import Any, Callable

    from opentelemetry import metrics as metrics_api
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace._span_processor import ConcurrentMultiSpanProcessor, SynchronousMultiSpanProcessor
    from opentelemetry.sdk.trace.id_generator import IdGenerator


class _DataclassFields:
    """For ``dataclasses.asdict`` and the like, made when they ask."""

    def __get__(self, instance: object, owner: type) -> Any:
        from dataclasses import make_dataclass

        made: Any = make_dataclass(owner.__name__, [("is_enabled", bool)])
        return made.__dataclass_fields__


class _TracerConfig:
    """Whether a tracer records at all (specification: trace SDK, TracerConfig)."""

    # By hand: the module `dataclasses` costs every program that imports this one 4 ms.
    __hash__ = None  # type: ignore[assignment]
    __match_args__ = ("is_enabled",)
    __dataclass_fields__ = _DataclassFields()

    def __init__(self, is_enabled: bool) -> None:
        self.is_enabled = is_enabled

    def __repr__(self) -> str:
        return f"{type(self).__qualname__}(is_enabled={self.is_enabled!r})"

    def __eq__(self, other: object) -> bool:
        return self.is_enabled == other.is_enabled if type(other) is type(self) else NotImplemented

    @classmethod
    def default(cls) -> _TracerConfig:
        return cls(is_enabled=True)


class Tracer(_native.TracerBase, trace_api.Tracer, metaclass=StandInType):
    """Starts spans (specification: trace API, tracer). Made by a provider.

    ``sampler``, ``resource``, ``span_processor`` and ``id_generator`` may be replaced at any time.
    """

    def __init__(
        self,
        sampler: sampling.Sampler,
        resource: Resource,
        span_processor: SynchronousMultiSpanProcessor | ConcurrentMultiSpanProcessor,
        id_generator: IdGenerator,
        instrumentation_info: InstrumentationInfo,
        span_limits: SpanLimits,
        instrumentation_scope: InstrumentationScope,
        *,
        meter_provider: metrics_api.MeterProvider | None = None,
        _tracer_config: _TracerConfig | None = None,
    ) -> None:
        self.sampler = sampler
        self.resource = resource
        self.span_processor = span_processor
        self.id_generator = id_generator
        self.instrumentation_info = instrumentation_info
        self._span_limits = span_limits
        self._instrumentation_scope = instrumentation_scope
        self._set_tracer_config(_tracer_config or _TracerConfig.default())
        if parse_boolean_environment_variable(OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED):
            # Every span asks it, so it is there only where somebody wants the counts.
            from opentelemetry import metrics as metrics_api
            from opentelemetry.sdk.trace._tracer_metrics import create_tracer_metrics

            self._tracer_metrics = create_tracer_metrics(meter_provider or metrics_api.get_meter_provider(), True)

    def _set_tracer_config(self, tracer_config: _TracerConfig) -> None:
        self._tracer_config = tracer_config
        self._enabled = tracer_config.is_enabled

    def _set_resource(self, resource: Resource) -> None:
        self.resource = resource

    @staticmethod
    def _start_span_of(stand_in: Any, *args: Any, **kwargs: Any) -> trace_api.Span:
        tracer = Tracer.__new__(Tracer)
        for part in _PARTS:
            setattr(tracer, part, getattr(stand_in, part))
        tracer._tracer_metrics = getattr(stand_in, "_tracer_metrics", None)
        tracer._enabled = stand_in._is_enabled()
        return tracer.start_span(*args, **kwargs)

    def _start_is_observed(self) -> bool:
        """May a sampler or a processor look at a span when it starts? Instrumentations that learn a span's name only
        later ask it. The engine's samplers and the processors of this SDK do not look."""
        from opentelemetry.sdk.trace._span_processor import SpanProcessor
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

        blind = [kind.on_start for kind in (SpanProcessor, BatchSpanProcessor, SimpleSpanProcessor)]
        return _describe_sampler(self.sampler) is None or any(
            "on_start" in getattr(processor, "__dict__", ()) or getattr(type(processor), "on_start", None) not in blind
            for processor in self.span_processor._span_processors
        )

    def _is_enabled(self) -> bool:
        """Whether spans record; those of a disabled tracer don't."""
        return self._tracer_config.is_enabled


# What a span is made with.
_PARTS = ("sampler", "resource", "span_processor", "id_generator", "_span_limits", "_instrumentation_scope")

if TYPE_CHECKING:
    _TracerConfiguratorT = Callable[[InstrumentationScope], _TracerConfig]
else:
    __getattr__ = late_types(__name__, _TracerConfiguratorT="Callable[[InstrumentationScope], _TracerConfig]")
_RuleBasedTracerConfigurator = RuleBasedConfigurator[_TracerConfig]


def _default_tracer_configurator(tracer_scope: InstrumentationScope) -> _TracerConfig:
    """Enables every tracer."""
    return _TracerConfig.default()


def _disable_tracer_configurator(tracer_scope: InstrumentationScope) -> _TracerConfig:
    """Disables every tracer."""
    return _TracerConfig(is_enabled=False)


_PARENT_BASED = (
    sampling.ParentBased,
    sampling.ParentBasedTraceIdRatio,
    sampling._ParentBasedAlwaysOn,
    sampling._ParentBasedAlwaysOff,
)


def _describe_sampler(sampler: Any) -> tuple[Any, ...] | None:
    """A built-in sampler in the native tracer's terms; None for one that has to be asked."""
    kind = type(sampler)
    if "should_sample" in getattr(sampler, "__dict__", {}):
        return None
    if kind in (sampling.StaticSampler, sampling._AlwaysOn, sampling._AlwaysOff):
        decisions = {sampling.Decision.RECORD_AND_SAMPLE: "on", sampling.Decision.DROP: "off"}
        name = decisions.get(sampler._decision)
        return (name,) if name else None
    if kind is sampling.TraceIdRatioBased:
        return "ratio", float(sampler.rate)
    if kind in _PARENT_BASED:
        delegates = [
            _describe_sampler(delegate)
            for delegate in (
                sampler._root,
                sampler._remote_parent_sampled,
                sampler._remote_parent_not_sampled,
                sampler._local_parent_sampled,
                sampler._local_parent_not_sampled,
            )
        ]
        return None if None in delegates else ("parent", *delegates)
    return None
