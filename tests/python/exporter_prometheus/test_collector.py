"""What the SDK's metrics become, with `prometheus_client` and without: both must say the same."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest

from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics.view import (
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    View,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

SCOPE = 'otel_scope_name="lib",otel_scope_schema_url="",otel_scope_version="1.0"'


def labels(**given: str) -> frozenset[tuple[str, str]]:
    return frozenset(given.items())


def named(series: Any, name: str) -> Any:
    return {labels: value for (found, labels), value in series.items() if found == name}


def test_a_counter(scraped: Any) -> None:
    one = scraped()
    counter = one.meter.create_counter("http.requests", unit="{request}", description='Requests "in"\nall \\')
    counter.add(2, {"http.method": "GET", "status": 200})
    counter.add(1.5, {"http.method": "GET", "status": 200})
    counter.add(1, {"ok": True, "parts": ["a", "b"], "text": 'quoted "x"\\\n'})
    assert one.lines("# HELP http") == ['# HELP http_requests_total Requests "in"\\nall \\\\']
    assert one.lines("# TYPE http") == ["# TYPE http_requests_total counter"]
    # Each series has all labels of the metric.
    assert one.lines("http_requests_total") == [
        f'http_requests_total{{http_method="GET",ok="",{SCOPE},parts="",status="200",text=""}} 3.5',
        (
            f'http_requests_total{{http_method="",ok="true",{SCOPE},parts="[\\"a\\", \\"b\\"]",status="",'
            'text="quoted \\"x\\"\\\\\\n"} 1.0'
        ),
    ]
    assert "# TYPE http_requests counter\nhttp_requests_total{" in one.openmetrics()


def test_what_goes_up_and_down_is_a_gauge(scraped: Any) -> None:
    one = scraped()
    one.meter.create_up_down_counter("queue.length").add(-3)
    one.meter.create_gauge("level", unit="%").set(12.5)

    def temperature(_: CallbackOptions) -> list[Observation]:
        return [Observation(20, {"room": "a"}), Observation(1e300, {"room": "b"})]

    one.meter.create_observable_gauge("temperature", [temperature], unit="Cel")
    one.meter.create_observable_up_down_counter("handles", [lambda _: [Observation(7)]])
    assert one.lines("queue") == [f"queue_length{{{SCOPE}}} -3.0"]
    assert one.lines("level") == [f"level_percent{{{SCOPE}}} 12.5"]
    assert one.lines("handles") == [f"handles{{{SCOPE}}} 7.0"]
    assert one.lines("temperature") == [
        f'temperature_celsius{{{SCOPE},room="a"}} 20.0',
        f'temperature_celsius{{{SCOPE},room="b"}} 1e+300',
    ]
    assert sorted(line.split()[-1] for line in one.lines("# TYPE") if "target" not in line) == ["gauge"] * 4


def test_an_observable_counter(scraped: Any) -> None:
    one = scraped()
    one.meter.create_observable_counter("cpu.time", [lambda _: [Observation(1.25)]], unit="s")
    assert one.lines("cpu") == [f"cpu_time_seconds_total{{{SCOPE}}} 1.25"]


def test_a_histogram_counts_cumulatively(scraped: Any) -> None:
    one = scraped(views=[View(instrument_name="d*", aggregation=ExplicitBucketHistogramAggregation([0.5, 1.0, 5.0]))])
    histogram = one.meter.create_histogram("duration", unit="s")
    for value in (0.1, 0.5, 0.7, 3, 100):
        histogram.record(value)
    assert one.lines("duration") == [
        f'duration_seconds_bucket{{le="0.5",{SCOPE}}} 2.0',
        f'duration_seconds_bucket{{le="1.0",{SCOPE}}} 3.0',
        f'duration_seconds_bucket{{le="5.0",{SCOPE}}} 4.0',
        f'duration_seconds_bucket{{le="+Inf",{SCOPE}}} 5.0',
        f"duration_seconds_count{{{SCOPE}}} 5.0",
        f"duration_seconds_sum{{{SCOPE}}} 104.3",
    ]
    histogram.record(0)
    assert one.series()["duration_seconds_count", labels()] == 6


def test_a_histogram_without_buckets_and_one_below_zero(scraped: Any) -> None:
    one = scraped(
        views=[
            View(instrument_name="plain", aggregation=ExplicitBucketHistogramAggregation([])),
            View(instrument_name="signed", aggregation=ExplicitBucketHistogramAggregation([-1.0, 1.0])),
        ]
    )
    one.meter.create_histogram("plain").record(3)
    one.meter.create_histogram("signed").record(0)
    assert [line.rsplit("{")[0] for line in one.lines("plain")] == ["plain_bucket", "plain_count", "plain_sum"]
    # OpenMetrics: no sum, and so no count, where there are buckets below zero.
    assert [line.rsplit("{")[0] for line in one.lines("signed")] == ["signed_bucket"] * 3


def test_an_exponential_histogram_has_powers_of_two(scraped: Any) -> None:
    one = scraped(views=[View(instrument_name="*", aggregation=ExponentialBucketHistogramAggregation())])
    histogram = one.meter.create_histogram("size", unit="By")
    for value in (0, 0.3, 1, 1.5, 2, 2.0001, 1000):
        histogram.record(value)
    buckets = {dict(found)["le"]: value for found, value in named(one.series(), "size_bytes_bucket").items()}
    assert list(buckets) == ["0.0", *(str(2.0**n) for n in range(-1, 11)), "+Inf"]
    assert [buckets[le] for le in ("0.0", "0.5", "1.0", "2.0", "4.0", "512.0", "1024.0", "+Inf")] == [
        1,
        2,
        3,
        5,
        6,
        6,
        7,
        7,
    ]
    assert one.series()["size_bytes_count", labels()] == 7
    assert one.series()["size_bytes_sum", labels()] == pytest.approx(1006.8001)


def test_the_unit_is_metadata_in_openmetrics(scraped: Any) -> None:
    one = scraped()
    one.meter.create_histogram("size", unit="By").record(1)
    assert "# UNIT size_bytes bytes\n" in one.openmetrics()
    assert "# UNIT" not in one.text()


def test_scope_labels(scraped: Any) -> None:
    one = scraped()
    for name, attributes in (("a", {"name": "dropped", "schema.url": "dropped", "team.id": 7}), ("b", None)):
        meter = one.provider.get_meter(name, "2", "https://example.org/1", attributes)
        meter.create_counter("shared").add(1, {f"own_{name}": "x"})
    # Two scopes with labels of their own share a family: no label moves to another's place.
    assert one.lines("# TYPE shared") == ["# TYPE shared_total counter"]
    tail = 'otel_scope_schema_url="https://example.org/1"'
    assert one.lines("shared") == [
        f'shared_total{{otel_scope_name="a",{tail},otel_scope_team_id="7",otel_scope_version="2",own_a="x"}} 1.0',
        f'shared_total{{otel_scope_name="b",{tail},otel_scope_version="2",own_b="x"}} 1.0',
    ]


def test_no_scope_labels_and_a_prefix(scraped: Any) -> None:
    one = scraped(scope_info_enabled=False, prefix="my.app", disable_target_info=True)
    one.meter.create_counter("x").add(1)
    assert one.text().splitlines() == ["# HELP my_app_x_total ", "# TYPE my_app_x_total counter", "my_app_x_total 1.0"]


def test_target_info_has_the_resource(scraped: Any) -> None:
    one = scraped(resource=Resource({"service.name": "shop", "n": 1, "host.name": "h", "host_name": "i"}))
    assert one.text() == ""
    one.meter.create_counter("x").add(1)
    assert one.lines("target") == ['target_info{host_name="h;i",n="1",service_name="shop"} 1.0']
    assert one.lines("# HELP target") == ["# HELP target_info Target metadata"]
    assert "# TYPE target info\ntarget_info{" in one.openmetrics()


def test_chosen_resource_attributes_become_labels(scraped: Any) -> None:
    one = scraped(
        resource=Resource({"service.name": "shop", "host.name": "h", "k": "resource"}),
        scope_info_enabled=False,
        resource_attribute_filter=lambda key: key != "host.name",
    )
    one.meter.create_counter("x").add(1, {"k": "point"})
    assert one.lines("x_total") == ['x_total{k="point",service_name="shop"} 1.0']
    assert 'host_name="h"' in one.lines("target_info")[0]


def test_keys_that_become_one_label(scraped: Any) -> None:
    one = scraped(scope_info_enabled=False)
    one.meter.create_counter("x").add(1, {"a_b": "underscore", "a.b": "dot", "a-b": "dash", "1st": 1, "ünï": "u"})
    assert one.lines("x_total") == ['x_total{_n_="u",_st="1",a_b="dash;dot;underscore"} 1.0']


def test_series_that_become_one(scraped: Any, caplog: pytest.LogCaptureFixture) -> None:
    one = scraped(scope_info_enabled=False)
    counter = one.meter.create_counter("x")
    counter.add(1, {"a": "1"})
    counter.add(2, {"a": 1})
    counter.add(4, {"b": 1, "a": ""})
    assert one.lines("x_total") == ['x_total{a="1",b=""} 1.0', 'x_total{a="",b="1"} 4.0']
    one.text()
    assert [record.getMessage() for record in caplog.records] == [
        "Several series of x have the same labels in Prometheus; the first is shown"
    ]


def test_names_of_two_types(scraped: Any, caplog: pytest.LogCaptureFixture) -> None:
    one = scraped()
    first, second = one.provider.get_meter("first"), one.provider.get_meter("second")
    first.create_counter("work.done").add(1)
    second.create_up_down_counter("work_done").add(1)
    first.create_histogram("time").record(1)
    second.create_up_down_counter("time.sum").add(1)
    one.text()
    assert one.lines("# TYPE") == [
        "# TYPE target_info gauge",
        "# TYPE work_done_total counter",
        "# TYPE time histogram",
    ]
    left_out = "Metric %r (gauge) is left out for Prometheus: the name %s is that of another metric, of type %s. "
    advice = "Rename one of them, for example with a View"
    assert [record.getMessage() for record in caplog.records] == [
        left_out % ("work_done", "work_done", "counter") + advice,
        left_out % ("time.sum", "time_sum", "histogram") + advice,
    ]
    assert {record.name for record in caplog.records} == {"opentelemetry.exporter.prometheus"}


def test_two_descriptions(scraped: Any, caplog: pytest.LogCaptureFixture) -> None:
    one = scraped()
    one.provider.get_meter("first").create_counter("x", description="one").add(1)
    one.provider.get_meter("second").create_counter("x", description="two").add(2)
    assert one.lines("# HELP x") == ["# HELP x_total one"]
    assert [line.split()[-1] for line in one.lines("x_total")] == ["1.0", "2.0"]
    assert [record.getMessage() for record in caplog.records] == [
        "Several metrics are called x in Prometheus and have different descriptions; the first is shown"
    ]


def test_exemplars_are_in_openmetrics_only(scraped: Any) -> None:
    one = scraped(views=[View(instrument_name="x", attribute_keys={"kept"})], scope_info_enabled=False)
    counter, histogram = one.meter.create_counter("x"), one.meter.create_histogram("h")
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")

    def measure() -> Any:
        with tracer.start_as_current_span("s") as span:
            counter.add(2, {"kept": "k", "user.id": "u1", "long": "x" * 100})
            histogram.record(7)
            histogram.record(10_001)
        return span.get_span_context()

    measure()
    assert "#" not in "".join(line for line in one.text().splitlines() if not line.startswith("#"))
    context = measure()
    page = one.openmetrics()
    ids = f'span_id="{context.span_id:016x}",trace_id="{context.trace_id:032x}"'
    found = {line.split(" # ")[0]: line.split(" # ")[1] for line in page.splitlines() if " # " in line}
    # "long" would be more than the 128 characters that OpenMetrics allows.
    assert {start: text.rsplit(" ", 1)[0] for start, text in found.items()} == {
        'x_total{kept="k"} 4.0': f'{{{ids},user_id="u1"}} 2.0',
        'h_bucket{le="10.0"} 2.0': f"{{{ids}}} 7.0",
        'h_bucket{le="+Inf"} 4.0': f"{{{ids}}} 10001.0",
    }
    times = [float(text.rsplit(" ", 1)[1]) for text in found.values()]
    assert all(1_700_000_000 < time < 10_000_000_000 for time in times)


def test_a_lone_surrogate_costs_no_page(scraped: Any) -> None:
    one = scraped(scope_info_enabled=False)
    one.meter.create_gauge("g").set(1, {"k": "a\ud800b"})
    assert [line.split()[-1] for line in one.lines("g{")] == ["1.0"]


def test_what_fails_costs_only_itself(scraped: Any, caplog: pytest.LogCaptureFixture) -> None:
    one = scraped()

    def bad(_: CallbackOptions) -> list[Observation]:
        raise ValueError("no sensor")

    one.meter.create_observable_gauge("bad", [bad])
    one.meter.create_counter("good").add(1)
    assert len(one.lines("good_total")) == 1

    def refuse(key: str) -> bool:
        raise RuntimeError("no filter")

    caplog.clear()
    other = scraped(resource_attribute_filter=refuse)
    other.meter.create_counter("good").add(1)
    assert len(other.lines("good_total")) == 1
    other.text()
    assert [record.getMessage() for record in caplog.records if record.name == "opentelemetry.exporter.prometheus"] == [
        "'resource' is left out for Prometheus: RuntimeError: no filter"
    ]


def test_a_collection_that_fails_is_logged_once(scraped: Any, caplog: pytest.LogCaptureFixture) -> None:
    one = scraped()
    one.meter.create_counter("x").add(1)
    collect = one.reader._collect

    def fail(*_: Any, **__: Any) -> None:
        raise TimeoutError("too slow")

    one.reader._collect = fail
    assert one.text() == one.text() == ""
    assert [record.levelno for record in caplog.records if "collecting metrics" in record.getMessage()] == [
        logging.ERROR
    ]
    one.reader._collect = collect
    assert len(one.lines("x_total")) == 1


def test_scrapes_at_the_same_time_each_get_a_whole_page(scraped: Any) -> None:
    one = scraped()
    counter = one.meter.create_counter("x")
    for number in range(200):
        counter.add(1, {"n": number})
    expected, pages = one.text(), []

    def scrape() -> None:
        for _ in range(20):
            pages.append(one.text())

    threads = [threading.Thread(target=scrape) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pages) == 80 and set(pages) == {expected}


def test_a_flush_leaves_nothing_behind(scraped: Any) -> None:
    one = scraped()
    one.meter.create_counter("x").add(1)
    assert one.reader.force_flush() and one.provider.force_flush()
    assert one.reader._collector._scrape.data is None
    assert len(one.lines("x_total")) == 1


def test_a_callback_that_scrapes_does_not_recurse(scraped: Any) -> None:
    one = scraped()
    inner = []

    def callback(_: CallbackOptions) -> list[Observation]:
        inner.append(one.text())
        return [Observation(1)]

    one.meter.create_observable_gauge("g", [callback])
    assert len(one.lines("g{")) == 1
    assert inner == [""]


def test_shutdown_takes_the_metrics_out_once(scraped: Any) -> None:
    one = scraped()
    one.meter.create_counter("x").add(1)
    assert one.text() != ""
    one.reader.shutdown()
    one.reader.shutdown()
    assert one.text() == ""


def test_the_readers_signature_and_temporality(exporter: Any) -> None:
    from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricReader

    registry = exporter.CollectorRegistry()
    reader = exporter.PrometheusMetricReader(True, "p", False, resource_attribute_filter=None, registry=registry)
    assert isinstance(reader, MetricReader)
    assert set(reader._instrument_class_temporality.values()) == {AggregationTemporality.CUMULATIVE}
    assert reader._otel_component_type == "prometheus_http_text_metric_exporter"
    assert reader._prefix == "p" and reader._registry is registry
    with pytest.raises(TypeError):
        exporter.PrometheusMetricReader(True, "p", False, None)
