"""The meter provider."""

from __future__ import annotations

import weakref
from atexit import unregister
from logging import getLogger
from os import environ
from threading import RLock
from time import time_ns
from typing import TYPE_CHECKING, Any, ClassVar, Sequence

from opentelemetry.metrics import Meter as APIMeter
from opentelemetry.metrics import MeterProvider as APIMeterProvider
from opentelemetry.metrics import NoOpMeter
from opentelemetry.sdk.environment_variables import OTEL_METRICS_EXEMPLAR_FILTER, OTEL_SDK_DISABLED
from opentelemetry.sdk.environment_variables._log_level import apply_log_level
from opentelemetry.sdk.metrics._internal._meter import (
    Meter,
    _default_meter_configurator,
    _disable_meter_configurator,
    _MeterConfig,
    _MeterConfiguratorT,
    _ProxyMeterConfig,
    _RuleBasedMeterConfigurator,
)
from opentelemetry.sdk.metrics._internal.exceptions import MetricsTimeoutError
from opentelemetry.sdk.metrics._internal.exemplar import (
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    ExemplarFilter,
    TraceBasedExemplarFilter,
)
from opentelemetry.sdk.metrics._internal.instrument import (
    _Counter,
    _Gauge,
    _Histogram,
    _ObservableCounter,
    _ObservableGauge,
    _ObservableUpDownCounter,
    _UpDownCounter,
)
from opentelemetry.sdk.metrics._internal.measurement_consumer import (
    MeasurementConsumer,
    SynchronousMeasurementConsumer,
)
from opentelemetry.sdk.metrics._internal.sdk_configuration import SdkConfiguration
from opentelemetry.sdk.resources import Resource, _get_process_dependent_resource
from opentelemetry.sdk.util._exit import deliver_at_end_of_child, shut_down_at_exit
from opentelemetry.sdk.util._fork import call_after_fork
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.util._once import Once
from opentelemetry.util.types import Attributes

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics._internal.export import MetricReader
    from opentelemetry.sdk.metrics._internal.view import View

# The names of the reference's module of this path, whether or not this file uses them itself.
__all__ = [
    "MeasurementConsumer",
    "Meter",
    "MeterProvider",
    "SynchronousMeasurementConsumer",
    "_Counter",
    "_Gauge",
    "_Histogram",
    "_MeterConfig",
    "_MeterConfiguratorT",
    "_ObservableCounter",
    "_ObservableGauge",
    "_ObservableUpDownCounter",
    "_ProxyMeterConfig",
    "_RuleBasedMeterConfigurator",
    "_UpDownCounter",
    "_default_meter_configurator",
    "_disable_meter_configurator",
    "_get_exemplar_filter",
]

_logger = getLogger(__name__)

_EXEMPLAR_FILTERS: dict[str, type[ExemplarFilter]] = {
    "trace_based": TraceBasedExemplarFilter,
    "always_on": AlwaysOnExemplarFilter,
    "always_off": AlwaysOffExemplarFilter,
}


def _get_exemplar_filter(exemplar_filter: str) -> ExemplarFilter:
    """The filter of this name; raises ValueError for one that there is not."""
    try:
        return _EXEMPLAR_FILTERS[exemplar_filter]()
    except KeyError:
        raise ValueError(f"Unknown exemplar filter '{exemplar_filter}'.") from None


