"""What the metric exporters add to those of spans: preferences, parts, odd points, variables of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from opentelemetry.exporter.otlp.common._split import count_data_points, split_metrics_data
from opentelemetry.exporter.otlp.json.http.metric_exporter import OTLPMetricExporter as JsonExporter
from opentelemetry.exporter.otlp.proto.grpc.exporter import OTLPExporterMixin
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpExporter
from opentelemetry.sdk.metrics import (
    Counter,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Metric,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.view import (
    DropAggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

SUCCESS, FAILURE = MetricExportResult.SUCCESS, MetricExportResult.FAILURE
EXPORTERS = [GrpcExporter, HttpExporter, JsonExporter]
PREFERENCE = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
AGGREGATION = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"


def gauge(name: str, *values: Any) -> Metric:
    return Metric(name, "", "", Gauge([NumberDataPoint({}, None, 1, value) for value in values]))  # type: ignore[arg-type]


def data(*groups: list[Metric]) -> MetricsData:
    """One resource and scope for each group."""
    resources = []
    for at, metrics in enumerate(groups):
        scope = InstrumentationScope(f"scope {at}")
        resources.append(ResourceMetrics(Resource({"at": at}), [ScopeMetrics(scope, metrics, "")], ""))
    return MetricsData(resources)


def shape(parts: Any) -> Any:
    """By part: the scope's name with its metrics' names and values."""
    return [
        [
            (of_scope.scope.name, [(metric.name, [point.value for point in metric.data.data_points])])
            for of_resource in part.resource_metrics
            for of_scope in of_resource.scope_metrics
            for metric in of_scope.metrics
        ]
        for part in parts
    ]


@pytest.mark.parametrize("kind", EXPORTERS)
def test_preferences_come_from_the_environment_and_the_arguments(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = [Counter, UpDownCounter, Histogram, ObservableCounter, ObservableUpDownCounter, ObservableGauge]
    deltas: dict[str, list[type]] = {
        "cumulative": [],
        " Delta ": [Counter, Histogram, ObservableCounter],
        "LOWMEMORY": [Counter, Histogram],
    }
    for word, expected in deltas.items():
        monkeypatch.setenv(PREFERENCE, word)
        preferred = kind()._preferred_temporality
        assert [one for one in kinds if preferred[one] is AggregationTemporality.DELTA] == expected
        assert set(preferred) == set(kinds)
    exporter = kind(preferred_temporality={UpDownCounter: AggregationTemporality.DELTA})
    assert exporter._preferred_temporality[UpDownCounter] is AggregationTemporality.DELTA
    assert exporter._preferred_temporality[Counter] is AggregationTemporality.DELTA

    assert type(kind()._preferred_aggregation[Histogram]) is ExplicitBucketHistogramAggregation
    monkeypatch.setenv(AGGREGATION, "base2_exponential_bucket_histogram")
    assert type(kind()._preferred_aggregation[Histogram]) is ExponentialBucketHistogramAggregation
    drop = DropAggregation()
    assert kind(preferred_aggregation={Histogram: drop})._preferred_aggregation[Histogram] is drop


@pytest.mark.parametrize("kind", EXPORTERS)
def test_odd_preferences_are_told(kind: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv(PREFERENCE, "half")
    monkeypatch.setenv(AGGREGATION, "buckets")
    exporter = kind()
    assert set(exporter._preferred_temporality.values()) == {AggregationTemporality.CUMULATIVE}
    assert type(exporter._preferred_aggregation[Histogram]) is ExplicitBucketHistogramAggregation
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(told) == 2 and PREFERENCE in told[0] and AGGREGATION in told[1]


def test_a_collection_is_split_in_its_order() -> None:
    whole = data([gauge("a", 0, 1, 2, 3, 4, 5, 6), gauge("none"), gauge("b", 7, 8)], [], [gauge("c", 9, 10, 11, 12)])
    assert count_data_points(whole) == 13
    assert shape(split_metrics_data(whole, 5)) == [
        [("scope 0", [("a", [0, 1, 2, 3, 4])])],
        [("scope 0", [("a", [5, 6])]), ("scope 0", [("b", [7, 8])]), ("scope 2", [("c", [9])])],
        [("scope 2", [("c", [10, 11, 12])])],
    ]
    assert shape(split_metrics_data(whole, 13)) == shape(
        [data([gauge("a", *range(7)), gauge("b", 7, 8)], [], [gauge("c", 9, 10, 11, 12)])]
    )
    assert list(split_metrics_data(data([gauge("none")]), 3)) == []


def test_the_engine_splits_as_python_does(server: Any) -> None:
    whole = data([gauge("a", 0, 1, 2), gauge("b", 3)], [gauge("c", 4, 5)])
    exporter = JsonExporter(server.url, max_export_batch_size=2)
    assert exporter.export(whole) is SUCCESS
    by_python = [json.loads(request.plain) for request in server.requests]
    server.requests.clear()
    engine = exporter._engine_exporter()
    assert engine is not None and engine.export(whole) is None
    assert [json.loads(request.plain) for request in server.requests] == by_python
    assert len(by_python) == 3


def test_a_failed_part_ends_the_rest_over_http(server: Any) -> None:
    server.answers.append((400, {}))
    exporter = HttpExporter(server.url, max_export_batch_size=1)
    assert exporter.export(data([gauge("a", 0, 1, 2)])) is FAILURE
    assert len(server.requests) == 1


def test_a_point_that_cannot_be_read_is_left_out(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    odd = Metric("odd", "", "", object())  # type: ignore[arg-type]
    nameless = object()
    whole = data([gauge("a", 1, "much", 2), odd, nameless, gauge("b", 2**63)])  # type: ignore[list-item]
    assert JsonExporter(server.url)._engine_client().export(whole) is None
    (request,) = server.requests
    metrics = json.loads(request.plain)["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
    assert [metric["name"] for metric in metrics] == ["a", "b"]
    assert [point["asInt"] for point in metrics[0]["gauge"]["dataPoints"]] == ["1", "2"]
    # 2**63 is beyond OTLP's integers.
    assert metrics[1]["gauge"]["dataPoints"][0]["asDouble"] == 2.0**63
    told = caplog.text
    for line in ["A data point that can't be read is left out", "A metric that can't be read is left out"]:
        assert told.count(line) == 1
    assert "unsupported data type object" in told


def test_what_is_no_metrics_data_fails_and_is_told(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    for exporter in (HttpExporter(server.url), HttpExporter(server.url, max_export_batch_size=1)):
        assert exporter.export(MetricsData([object()])) is FAILURE  # type: ignore[list-item]
    assert not server.requests
    assert [record.getMessage()[:30] for record in caplog.records] == ["Failed to encode metrics batch"] * 2


@pytest.mark.parametrize("kind", EXPORTERS)
def test_variables_of_the_signal_go_before_the_general_ones(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://general:1")
    assert kind()._endpoint == ("general:1" if kind is GrpcExporter else "http://general:1/v1/metrics")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://own:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "3")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "a=b")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "gzip")
    exporter = kind()
    assert exporter._endpoint == ("own:1" if kind is GrpcExporter else "http://own:1")
    assert exporter._timeout == 3
    assert dict(exporter._headers)["a"] == "b"
    assert getattr(exporter._compression, "value", exporter._compression) in ("gzip", 2)


def test_session_of_requests_sends(server: Any) -> None:
    requests = pytest.importorskip("requests")
    with requests.Session() as session:
        session.headers["x-by"] = "session"
        exporter = HttpExporter(f"{server.url}/v1/metrics", session=session)
        assert exporter._engine_exporter() is None
        assert exporter.export(data([gauge("a", 1)])) is SUCCESS
        assert HttpExporter(server.url, session=session, max_request_size=3).export(data([gauge("a", 1)])) is FAILURE
    (request,) = server.requests
    assert (request.path, request.headers["x-by"]) == ("/v1/metrics", "session")


@pytest.mark.parametrize("kind", EXPORTERS)
def test_after_shutdown_nothing_is_sent(kind: Any, server: Any, caplog: pytest.LogCaptureFixture) -> None:
    exporter = kind(server.url, max_export_batch_size=1)
    exporter.shutdown()
    assert exporter.export(data([gauge("a", 1)])) is FAILURE
    exporter.shutdown()
    assert not server.requests
    assert "Exporter already shutdown, ignoring batch" in caplog.text
    assert "Exporter already shutdown, ignoring call" in caplog.text
    assert exporter.force_flush()


def test_a_subclass_that_overrides_export_is_called() -> None:
    class Counting(GrpcExporter):
        def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> Any:
            return SUCCESS

    assert Counting()._engine_exporter() is None
    assert GrpcExporter()._engine_exporter() is not None
    assert isinstance(GrpcExporter(), MetricExporter) and isinstance(GrpcExporter(), OTLPExporterMixin)
    assert GrpcExporter()._exporting == "metrics"


def test_the_exporter_measures_itself(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    exporter = HttpExporter(server.url, max_export_batch_size=2)
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    exporter.set_meter_provider(provider)
    assert exporter.export(data([gauge("a", 1, 2, 3)])) is SUCCESS
    collected: Any = reader.get_metrics_data()
    metrics = {
        metric.name: metric.data.data_points[0]
        for of_scope in collected.resource_metrics[0].scope_metrics
        for metric in of_scope.metrics
    }
    assert metrics["otel.sdk.exporter.metric_data_point.exported"].value == 3
    duration = metrics["otel.sdk.exporter.operation.duration"]
    assert duration.count == 2
    assert duration.attributes["otel.component.type"] == "otlp_http_metric_exporter"
    provider.shutdown()


class TestMessages:
    """With the package opentelemetry-proto."""

    messages = pytest.importorskip("opentelemetry.proto.collector.metrics.v1.metrics_service_pb2")

    def test_encode_metrics_is_the_message_of_the_bytes_that_are_sent(self, server: Any) -> None:
        from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics

        whole = data([gauge("a", 1, 2.5)])
        assert HttpExporter(server.url).export(whole) is SUCCESS
        request = encode_metrics(whole)
        assert request.SerializeToString() == server.requests[0].plain
        assert isinstance(request, self.messages.ExportMetricsServiceRequest)

    def test_encode_metrics_refuses_what_otlp_has_no_number_for(self) -> None:
        from opentelemetry.exporter.otlp.proto.common._internal.metrics_encoder import EncodingException
        from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics

        large = Metric("large", "", "", Sum([NumberDataPoint({}, 1, 2, 2**63)], AggregationTemporality.DELTA, True))
        with pytest.raises(EncodingException) as raised:
            encode_metrics(data([large]))
        assert raised.value.metric is large

    def test_a_request_is_split(self) -> None:
        from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import _count_data_points, _split_metrics_data

        whole = data([gauge("a", 0, 1, 2), gauge("none"), gauge("b", 3)], [gauge("c", 4, 5)])
        request = encode_metrics(whole)
        assert _count_data_points(request) == 6
        assert list(_split_metrics_data(request, 4)) == [encode_metrics(part) for part in split_metrics_data(whole, 4)]
