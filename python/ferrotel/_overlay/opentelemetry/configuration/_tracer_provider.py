"""The tracer provider that a configuration describes."""

from __future__ import annotations

from typing import Any, Callable

from opentelemetry import trace
from opentelemetry.configuration import models
from opentelemetry.configuration._components import create_component
from opentelemetry.configuration._configurator import create_configurator
from opentelemetry.configuration._exporters import otlp_exporters
from opentelemetry.configuration._limits import attribute_limits, count
from opentelemetry.configuration._sampler import create_sampler
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import (
    SpanLimits,
    SpanProcessor,
    TracerProvider,
    _RuleBasedTracerConfigurator,
    _TracerConfig,
)
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased


def create_tracer_provider(
    config: models.TracerProvider | None,
    resource: Resource | None = None,
    global_attribute_limits: models.AttributeLimits | None = None,
) -> TracerProvider:
    """A tracer provider; what the configuration leaves out is the specification's default, and not the environment's.

    `global_attribute_limits` are those of spans without limits of their own.
    """
    sampler = config.sampler if config is not None else None
    generator = config.id_generator if config is not None else None
    switches = config.tracer_configurator_development if config is not None else None
    provider = TracerProvider(
        resource=resource,
        sampler=ParentBased(root=ALWAYS_ON) if sampler is None else create_sampler(sampler),
        span_limits=_limits(
            (config.limits if config is not None else None) or models.SpanLimits(), global_attribute_limits
        ),
        id_generator=None if generator is None else _id_generator(generator),
        _tracer_configurator=None
        if switches is None
        else create_configurator(
            _RuleBasedTracerConfigurator, _TracerConfig, switches.default_config, switches.tracers
        ),
    )
    for processor in config.processors if config is not None else ():
        provider.add_span_processor(_processor(processor))
    return provider


def configure_tracer_provider(
    config: models.TracerProvider | None,
    resource: Resource | None = None,
    global_attribute_limits: models.AttributeLimits | None = None,
) -> None:
    """Makes the configuration's tracer provider the global one. Without a configuration nothing is set."""
    if config is not None:
        trace.set_tracer_provider(create_tracer_provider(config, resource, global_attribute_limits))


def _limits(limits: models.SpanLimits, common: models.AttributeLimits | None) -> SpanLimits:
    attributes, length = attribute_limits(limits, common)
    return SpanLimits(
        max_attributes=attributes,
        max_span_attributes=attributes,
        max_attribute_length=length,
        max_span_attribute_length=length,
        max_events=count(limits.event_count_limit),
        max_links=count(limits.link_count_limit),
        max_event_attributes=count(limits.event_attribute_count_limit),
        max_link_attributes=count(limits.link_attribute_count_limit),
    )


def _id_generator(config: models.IdGenerator) -> IdGenerator:
    generator: IdGenerator = create_component("id generator", config, _GENERATORS, "opentelemetry_id_generator")
    return generator


def _processor(config: models.SpanProcessor) -> SpanProcessor:
    processor: SpanProcessor = create_component("span processor", config, _PROCESSORS, "opentelemetry_span_processor")
    return processor


def _batch(config: models.BatchSpanProcessor) -> SpanProcessor:
    return BatchSpanProcessor(
        _exporter(config.exporter),
        max_queue_size=2048 if config.max_queue_size is None else config.max_queue_size,
        schedule_delay_millis=5000 if config.schedule_delay is None else config.schedule_delay,
        max_export_batch_size=512 if config.max_export_batch_size is None else config.max_export_batch_size,
        export_timeout_millis=30_000 if config.export_timeout is None else config.export_timeout,
    )


def _exporter(config: models.SpanExporter) -> SpanExporter:
    exporter: SpanExporter = create_component("span exporter", config, _EXPORTERS, "opentelemetry_traces_exporter")
    return exporter


_GENERATORS: dict[str, Callable[[Any], IdGenerator]] = {"random": lambda _: RandomIdGenerator()}
_PROCESSORS: dict[str, Callable[[Any], SpanProcessor]] = {
    "batch": _batch,
    "simple": lambda config: SimpleSpanProcessor(_exporter(config.exporter)),
}
_EXPORTERS: dict[str, Callable[[Any], SpanExporter]] = {
    **otlp_exporters("trace_exporter", "OTLPSpanExporter", "FileSpanExporter"),
    "console": lambda _: ConsoleSpanExporter(),
}
