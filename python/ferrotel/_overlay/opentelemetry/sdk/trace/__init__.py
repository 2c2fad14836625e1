"""The trace SDK: providers, tracers, spans, processors."""

# ruff: noqa: I001 (the sorter wants a statement for each of these names)

from __future__ import annotations

from os import environ as environ

from ferrotel._late import TYPE_CHECKING, getLogger, late_types
from ferrotel import _native
from opentelemetry.attributes import BoundedAttributes as BoundedAttributes
from opentelemetry.sdk.environment_variables import (
    OTEL_ATTRIBUTE_COUNT_LIMIT as OTEL_ATTRIBUTE_COUNT_LIMIT,
    OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT as OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT,
    OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT as OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT,
    OTEL_LINK_ATTRIBUTE_COUNT_LIMIT as OTEL_LINK_ATTRIBUTE_COUNT_LIMIT,
    OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED as OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED,
    OTEL_SDK_DISABLED as OTEL_SDK_DISABLED,
    OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT as OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT,
    OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT as OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT,
    OTEL_SPAN_EVENT_COUNT_LIMIT as OTEL_SPAN_EVENT_COUNT_LIMIT,
    OTEL_SPAN_LINK_COUNT_LIMIT as OTEL_SPAN_LINK_COUNT_LIMIT,
)
from opentelemetry.sdk.resources import Resource as Resource
from opentelemetry.sdk.trace import sampling as sampling
from opentelemetry.sdk.trace._attributes import _SpanAttributes as _SpanAttributes
from opentelemetry.sdk.trace._event import (
    Event as Event,
    EventBase as EventBase,
    _make_event as _make_event,
    _make_link as _make_link,
    _make_list as _make_list,
)
from opentelemetry.sdk.trace._span import (
    EXCEPTION_ESCAPED as EXCEPTION_ESCAPED,
    EXCEPTION_MESSAGE as EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE as EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE as EXCEPTION_TYPE,
    ReadableSpan as ReadableSpan,
    Span as Span,
    _make_resource as _make_resource,
    _make_scope as _make_scope,
    _Span as _Span,
)
from opentelemetry.sdk.trace._span_limits import (
    SPAN_ATTRIBUTE_COUNT_LIMIT as SPAN_ATTRIBUTE_COUNT_LIMIT,
    SpanLimits as SpanLimits,
    _UnsetLimits as _UnsetLimits,
)
from opentelemetry.sdk.trace._span_processor import (
    ConcurrentMultiSpanProcessor as ConcurrentMultiSpanProcessor,
    SpanProcessor as SpanProcessor,
    SynchronousMultiSpanProcessor as SynchronousMultiSpanProcessor,
    _describe_processor as _describe_processor,
)
from opentelemetry.sdk.trace._tracer import (
    Tracer as Tracer,
    _default_tracer_configurator as _default_tracer_configurator,
    _describe_sampler as _describe_sampler,
    _disable_tracer_configurator as _disable_tracer_configurator,
    _RuleBasedTracerConfigurator as _RuleBasedTracerConfigurator,
    _TracerConfig as _TracerConfig,
)
from opentelemetry.sdk.trace._tracer_provider import TracerProvider as TracerProvider
from opentelemetry.sdk.trace.id_generator import (
    IdGenerator as IdGenerator,
    RandomIdGenerator as RandomIdGenerator,
)
from opentelemetry.sdk.util import BoundedList as BoundedList
from opentelemetry.sdk.util.instrumentation import (
    InstrumentationInfo as InstrumentationInfo,
    InstrumentationScope as InstrumentationScope,
)
from opentelemetry.trace import (
    NoOpTracer as NoOpTracer,
    SpanContext as SpanContext,
)
from opentelemetry.trace.status import (
    Status as Status,
    StatusCode as StatusCode,
)

if TYPE_CHECKING:
    from opentelemetry.sdk.trace._tracer import _TracerConfiguratorT as _TracerConfiguratorT
else:
    __getattr__ = late_types(__name__, _TracerConfiguratorT="Callable[[InstrumentationScope], _TracerConfig]")

logger = getLogger(__name__)

# What the reference's module holds besides its own classes, and programs import from it: kept by name.
_DEFAULT_OTEL_ATTRIBUTE_COUNT_LIMIT = 128
_DEFAULT_OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT = 128
_DEFAULT_OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT = 128
_DEFAULT_OTEL_LINK_ATTRIBUTE_COUNT_LIMIT = 128
_DEFAULT_OTEL_SPAN_EVENT_COUNT_LIMIT = 128
_DEFAULT_OTEL_SPAN_LINK_COUNT_LIMIT = 128

_native.register_types(
    _Span=_Span,
    ReadableSpan=ReadableSpan,
    Tracer=Tracer,
    SynchronousMultiSpanProcessor=SynchronousMultiSpanProcessor,
    _make_event=_make_event,
    _make_link=_make_link,
    _make_list=_make_list,
    _make_span_attributes=_SpanAttributes,
    _make_resource=_make_resource,
    _make_scope=_make_scope,
    _describe_sampler=_describe_sampler,
    _describe_processor=_describe_processor,
)