class MeterProvider(APIMeterProvider):
    """Where meters come from (specification: metrics SDK, meter provider).

    Args:
        metric_readers: What collects; each has streams of its own.
        resource: Who is observed; default: ``Resource.create({})``.
        exemplar_filter: Which measurements may become exemplars; default: as OTEL_METRICS_EXEMPLAR_FILTER says
            (trace_based, always_on, always_off), else those made in sampled spans.
        shutdown_on_exit: Shut down, and so export what was measured, when the interpreter exits.
        views: What becomes of the measurements of the instruments that they match; an instrument that none matches
            has one stream as its kind wants it. ``View(instrument_name="*", aggregation=DropAggregation())`` as one of
            them drops all others.
        cardinality_limit: How many sets of attributes each stream tells apart where neither view nor reader says so;
            default: 2000. What comes later is counted under the attribute ``otel.metric.overflow``. Not in the
            reference.
    """

    _all_metric_readers_lock: ClassVar[Any] = RLock()
    _all_metric_readers: ClassVar[weakref.WeakSet[MetricReader]] = weakref.WeakSet()

    def __init__(
        self,
        metric_readers: Sequence[MetricReader] = (),
        resource: Resource | None = None,
        exemplar_filter: ExemplarFilter | None = None,
        shutdown_on_exit: bool = True,
        views: Sequence[View] = (),
        *,
        cardinality_limit: int | None = None,
        _meter_configurator: _MeterConfiguratorT | None = None,
    ) -> None:
        apply_log_level()
        if cardinality_limit is not None and cardinality_limit < 1:
            raise ValueError(f"cardinality_limit of a MeterProvider is a positive number, not {cardinality_limit!r}")
        self._lock = RLock()
        self._meter_lock = RLock()
        self._sdk_config = SdkConfiguration(
            exemplar_filter=exemplar_filter
            or _get_exemplar_filter(environ.get(OTEL_METRICS_EXEMPLAR_FILTER) or "trace_based"),
            resource=Resource.create({}) if resource is None else resource,
            views=views,
            cardinality_limit=cardinality_limit,
        )
        self._metric_readers = metric_readers
        self._measurement_consumer = SynchronousMeasurementConsumer(
            sdk_config=self._sdk_config,
            metric_readers=metric_readers,
        )
        self._disabled = environ.get(OTEL_SDK_DISABLED, "").strip().lower() == "true"
        self._atexit_handler = shut_down_at_exit(self) if shutdown_on_exit else None
        self._meters: dict[InstrumentationScope, Meter] = {}
        self._shutdown_once = Once()
        self._shutdown = False
        self._meter_configurator = _meter_configurator or _default_meter_configurator
        for metric_reader in metric_readers:
            self._adopt(metric_reader)
        call_after_fork(self._handle_fork)

    def _adopt(self, metric_reader: MetricReader) -> None:
        with self._all_metric_readers_lock:
            if metric_reader in self._all_metric_readers:
                raise Exception(
                    f"MetricReader {metric_reader} has been registered already in other MeterProvider instance"
                )
            self._all_metric_readers.add(metric_reader)
        metric_reader._set_collect_callback(self._measurement_consumer.collect)
        metric_reader._set_meter_provider(self)

    def _handle_fork(self) -> None:
        self._lock = RLock()
        self._meter_lock = RLock()
        type(self)._all_metric_readers_lock = RLock()
        for meter in self._meters.values():
            meter._instrument_registration_lock = RLock()
            meter._instrument_ids_lock = RLock()
        self._measurement_consumer._at_fork_reinit()
        if self._atexit_handler is not None:
            deliver_at_end_of_child(self)
        self._update_resource(_get_process_dependent_resource())

    def _set_meter_configurator(self, *, meter_configurator: _MeterConfiguratorT) -> None:
        """Replaces the configurator, for the meters that exist as well."""
        with self._meter_lock:
            self._meter_configurator = meter_configurator
            meters = list(self._meters.items())
        for scope, meter in meters:
            meter._set_meter_config(self._apply_meter_configurator(scope))

    def _update_resource(self, resource: Resource) -> None:
        with self._meter_lock:
            self._sdk_config.resource = self._sdk_config.resource.merge(resource)

    def _apply_meter_configurator(self, instrumentation_scope: InstrumentationScope) -> _MeterConfig:
        try:
            return self._meter_configurator(instrumentation_scope)
        except Exception:
            _logger.exception(
                "meter configurator failed for scope '%s', using default config",
                instrumentation_scope.name,
            )
            return _MeterConfig.default()

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Has all readers collect and export within the time. Raises an exception that names those that failed."""
        deadline = time_ns() + timeout_millis * 10**6
        failed = {}
        for metric_reader in self._metric_readers:
            now = time_ns()
            try:
                if now >= deadline:
                    raise MetricsTimeoutError("Timed out while flushing metric readers")
                metric_reader.force_flush(timeout_millis=(deadline - now) / 10**6)
            except Exception as error:
                failed[metric_reader] = error
        if failed:
            raise Exception(
                "MeterProvider.force_flush failed because the following metric readers failed during collect:\n"
                + _named(failed)
            )
        return True

    def shutdown(self, timeout_millis: float = 30_000) -> None:
        """Shuts all readers down, which exports what was measured. Raises an exception that names those that failed."""
        deadline = time_ns() + timeout_millis * 10**6

        def mark() -> None:
            self._shutdown = True

        if not self._shutdown_once.do_once(mark):
            _logger.warning("shutdown can only be called once")
            return
        failed: dict[MetricReader, Exception] = {}
        for metric_reader in self._metric_readers:
            now = time_ns()
            try:
                if now >= deadline:
                    raise Exception("Didn't get to execute, deadline already exceeded")
                metric_reader.shutdown(timeout_millis=(deadline - now) / 10**6)
            except Exception as error:
                failed[metric_reader] = error
        if self._atexit_handler is not None:
            unregister(self._atexit_handler)
            self._atexit_handler = None
        if failed:
            raise Exception(
                "MeterProvider.shutdown failed because the following metric readers failed during shutdown:\n"
                + _named(failed)
            )

    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> APIMeter:
        """Returns the meter of a scope, always the same one; one that measures nothing without a name, after shutdown
        and when OTEL_SDK_DISABLED says so."""
        if self._disabled:
            return NoOpMeter(name, version=version, schema_url=schema_url)
        if self._shutdown:
            _logger.warning("A shutdown `MeterProvider` can not provide a `Meter`")
            return NoOpMeter(name, version=version, schema_url=schema_url)
        if not name:
            _logger.warning("Meter name cannot be None or empty.")
            return NoOpMeter(name, version=version, schema_url=schema_url)
        scope = InstrumentationScope(name, version, schema_url, attributes)
        meter = self._meters.get(scope)
        if meter is not None:
            return meter
        # The configurator is the program's: it is not called under the lock.
        config = self._apply_meter_configurator(scope)
        with self._meter_lock:
            meter = self._meters.get(scope)
            if meter is None:
                meter = self._meters.setdefault(scope, Meter(scope, self._measurement_consumer, _meter_config=config))
            return meter

    def add_metric_reader(self, metric_reader: MetricReader) -> None:
        """Has this reader, too, collect from now on."""
        with self._all_metric_readers_lock:
            if metric_reader in self._all_metric_readers:
                _logger.warning(
                    "MetricReader '%s' has been registered already!",
                    metric_reader,
                )
                return
            self._measurement_consumer.add_metric_reader(metric_reader)
            metric_reader._set_collect_callback(self._measurement_consumer.collect)
            self._all_metric_readers.add(metric_reader)

    def remove_metric_reader(self, metric_reader: MetricReader) -> None:
        """Takes a reader away and shuts it down."""
        with self._all_metric_readers_lock:
            if metric_reader not in self._all_metric_readers:
                _logger.warning("MetricReader '%s' has not been registered!", metric_reader)
                return
            self._measurement_consumer.remove_metric_reader(metric_reader)
            metric_reader._set_collect_callback(None)
            self._all_metric_readers.remove(metric_reader)
        metric_reader.shutdown()


def _named(failed: dict[MetricReader, Exception]) -> str:
    return "\n".join(f"{reader.__class__.__name__}: {error!r}" for reader, error in failed.items())
