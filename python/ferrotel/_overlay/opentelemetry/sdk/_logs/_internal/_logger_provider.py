"""The logger provider."""

from __future__ import annotations

import atexit
import logging
from os import environ
from threading import RLock
from typing import TYPE_CHECKING, Any, Callable
from weakref import WeakSet

from opentelemetry import _logs as logs_api
from opentelemetry.metrics import get_meter_provider
from opentelemetry.sdk._logs._internal._log_record_limits import LogRecordLimits
from opentelemetry.sdk._logs._internal._log_record_processor import (
    ConcurrentMultiLogRecordProcessor,
    LogRecordProcessor,
    SynchronousMultiLogRecordProcessor,
)
from opentelemetry.sdk._logs._internal._logger import (
    Logger,
    _default_logger_configurator,
    _LoggerConfig,
    _LoggerConfiguratorT,
)
from opentelemetry.sdk._logs._internal._logger_metrics import create_logger_metrics
from opentelemetry.sdk.environment_variables import OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED, OTEL_SDK_DISABLED
from opentelemetry.sdk.environment_variables._internal import parse_boolean_environment_variable
from opentelemetry.sdk.environment_variables._log_level import apply_log_level
from opentelemetry.sdk.resources import Resource, _get_process_dependent_resource
from opentelemetry.sdk.util._exit import deliver_at_end_of_child, shut_down_at_exit
from opentelemetry.sdk.util._fork import call_after_fork
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.util.types import Attributes

_logger = logging.getLogger("opentelemetry.sdk._logs._internal")


class LoggerProvider(logs_api.LoggerProvider):
    """Where loggers come from (specification: logs SDK, logger provider).

    Args:
        resource: Who is observed; default: ``Resource.create({})``.
        shutdown_on_exit: Shut down, and so deliver what waits, when the interpreter exits.
        multi_log_record_processor: What records are handed to; default: a ``SynchronousMultiLogRecordProcessor``.
        meter_provider: For the SDK's metrics about itself.
        log_record_limits: How much a record may hold; default: as the environment says.
    """

    def __init__(
        self,
        resource: Resource | None = None,
        shutdown_on_exit: bool = True,
        multi_log_record_processor: SynchronousMultiLogRecordProcessor
        | ConcurrentMultiLogRecordProcessor
        | None = None,
        *,
        meter_provider: MeterProvider | None = None,
        log_record_limits: LogRecordLimits | None = None,
        _logger_configurator: _LoggerConfiguratorT | None = None,
    ) -> None:
        apply_log_level()
        self._resource = Resource.create({}) if resource is None else resource
        self._multi_log_record_processor = multi_log_record_processor or SynchronousMultiLogRecordProcessor()
        self._logger_metrics = create_logger_metrics(
            meter_provider or get_meter_provider(),
            parse_boolean_environment_variable(OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED),
        )
        self._disabled = environ.get(OTEL_SDK_DISABLED, "").strip().lower() == "true"
        self._logger_configurator = _logger_configurator or _default_logger_configurator
        self._log_record_limits = log_record_limits or LogRecordLimits()
        self._at_exit_handler: Callable[[], Any] | None = None
        if shutdown_on_exit:
            self._at_exit_handler = shut_down_at_exit(self)
        self._logger_cache: dict[tuple[str, str | None, str | None], Logger] = {}
        self._active_loggers: WeakSet[Logger] = WeakSet()
        self._renew_locks()
        call_after_fork(self._handle_fork)

    def _renew_locks(self) -> None:
        # Reentrant: a signal handler, a finalizer or a configurator that logs comes back here on the same thread.
        self._logger_cache_lock = RLock()
        self._active_loggers_lock = RLock()

    def _handle_fork(self) -> None:
        self._renew_locks()
        if self._at_exit_handler is not None:
            deliver_at_end_of_child(self)
        self._update_resource(_get_process_dependent_resource())

    @property
    def _atexit_handler(self) -> Callable[[], Any] | None:
        return self._at_exit_handler

    @property
    def resource(self) -> Resource:
        """Who is observed."""
        return self._resource

    def _update_resource(self, resource: Resource) -> None:
        with self._active_loggers_lock:
            self._resource = self._resource.merge(resource)
            for logger in list(self._active_loggers):
                logger._set_resource(self._resource)

    def _get_logger_no_cache(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Logger:
        scope = InstrumentationScope(name, version, schema_url, attributes)
        # Outside of every lock: the configurator is the program's, and it may log.
        config = self._apply_logger_configurator(scope)
        logger = Logger(
            self._resource,
            self._multi_log_record_processor,
            scope,
            logger_metrics=self._logger_metrics,
            _logger_config=config,
            log_record_limits=self._log_record_limits,
        )
        with self._active_loggers_lock:
            self._active_loggers.add(logger)
        return logger

    def _get_logger_cached(self, name: str, version: str | None = None, schema_url: str | None = None) -> Logger:
        key = (name, version, schema_url)
        logger = self._logger_cache.get(key)
        if logger is None:
            made = self._get_logger_no_cache(name, version, schema_url)
            with self._logger_cache_lock:
                logger = self._logger_cache.setdefault(key, made)
        return logger

    def get_logger(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> logs_api.Logger:
        """Returns the logger of a scope: always the same one, unless the scope has attributes.

        Args:
            name: The name of the library or module that logs.
            version: Its version.
            schema_url: The schema of what it emits.
            attributes: The scope's attributes.
        """
        if self._disabled:
            return logs_api.NoOpLogger(name, version=version, schema_url=schema_url, attributes=attributes)
        if attributes is None:
            return self._get_logger_cached(name, version, schema_url)
        return self._get_logger_no_cache(name, version, schema_url, attributes)

    def add_log_record_processor(self, log_record_processor: LogRecordProcessor) -> None:
        """Adds a processor after those that are there."""
        self._multi_log_record_processor.add_log_record_processor(log_record_processor)

    def _set_logger_configurator(self, *, logger_configurator: _LoggerConfiguratorT) -> None:
        """Replaces the configurator, for the loggers that exist as well."""
        self._logger_configurator = logger_configurator
        with self._active_loggers_lock:
            loggers = list(self._active_loggers)
        for logger in loggers:
            logger._set_logger_config(self._apply_logger_configurator(logger.instrumentation_scope))

    def _apply_logger_configurator(self, instrumentation_scope: InstrumentationScope) -> _LoggerConfig:
        try:
            return self._logger_configurator(instrumentation_scope)
        except Exception:
            _logger.exception(
                "logger configurator failed for scope '%s', using default config", instrumentation_scope.name
            )
            return _LoggerConfig.default()

    def shutdown(self) -> None:
        """Shuts the processors down, which delivers what waits."""
        self._multi_log_record_processor.shutdown()
        if self._at_exit_handler is not None:
            atexit.unregister(self._at_exit_handler)
            self._at_exit_handler = None

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Exports what waits; returns False when ``timeout_millis`` passed first."""
        return self._multi_log_record_processor.force_flush(timeout_millis)
