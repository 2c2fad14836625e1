"""Tracers without an SDK: no-op ones, and proxies that become real."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
import warnings
from contextlib import contextmanager
from typing import Any, Iterator

import pytest

from opentelemetry import context, trace
from opentelemetry.util._decorator import _agnosticcontextmanager

CONTEXT = trace.SpanContext(0x1234, 0x56, is_remote=True)


class RecordingSpan(trace.NonRecordingSpan):
    """A span that stands for any other implementation's."""

    def __init__(self, name: str = "", context: Any = CONTEXT) -> None:
        super().__init__(context)
        self.name = name
        self.ended = 0
        self.exceptions: list[BaseException] = []
        self.status: Any = None

    def is_recording(self) -> bool:
        return True

    def end(self, end_time: int | None = None) -> None:
        self.ended += 1

    def record_exception(self, exception: BaseException, *args: Any, **kwargs: Any) -> None:
        self.exceptions.append(exception)

    def set_status(self, status: Any, description: str | None = None) -> None:
        self.status = status


class Tracer(trace.Tracer):
    """A tracer of another implementation."""

    def __init__(self, *identity: Any) -> None:
        self.identity = identity
        self.spans: list[RecordingSpan] = []

    def start_span(self, name: str, *args: Any, **kwargs: Any) -> RecordingSpan:
        self.spans.append(RecordingSpan(name))
        return self.spans[-1]

    @_agnosticcontextmanager
    def start_as_current_span(self, name: str, *args: Any, **kwargs: Any) -> Iterator[trace.Span]:  # type: ignore[override]
        with trace.use_span(self.start_span(name), end_on_exit=True) as span:
            yield span


class PlainTracer(Tracer):
    """One that knows nothing of coroutine functions."""

    @contextmanager
    def start_as_current_span(self, name: str, *args: Any, **kwargs: Any) -> Iterator[trace.Span]:  # type: ignore[override]
        with trace.use_span(self.start_span(name), end_on_exit=True) as span:
            yield span


class Provider(trace.TracerProvider):
    def __init__(self, make: Any = Tracer) -> None:
        self.make = make
        self.tracers: list[Any] = []

    def get_tracer(self, *args: Any, **kwargs: Any) -> Any:
        self.tracers.append(self.make(*args, **kwargs))
        return self.tracers[-1]


def test_without_a_provider_spans_are_no_op() -> None:
    tracer = trace.get_tracer("test", "1.0")
    assert isinstance(tracer, trace.ProxyTracer)
    assert tracer.start_span("a") is trace.INVALID_SPAN
    with tracer.start_as_current_span("a", attributes={"a": 1}) as span:
        assert span is trace.get_current_span() is trace.INVALID_SPAN
        span.set_attribute("b", 2)


def test_a_no_op_tracer_passes_the_parents_context_on() -> None:
    tracer = trace.NoOpTracerProvider().get_tracer("test")
    parent = trace.NonRecordingSpan(CONTEXT)
    with trace.use_span(parent):
        assert tracer.start_span("child") is parent

    class Other(trace.Span):
        get_span_context = lambda self: CONTEXT  # noqa: E731
        is_recording = lambda self: True  # noqa: E731
        end = set_attributes = set_attribute = add_event = update_name = set_status = record_exception = (  # type: ignore[assignment]
            lambda self, *args, **kwargs: None
        )

    with tracer.start_as_current_span("child", context=trace.set_span_in_context(Other())) as span:
        assert type(span) is trace.NonRecordingSpan
        assert span.get_span_context() is CONTEXT
        assert trace.get_current_span() is span

    Other.get_span_context = lambda self: "nonsense"  # type: ignore[assignment,method-assign,return-value]
    assert tracer.start_span("child", trace.set_span_in_context(Other())) is trace.INVALID_SPAN


def test_the_no_op_tracer_looks_for_the_parent_when_the_decorated_function_is_called() -> None:
    tracer = trace.NoOpTracer()

    @tracer.start_as_current_span("work")
    def work() -> trace.Span:
        return trace.get_current_span()

    parent = trace.NonRecordingSpan(CONTEXT)
    assert work() is trace.INVALID_SPAN
    with trace.use_span(parent):
        assert work() is parent
    assert work() is trace.INVALID_SPAN


