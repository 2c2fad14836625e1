"""From the model to providers, propagators and the resource."""

from __future__ import annotations

import io
import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest

from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.configuration import ConfigurationError, models
from opentelemetry.configuration._conversion import model_from
from opentelemetry.configuration.file import (
    create_logger_provider,
    create_meter_provider,
    create_propagator,
    create_resource,
    create_tracer_provider,
)
from opentelemetry.exporter.otlp.json.file.trace_exporter import FileSpanExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagators.b3 import B3MultiFormat, B3SingleFormat
from opentelemetry.sdk.metrics import Counter, Histogram, UpDownCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

CONSOLE = {"simple": {"exporter": {"console": None}}}


def tracers(**parts: Any) -> TracerProvider:
    return create_tracer_provider(model_from({"processors": [CONSOLE], **parts}, models.TracerProvider))


def sampler(config: dict[str, Any]) -> Any:
    return tracers(sampler=config).sampler


def test_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "not=taken")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "from-the-environment")
    config = model_from(
        {
            "schema_url": "https://schema",
            "attributes_list": "a=1, b=x%20y,broken",
            "attributes": [
                {"name": "a", "value": 2},
                {"name": "n", "value": "7", "type": "int"},
                {"name": "f", "value": ["false", "1"], "type": "bool_array"},
                {"name": "nothing", "value": None},
            ],
            "detection/development": {
                "attributes": {"included": ["service.*", "process.pid"], "excluded": ["service.instance.*"]},
                "detectors": [{"service": None}, {"process": None}],
            },
        },
        models.Resource,
    )
    found = dict(create_resource(config).attributes)
    assert {key: found[key] for key in ("a", "b", "n", "f")} == {"a": 2, "b": "x y", "n": 7, "f": (False, True)}
    assert found["service.name"] == "from-the-environment"
    assert {key for key in found if key.startswith(("process", "service"))} == {"service.name", "process.pid"}
    assert {"nothing", "not", "broken"}.isdisjoint(found)
    assert found["telemetry.sdk.language"] == "python"
    assert create_resource(config).schema_url == "https://schema"
    assert create_resource(None).attributes["service.name"].startswith("unknown_service:")
    wrong = model_from({"attributes": [{"name": "n", "value": "x", "type": "int"}]}, models.Resource)
    with pytest.raises(ConfigurationError, match="'n' is said to be of type int, and is 'x'"):
        create_resource(wrong)


def test_propagators() -> None:
    config = model_from(
        {"composite": [{"tracecontext": None}, {"b3": None}], "composite_list": "b3,baggage, none,b3multi"},
        models.Propagator,
    )
    kinds = [type(each) for each in create_propagator(config)._propagators]
    assert kinds == [TraceContextTextMapPropagator, B3SingleFormat, W3CBaggagePropagator, B3MultiFormat]
    assert create_propagator(None)._propagators == []
    with pytest.raises(ConfigurationError, match="no installed package has 'xray' among its entry points"):
        create_propagator(models.Propagator(composite_list="xray"))


def test_exporters_have_their_arguments() -> None:
    http = {
        "endpoint": "http://c/v1/traces",
        "headers_list": "a=1,b=%202",
        "headers": [{"name": "a", "value": "3"}],
        "timeout": 1500,
        "compression": "gzip",
        "tls": {"ca_file": "/ca.pem"},
    }
    provider = tracers(
        processors=[
            {"batch": {"exporter": {"otlp_http": http}}},
            {"batch": {"exporter": {"otlp_grpc": {"endpoint": "c:4317", "tls": {"insecure": True}, "timeout": 10}}}},
            {"simple": {"exporter": {"otlp_file/development": {"output_stream": "file:///dev/null"}}}},
        ]
    )
    first, second, third = provider._active_span_processor._span_processors
    exporter = first.span_exporter
    assert type(exporter) is OTLPSpanExporter
    assert (exporter._endpoint, exporter._timeout, exporter._certificate_file) == ("http://c/v1/traces", 1.5, "/ca.pem")
    assert {"a": "3", "b": " 2"}.items() <= dict(exporter._headers).items()
    assert type(second.span_exporter) is GrpcSpanExporter
    assert (second.span_exporter._insecure, second.span_exporter._timeout) == (True, 0.01)
    assert type(third.span_exporter) is FileSpanExporter
    provider.shutdown()


