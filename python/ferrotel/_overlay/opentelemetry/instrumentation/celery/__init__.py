"""Instruments Celery: a span where a task is published, and one where it runs, which are parent and child.

    from opentelemetry.instrumentation.celery import CeleryInstrumentor

    CeleryInstrumentor().instrument()

In the program that publishes as well as in the worker, before it begins to work: the processes that it forks need no
set-up of their own, and deliver what they hold when they end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from functools import wraps
from importlib import import_module
from logging import getLogger
from threading import get_ident
from timeit import default_timer
from typing import Any, Callable, Collection, ContextManager

from celery import Celery, signals
from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry._logs import get_logger_provider
from opentelemetry.instrumentation.celery import utils
from opentelemetry.instrumentation.celery.package import _instruments
from opentelemetry.instrumentation.celery.utils import MESSAGING_MESSAGE_ID
from opentelemetry.instrumentation.celery.version import __version__
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from opentelemetry.metrics import get_meter, get_meter_provider
from opentelemetry.propagate import extract, inject
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace.status import Status, StatusCode

logger = getLogger(__name__)

# Of billiard, whose name the reference has here.
VERSION = import_module("billiard").VERSION

_TASK_TAG_KEY = "celery.action"
_TASK_APPLY_ASYNC = "apply_async"
_TASK_RUN = "run"
_TASK_RETRY_REASON_KEY = "celery.retry.reason"
_TASK_NAME_KEY = "celery.task_name"

_RUNTIME = "flower.task.runtime.seconds"
_SCHEMA_URL = "https://opentelemetry.io/schemas/1.11.0"

# Seconds that a process of a pool may take to deliver what it holds, before it ends.
_DELIVERY_TIME = 2.0


class CeleryGetter(Getter[Any]):
    """Reads the headers of a message, which are attributes of the request."""

    def get(self, carrier: Any, key: str) -> list[str] | None:
        """The values of a header as text."""
        value = getattr(carrier, key, None)
        if value is None:
            return None
        if isinstance(value, str):
            return [value]
        return [str(each) for each in value] if isinstance(value, Iterable) else [str(value)]

    def keys(self, carrier: Any) -> list[str]:
        """None: a request's attributes are not only headers."""
        return []


celery_getter = CeleryGetter()


class _Publications(threading.local):
    """The spans of messages that this thread is sending, outermost first."""

    def __init__(self) -> None:
        self.open: list[tuple[str, trace.Span, ContextManager[trace.Span]]] = []

    def close(self, depth: int, error: BaseException | None = None) -> None:
        """Ends all but `depth` of them, with the error that they failed with."""
        while len(self.open) > depth:
            _, span, activation = self.open.pop()
            if error is not None and span.is_recording():
                span.record_exception(error)
                span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
            activation.__exit__(None, None, None)