def test_a_proxy_becomes_real_when_a_provider_is_set() -> None:
    tracer = trace.get_tracer("name", "1.0", None, "https://schema", {"a": 1})
    proxy_provider = trace.get_tracer_provider()
    provider = Provider()
    trace.set_tracer_provider(provider)
    assert trace.get_tracer_provider() is provider
    with tracer.start_as_current_span("a") as span:
        assert trace.get_current_span() is span
    assert tracer.start_span("b") is not None
    (real,) = provider.tracers
    assert real.identity == ("name", "1.0", "https://schema", {"a": 1})
    assert [s.name for s in real.spans] == ["a", "b"]
    assert [s.ended for s in real.spans] == [1, 0]
    assert isinstance(proxy_provider.get_tracer("x"), Tracer)


def test_a_function_decorated_before_is_traced_after() -> None:
    tracer = trace.get_tracer("test")

    @tracer.start_as_current_span("sync")
    def sync(value: int) -> tuple[int, trace.Span]:
        return value, trace.get_current_span()

    @tracer.start_as_current_span("async")
    async def coroutine(value: int) -> tuple[int, trace.Span]:
        await asyncio.sleep(0)
        span = trace.get_current_span()
        assert getattr(span, "ended", 0) == 0
        return value, span

    assert sync(1) == (1, trace.INVALID_SPAN)
    assert asyncio.run(coroutine(1)) == (1, trace.INVALID_SPAN)
    trace.set_tracer_provider(Provider())
    for call in (sync, lambda value: asyncio.run(coroutine(value))):
        first, second = call(2)[1], call(2)[1]
        assert isinstance(first, RecordingSpan) and first.ended == 1
        assert first is not second
    assert inspect.iscoroutinefunction(coroutine) and coroutine.__name__ == "coroutine"


@pytest.mark.parametrize("make", [Tracer, PlainTracer])
def test_a_proxy_decorates_coroutine_functions_whatever_the_real_tracer_can(make: Any) -> None:
    tracer = trace.get_tracer("test")
    trace.set_tracer_provider(Provider(make))
    with tracer.start_as_current_span("first"):
        pass

    @tracer.start_as_current_span("work")
    async def work() -> int:
        await asyncio.sleep(0)
        span = trace.get_current_span()
        assert isinstance(span, RecordingSpan)
        return span.ended

    assert asyncio.run(work()) == 0
    assert asyncio.run(work()) == 0


def test_an_exception_leaves_a_no_op_block_as_it_came() -> None:
    with pytest.raises(ZeroDivisionError):
        with trace.get_tracer("test").start_as_current_span("a"):
            1 / 0  # noqa: B018
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_the_provider_can_be_set_once(caplog: pytest.LogCaptureFixture) -> None:
    first = Provider()
    trace.set_tracer_provider(first)
    trace.set_tracer_provider(Provider())
    assert trace.get_tracer_provider() is first
    assert [(r.name, r.getMessage()) for r in caplog.records] == [
        ("opentelemetry.trace", "Overriding of current TracerProvider is not allowed")
    ]


