"""Exemplars: which measurements are kept, and what of them."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.sdk.metrics import (
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    ExemplarReservoir,
    MeterProvider,
)
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

from .conftest import collected

Provide = Callable[..., MeterProvider]
SAMPLED = TracerProvider(sampler=ALWAYS_ON, shutdown_on_exit=False).get_tracer("t")
UNSAMPLED = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False).get_tracer("t")


def test_what_is_measured_in_a_sampled_span_is_kept(provide: Provide, way: dict[str, Any]) -> None:
    reader = InMemoryMetricReader()
    counter = provide(reader, **way).get_meter("m").create_counter("c")
    counter.add(1, {"a": 1})
    with UNSAMPLED.start_as_current_span("unsampled"):
        counter.add(2, {"a": 1})
    assert collected(reader)["c"].data_points[0].exemplars == []
    with SAMPLED.start_as_current_span("sampled") as span:
        counter.add(4, {"a": 1})
    (exemplar,) = collected(reader)["c"].data_points[0].exemplars
    assert (exemplar.value, exemplar.filtered_attributes) == (4, {})
    assert exemplar.trace_id == span.get_span_context().trace_id
    assert exemplar.span_id == span.get_span_context().span_id
    assert span.start_time <= exemplar.time_unix_nano <= span.end_time  # type: ignore[attr-defined]
    # Told once.
    assert collected(reader)["c"].data_points[0].exemplars == []


def test_the_context_may_be_given(provide: Provide, way: dict[str, Any]) -> None:
    reader = InMemoryMetricReader()
    counter = provide(reader, **way).get_meter("m").create_counter("c")
    span = SAMPLED.start_span("given")
    counter.add(1, None, trace.set_span_in_context(span))
    (exemplar,) = collected(reader)["c"].data_points[0].exemplars
    assert exemplar.span_id == span.get_span_context().span_id
    assert exemplar.filtered_attributes is None
    with SAMPLED.start_as_current_span("current") as current:
        # As in the reference, an empty context is none.
        counter.add(1, context=context_api.Context())
        (exemplar,) = collected(reader)["c"].data_points[0].exemplars
        assert exemplar.span_id == current.get_span_context().span_id
        counter.add(1, context=context_api.set_value("other", 1, context_api.Context()))
        assert collected(reader)["c"].data_points[0].exemplars == []


def test_exemplars_keep_what_a_view_leaves_out(provide: Provide) -> None:
    reader = InMemoryMetricReader()
    provider = provide(reader, views=[View(instrument_name="c", attribute_keys={"kept"})])
    counter = provider.get_meter("m").create_counter("c")
    with SAMPLED.start_as_current_span("span"):
        counter.add(1, {"kept": 1, "left": "out"})
    (point,) = collected(reader)["c"].data_points
    assert (point.attributes, point.exemplars[0].filtered_attributes) == ({"kept": 1}, {"left": "out"})


def test_histograms_keep_the_last_of_each_bucket(provide: Provide) -> None:
    reader = InMemoryMetricReader()
    histogram = provide(reader, exemplar_filter=AlwaysOnExemplarFilter()).get_meter("m").create_histogram("h")
    for amount in (1, 2, 7, 20, 8):
        histogram.record(amount)
    exemplars = collected(reader)["h"].data_points[0].exemplars
    assert [exemplar.value for exemplar in exemplars] == [2, 8, 20]
    assert {exemplar.span_id for exemplar in exemplars} == {None}


def test_exponential_histograms_keep_a_sample(provide: Provide) -> None:
    reader = InMemoryMetricReader()
    views = [View(instrument_name="h", aggregation=ExponentialBucketHistogramAggregation())]
    provider = provide(reader, exemplar_filter=AlwaysOnExemplarFilter(), views=views)
    histogram = provider.get_meter("m").create_histogram("h")
    for amount in range(1, 1001):
        histogram.record(amount)
    exemplars = collected(reader)["h"].data_points[0].exemplars
    assert len(exemplars) == 20
    assert max(exemplar.value for exemplar in exemplars) > 20


@pytest.mark.parametrize("name, kept", [("always_on", 1), ("always_off", 0), ("trace_based", 0)])
def test_the_environment_chooses_the_filter(
    provide: Provide, monkeypatch: pytest.MonkeyPatch, name: str, kept: int
) -> None:
    monkeypatch.setenv("OTEL_METRICS_EXEMPLAR_FILTER", name)
    reader = InMemoryMetricReader()
    provide(reader).get_meter("m").create_counter("c").add(1)
    assert len(collected(reader)["c"].data_points[0].exemplars) == kept


def test_an_unknown_filter_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_METRICS_EXEMPLAR_FILTER", "sometimes")
    with pytest.raises(ValueError, match="Unknown exemplar filter 'sometimes'"):
        MeterProvider(shutdown_on_exit=False)


def test_off_is_off(provide: Provide) -> None:
    reader = InMemoryMetricReader()
    counter = provide(reader, exemplar_filter=AlwaysOffExemplarFilter()).get_meter("m").create_counter("c")
    with SAMPLED.start_as_current_span("span"):
        counter.add(1)
    assert collected(reader)["c"].data_points[0].exemplars == []


def test_a_reservoir_of_a_programs_own(provide: Provide) -> None:
    offered: list[Any] = []

    class Own(ExemplarReservoir):
        def __init__(self, **kwargs: Any) -> None:
            self.kwargs = kwargs

        def offer(self, *arguments: Any) -> None:
            offered.append(arguments[0])

        def collect(self, point_attributes: Any) -> list[Any]:
            return []

    reader = InMemoryMetricReader()
    views = [View(instrument_name="c", exemplar_reservoir_factory=lambda aggregation: Own)]
    counter = provide(reader, views=views, exemplar_filter=AlwaysOnExemplarFilter()).get_meter("m").create_counter("c")
    counter.add(3)
    assert collected(reader)["c"].data_points[0].value == 3
    assert offered == [3]