class CeleryInstrumentor(BaseInstrumentor):
    """Instruments Celery.

    What `instrument` takes:

    - `tracer_provider`, `meter_provider`: default: the global ones.
    - `use_span_links`: the span of a run is no child of the one that published it, but linked to it. Default: False.
    """

    metrics: dict[str, Any] | None
    # With the thread, for the same reason as the spans have it.
    task_id_to_start_time: dict[tuple[str, int], float]
    _tracer: trace.Tracer

    def __init__(self) -> None:
        super().__init__()
        # Each call of the class gives the one instance.
        if not hasattr(self, "task_id_to_start_time"):
            self.metrics = None
            self.task_id_to_start_time = {}
            self._publications = _Publications()
            self._signals = (
                (signals.task_prerun, self._trace_prerun),
                (signals.task_postrun, self._trace_postrun),
                (signals.before_task_publish, self._trace_before_publish),
                (signals.after_task_publish, self._trace_after_publish),
                (signals.task_failure, self._trace_failure),
                (signals.task_retry, self._trace_retry),
                (signals.worker_process_shutdown, self._deliver),
            )

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        self._tracer_provider = kwargs.get("tracer_provider")
        self._meter_provider = kwargs.get("meter_provider")
        self._use_span_links = kwargs.get("use_span_links", False)
        self._tracer = trace.get_tracer(__name__, __version__, self._tracer_provider, schema_url=_SCHEMA_URL)
        self.create_celery_metrics(get_meter(__name__, __version__, self._meter_provider, schema_url=_SCHEMA_URL))
        self.task_id_to_start_time = {}
        for signal, receiver in self._signals:
            signal.connect(receiver, weak=False)
        self._send_task = Celery.send_task
        self._sending_task = Celery.send_task = self._closing_what_fails(Celery.send_task)

    def _uninstrument(self, **kwargs: Any) -> None:
        for signal, receiver in self._signals:
            signal.disconnect(receiver)
        if Celery.send_task is self._sending_task:
            Celery.send_task = self._send_task
        self.task_id_to_start_time = {}

    def create_celery_metrics(self, meter: Any) -> None:
        """Makes the instruments."""
        self.metrics = {
            _RUNTIME: meter.create_histogram(
                name=_RUNTIME, unit="seconds", description="The time it took to run the task."
            )
        }

    # Where a task is published

    def _trace_before_publish(self, **kwargs: Any) -> None:
        task_id = utils.retrieve_task_id_from_message(kwargs)
        if task_id is None:
            return
        # By its name: a program need not know the tasks that it sends.
        task_name = kwargs.get("sender", "unknown")
        attributes = utils.attributes_from_context(kwargs)
        attributes[_TASK_TAG_KEY] = _TASK_APPLY_ASYNC
        attributes[MESSAGING_MESSAGE_ID] = task_id
        attributes[_TASK_NAME_KEY] = task_name
        span = self._tracer.start_span(
            f"{_TASK_APPLY_ASYNC}/{task_name}", kind=trace.SpanKind.PRODUCER, attributes=attributes
        )
        activation = trace.use_span(span, end_on_exit=True)
        activation.__enter__()
        self._publications.open.append((task_id, span, activation))
        headers = kwargs.get("headers")
        if headers:
            inject(headers)

    def _trace_after_publish(self, **kwargs: Any) -> None:
        task_id = utils.retrieve_task_id_from_message(kwargs)
        depth = len(self._publications.open) - 1
        while depth >= 0 and self._publications.open[depth][0] != task_id:
            depth -= 1
        if depth >= 0:
            self._publications.close(depth)

    def _closing_what_fails(self, send_task: Callable[..., Any]) -> Callable[..., Any]:
        # No signal says that a message could not be sent.
        @wraps(send_task)
        def sending_task(*args: Any, **kwargs: Any) -> Any:
            depth = len(self._publications.open)
            try:
                return send_task(*args, **kwargs)
            except BaseException as error:
                self._publications.close(depth, error)
                raise

        return sending_task

    # Where it runs

    def _trace_prerun(self, **kwargs: Any) -> None:
        task, task_id = utils.retrieve_task(kwargs), utils.retrieve_task_id(kwargs)
        if task is None or task_id is None:
            return
        self.update_task_duration_time(task_id)
        received = extract(task.request, getter=celery_getter) or None
        name, kind = f"{_TASK_RUN}/{task.name}", trace.SpanKind.CONSUMER
        attributes = {_TASK_TAG_KEY: _TASK_RUN, _TASK_NAME_KEY: task.name, MESSAGING_MESSAGE_ID: task_id}
        token = None
        if self._use_span_links and received is not None:
            publisher = trace.get_current_span(received).get_span_context()
            links = [trace.Link(publisher)] if publisher.is_valid else None
            span = self._tracer.start_span(name, kind=kind, links=links, attributes=attributes)
        else:
            token = None if received is None else context_api.attach(received)
            span = self._tracer.start_span(name, context=received, kind=kind, attributes=attributes)
        activation = trace.use_span(span, end_on_exit=True)
        activation.__enter__()
        utils.attach_context(task, task_id, span, activation, token)

    def _trace_postrun(self, **kwargs: Any) -> None:
        task, task_id = utils.retrieve_task(kwargs), utils.retrieve_task_id(kwargs)
        if task is None or task_id is None:
            return
        kept = utils.retrieve_context(task, task_id)
        if kept is None:
            logger.warning("no existing span found for task_id=%s", task_id)
            return
        span, activation, token = kept
        try:
            utils.set_attributes_from_context(span, kwargs)
            utils.set_attributes_from_context(span, task.request)
            self.update_task_duration_time(task_id)
            self._record_histograms(task_id, {"task": task.name, "worker": task.request.hostname})
        finally:
            self.task_id_to_start_time.pop((task_id, get_ident()), None)
            utils.detach_context(task, task_id)
            activation.__exit__(None, None, None)
            # There is none when the message came without a context.
            if token is not None:
                context_api.detach(token)

    def _trace_failure(self, **kwargs: Any) -> None:
        span = self._running_span(utils.retrieve_task_id(kwargs), kwargs)
        if span is None:
            return
        error = _unwrapped(kwargs.get("einfo"))
        if error is None:
            span.set_status(Status(StatusCode.ERROR))
        elif not isinstance(error, tuple(getattr(kwargs.get("sender"), "throws", None) or ())):
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR, str(error)))

    def _trace_retry(self, **kwargs: Any) -> None:
        reason = utils.retrieve_reason(kwargs)
        span = self._running_span(utils.retrieve_task_id_from_request(kwargs), kwargs)
        if span is not None and reason is not None:
            span.set_attribute(_TASK_RETRY_REASON_KEY, str(reason))

    @staticmethod
    def _running_span(task_id: Any, kwargs: dict[str, Any]) -> trace.Span | None:
        """The recording span of a task that runs. None in a worker's main process, which hears of failures too."""
        task = utils.retrieve_task_from_sender(kwargs)
        kept = None if task is None or task_id is None else utils.retrieve_context(task, task_id)
        return kept[0] if kept is not None and kept[0].is_recording() else None

    def update_task_duration_time(self, task_id: str) -> None:
        """Keeps when a task began, in seconds; the second time how long it has taken since."""
        key = task_id, get_ident()
        self.task_id_to_start_time[key] = default_timer() - self.task_id_to_start_time.get(key, 0.0)

    def _record_histograms(self, task_id: str, metric_attributes: dict[str, Any]) -> None:
        taken = self.task_id_to_start_time.get((task_id, get_ident()))
        if self.metrics is not None and taken is not None:
            self.metrics[_RUNTIME].record(taken, attributes=metric_attributes)

    def _deliver(self, **kwargs: Any) -> None:
        """Exports what waits, in a process of a pool that ends: it leaves by `os._exit`, which runs nothing else."""
        deadline = time.monotonic() + _DELIVERY_TIME
        for provider in (
            self._tracer_provider or trace.get_tracer_provider(),
            self._meter_provider or get_meter_provider(),
            get_logger_provider(),
        ):
            flush = getattr(provider, "force_flush", None)
            left = deadline - time.monotonic()
            if flush is None or left <= 0:
                continue
            try:
                flush(int(left * 1000))
            except Exception:
                logger.debug("Telemetry could not be delivered", exc_info=True)


def _unwrapped(einfo: Any) -> Any:
    """The exception that a task raised: billiard wraps it, since 4.0.1 twice."""
    error = getattr(einfo, "exception", None) or einfo
    inner = getattr(error, "exc", None)
    return inner if isinstance(inner, BaseException) and type(error).__name__ == "ExceptionWithTraceback" else error
