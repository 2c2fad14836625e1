"""The logs SDK's classes, each from its own module."""

# ruff: noqa: I001 (the sorter wants a statement for each of these names)

from __future__ import annotations

import threading as threading

from ferrotel import _native
from opentelemetry._logs import (
    LogRecord as LogRecord,
    NoOpLogger as NoOpLogger,
    SeverityNumber as SeverityNumber,
    get_logger as get_logger,
    get_logger_provider as get_logger_provider,
)
from opentelemetry.attributes import BoundedAttributes as BoundedAttributes
from opentelemetry.context import get_current as get_current
from opentelemetry.sdk._logs._internal._exceptions import _get_attributes_with_exception
from opentelemetry.sdk._logs._internal._log_record import (
    BytesEncoder as BytesEncoder,
    LogDroppedAttributesWarning as LogDroppedAttributesWarning,
    LogRecordDroppedAttributesWarning as LogRecordDroppedAttributesWarning,
    ReadableLogRecord as ReadableLogRecord,
    ReadWriteLogRecord as ReadWriteLogRecord,
    _warn_of_dropped_attributes,
)
from opentelemetry.sdk._logs._internal._log_record_limits import (
    _DEFAULT_OTEL_ATTRIBUTE_COUNT_LIMIT as _DEFAULT_OTEL_ATTRIBUTE_COUNT_LIMIT,
    LogLimits as LogLimits,
    LogRecordLimits as LogRecordLimits,
)
from opentelemetry.sdk._logs._internal._log_record_processor import (
    ConcurrentMultiLogRecordProcessor as ConcurrentMultiLogRecordProcessor,
    LogRecordProcessor as LogRecordProcessor,
    SynchronousMultiLogRecordProcessor as SynchronousMultiLogRecordProcessor,
    _describe_log_record_processor,
)
from opentelemetry.sdk._logs._internal._logger import (
    Logger as Logger,
    _default_logger_configurator as _default_logger_configurator,
    _disable_logger_configurator as _disable_logger_configurator,
    _LoggerConfig as _LoggerConfig,
    _LoggerConfiguratorT as _LoggerConfiguratorT,
    _make_log_record,
    _RuleBasedLoggerConfigurator as _RuleBasedLoggerConfigurator,
)
from opentelemetry.sdk._logs._internal._logger_metrics import (
    LoggerMetricsT as LoggerMetricsT,
    create_logger_metrics as create_logger_metrics,
)
from opentelemetry.sdk._logs._internal._logger_provider import LoggerProvider as LoggerProvider
from opentelemetry.sdk._logs._internal._logging_handler import (
    _RESERVED_ATTRS as _RESERVED_ATTRS,
    _STD_TO_OTEL as _STD_TO_OTEL,
    LoggingHandler as LoggingHandler,
    std_to_otel as std_to_otel,
)
from opentelemetry.sdk.resources import Resource as Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope as InstrumentationScope

_native.register_types(
    Logger=Logger,
    SynchronousMultiLogRecordProcessor=SynchronousMultiLogRecordProcessor,
    _describe_log_record_processor=_describe_log_record_processor,
    _get_attributes_with_exception=_get_attributes_with_exception,
    _make_log_record=_make_log_record,
    _warn_of_dropped_attributes=_warn_of_dropped_attributes,
)
