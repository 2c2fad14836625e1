"""Metrics sent through a real collector, over every transport, compressed and not: every field is there."""

from __future__ import annotations

import uuid
from typing import Any, Callable

import pytest

from opentelemetry.exporter.otlp.common.http import Compression
from opentelemetry.exporter.otlp.json.http.metric_exporter import OTLPMetricExporter as JsonExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpExporter
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import Exemplar, MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Buckets,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    PeriodicExportingMetricReader,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

messages = pytest.importorskip("opentelemetry.proto.collector.metrics.v1.metrics_service_pb2")

SUCCESS = MetricExportResult.SUCCESS
DELTA, CUMULATIVE = AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE
START, TIME = 1_700_000_000_000_000_001, 1_700_000_000_250_000_001
TRACE, SPAN = 0x0123456789ABCDEF0123456789ABCDEF, 0x0123456789ABCDEF
GZIP = 2

TRANSPORTS: list[tuple[str, Callable[[Any], MetricExporter]]] = [
    ("grpc", lambda relay: GrpcExporter(relay.grpc, insecure=True)),
    ("grpc-gzip", lambda relay: GrpcExporter(f"http://{relay.grpc}", compression=GZIP)),
    ("http", lambda relay: HttpExporter(f"http://{relay.http}/v1/metrics")),
    ("http-gzip", lambda relay: HttpExporter(f"http://{relay.http}/v1/metrics", compression=Compression.GZIP)),
]

EXEMPLARS = [Exemplar({"user": 3}, 0.5, TIME, SPAN, TRACE), Exemplar({}, 7, TIME)]


def number(value: float, **attributes: Any) -> NumberDataPoint:
    return NumberDataPoint(attributes, START, TIME, value, EXEMPLARS)


def collection(marker: str) -> MetricsData:
    """Every kind of point."""
    histogram = HistogramDataPoint({"a": "b"}, START, TIME, 3, 6.5, [0, 2, 1], [0.0, 5.0], 0.5, 5, EXEMPLARS)
    unbounded = HistogramDataPoint({}, START, TIME, 3, -1, [3], [], None, None)  # type: ignore[arg-type]
    positive, negative = Buckets(-3, [1, 0, 300]), Buckets(1, [])
    exponential = ExponentialHistogramDataPoint(
        {"a": "b"}, START, TIME, 302, 6, -2, 1, positive, negative, 0, -1, 4.5, EXEMPLARS
    )
    attributes = {"text": "grün", "yes": True, "count": -(2**53), "ratio": 0.5, "list": ["a", "b"], "raw": b"\x00\xff"}
    datas = [
        ("sum", Sum([number(-7, **attributes), number(0.1), number(2**62)], CUMULATIVE, True)),
        ("up-down", Sum([number(0)], DELTA, False)),
        ("gauge", Gauge([number(2.5), number(-3)])),
        ("histogram", Histogram([histogram, unbounded], DELTA)),
        ("cumulative-histogram", Histogram([histogram], CUMULATIVE)),
        ("exponential", ExponentialHistogram([exponential], DELTA)),
    ]
    scope = InstrumentationScope("the.scope", "1.2.3", "https://scope", {"scope": True})
    metrics = [Metric(f"{name} {marker}", "what it is", "ms", data) for name, data in datas]
    resource = Resource({"service.name": "shop"}, "https://resource")
    return MetricsData([ResourceMetrics(resource, [ScopeMetrics(scope, metrics, "https://scope")], "https://resource")])


@pytest.mark.parametrize(("transport", "exporter"), TRANSPORTS, ids=[name for name, _ in TRANSPORTS])
def test_every_field_arrives(relay: Any, transport: str, exporter: Any) -> None:
    marker = uuid.uuid4().hex
    sender = exporter(relay)
    assert sender.export(collection(marker)) is SUCCESS
    sender.shutdown()
    assert_whole(relay.sent_on("/v1/metrics", messages.ExportMetricsServiceRequest, marker), marker)


@pytest.mark.parametrize("compression", [Compression.NONE, Compression.GZIP])
def test_every_field_arrives_in_json(relay: Any, server: Any, from_json: Any, compression: Compression) -> None:
    # rotel takes the request, but its JSON reader loses the values of points: what is sent is read by protobuf's own.
    marker = uuid.uuid4().hex
    assert (
        JsonExporter(f"http://{relay.http}/v1/metrics", compression=compression).export(collection(marker)) is SUCCESS
    )
    arrived = relay.sent_on("/v1/metrics", messages.ExportMetricsServiceRequest, marker).resource_metrics[0]
    assert pairs(arrived.resource.attributes) == {"service.name": "shop"}
    assert [metric.name for metric in arrived.scope_metrics[0].metrics] == [f"{name} {marker}" for name in NAMES]

    assert JsonExporter(f"{server.url}/v1/metrics", compression=compression).export(collection(marker)) is SUCCESS
    (request,) = server.requests
    assert request.headers["content-type"] == "application/json"
    assert_whole(from_json(messages.ExportMetricsServiceRequest, request.plain), marker)


NAMES = ["sum", "up-down", "gauge", "histogram", "cumulative-histogram", "exponential"]


