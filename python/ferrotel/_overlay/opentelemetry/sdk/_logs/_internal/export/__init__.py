"""Log record exporters' interface, and the processors that feed them."""

from __future__ import annotations

import abc
import copy
import enum
import logging
import sys
from os import environ, linesep
from typing import IO, TYPE_CHECKING, Any, Callable, Sequence, TypeVar

from ferrotel import _native
from ferrotel._compat import deprecated
from opentelemetry.context import (
    _ON_EMIT_RECURSION_COUNT_KEY,
    _SUPPRESS_INSTRUMENTATION_KEY,
    Context,
    attach,
    detach,
    get_value,
    set_value,
)
from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._shared_internal import BatchProcessor, DuplicateFilter
from opentelemetry.sdk._shared_internal._native_batch import (
    NativeBatchProcessor,
    native_exporter,
    validate_batch_arguments,
)
from opentelemetry.sdk._shared_internal._processor_metrics import create_processor_metrics
from opentelemetry.sdk.environment_variables import (
    OTEL_BLRP_EXPORT_TIMEOUT,
    OTEL_BLRP_MAX_EXPORT_BATCH_SIZE,
    OTEL_BLRP_MAX_QUEUE_SIZE,
    OTEL_BLRP_SCHEDULE_DELAY,
)
from opentelemetry.sdk.environment_variables._internal import internal_metrics_enabled
from opentelemetry.sdk.resources import Resource

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

_DEFAULT_SCHEDULE_DELAY_MILLIS = 1000
_DEFAULT_MAX_EXPORT_BATCH_SIZE = 512
_DEFAULT_EXPORT_TIMEOUT_MILLIS = 30000
_DEFAULT_MAX_QUEUE_SIZE = 2048
_ENV_VAR_INT_VALUE_ERROR_MESSAGE = "Unable to parse value for %s as integer. Defaulting to %s."
# So deep may exporters log into their own processor before it ends.
_MOST_NESTED = 3

_logger = logging.getLogger(__name__)
_logger.addFilter(DuplicateFilter())

_propagate_false_logger = logging.getLogger(__name__ + ".propagate.false")
_propagate_false_logger.propagate = False

_OnEmit = TypeVar("_OnEmit", bound=Callable[..., None])


class LogRecordExportResult(enum.Enum):
    """Whether a batch was accepted."""

    SUCCESS = 0
    FAILURE = 1


@deprecated("Use LogRecordExportResult. Since logs are not stable yet this WILL be removed in future releases.")
class LogExportResult(enum.Enum):
    """The older name of `LogRecordExportResult`."""

    SUCCESS = 0
    FAILURE = 1


class LogRecordExporter(abc.ABC):
    """Sends log records somewhere: the class to inherit from, to be fed by a log record processor.

    What the methods raise, the processors log; what they log themselves does not become a log record.
    """

    @abc.abstractmethod
    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Sends `batch`; one processor never calls it twice at a time."""

    @abc.abstractmethod
    def shutdown(self) -> None:
        """Ends the exporter; called once, when the SDK shuts down."""

    @abc.abstractmethod
    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Waits until the records that the exporter still holds are sent; False when the time is over first."""


@deprecated("Use LogRecordExporter. Since logs are not stable yet this WILL be removed in future releases.")
class LogExporter(LogRecordExporter):
    """The older name of `LogRecordExporter`."""


def _to_json_line(record: ReadableLogRecord) -> str:
    return record.to_json() + linesep


class ConsoleLogRecordExporter(LogRecordExporter):
    """Writes each record as JSON: for looking at log records while developing."""

    def __init__(
        self,
        out: IO[str] = sys.stdout,
        formatter: Callable[[ReadableLogRecord], str] = _to_json_line,
    ) -> None:
        self.out = out
        self.formatter = formatter

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        for log_record in batch:
            self.out.write(self.formatter(log_record))
        self.out.flush()
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing to do."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


@deprecated("Use ConsoleLogRecordExporter. Since logs are not stable yet this WILL be removed in future releases.")
class ConsoleLogExporter(ConsoleLogRecordExporter):
    """The older name of `ConsoleLogRecordExporter`."""


def _stands_for_native_core(on_emit: _OnEmit) -> _OnEmit:
    # The logger may hand records to `_native_core` instead of calling a method with this mark.
    on_emit._stands_for_native_core = True  # type: ignore[attr-defined]
    return on_emit


def _readable(log_record: ReadWriteLogRecord, record: Any) -> ReadableLogRecord:
    resource = Resource.create({}) if log_record.resource is None else log_record.resource
    return ReadableLogRecord(record, resource, log_record.instrumentation_scope, log_record.limits)


