"""Span exporters' interface, and the processors that feed them."""

from __future__ import annotations

import sys
from enum import Enum
from os import environ, linesep
from time import perf_counter

from ferrotel import _native
from ferrotel._late import TYPE_CHECKING, TypeVar, getLogger
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value
from opentelemetry.sdk.environment_variables import (
    OTEL_BSP_EXPORT_TIMEOUT,
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
    OTEL_BSP_MAX_QUEUE_SIZE,
    OTEL_BSP_SCHEDULE_DELAY,
)
from opentelemetry.sdk.environment_variables import (
    OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED as OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace import SpanProcessor as SpanProcessor
from opentelemetry.sdk.trace._span_processor import PatchableSpanProcessor

if TYPE_CHECKING:
    from typing import IO, Any, Callable, Sequence

    from opentelemetry.metrics import MeterProvider
    from opentelemetry.sdk._shared_internal import BatchProcessor
    from opentelemetry.sdk._shared_internal._native_batch import NativeBatchProcessor

    _OnEnd = TypeVar("_OnEnd", bound=Callable[..., None])

_DEFAULT_SCHEDULE_DELAY_MILLIS = 5000
_DEFAULT_MAX_EXPORT_BATCH_SIZE = 512
_DEFAULT_EXPORT_TIMEOUT_MILLIS = 30000
_DEFAULT_MAX_QUEUE_SIZE = 2048
# So many seconds may exports hold the program up, all together, before one line advises another processor.
_SIMPLE_PROCESSOR_PATIENCE = 1.0
_ENV_VAR_INT_VALUE_ERROR_MESSAGE = "Unable to parse value for %s as integer. Defaulting to %s."

logger = getLogger(__name__)


class SpanExportResult(Enum):
    """Whether a batch was accepted."""

    SUCCESS = 0
    FAILURE = 1


class SpanExporter:
    """Sends finished spans somewhere: the class to inherit from, to be fed by a span processor."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # type: ignore[empty-body]
        """Sends `spans`; one processor never calls it twice at a time."""

    def shutdown(self) -> None:
        """Ends the exporter; called once, when the SDK shuts down."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:  # type: ignore[empty-body]
        """Waits until the spans that the exporter still holds are sent; False when the time is over first."""


def _stands_for_native_core(on_end: _OnEnd) -> _OnEnd:
    # The tracer may hand spans to `_native_core` instead of calling a method with this mark.
    on_end._stands_for_native_core = True  # type: ignore[attr-defined]
    return on_end


class SimpleSpanProcessor(PatchableSpanProcessor):
    """Exports every span as it ends, on the thread that ends it: for tests and short scripts."""

    # As for BatchSpanProcessor.
    _native_core: _native.SimpleSpanCore | None

    def __init__(self, span_exporter: SpanExporter, *, meter_provider: MeterProvider | None = None) -> None:
        self.span_exporter = span_exporter
        self._shutdown = False
        self._blocked_seconds = 0.0
        from opentelemetry.sdk._shared_internal._native_batch import native_exporter
        from opentelemetry.sdk._shared_internal._processor_metrics import create_processor_metrics
        from opentelemetry.sdk.environment_variables._internal import internal_metrics_enabled

        measured = internal_metrics_enabled()
        engine = None if measured else native_exporter(span_exporter)
        self._native_core = None if engine is None else _native.SimpleSpanCore(engine)
        self._metrics = create_processor_metrics("traces", "simple_span_processor", meter_provider, enabled=measured)

    @_stands_for_native_core
    def on_end(self, span: ReadableSpan) -> None:
        if not _sampled(span):
            return
        if self._shutdown:
            logger.warning("Processor is already shutdown, ignoring call")
            self._metrics.drop_items(1, "already_shutdown")
            return
        self._metrics.finish_items(1)
        start = perf_counter()
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        try:
            self.span_exporter.export((span,))
        except Exception:
            logger.exception("Exception while exporting Span.")
        finally:
            detach(token)
        self._add_blocked(perf_counter() - start)

    def _add_blocked(self, seconds: float) -> None:
        before = self._blocked_seconds
        self._blocked_seconds = after = before + seconds
        if before < _SIMPLE_PROCESSOR_PATIENCE <= after:
            logger.warning(
                "SimpleSpanProcessor exports every span on the thread that ends it, which has held the program up for "
                "%.1f s by now: use BatchSpanProcessor, which exports in the background.",
                after,
            )

    def shutdown(self) -> None:
        self._shutdown = True
        if self._native_core is not None:
            self._native_core.shutdown()
        self.span_exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


class BatchSpanProcessor(PatchableSpanProcessor):
    """Queues ended spans and exports them in batches, on another thread.

    What the arguments leave open comes from OTEL_BSP_SCHEDULE_DELAY, OTEL_BSP_MAX_QUEUE_SIZE,
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE and OTEL_BSP_EXPORT_TIMEOUT. In front of an exporter of the engine's, queue and
    thread are the engine's too, and no span costs a Python object.
    """

    # The engine's half, which the tracer feeds directly; None in front of an exporter that is written in Python.
    _native_core: _native.BatchSpanCore | None
    _batch_processor: BatchProcessor[ReadableSpan] | NativeBatchProcessor

    def __init__(
        self,
        span_exporter: SpanExporter,
        max_queue_size: int | None = None,
        schedule_delay_millis: float | None = None,
        max_export_batch_size: int | None = None,
        export_timeout_millis: float | None = None,
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

        from opentelemetry.sdk._shared_internal import BatchProcessor
        from opentelemetry.sdk._shared_internal._native_batch import NativeBatchProcessor, native_exporter
        from opentelemetry.sdk._shared_internal._processor_metrics import create_processor_metrics
        from opentelemetry.sdk.environment_variables._internal import internal_metrics_enabled

        measured = internal_metrics_enabled()
        metrics = create_processor_metrics(
            "traces", "batching_span_processor", meter_provider, capacity=max_queue_size, enabled=measured
        )
        engine = native_exporter(span_exporter)
        if engine is not None:
            self._native_core = _native.BatchSpanCore(
                engine,
                max_queue_size=max_queue_size,
                schedule_delay_millis=schedule_delay_millis,
                max_export_batch_size=max_export_batch_size,
                export_timeout_millis=export_timeout_millis,
                measured=measured,
            )
            if measured:
                from opentelemetry.sdk._shared_internal._native_metrics import EngineMetrics

                EngineMetrics(self._native_core, metrics, span_exporter)
            self._batch_processor = NativeBatchProcessor(
                span_exporter,
                self._native_core,
                schedule_delay_millis,
                max_export_batch_size,
                export_timeout_millis,
                max_queue_size,
                "Span",
            )
            return
        self._native_core = None
        self._batch_processor = BatchProcessor(
            span_exporter,
            schedule_delay_millis,
            max_export_batch_size,
            export_timeout_millis,
            max_queue_size,
            "Span",
            metrics,
        )

    @property
    def span_exporter(self) -> Any:
        """The exporter that the processor was made with."""
        return self._batch_processor._exporter

    @_stands_for_native_core
    def on_end(self, span: ReadableSpan) -> None:
        if _sampled(span):
            self._batch_processor.emit(span)

    def shutdown(self) -> None:
        self._batch_processor.shutdown()

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        return self._batch_processor.force_flush(timeout_millis)

    @staticmethod
    def _default_max_queue_size() -> int:
        return _integer_from_environment(OTEL_BSP_MAX_QUEUE_SIZE, _DEFAULT_MAX_QUEUE_SIZE)

    @staticmethod
    def _default_schedule_delay_millis() -> int:
        return _integer_from_environment(OTEL_BSP_SCHEDULE_DELAY, _DEFAULT_SCHEDULE_DELAY_MILLIS)

    @staticmethod
    def _default_max_export_batch_size() -> int:
        return _integer_from_environment(OTEL_BSP_MAX_EXPORT_BATCH_SIZE, _DEFAULT_MAX_EXPORT_BATCH_SIZE)

    @staticmethod
    def _default_export_timeout_millis() -> int:
        return _integer_from_environment(OTEL_BSP_EXPORT_TIMEOUT, _DEFAULT_EXPORT_TIMEOUT_MILLIS)

    @staticmethod
    def _validate_arguments(max_queue_size: int, schedule_delay_millis: float, max_export_batch_size: int) -> None:
        from opentelemetry.sdk._shared_internal._native_batch import validate_batch_arguments

        validate_batch_arguments(max_queue_size, schedule_delay_millis, max_export_batch_size)


def _to_json_line(span: ReadableSpan) -> str:
    return span.to_json() + linesep


class ConsoleSpanExporter(SpanExporter):
    """Writes each span as JSON: for looking at spans while developing."""

    def __init__(
        self,
        service_name: str | None = None,
        out: IO[str] = sys.stdout,
        formatter: Callable[[ReadableSpan], str] = _to_json_line,
    ) -> None:
        self.out = out
        self.formatter = formatter
        self.service_name = service_name

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            self.out.write(self.formatter(span))
        self.out.flush()
        return SpanExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


def _sampled(span: ReadableSpan) -> bool:
    context = span.context
    return bool(context and context.trace_flags.sampled)


def _integer_from_environment(name: str, default: int) -> int:
    try:
        return int(environ.get(name, default))
    except ValueError:
        logger.exception(_ENV_VAR_INT_VALUE_ERROR_MESSAGE, name, default)
        return default


def __getattr__(name: str) -> Any:
    # The reference's module holds it too.
    if name == "BatchProcessor":
        from opentelemetry.sdk._shared_internal import BatchProcessor

        return BatchProcessor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
