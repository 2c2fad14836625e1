"""`CeleryInstrumentor` in one process: what it adds, what it survives, and that it takes all of it away again."""

from __future__ import annotations

import logging
import threading
from typing import Any, Iterator

import pytest
from celery import Celery, signals
from celery.app.trace import build_tracer
from kombu.exceptions import OperationalError

from ferrotel import _native
from opentelemetry import baggage, context, trace
from opentelemetry.instrumentation.celery import CeleryGetter, CeleryInstrumentor, utils
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

SIGNALS = ("before_task_publish", "after_task_publish", "task_prerun", "task_postrun", "task_failure", "task_retry")


class Telemetry:
    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)
        self.tracer = self.tracers.get_tracer("app")

    def instrument(self, **options: Any) -> CeleryInstrumentor:
        instrumentor = CeleryInstrumentor()
        instrumentor.instrument(tracer_provider=self.tracers, meter_provider=self.meters, **options)
        return instrumentor

    def spans(self) -> list[Any]:
        spans = list(self.exporter.get_finished_spans())
        self.exporter.clear()
        return spans


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    made = Telemetry()
    before = context.get_current()
    yield made
    if CeleryInstrumentor().is_instrumented_by_opentelemetry:
        CeleryInstrumentor().uninstrument()
    made.tracers.shutdown()
    made.meters.shutdown()
    # Whatever happened, this thread's context is as it was.
    assert context.get_current() == before


@pytest.fixture
def app() -> Iterator[Celery]:
    made = Celery("shop", broker="memory://", backend="cache+memory://", set_as_current=False)
    yield made
    made.close()


def test_a_message_that_cannot_be_sent(telemetry: Telemetry) -> None:
    app = Celery("shop", broker="amqp://127.0.0.1:1//", set_as_current=False)
    app.conf.broker_transport_options = {"max_retries": 1, "interval_start": 0, "interval_step": 0}
    telemetry.instrument()
    with telemetry.tracer.start_as_current_span("work") as work:
        with pytest.raises(OperationalError):
            app.send_task("shop.add", retry=False)
        # What comes next is no part of it.
        assert trace.get_current_span() is work
    span, _ = telemetry.spans()
    assert (span.name, span.kind, span.status.status_code) == (
        "apply_async/shop.add",
        SpanKind.PRODUCER,
        StatusCode.ERROR,
    )
    assert [event.name for event in span.events] == ["exception"]
    app.close()


def test_context_and_baggage_travel_in_the_headers(telemetry: Telemetry, app: Celery) -> None:
    sent: list[Any] = []

    def receiver(headers: Any, **kwargs: Any) -> None:
        sent.append(dict(headers))

    telemetry.instrument()
    signals.after_task_publish.connect(receiver)
    token = context.attach(baggage.set_baggage("tenant", "blue"))
    try:
        app.send_task("shop.add")
    finally:
        context.detach(token)
        signals.after_task_publish.disconnect(receiver)
    (span,) = telemetry.spans()
    assert sent[0]["traceparent"].split("-")[1:3] == [f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"]
    assert sent[0]["baggage"] == "tenant=blue"


def run_with_headers(app: Celery, task_id: str = "an-id", **headers: str) -> Any:
    """Runs a task as a worker does that received these; what was current in it."""
    found: dict[str, Any] = {}

    @app.task(name=f"shop.look.{task_id}")
    def look() -> None:
        found.update(span=trace.get_current_span(), baggage=baggage.get_baggage("tenant"))

    request = {"id": task_id, "hostname": "here", "timelimit": (3, None), **headers}
    build_tracer(look.name, look, app=app)(task_id, (), {}, request)
    return found


TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_received_task_is_a_child(telemetry: Telemetry, app: Celery) -> None:
    telemetry.instrument()
    found = run_with_headers(app, traceparent=TRACEPARENT, baggage="tenant=blue")
    (span,) = telemetry.spans()
    assert (span.name, span.kind) == ("run/shop.look.an-id", SpanKind.CONSUMER)
    assert (f"{span.parent.trace_id:032x}", f"{span.parent.span_id:016x}") == tuple(TRACEPARENT.split("-")[1:3])
    assert (found["span"].get_span_context(), found["baggage"]) == (span.context, "blue")
    assert span.attributes["celery.timelimit"] == ("3", "")
    assert span.attributes["celery.state"] == "SUCCESS"


def test_links_in_place_of_parents(telemetry: Telemetry, app: Celery) -> None:
    telemetry.instrument(use_span_links=True)
    run_with_headers(app, traceparent=TRACEPARENT)
    run_with_headers(app, "another-id")
    linked, alone = telemetry.spans()
    assert (linked.parent, alone.parent) == (None, None)
    assert [f"{link.context.trace_id:032x}" for link in linked.links] == [TRACEPARENT.split("-")[1]]
    assert f"{linked.context.trace_id:032x}" != TRACEPARENT.split("-")[1]
    assert alone.links == ()


def test_the_same_task_may_begin_again_before_it_has_ended(telemetry: Telemetry, app: Celery) -> None:
    """A pool of threads does that with a task that is tried again at once."""
    instrumentor = telemetry.instrument()

    @app.task(name="shop.overlap")
    def overlap() -> None: ...

    def run(begun: threading.Event, end: threading.Event) -> None:
        signals.task_prerun.send(overlap, task_id="an-id", task=overlap, args=(), kwargs={})
        begun.set()
        assert end.wait(10)
        signals.task_postrun.send(overlap, task_id="an-id", task=overlap, args=(), kwargs={}, state="SUCCESS")

    events = [threading.Event() for _ in range(4)]
    threads = [threading.Thread(target=run, args=events[:2]), threading.Thread(target=run, args=events[2:])]
    threads[0].start()
    assert events[0].wait(10)
    threads[1].start()
    assert events[2].wait(10)
    events[1].set()
    threads[0].join()
    events[3].set()
    threads[1].join()
    assert [span.name for span in telemetry.spans()] == ["run/shop.overlap"] * 2
    assert instrumentor.task_id_to_start_time == {}
    data: Any = telemetry.reader.get_metrics_data()
    (metric,) = data.resource_metrics[0].scope_metrics[0].metrics
    (point,) = metric.data.data_points
    assert (metric.name, metric.unit, point.count) == ("flower.task.runtime.seconds", "seconds", 2)
    assert point.sum < 20


def test_an_end_without_a_beginning(telemetry: Telemetry, app: Celery, caplog: pytest.LogCaptureFixture) -> None:
    telemetry.instrument()

    @app.task(name="shop.late")
    def late() -> None: ...

    signals.task_postrun.send(late, task_id="an-id", task=late, args=(), kwargs={})
    signals.task_failure.send(late, task_id="an-id", einfo=None)
    signals.task_retry.send(late, request=None, reason="later")
    signals.after_task_publish.send("shop.late", headers={"id": "an-id"}, body=())
    assert telemetry.spans() == []
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        "no existing span found for task_id=an-id"
    ]