def test_the_provider_that_many_threads_set_is_one() -> None:
    barrier = threading.Barrier(16)
    providers = [Provider() for _ in range(16)]
    tracer = trace.get_tracer("test")

    def work(provider: Provider) -> None:
        barrier.wait()
        trace.set_tracer_provider(provider)
        tracer.start_span("a")

    logging.getLogger("opentelemetry.trace").setLevel(logging.ERROR)
    try:
        threads = [threading.Thread(target=work, args=(provider,)) for provider in providers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        logging.getLogger("opentelemetry.trace").setLevel(logging.NOTSET)
    assert len([provider for provider in providers if provider.tracers]) == 1


def test_get_tracer_asks_the_provider_that_it_is_given() -> None:
    provider = Provider()
    tracer = trace.get_tracer("name", tracer_provider=provider)
    assert isinstance(tracer, Tracer) and tracer.identity == ("name", None, None, None)


def test_a_provider_named_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Provider()
    monkeypatch.setenv("OTEL_PYTHON_TRACER_PROVIDER", "mine")
    monkeypatch.setattr(trace, "_load_provider", lambda variable, kind: provider)
    assert trace.get_tracer_provider() is provider
    assert trace.get_tracer_provider() is provider


def test_an_unknown_provider_in_the_environment_is_reported_once_and_replaced_by_the_proxy(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_PYTHON_TRACER_PROVIDER", "nobody_has_this")
    for _ in range(3):
        assert trace.get_tracer("test").start_span("a") is trace.INVALID_SPAN
    (record,) = caplog.records
    assert record.name == "opentelemetry.util._providers"
    assert record.getMessage() == "Failed to load configured provider tracer_provider"
    provider = Provider()
    trace.set_tracer_provider(provider)
    assert trace.get_tracer_provider() is provider


def test_the_current_span_of_a_context() -> None:
    span = RecordingSpan()
    made = trace.set_span_in_context(span)
    assert trace.get_current_span(made) is span
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert made[trace.propagation._SPAN_KEY] is span
    assert trace.get_current_span(context.set_value(trace.propagation._SPAN_KEY, "no span")) is trace.INVALID_SPAN
    assert trace.get_current_span(context.set_value(trace.propagation._SPAN_KEY, span)) is span


def test_use_span_ends_the_span_only_if_asked() -> None:
    span = RecordingSpan()
    with trace.use_span(span) as entered:
        assert entered is span is trace.get_current_span()
    assert span.ended == 0
    with trace.use_span(span, end_on_exit=True):
        pass
    assert span.ended == 1


def test_use_span_records_an_exception_and_lets_it_through() -> None:
    span = RecordingSpan()
    error = ValueError("boom")
    with pytest.raises(ValueError):
        with trace.use_span(span):
            raise error
    assert span.exceptions == [error]
    assert span.status.status_code is trace.StatusCode.ERROR
    assert span.status.description == "ValueError: boom"

    quiet = RecordingSpan()
    with pytest.raises(ValueError):
        with trace.use_span(quiet, record_exception=False, set_status_on_exception=False):
            raise error
    assert quiet.exceptions == [] and quiet.status is None


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, BaseException])
def test_use_span_does_not_take_the_ways_out_for_errors(kind: type[BaseException]) -> None:
    span = RecordingSpan()
    with pytest.raises(kind):
        with trace.use_span(span, end_on_exit=True):
            raise kind
    assert span.exceptions == [] and span.status is None and span.ended == 1


def test_use_span_decorates_functions() -> None:
    span = RecordingSpan()

    @trace.use_span(span)
    def sync() -> trace.Span:
        return trace.get_current_span()

    @trace.use_span(span)
    async def coroutine() -> trace.Span:
        await asyncio.sleep(0)
        return trace.get_current_span()

    assert sync() is sync() is span
    assert asyncio.run(coroutine()) is span
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_the_signatures_are_readable() -> None:
    names = "name context kind attributes links start_time record_exception set_status_on_exception".split()
    assert list(inspect.signature(trace.Tracer.start_span).parameters) == ["self", *names]
    for kind in (trace.Tracer, trace.NoOpTracer):
        parameters = list(inspect.signature(kind.start_as_current_span).parameters)
        assert parameters == ["self", *names, "end_on_exit"]
    assert list(inspect.signature(trace.use_span).parameters) == [
        "span",
        "end_on_exit",
        "record_exception",
        "set_status_on_exception",
    ]


def test_tracers_and_providers_are_abstract() -> None:
    assert trace.Tracer.__abstractmethods__ == {"start_span", "start_as_current_span"}
    assert trace.TracerProvider.__abstractmethods__ == {"get_tracer"}


def test_the_old_names_still_work_and_warn() -> None:
    with pytest.warns(DeprecationWarning, match="NoOpTracer"):
        tracer = trace._DefaultTracer()
    assert isinstance(tracer, trace.NoOpTracer)
    with pytest.warns(DeprecationWarning, match="NoOpTracerProvider"):

        class Mine(trace._DefaultTracerProvider):
            pass

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert isinstance(Mine().get_tracer("x"), trace.NoOpTracer)
