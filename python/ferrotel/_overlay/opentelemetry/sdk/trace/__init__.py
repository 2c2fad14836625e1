"""The trace SDK: providers, tracers, spans, processors."""

from __future__ import annotations

import logging
from os import environ

from ferrotel import _native
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.environment_variables import (
    OTEL_ATTRIBUTE_COUNT_LIMIT,
    OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT,
    OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT,
    OTEL_LINK_ATTRIBUTE_COUNT_LIMIT,
    OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED,
    OTEL_SDK_DISABLED,
    OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT,
    OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT,
    OTEL_SPAN_EVENT_COUNT_LIMIT,
    OTEL_SPAN_LINK_COUNT_LIMIT,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import sampling
from opentelemetry.sdk.trace._attributes import _SpanAttributes
from opentelemetry.sdk.trace._event import Event, EventBase, _make_event, _make_link, _make_list
from opentelemetry.sdk.trace._span import (
    EXCEPTION_ESCAPED,
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
    ReadableSpan,
    Span,
    _make_resource,
    _make_scope,
    _Span,
)
from opentelemetry.sdk.trace._span_limits import SPAN_ATTRIBUTE_COUNT_LIMIT, SpanLimits, _UnsetLimits
from opentelemetry.sdk.trace._span_processor import (
    ConcurrentMultiSpanProcessor,
    SpanProcessor,
    SynchronousMultiSpanProcessor,
    _describe_processor,
)
from opentelemetry.sdk.trace._tracer import (
    Tracer,
    _default_tracer_configurator,
    _describe_sampler,
    _disable_tracer_configurator,
    _RuleBasedTracerConfigurator,
    _TracerConfig,
    _TracerConfiguratorT,
)
from opentelemetry.sdk.trace._tracer_provider import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationInfo, InstrumentationScope
from opentelemetry.trace import NoOpTracer, SpanContext
from opentelemetry.trace.status import Status, StatusCode

logger = logging.getLogger(__name__)

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