def test_signals_with_nothing_in_them_are_survived(telemetry: Telemetry, caplog: pytest.LogCaptureFixture) -> None:
    telemetry.instrument()
    for name in (*SIGNALS, "worker_process_shutdown"):
        getattr(signals, name).send(sender=None)
    assert telemetry.spans() == []
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_the_end_of_a_process_delivers(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []

    def fail(timeout: int) -> None:
        flushed.append(timeout)
        raise RuntimeError("no collector")

    monkeypatch.setattr(telemetry.tracers, "force_flush", fail)
    monkeypatch.setattr(telemetry.meters, "force_flush", fail)
    telemetry.instrument()
    signals.worker_process_shutdown.send(sender="here", pid=1, exitcode=0)
    assert len(flushed) == 2
    # All together no longer than this holds the pool up.
    assert all(0 < timeout <= 2000 for timeout in flushed)
    # Whoever sends the signal may go on.
    assert _native.exit_time_left() is None


def test_uninstrument_restores(telemetry: Telemetry, app: Celery) -> None:
    names = (*SIGNALS, "worker_process_shutdown")
    before = [list(getattr(signals, name).receivers or ()) for name in names]
    send_task = vars(Celery)["send_task"]
    instrumentor = telemetry.instrument()
    assert [len(getattr(signals, name).receivers) for name in names] == [len(each) + 1 for each in before]
    instrumentor.uninstrument()
    assert [list(getattr(signals, name).receivers) for name in names] == before
    assert vars(Celery)["send_task"] is send_task
    app.send_task("shop.add")
    assert telemetry.spans() == []
    assert CeleryInstrumentor() is instrumentor


def test_attributes_that_are_no_values_become_text() -> None:
    class Exchange:
        type = "fanout"

        def __str__(self) -> str:
            return "news"

    declared = type("Queue", (), {"exchange": Exchange()})()
    found = utils.attributes_from_context(
        {"exchange": Exchange(), "declare": [declared], "delivery_info": {"routing_key": "low"}, "retries": 0}
    )
    assert found == {
        "celery.exchange": "news",
        "celery.delivery_info": "{'routing_key': 'low'}",
        "messaging.destination": "low",
    }


def test_getter() -> None:
    carrier = type("Request", (), {"text": "a", "number": 3, "many": (1, "b")})()
    getter = CeleryGetter()
    assert [getter.get(carrier, name) for name in ("text", "number", "many", "none")] == [
        ["a"],
        ["3"],
        ["1", "b"],
        None,
    ]
    assert getter.keys(carrier) == []
