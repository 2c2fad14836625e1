"""The reader that collects at intervals, and exports."""

from __future__ import annotations

import math
from logging import getLogger
from os import environ
from threading import Event, RLock, Thread
from time import time_ns
from typing import Any, Mapping, Sequence

from ferrotel import _native
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value
from opentelemetry.sdk._shared_internal._native_batch import native_exporter
from opentelemetry.sdk.environment_variables import OTEL_METRIC_EXPORT_INTERVAL, OTEL_METRIC_EXPORT_TIMEOUT
from opentelemetry.sdk.environment_variables._internal import internal_metrics_enabled
from opentelemetry.sdk.metrics._internal.exceptions import MetricsTimeoutError
from opentelemetry.sdk.metrics._internal.export._metric_exporter import MetricExporter
from opentelemetry.sdk.metrics._internal.export._metric_producer import MetricProducer
from opentelemetry.sdk.metrics._internal.export._metric_reader import MetricReader
from opentelemetry.sdk.metrics._internal.measurement_consumer import SynchronousMeasurementConsumer
from opentelemetry.sdk.metrics._internal.point import MetricsData
from opentelemetry.sdk.util._exit import deliver_at_sigterm, within_exit
from opentelemetry.sdk.util._fork import call_after_fork
from opentelemetry.util._once import Once

_logger = getLogger("opentelemetry.sdk.metrics._internal.export")

_DEFAULT_INTERVAL_MILLIS = 60_000
_DEFAULT_TIMEOUT_MILLIS = 30_000


class PeriodicExportingMetricReader(MetricReader):
    """Collects at intervals on a thread of its own, and exports (specification: periodic exporting metric reader).

    Args:
        exporter: Where to. It is never called by two threads at once, and says which temporality and aggregation it
            prefers.
        export_interval_millis: Milliseconds from one collection to the next, `math.inf` for none but those that
            `force_flush` and `shutdown` make; default: OTEL_METRIC_EXPORT_INTERVAL, else 60,000.
        export_timeout_millis: How long a collection and export may take; default: OTEL_METRIC_EXPORT_TIMEOUT, else
            30,000.
        metric_producers: See `MetricReader`.
        cardinality_limit: See `MetricReader`.
    """

    def __init__(
        self,
        exporter: MetricExporter,
        export_interval_millis: float | None = None,
        export_timeout_millis: float | None = None,
        *,
        metric_producers: Sequence[MetricProducer] = (),
        cardinality_limit: int | Mapping[type, int] | None = None,
    ) -> None:
        super().__init__(
            preferred_temporality=exporter._preferred_temporality,
            preferred_aggregation=exporter._preferred_aggregation,
            otel_component_type="periodic_metric_reader",
            metric_producers=metric_producers,
            cardinality_limit=cardinality_limit,
        )
        self._export_lock = RLock()
        self._exporter = exporter
        if export_interval_millis is None:
            export_interval_millis = _millis(OTEL_METRIC_EXPORT_INTERVAL, _DEFAULT_INTERVAL_MILLIS, "interval")
        if export_timeout_millis is None:
            export_timeout_millis = _millis(OTEL_METRIC_EXPORT_TIMEOUT, _DEFAULT_TIMEOUT_MILLIS, "timeout")
        if export_interval_millis <= 0:
            raise ValueError(f"interval value {export_interval_millis} is invalid and needs to be larger than zero.")
        self._export_interval_millis = export_interval_millis
        self._export_timeout_millis = export_timeout_millis
        self._shutdown = False
        self._shutdown_event = Event()
        self._shutdown_once = Once()
        self._daemon_thread: Thread | None = None
        if export_interval_millis < math.inf:
            self._start_thread()
            call_after_fork(self._at_fork_reinit)

    def _start_thread(self) -> None:
        self._daemon_thread = Thread(
            name="OtelPeriodicExportingMetricReader",
            target=self._ticker,
            daemon=True,
        )
        self._daemon_thread.start()
        deliver_at_sigterm(self)

    def _at_fork_reinit(self) -> None:
        # What another thread of the parent held at the fork stays held here.
        self._export_lock = RLock()
        self._shutdown_event = Event()
        if self._shutdown:
            self._shutdown_event.set()
        else:
            self._start_thread()

    def _ticker(self) -> None:
        interval_secs = self._export_interval_millis / 1e3
        while not self._shutdown_event.wait(min(interval_secs, _LONGEST_WAIT)):
            self._tick(
                self._export_timeout_millis,
                "Metric collection timed out. Will try again after %s seconds",
                interval_secs,
            )
        # What was measured since the last time.
        self._tick(self._export_interval_millis, "Metric collection timed out.")

    def _tick(self, timeout_millis: float, message: str, *arguments: object) -> None:
        try:
            self.collect(timeout_millis=timeout_millis)
        except MetricsTimeoutError:
            _logger.warning(message, *arguments, exc_info=True)
        except Exception:
            _logger.exception("Exception while collecting metrics")

    def _collected(self, timeout_millis: float) -> Any:
        # Without Python objects where nobody would see them: no interpreter is needed then to encode and to send.
        owner = getattr(self._collect, "__self__", None)
        if type(owner) is not SynchronousMeasurementConsumer or self._engine_exporter() is None:
            return super()._collected(timeout_millis)
        metrics, in_engine = owner._collect_in_engine(self, timeout_millis)
        return metrics if in_engine is None else in_engine

    def _engine_exporter(self) -> Any:
        """The engine's exporter; None where Python code has a say in each collection."""
        if self._metric_producers or type(self)._receive_metrics is not PeriodicExportingMetricReader._receive_metrics:
            return None
        # An exporter measures itself in Python.
        return None if internal_metrics_enabled() else native_exporter(self._exporter)

    def _receive_metrics(
        self,
        metrics_data: MetricsData,
        timeout_millis: float = 10_000,
        **kwargs: Any,
    ) -> None:
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        try:
            with self._export_lock:
                collected: Any = metrics_data
                if isinstance(collected, _native.CollectedMetrics):
                    refused = collected.export(self._engine_exporter())
                    if refused is not None and refused[1]:
                        getLogger(refused[0]).error(refused[1])
                else:
                    self._exporter.export(metrics_data, timeout_millis=timeout_millis)
        except Exception:
            _logger.exception("Exception while exporting metrics")
        finally:
            detach(token)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Exports what was measured since the last time, and ends the exporter. Later calls only log a warning."""
        deadline = time_ns() + within_exit(timeout_millis / 1e3) * 10**9

        def mark() -> None:
            self._shutdown = True

        if not self._shutdown_once.do_once(mark):
            _logger.warning("Can't shutdown multiple times")
            return
        self._shutdown_event.set()
        if self._daemon_thread is not None:
            self._daemon_thread.join(timeout=max((deadline - time_ns()) / 10**9, 0))
        self._exporter.shutdown(timeout=(deadline - time_ns()) / 10**6)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Collects and exports at once."""
        super().force_flush(timeout_millis=timeout_millis)
        self._exporter.force_flush(timeout_millis=timeout_millis)
        return True


# As good as for ever, and no trouble for a lock.
_LONGEST_WAIT = 10_000_000.0


def _millis(variable: str, default: float, what: str) -> float:
    try:
        return float(environ.get(variable, default))
    except ValueError:
        _logger.warning(f"Found invalid value for export {what}, using default")
        return default
