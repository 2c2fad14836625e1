"""What the distributions of Azure Monitor, AWS, Elastic and Splunk do beyond the documented API."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any, Sequence

import pytest

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http import _OTLP_HTTP_HEADERS
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import propagators
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk import _configuration as configuration
from opentelemetry.sdk._configuration import _OTelSDKConfigurator
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, InMemoryLogRecordExporter
from opentelemetry.sdk._shared_internal import BatchExportStrategy
from opentelemetry.sdk.environment_variables import _OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics._internal.aggregation import AggregationTemporality
from opentelemetry.sdk.metrics._internal.point import MetricsData
from opentelemetry.sdk.metrics.export import (
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
    MetricReader,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource, ResourceDetector, get_aggregated_resources
from opentelemetry.sdk.trace import (
    BoundedAttributes,
    ReadableSpan,
    TracerProvider,
    _RuleBasedTracerConfigurator,
    _TracerConfig,
)
from opentelemetry.sdk.trace._sampling_experimental import (
    composable_parent_threshold,
    composable_traceid_ratio_based,
    composite_sampler,
)
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult, _get_parent_trace_state
from opentelemetry.sdk.util._configurator import ConfiguratorRulesT
from opentelemetry.sdk.util.instrumentation import _scope_name_matches_glob
from opentelemetry.trace.propagation import _SPAN_KEY


def test_azures_configurator_and_its_metric_exporter() -> None:
    seen: list[dict[str, Any]] = []

    class Configurator(_OTelSDKConfigurator):
        def _configure(self, **kwargs: Any) -> None:
            seen.append(kwargs)

    Configurator().configure(auto_instrumentation_version="1")
    assert seen == [{"auto_instrumentation_version": "1"}]
    assert _OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED == "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED"

    class Exporter(MetricExporter):
        def __init__(self) -> None:
            delta = {Counter: AggregationTemporality.DELTA, Histogram: AggregationTemporality.DELTA}
            super().__init__(preferred_temporality=delta, preferred_aggregation={})
            self.data: list[MetricsData] = []

        def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: Any) -> MetricExportResult:
            self.data.append(metrics_data)
            return MetricExportResult.SUCCESS

        def force_flush(self, timeout_millis: float = 10_000) -> bool:
            return True

        def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:
            pass

    exporter = Exporter()
    assert exporter._preferred_temporality == {
        Counter: AggregationTemporality.DELTA,
        Histogram: AggregationTemporality.DELTA,
    }
    assert exporter._preferred_aggregation == {}
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    provider = MeterProvider([reader], shutdown_on_exit=False)
    counter = provider.get_meter("azure").create_counter("c")
    for amount in (1, 2):
        counter.add(amount)
        provider.force_flush()
    provider.shutdown()
    values = [
        point.value
        for data in exporter.data
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    ]
    assert values == [1, 2]


def test_azures_sampler_reads_the_parents_trace_state_and_adds_attributes(exporter: InMemorySpanExporter) -> None:
    class Share(Sampler):
        def should_sample(
            self, parent_context: Any, trace_id: int, name: str, *arguments: Any, **named: Any
        ) -> SamplingResult:
            state = _get_parent_trace_state(parent_context)
            return SamplingResult(Decision.RECORD_AND_SAMPLE, {"_MS.sampleRate": 50.0}, state)

        def get_description(self) -> str:
            return "Share"

    class Log(BatchLogRecordProcessor):
        def on_emit(self, log_record: Any) -> None:
            if trace.get_current_span().get_span_context().trace_flags.sampled:
                super().on_emit(log_record)

    state = trace.TraceState([("vendor", "v")])
    parent = trace.NonRecordingSpan(trace.SpanContext(1, 2, True, trace.TraceFlags(1), state))
    provider = TracerProvider(sampler=Share(), shutdown_on_exit=False)
    span: Any = provider.get_tracer("azure").start_span("a", trace.set_span_in_context(parent))
    assert (span.attributes, span.get_span_context().trace_state) == ({"_MS.sampleRate": 50.0}, state)

    kept = InMemoryLogRecordExporter()
    logs = LoggerProvider(shutdown_on_exit=False)
    logs.add_log_record_processor(Log(kept))
    with trace.use_span(span):
        logs.get_logger("azure").emit(body="in")
    logs.get_logger("azure").emit(body="out")
    logs.shutdown()
    assert [record.log_record.body for record in kept.get_finished_logs()] == ["in"]


def test_aws_builds_its_providers_from_the_configurations_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "OTEL_TRACES_EXPORTER": "otlp_proto_http",
        "OTEL_TRACES_SAMPLER": "traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.5",
    }.items():
        monkeypatch.setenv(name, value)
    names = configuration._get_exporter_names("traces")
    spans, metrics, logs = configuration._import_exporters(names, [], [])[:3]
    assert (names, list(spans), metrics, logs) == (["otlp_proto_http"], ["otlp_proto_http"], {}, {})
    assert spans["otlp_proto_http"] is OTLPSpanExporter
    sampler = configuration._import_sampler(configuration._get_sampler())
    assert sampler is not None
    assert sampler.get_description() == "TraceIdRatioBased{0.5}"
    generator = configuration._import_id_generator(configuration._get_id_generator())
    assert generator.generate_trace_id() > 0


def test_aws_fills_the_queue_of_a_batch_processor_by_hand(exporter: InMemorySpanExporter) -> None:
    class Unsampled(BatchSpanProcessor):
        """Takes spans that are not sampled as well."""

        def on_end(self, span: ReadableSpan) -> None:
            batch: Any = self._batch_processor
            if len(batch._queue) < batch._max_queue_size:
                batch._queue.appendleft(span)
            if len(batch._queue) >= batch._max_export_batch_size:
                batch._worker_awaken.set()

    class Drop(Sampler):
        def should_sample(self, *arguments: Any, **named: Any) -> SamplingResult:
            return SamplingResult(Decision.RECORD_ONLY)

        def get_description(self) -> str:
            return "Drop"

    processor: Any = Unsampled(exporter, schedule_delay_millis=3_600_000, max_export_batch_size=2)
    provider = TracerProvider(sampler=Drop(), shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("aws")
    tracer.start_span("a").end()
    batch = processor._batch_processor
    assert not batch._should_export_batch(BatchExportStrategy.EXPORT_AT_LEAST_ONE_BATCH, 1)
    assert batch._should_export_batch(BatchExportStrategy.EXPORT_ALL, 0)
    with batch._export_lock:
        assert [span.name for span in batch._queue] == ["a"]
    arrived = threading.Event()
    exporter.export = lambda spans: (type(exporter).export(exporter, spans), arrived.set())[0]  # type: ignore[method-assign]
    tracer.start_span("b").end()
    assert arrived.wait(10)
    provider.shutdown()
    assert [span.name for span in exporter.get_finished_spans()] == ["a", "b"]


def test_aws_encodes_and_sends_by_itself(provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
    provider.get_tracer("aws").start_span("a").end()
    request = encode_spans(exporter.get_finished_spans())
    assert request.resource_spans[0].scope_spans[0].spans[0].name == "a"

    reader = InMemoryMetricReader()
    MeterProvider([reader], shutdown_on_exit=False).get_meter("aws").create_counter("c").add(1)
    data: Any = reader.get_metrics_data()
    assert encode_metrics(data).resource_metrics[0].scope_metrics[0].metrics[0].name == "c"

    kept = InMemoryLogRecordExporter()
    logs = LoggerProvider(shutdown_on_exit=False)
    logs.add_log_record_processor(BatchLogRecordProcessor(kept))
    logs.get_logger("aws").emit(body="hello")
    logs.shutdown()
    encoded = encode_logs(kept.get_finished_logs())
    assert encoded.resource_logs[0].scope_logs[0].log_records[0].body.string_value == "hello"

    attributes = BoundedAttributes(attributes={"a": 1}, immutable=False)
    attributes["b"] = 2
    span = ReadableSpan("copy", attributes=attributes, resource=Resource({}))
    assert dict(span.attributes or {}) == {"a": 1, "b": 2}


def test_aws_subclasses_views_readers_and_sampling_results() -> None:
    class Only(View):
        def _match(self, instrument: Any) -> bool:
            return instrument.name == "seconds"

    class Reader(MetricReader):
        def __init__(self) -> None:
            super().__init__()
            self.names: list[str] = []

        def _receive_metrics(self, metrics_data: Any, timeout_millis: float = 10_000, **_: Any) -> None:
            for scope in metrics_data.resource_metrics[0].scope_metrics:
                for metric in scope.metrics:
                    self.names.append(metric.name)
                    self.bounds = getattr(metric.data.data_points[0], "explicit_bounds", None)

        def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:
            pass

    class Result(SamplingResult):
        def __init__(self, decision: Decision) -> None:
            super().__init__(decision, {"aws": True})

    reader = Reader()
    view = Only(instrument_name="*", aggregation=ExplicitBucketHistogramAggregation([1.0, 2.0]))
    provider = MeterProvider([reader], views=[view], shutdown_on_exit=False)
    provider.get_meter("aws").create_histogram("seconds").record(1.5)
    reader.collect()
    assert (reader.names, list(reader.bounds)) == (["seconds"], [1.0, 2.0])
    assert Result(Decision.RECORD_AND_SAMPLE).attributes == {"aws": True}


def test_elastic_switches_tracers_off_by_rules() -> None:
    rules: ConfiguratorRulesT = [(_scope_name_matches_glob("noisy.*"), _TracerConfig(is_enabled=False))]
    configurator = _RuleBasedTracerConfigurator(rules=rules, default_config=_TracerConfig(is_enabled=True))
    provider = TracerProvider(_tracer_configurator=configurator, shutdown_on_exit=False)
    noisy, other = provider.get_tracer("noisy.library"), provider.get_tracer("other")
    assert [noisy.start_span("a").is_recording(), other.start_span("a").is_recording()] == [False, True]
    provider._set_tracer_configurator(tracer_configurator=lambda scope: _TracerConfig.default())
    assert noisy.start_span("a").is_recording()


def test_elastic_samples_with_a_sampler_that_is_replaced_while_it_runs() -> None:
    class Sampling(Sampler):
        def __init__(self, ratio: float) -> None:
            self.ratio = ratio

        @property
        def ratio(self) -> float:
            return self._ratio

        @ratio.setter
        def ratio(self, value: float) -> None:
            self._ratio = value
            self._inner = composite_sampler(composable_parent_threshold(composable_traceid_ratio_based(value)))

        def should_sample(self, *arguments: Any, **named: Any) -> SamplingResult:
            return self._inner.should_sample(*arguments, **named)

        def get_description(self) -> str:
            return self._inner.get_description()

    sampler = Sampling(1.0)
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    tracer = provider.get_tracer("elastic")
    assert tracer.start_span("a").get_span_context().trace_state["ot"] == "th:0"
    sampler.ratio = 0.0
    assert not tracer.start_span("a").is_recording()


def test_elastic_names_itself_to_the_server_and_detects_its_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    from ferrotel import _native

    monkeypatch.setitem(_OTLP_HTTP_HEADERS, "User-Agent", "elastic-otlp-http-python/1")
    with _native.ViewServer() as receiver:
        exporter = OTLPSpanExporter(endpoint=receiver.http_endpoint + "/v1/traces")
        span = TracerProvider(shutdown_on_exit=False).get_tracer("elastic").start_span("a")
        span.end()
        exporter.export([span])  # type: ignore[list-item]
        assert receiver.wait_for_spans(1)
        agents = [dict(request["headers"])["user-agent"] for request in receiver.requests()]
    assert [agent.split()[0] for agent in agents] == ["elastic-otlp-http-python/1"]

    class Detector(ResourceDetector):
        def detect(self) -> Resource:
            return Resource({"telemetry.distro.name": "elastic"})

    assert get_aggregated_resources([Detector()]).attributes["telemetry.distro.name"] == "elastic"


def test_splunk_adds_to_the_global_propagators(monkeypatch: pytest.MonkeyPatch) -> None:
    class ServerTiming(TextMapPropagator):
        def extract(self, carrier: Any, context: Any = None, getter: Any = None) -> Any:
            return context

        def inject(self, carrier: Any, context: Any = None, setter: Any = None) -> None:
            span = (context or {}).get(_SPAN_KEY)
            carrier["server-timing"] = f"traceparent;desc={span.get_span_context().trace_id:x}"

        @property
        def fields(self) -> set[str]:
            return {"server-timing"}

    from opentelemetry.propagate import get_global_textmap

    composite: Any = get_global_textmap()
    # Left behind by the reference: empty, and not what is used.
    assert propagators == []
    monkeypatch.setattr(composite, "_propagators", [*composite._propagators, ServerTiming()])
    carrier: dict[str, str] = {}
    span = trace.NonRecordingSpan(trace.SpanContext(0xABC, 2, False, trace.TraceFlags(1)))
    composite.inject(carrier, trace.set_span_in_context(span))
    assert carrier["server-timing"] == "traceparent;desc=abc"
    assert carrier["traceparent"].startswith("00-00000000000000000000000000000abc-")
    assert "server-timing" in composite.fields


def test_splunks_configurator_prepares_the_environment_first() -> None:
    class Configurator(_OTelSDKConfigurator):
        def _configure(self, **kwargs: Any) -> None:
            os.environ.setdefault("OTEL_TRACES_EXPORTER", "none")
            configured.append(os.environ["OTEL_TRACES_EXPORTER"])

    configured: list[Sequence[str]] = []
    try:
        Configurator().configure()
    finally:
        os.environ.pop("OTEL_TRACES_EXPORTER", None)
    assert configured == ["none"]
    assert Configurator() is Configurator()
    assert sys.modules[_OTelSDKConfigurator.__module__] is configuration