@pytest.mark.parametrize(
    ("exporter", "message"),
    [
        ({"otlp_http": {"compression": "zip"}}, "compression must be one of none, gzip, deflate, and is 'zip'"),
        ({"otlp_grpc": {"compression": "deflate"}}, "compression must be one of none, gzip, and is 'deflate'"),
        ({"otlp_http": {"headers_list": "secret"}}, "headers_list must be pairs such as name=value"),
        ({"otlp_http": {"tls": {"ca_file": "ca.pem"}}}, "tls.ca_file must be an absolute path, and is 'ca.pem'"),
        ({"otlp_grpc": {"tls": {"ca_file": "/no/such"}}}, "the certificates of tls can't be read"),
        ({"otlp_file/development": {"output_stream": "http://x"}}, "output_stream must be stdout or a URL"),
        ({"otlp_file/development": {"output_stream": "file:///x/"}}, "output_stream must name a file"),
        ({"otlp_file/development": {"output_stream": "file:///no/such/file"}}, "'otlp_file_development' can't be made"),
        ({"mine": None}, "no installed package has 'mine' among its entry points 'opentelemetry_traces_exporter'"),
    ],
)
def test_an_exporter_that_cannot_be_made(exporter: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        tracers(processors=[{"simple": {"exporter": exporter}}])
    assert message in str(raised.value)
    assert "secret" not in str(raised.value)


def test_samplers() -> None:
    assert sampler({"always_off": None}).get_description() == "AlwaysOffSampler"
    assert sampler({"trace_id_ratio_based": {"ratio": 0.25}}).get_description() == "TraceIdRatioBased{0.25}"
    assert "AlwaysOffSampler" in sampler({"always_record": {"root": {"always_off": None}}}).get_description()
    assert sampler({"probability/development": {"ratio": 0}}).should_sample(None, 1, "n").decision is Decision.DROP
    parent = sampler({"parent_based": {"root": {"always_off": None}, "remote_parent_sampled": {"always_off": None}}})
    assert parent.get_description().startswith(
        "ParentBased{root:AlwaysOffSampler,remoteParentSampled:AlwaysOffSampler,"
    )
    # Without a sampler, the specification's and not the environment's.
    assert tracers().sampler.get_description().startswith("ParentBased{root:AlwaysOnSampler")
    rules = sampler(
        {
            "composite/development": {
                "rule_based": {
                    "rules": [
                        {
                            "attribute_patterns": {"key": "url.path", "included": ["/health*"]},
                            "span_kinds": ["server"],
                            "sampler": {"always_off": None},
                        },
                        {
                            "parent": ["none"],
                            "attribute_values": {"key": "k", "values": ["v"]},
                            "sampler": {"always_off": None},
                        },
                        {"sampler": {"always_on": None}},
                    ]
                }
            }
        }
    )

    def decision(kind: SpanKind, attributes: dict[str, str]) -> Decision:
        result: Decision = rules.should_sample(None, 1, "n", kind=kind, attributes=attributes).decision
        return result

    assert decision(SpanKind.SERVER, {"url.path": "/healthz"}) is Decision.DROP
    assert decision(SpanKind.CLIENT, {"url.path": "/healthz"}) is Decision.RECORD_AND_SAMPLE
    assert decision(SpanKind.CLIENT, {"k": "v"}) is Decision.DROP
    with pytest.raises(ConfigurationError, match="ferrotel has no remote sampler"):
        sampler({"jaeger_remote/development": {"endpoint": "http://x", "initial_sampler": {"always_on": None}}})


def test_limits_of_spans_and_log_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1")
    monkeypatch.setenv("OTEL_SPAN_EVENT_COUNT_LIMIT", "1")
    common = models.AttributeLimits(attribute_count_limit=3, attribute_value_length_limit=5)
    config = model_from({"processors": [CONSOLE], "limits": {"attribute_count_limit": 2}}, models.TracerProvider)
    limits = create_tracer_provider(config, None, common)._span_limits
    assert (limits.max_span_attributes, limits.max_span_attribute_length) == (2, 5)
    assert (limits.max_events, limits.max_link_attributes) == (128, 128)
    logs = model_from({"processors": [CONSOLE]}, models.LoggerProvider)
    record_limits = create_logger_provider(logs, None, common)._log_record_limits
    assert (record_limits.max_log_record_attributes, record_limits.max_log_record_attribute_length) == (3, 5)


def test_tracers_and_loggers_are_switched_off_by_their_names() -> None:
    rules = {"default_config": {"enabled": False}, "tracers": [{"name": "shop.*", "config": {"enabled": True}}]}
    provider = tracers(**{"tracer_configurator/development": rules})
    assert provider.get_tracer("shop.cart").start_span("on").is_recording()
    assert not provider.get_tracer("other").start_span("off").is_recording()


def test_metrics(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta")
    config = model_from(
        {
            "readers": [
                {
                    "periodic": {
                        "exporter": {"otlp_file/development": {"temporality_preference": "low_memory"}},
                        "cardinality_limits": {"default": 5, "counter": 2},
                    }
                }
            ],
            "exemplar_filter": "always_off",
            "views": [
                {"selector": {"instrument_name": "dropped"}, "stream": {"aggregation": {"drop": None}}},
                {
                    "selector": {"instrument_type": "histogram"},
                    "stream": {
                        "name": "renamed",
                        "aggregation": {"explicit_bucket_histogram": {"boundaries": [1, 2], "record_min_max": False}},
                        "attribute_keys": {"excluded": ["secret"]},
                    },
                },
            ],
            "meter_configurator/development": {"meters": [{"name": "quiet", "config": {"enabled": False}}]},
        },
        models.MeterProvider,
    )
    provider = create_meter_provider(config)
    (reader,) = provider._metric_readers
    exporter = reader._exporter
    temporality = exporter._preferred_temporality
    assert temporality[Counter] is temporality[Histogram] is AggregationTemporality.DELTA
    assert temporality[UpDownCounter] is AggregationTemporality.CUMULATIVE
    meter = provider.get_meter("loud")
    meter.create_counter("dropped").add(1)
    provider.get_meter("quiet").create_counter("off").add(1)
    for number in range(4):
        meter.create_counter("counted").add(1, {"n": number})
        meter.create_up_down_counter("many").add(1, {"n": number})
    meter.create_histogram("times").record(1.5, {"kept": 1, "secret": 2})
    provider.shutdown()
    (line,) = capsys.readouterr().out.splitlines()
    found = {
        metric["name"]: metric
        for scope in json.loads(line)["resourceMetrics"][0]["scopeMetrics"]
        for metric in scope["metrics"]
    }
    assert found.keys() == {"counted", "many", "renamed"}
    assert len(found["counted"]["sum"]["dataPoints"]) == 3  # two of the four, and the rest together
    assert len(found["many"]["sum"]["dataPoints"]) == 4
    (point,) = found["renamed"]["histogram"]["dataPoints"]
    assert point["explicitBounds"] == [1, 2]
    assert [pair["key"] for pair in point["attributes"]] == ["kept"]
    # Not recorded, as the reference writes it.
    assert (point["min"], point["max"]) == ("Infinity", "-Infinity")


def test_components_of_other_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry point is how a component is registered; it is called with the properties."""
    (tmp_path / "vendor_components.py").write_text(
        "from opentelemetry.sdk.trace import SpanProcessor\n"
        "from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult\n"
        "class Exporter(SpanExporter):\n"
        "    spans = []\n"
        "    def __init__(self, label): self.label = label\n"
        "    def export(self, spans):\n"
        "        self.spans.extend((self.label, span.name) for span in spans)\n"
        "        return SpanExportResult.SUCCESS\n"
        "class Processor(SpanProcessor):\n"
        "    ended = []\n"
        "    def on_end(self, span): self.ended.append(span.name)\n"
        "def failing(**properties): raise RuntimeError(f'no {sorted(properties)}')\n"
    )
    info = tmp_path / "vendor-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: vendor\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[opentelemetry_traces_exporter]\nvendor = vendor_components:Exporter\nfailing = vendor_components:failing\n"
        "broken = vendor_components:nothing\n"
        "[opentelemetry_span_processor]\nvendor = vendor_components:Processor\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    from opentelemetry.util import _importlib_metadata

    monkeypatch.setattr(
        _importlib_metadata,
        "_original_entry_points_cached",
        _importlib_metadata._original_entry_points_cached.__wrapped__,
    )
    provider = tracers(processors=[{"simple": {"exporter": {"vendor": {"label": "L"}}}}, {"vendor": None}])
    provider.get_tracer("t").start_span("made").end()
    vendor: Any = sys.modules["vendor_components"]
    assert vendor.Exporter.spans == [("L", "made")]
    assert vendor.Processor.ended == ["made"]
    for name, message in [
        ("failing", "'failing' can't be made: no ['x']"),
        ("broken", "'broken' of .* can't be loaded"),
    ]:
        with pytest.raises(ConfigurationError, match=message.replace("[", r"\[").replace("]", r"\]")):
            tracers(processors=[{"simple": {"exporter": {name: {"x": 1}}}}])


def test_what_has_no_effect_is_said(caplog: pytest.LogCaptureFixture) -> None:
    from opentelemetry.configuration._limits import warn_of_depths

    rules = {"default_config": {"minimum_severity": "warn", "trace_based": True}}
    with caplog.at_level(logging.WARNING):
        create_logger_provider(
            model_from({"processors": [CONSOLE], "logger_configurator/development": rules}, models.LoggerProvider)
        )
        warn_of_depths(
            model_from(
                {"file_format": "1.1", "attribute_limits": {"attribute_value_depth_limit": 3}},
                models.OpenTelemetryConfiguration,
            )
        )
    assert [record.getMessage().partition(" ")[0] for record in caplog.records] == [
        "minimum_severity",
        "trace_based",
        "attribute_value_depth_limit",
    ]


def test_a_file_of_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "spans.jsonl"
    provider = tracers(
        processors=[{"simple": {"exporter": {"otlp_file/development": {"output_stream": path.as_uri()}}}}]
    )
    with provider.get_tracer("t").start_as_current_span("one") as span:
        span.set_status(StatusCode.OK)
    provider.get_tracer("t").start_span("two").end()
    provider.shutdown()
    names = [
        json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"]
        for line in path.read_text().splitlines()
    ]
    assert names == ["one", "two"]
    stream = io.StringIO()
    exporter = FileSpanExporter(stream=stream)
    spans = TracerProvider().get_tracer("t").start_span("three")
    spans.end()
    assert exporter.export([spans]).name == "SUCCESS"  # type: ignore[list-item]
    assert json.loads(stream.getvalue())["resourceSpans"]
    stream.close()
    assert exporter.export([spans]).name == "FAILURE"  # type: ignore[list-item]
    exporter.shutdown()
    assert exporter.export([spans]).name == "FAILURE"  # type: ignore[list-item]
    assert "can't be written: ValueError" in caplog.text
    with pytest.raises(ValueError, match="a path or a stream, not both"):
        FileSpanExporter(path, stream=io.StringIO())
    capsys.readouterr()