class SimpleLogRecordProcessor(LogRecordProcessor):
    """Exports every record as it comes, on the thread that logs: for tests and short scripts."""

    # As for BatchLogRecordProcessor.
    _native_core: _native.SimpleLogRecordCore | None

    def __init__(self, exporter: LogRecordExporter, *, meter_provider: MeterProvider | None = None) -> None:
        self._exporter = exporter
        self._shutdown = False
        measured = internal_metrics_enabled()
        engine = None if measured else native_exporter(exporter)
        self._native_core = None if engine is None else _native.SimpleLogRecordCore(engine)
        self._metrics = create_processor_metrics("logs", "simple_log_processor", meter_provider, enabled=measured)

    @_stands_for_native_core
    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        depth: Any = get_value(_ON_EMIT_RECURSION_COUNT_KEY) or 0
        if depth > _MOST_NESTED:
            _say_that_it_loops()
            return
        suppressed = set_value(_SUPPRESS_INSTRUMENTATION_KEY, True, set_value(_ON_EMIT_RECURSION_COUNT_KEY, depth + 1))
        token = attach(suppressed)
        silence = _native.silence("simple")
        try:
            if self._shutdown:
                _logger.warning("Processor is already shutdown, ignoring call")
                self._metrics.drop_items(1, "already_shutdown")
                return
            self._metrics.finish_items(1)
            self._exporter.export((_readable(log_record, log_record.log_record),))
        except Exception:
            _logger.exception("Exception while exporting logs.")
        finally:
            _native.end_silence(silence)
            detach(token)

    def shutdown(self) -> None:
        self._shutdown = True
        if self._native_core is not None:
            self._native_core.shutdown()
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


def _say_that_it_loops() -> None:
    _propagate_false_logger.warning(
        "SimpleLogRecordProcessor.on_emit has entered a recursive loop. Dropping log and exiting the loop."
    )


class BatchLogRecordProcessor(LogRecordProcessor):
    """Queues log records and exports them in batches, on another thread.

    What the arguments leave open comes from OTEL_BLRP_SCHEDULE_DELAY, OTEL_BLRP_MAX_QUEUE_SIZE,
    OTEL_BLRP_MAX_EXPORT_BATCH_SIZE and OTEL_BLRP_EXPORT_TIMEOUT. In front of an exporter of the engine's, queue and
    thread are the engine's too, and no record costs a Python object.
    """

    # The engine's half, which the logger feeds directly; None in front of an exporter that is written in Python.
    _native_core: _native.BatchLogRecordCore | None
    _batch_processor: BatchProcessor[ReadableLogRecord] | NativeBatchProcessor

    def __init__(
        self,
        exporter: LogRecordExporter,
        schedule_delay_millis: float | None = None,
        max_export_batch_size: int | None = None,
        export_timeout_millis: float | None = None,
        max_queue_size: int | None = None,
        *,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        if max_queue_size is None:
            max_queue_size = self._default_max_queue_size()
        if schedule_delay_millis is None:
            schedule_delay_millis = self._default_schedule_delay_millis()
        if max_export_batch_size is None:
            max_export_batch_size = self._default_max_export_batch_size()
        if export_timeout_millis is None:
            export_timeout_millis = self._default_export_timeout_millis()
        self._validate_arguments(max_queue_size, schedule_delay_millis, max_export_batch_size)

        measured = internal_metrics_enabled()
        metrics = create_processor_metrics(
            "logs", "batching_log_processor", meter_provider, capacity=max_queue_size, enabled=measured
        )
        engine = native_exporter(exporter)
        if engine is not None:
            self._native_core = _native.BatchLogRecordCore(
                engine,
                max_queue_size=max_queue_size,
                schedule_delay_millis=schedule_delay_millis,
                max_export_batch_size=max_export_batch_size,
                export_timeout_millis=export_timeout_millis,
                measured=measured,
            )
            if measured:
                from opentelemetry.sdk._shared_internal._native_metrics import EngineMetrics

                EngineMetrics(self._native_core, metrics, exporter)
            self._batch_processor = NativeBatchProcessor(
                exporter,
                self._native_core,
                schedule_delay_millis,
                max_export_batch_size,
                export_timeout_millis,
                max_queue_size,
                "Log",
            )
            return
        self._native_core = None
        self._batch_processor = BatchProcessor(
            exporter,
            schedule_delay_millis,
            max_export_batch_size,
            export_timeout_millis,
            max_queue_size,
            "Log",
            metrics,
        )

    @_stands_for_native_core
    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        # A copy, without the context: what it holds may be large, and processors after this one may change the record.
        record = copy.copy(log_record.log_record)
        record.context = Context()
        self._batch_processor.emit(_readable(log_record, record))

    def shutdown(self) -> None:
        self._batch_processor.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._batch_processor.force_flush(timeout_millis)

    @staticmethod
    def _default_max_queue_size() -> int:
        return _integer_from_environment(OTEL_BLRP_MAX_QUEUE_SIZE, _DEFAULT_MAX_QUEUE_SIZE)

    @staticmethod
    def _default_schedule_delay_millis() -> int:
        return _integer_from_environment(OTEL_BLRP_SCHEDULE_DELAY, _DEFAULT_SCHEDULE_DELAY_MILLIS)

    @staticmethod
    def _default_max_export_batch_size() -> int:
        return _integer_from_environment(OTEL_BLRP_MAX_EXPORT_BATCH_SIZE, _DEFAULT_MAX_EXPORT_BATCH_SIZE)

    @staticmethod
    def _default_export_timeout_millis() -> int:
        return _integer_from_environment(OTEL_BLRP_EXPORT_TIMEOUT, _DEFAULT_EXPORT_TIMEOUT_MILLIS)

    @staticmethod
    def _validate_arguments(max_queue_size: int, schedule_delay_millis: float, max_export_batch_size: int) -> None:
        validate_batch_arguments(max_queue_size, schedule_delay_millis, max_export_batch_size)


def _integer_from_environment(name: str, default: int) -> int:
    try:
        return int(environ.get(name, default))
    except ValueError:
        _logger.exception(_ENV_VAR_INT_VALUE_ERROR_MESSAGE, name, default)
        return default
