"""The logger provider that a configuration describes."""

from __future__ import annotations

from typing import Any, Callable

from opentelemetry._logs import set_logger_provider
from opentelemetry.configuration import models
from opentelemetry.configuration._components import create_component
from opentelemetry.configuration._configurator import create_configurator
from opentelemetry.configuration._exporters import otlp_exporters
from opentelemetry.configuration._limits import attribute_limits
from opentelemetry.sdk._logs import LoggerProvider, LogRecordLimits, LogRecordProcessor
from opentelemetry.sdk._logs._internal import _LoggerConfig, _RuleBasedLoggerConfigurator
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    ConsoleLogRecordExporter,
    LogRecordExporter,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.resources import Resource


def create_logger_provider(
    config: models.LoggerProvider | None,
    resource: Resource | None = None,
    global_attribute_limits: models.AttributeLimits | None = None,
) -> LoggerProvider:
    """A logger provider; what the configuration leaves out is the specification's default, and not the environment's.

    `global_attribute_limits` are those of log records without limits of their own.
    """
    limits = (config.limits if config is not None else None) or models.LogRecordLimits()
    number, length = attribute_limits(limits, global_attribute_limits)
    switches = config.logger_configurator_development if config is not None else None
    provider = LoggerProvider(
        resource=resource,
        log_record_limits=LogRecordLimits(
            max_attributes=number,
            max_attribute_length=length,
            max_log_record_attributes=number,
            max_log_record_attribute_length=length,
        ),
        _logger_configurator=None
        if switches is None
        else create_configurator(
            _RuleBasedLoggerConfigurator, _LoggerConfig, switches.default_config, switches.loggers
        ),
    )
    for processor in config.processors if config is not None else ():
        provider.add_log_record_processor(_processor(processor))
    return provider


def configure_logger_provider(
    config: models.LoggerProvider | None,
    resource: Resource | None = None,
    global_attribute_limits: models.AttributeLimits | None = None,
) -> None:
    """Makes the configuration's logger provider the global one. Without a configuration nothing is set."""
    if config is not None:
        set_logger_provider(create_logger_provider(config, resource, global_attribute_limits))


def _processor(config: models.LogRecordProcessor) -> LogRecordProcessor:
    processor: LogRecordProcessor = create_component(
        "log record processor", config, _PROCESSORS, "opentelemetry_log_record_processor"
    )
    return processor


def _batch(config: models.BatchLogRecordProcessor) -> LogRecordProcessor:
    return BatchLogRecordProcessor(
        _exporter(config.exporter),
        schedule_delay_millis=1000 if config.schedule_delay is None else config.schedule_delay,
        max_export_batch_size=512 if config.max_export_batch_size is None else config.max_export_batch_size,
        export_timeout_millis=30_000 if config.export_timeout is None else config.export_timeout,
        max_queue_size=2048 if config.max_queue_size is None else config.max_queue_size,
    )


def _exporter(config: models.LogRecordExporter) -> LogRecordExporter:
    exporter: LogRecordExporter = create_component(
        "log record exporter", config, _EXPORTERS, "opentelemetry_logs_exporter"
    )
    return exporter


_PROCESSORS: dict[str, Callable[[Any], LogRecordProcessor]] = {
    "batch": _batch,
    "simple": lambda config: SimpleLogRecordProcessor(_exporter(config.exporter)),
}
_EXPORTERS: dict[str, Callable[[Any], LogRecordExporter]] = {
    **otlp_exporters("_log_exporter", "OTLPLogExporter", "FileLogExporter"),
    "console": lambda _: ConsoleLogRecordExporter(),
}
