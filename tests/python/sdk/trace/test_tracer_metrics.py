"""What the SDK counts about its own spans."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.trace._tracer_metrics import create_tracer_metrics
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import SpanContext


class Meter:
    """Writes down what is added, by instrument."""

    def __init__(self) -> None:
        self.added: list[tuple[str, int, dict[str, str]]] = []
        self.units: dict[str, str] = {}

    def get_meter(self, name: str) -> Meter:
        assert name == "opentelemetry-sdk"
        return self

    def create_counter(self, name: str, unit: str, description: str) -> Any:
        self.units[name] = unit
        meter = self

        class Instrument:
            def add(self, amount: int, attributes: dict[str, str]) -> None:
                meter.added.append((name, amount, attributes))

        return Instrument()

    create_up_down_counter = create_counter


def test_spans_are_counted_by_parent_and_decision() -> None:
    meter: Any = Meter()
    metrics = create_tracer_metrics(meter, enabled=True)
    metrics.start_span(None, Decision.RECORD_AND_SAMPLE)()
    metrics.start_span(SpanContext(1, 2, True), Decision.DROP)()
    metrics.start_span(SpanContext(1, 2, False), Decision.RECORD_ONLY)
    assert meter.units == {"otel.sdk.span.started": "{span}", "otel.sdk.span.live": "{span}"}

    def started(parent: str, result: str) -> tuple[str, int, dict[str, str]]:
        attributes = {"otel.span.parent.origin": parent, "otel.span.sampling_result": result}
        return "otel.sdk.span.started", 1, attributes

    def live(amount: int, result: str) -> tuple[str, int, dict[str, str]]:
        return "otel.sdk.span.live", amount, {"otel.span.sampling_result": result}

    assert meter.added == [
        started("none", "RECORD_AND_SAMPLE"),
        live(1, "RECORD_AND_SAMPLE"),
        live(-1, "RECORD_AND_SAMPLE"),
        started("remote", "DROP"),
        started("local", "RECORD_ONLY"),
        live(1, "RECORD_ONLY"),
    ]


def test_nothing_is_counted_unless_asked_for() -> None:
    meter: Any = Meter()
    create_tracer_metrics(meter, enabled=False).start_span(None, Decision.RECORD_AND_SAMPLE)()
    assert meter.units == {}
    assert meter.added == []