def assert_whole(request: Any, marker: str) -> None:
    (of_resource,) = request.resource_metrics
    assert pairs(of_resource.resource.attributes) == {"service.name": "shop"}
    assert of_resource.schema_url == "https://resource"
    (of_scope,) = of_resource.scope_metrics
    assert (of_scope.scope.name, of_scope.scope.version, of_scope.schema_url) == ("the.scope", "1.2.3", "https://scope")
    assert pairs(of_scope.scope.attributes) == {"scope": True}
    assert [metric.name for metric in of_scope.metrics] == [f"{name} {marker}" for name in NAMES]
    assert {(metric.description, metric.unit) for metric in of_scope.metrics} == {("what it is", "ms")}
    total, up_down, gauge, histogram, cumulative, exponential = of_scope.metrics

    assert (total.sum.aggregation_temporality, total.sum.is_monotonic) == (2, True)
    assert (up_down.sum.aggregation_temporality, up_down.sum.is_monotonic) == (1, False)
    values = [(point.WhichOneof("value"), point.as_int or point.as_double) for point in total.sum.data_points]
    assert values == [("as_int", -7), ("as_double", 0.1), ("as_int", 2**62)]
    point = total.sum.data_points[0]
    assert (point.start_time_unix_nano, point.time_unix_nano) == (START, TIME)
    assert pairs(point.attributes) == {
        "text": "grün",
        "yes": True,
        "count": -(2**53),
        "ratio": 0.5,
        "list": ["a", "b"],
        "raw": b"\x00\xff",
    }
    assert_exemplars(point)

    assert [point.WhichOneof("value") for point in gauge.gauge.data_points] == ["as_double", "as_int"]
    assert [point.start_time_unix_nano for point in gauge.gauge.data_points] == [0, 0]
    assert_exemplars(gauge.gauge.data_points[0])

    assert (histogram.histogram.aggregation_temporality, cumulative.histogram.aggregation_temporality) == (1, 2)
    point, unbounded = histogram.histogram.data_points
    assert (point.count, point.sum, point.min, point.max) == (3, 6.5, 0.5, 5)
    assert (list(point.bucket_counts), list(point.explicit_bounds)) == ([0, 2, 1], [0.0, 5.0])
    assert (point.start_time_unix_nano, point.time_unix_nano, pairs(point.attributes)) == (START, TIME, {"a": "b"})
    assert_exemplars(point)
    assert (unbounded.HasField("min"), unbounded.HasField("max"), unbounded.sum) == (False, False, -1)
    assert cumulative.histogram.data_points[0] == point

    assert exponential.exponential_histogram.aggregation_temporality == 1
    (point,) = exponential.exponential_histogram.data_points
    assert (point.count, point.sum, point.min, point.max, point.scale, point.zero_count) == (302, 6, -1, 4.5, -2, 1)
    assert (point.positive.offset, list(point.positive.bucket_counts)) == (-3, [1, 0, 300])
    assert not list(point.negative.bucket_counts)
    assert_exemplars(point)


@pytest.mark.parametrize("preference", ["delta", "cumulative"])
def test_what_the_sdk_collects_arrives(relay: Any, preference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", preference)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "base2_exponential_bucket_histogram")
    reader = PeriodicExportingMetricReader(HttpExporter(f"http://{relay.http}/v1/metrics"), 3_600_000)
    provider = MeterProvider([reader], resource=Resource({"service.name": "sdk"}), shutdown_on_exit=False)
    meter = provider.get_meter("a.meter", "4")
    # The last one is for what shutting down collects.
    markers = [uuid.uuid4().hex, uuid.uuid4().hex, uuid.uuid4().hex]
    counter, histogram = meter.create_counter("made"), meter.create_histogram("took")
    meter.create_observable_gauge("level", [lambda _: [Observation(4.5, {"marker": markers[collected]})]])
    for collected in range(2):  # noqa: B007, the callback reads it
        counter.add(5, {"kind": "a"})
        histogram.record(2.0)
        assert provider.force_flush()
    collected = 2
    provider.shutdown()
    for collected, marker in enumerate(markers[:2]):
        request = relay.sent_on("/v1/metrics", messages.ExportMetricsServiceRequest, marker)
        metrics = {metric.name: metric for metric in request.resource_metrics[0].scope_metrics[0].metrics}
        assert request.resource_metrics[0].scope_metrics[0].scope.version == "4"
        times = 1 if preference == "delta" else collected + 1
        assert metrics["made"].sum.data_points[0].as_int == 5 * times
        assert metrics["made"].sum.aggregation_temporality == (1 if preference == "delta" else 2)
        assert metrics["took"].exponential_histogram.data_points[0].count == times
        assert metrics["level"].gauge.data_points[0].as_double == 4.5


def pairs(attributes: Any) -> dict[str, Any]:
    return {pair.key: plain(pair.value) for pair in attributes}


def plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    return None if kind is None else getattr(value, kind)


def assert_exemplars(point: Any) -> None:
    in_span, alone = point.exemplars
    assert (in_span.trace_id, in_span.span_id) == (TRACE.to_bytes(16, "big"), SPAN.to_bytes(8, "big"))
    assert (in_span.as_double, in_span.time_unix_nano, pairs(in_span.filtered_attributes)) == (0.5, TIME, {"user": 3})
    assert (alone.trace_id, alone.span_id, alone.as_int, alone.WhichOneof("value")) == (b"", b"", 7, "as_int")
