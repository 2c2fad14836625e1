"""The logger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable

from ferrotel import _native
from opentelemetry import _logs as logs_api
from opentelemetry.sdk._logs._internal._exceptions import (
    _copy_log_record_with_exception,
    _create_log_record_with_exception,
    _set_log_record_exception_attributes,
)
from opentelemetry.sdk._logs._internal._log_record import ReadWriteLogRecord
from opentelemetry.sdk._logs._internal._log_record_limits import LogRecordLimits
from opentelemetry.sdk.util._configurator import RuleBasedConfigurator
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

if TYPE_CHECKING:
    from opentelemetry.sdk._logs._internal._log_record_processor import (
        ConcurrentMultiLogRecordProcessor,
        SynchronousMultiLogRecordProcessor,
    )
    from opentelemetry.sdk._logs._internal._logger_metrics import LoggerMetricsT
    from opentelemetry.sdk.resources import Resource


@dataclass
class _LoggerConfig:
    """Whether a logger takes records at all (specification: logs SDK, LoggerConfig)."""

    is_enabled: bool = True

    @classmethod
    def default(cls) -> _LoggerConfig:
        return cls()


class Logger(_native.LoggerBase, logs_api.Logger):
    """Takes log records (specification: logs API, logger). Made by a provider.

    ``emit`` and ``enabled`` are native. Where every processor is, a record never becomes a Python object.
    """

    _resource: Resource
    _instrumentation_scope: InstrumentationScope
    _logger_config: _LoggerConfig

    def __init__(
        self,
        resource: Resource,
        multi_log_record_processor: SynchronousMultiLogRecordProcessor | ConcurrentMultiLogRecordProcessor,
        instrumentation_scope: InstrumentationScope,
        *,
        logger_metrics: LoggerMetricsT,
        log_record_limits: LogRecordLimits | None = None,
        _logger_config: _LoggerConfig,
    ) -> None:
        super().__init__(
            instrumentation_scope.name,
            instrumentation_scope.version,
            instrumentation_scope.schema_url,
            instrumentation_scope.attributes,
        )
        self._resource = resource
        self._multi_log_record_processor = multi_log_record_processor
        self._instrumentation_scope = instrumentation_scope
        self._logger_metrics = logger_metrics
        self._logger_config = _logger_config
        self._log_record_limits = log_record_limits or LogRecordLimits()

    def _is_enabled(self) -> bool:
        return self._logger_config.is_enabled

    def _set_logger_config(self, logger_config: _LoggerConfig) -> None:
        self._logger_config = logger_config

    def _set_resource(self, resource: Resource) -> None:
        self._resource = resource

    @property
    def instrumentation_scope(self) -> InstrumentationScope:
        """Who logs."""
        return self._instrumentation_scope

    @property
    def resource(self) -> Resource:
        """Who is observed."""
        return self._resource


def _make_log_record(logger: Logger, record: Any, **fields: Any) -> ReadWriteLogRecord:
    """The object that processors in Python get, for what ``Logger.emit`` was given."""
    if isinstance(record, ReadWriteLogRecord):
        _set_log_record_exception_attributes(record.log_record)
        return record
    if record is None:
        record = _create_log_record_with_exception(**fields)
    elif getattr(record, "exception", None) is not None:
        record = _copy_log_record_with_exception(record)
    return ReadWriteLogRecord._from_api_log_record(
        record=record,
        resource=logger._resource,
        instrumentation_scope=logger._instrumentation_scope,
        limits=logger._log_record_limits,
    )


_LoggerConfiguratorT = Callable[[InstrumentationScope], _LoggerConfig]
_RuleBasedLoggerConfigurator = RuleBasedConfigurator[_LoggerConfig]


def _default_logger_configurator(_logger_scope: InstrumentationScope) -> _LoggerConfig:
    """Enables every logger."""
    return _LoggerConfig.default()


def _disable_logger_configurator(_logger_scope: InstrumentationScope) -> _LoggerConfig:
    """Disables every logger."""
    return _LoggerConfig(is_enabled=False)
