"""From a file to the model: what is read, and what is wrong with what is not."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from opentelemetry.configuration import ConfigurationError, OpenTelemetryConfiguration, load_config_file, models
from opentelemetry.configuration.file import substitute_env_vars

EVERYTHING = """
file_format: "1.1"
disabled: ${OFF:-false}
log_level: warn2
attribute_limits:
  attribute_count_limit: ${COUNT}
resource:
  attributes:
    - {name: service.name, value: "${SERVICE}"}
    - {name: ports, value: [80, 443], type: int_array}
  detection/development:
    attributes: {included: ["process.*"], excluded: [process.command_args]}
    detectors: [process:, host:]
propagator: {composite: [tracecontext:, baggage: {}], composite_list: b3}
tracer_provider:
  processors:
    - batch: {schedule_delay: 100, exporter: {otlp_http: {endpoint: "http://c:4318/v1/traces", encoding: json}}}
    - simple: {exporter: {console: }}
    - mine: {depth: 3}
  sampler: {parent_based: {root: {trace_id_ratio_based: {ratio: 1}}}}
meter_provider:
  readers:
    - periodic: {exporter: {otlp_grpc: {tls: {insecure: true}, temporality_preference: low_memory}}}
    - pull: {exporter: {prometheus/development: {port: 0}}}
  views:
    - selector: {instrument_type: histogram}
      stream: {aggregation: {drop: }, attribute_keys: {excluded: [secret]}}
logger_provider:
  processors: [batch: {exporter: {otlp_file/development: }}]
instrumentation/development:
  python: {flask: {enabled: false}, requests: }
distribution: {ferrotel: {any: thing}}
later: 1
"""


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("COUNT", "12")
    monkeypatch.setenv("SERVICE", "shop: 1 # $$")

    def load(text: str, name: str = "otel.yaml") -> OpenTelemetryConfiguration:
        (tmp_path / name).write_text(text)
        return load_config_file(tmp_path / name)

    return load


def test_every_part_becomes_an_object_of_its_class(load: Any) -> None:
    config = load(EVERYTHING)
    assert isinstance(config, models.OpenTelemetryConfiguration)
    assert (config.file_format, config.disabled, config.log_level) == ("1.1", False, models.SeverityNumber.warn2)
    assert config.attribute_limits == models.AttributeLimits(attribute_count_limit=12)
    assert config.resource.attributes[0] == models.AttributeNameValue("service.name", "shop: 1 # $$")
    assert config.resource.attributes[1].type is models.AttributeType.int_array
    assert config.resource.detection_development.detectors[0].process == {}
    assert config.propagator.composite[0].tracecontext == {}
    batch, simple, mine = config.tracer_provider.processors
    assert batch.batch.schedule_delay == 100
    assert batch.batch.exporter.otlp_http.encoding is models.OtlpHttpEncoding.json
    assert simple.simple.exporter.console == {}
    assert (mine.batch, mine.additional_properties) == (None, {"mine": {"depth": 3}})
    ratio = config.tracer_provider.sampler.parent_based.root.trace_id_ratio_based.ratio
    assert (ratio, type(ratio)) == (1.0, float)
    push, pull = config.meter_provider.readers
    assert push.periodic.exporter.otlp_grpc.temporality_preference is models.ExporterTemporalityPreference.low_memory
    assert pull.pull.exporter.prometheus_development.port == 0
    assert config.meter_provider.views[0].stream.aggregation.drop == {}
    # Not there, and there without a value, are not the same.
    assert config.meter_provider.views[0].stream.aggregation.sum is None
    assert config.logger_provider.processors[0].batch.exporter.otlp_file_development.output_stream is None
    assert config.instrumentation_development.python == {"flask": {"enabled": False}, "requests": {}}
    assert config.additional_properties == {"later": 1}


def test_json_is_read_as_yaml_is(load: Any) -> None:
    tree = {"file_format": "1.0", "resource": {"attributes": [{"name": "a", "value": "${SERVICE}"}]}}
    from_json = load(json.dumps(tree, indent="\t"), "otel.JSON")
    assert from_json.resource.attributes[0].value == "shop: 1 # $$"
    assert from_json == load(json.dumps(tree), "otel.yml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty"),
        ("[]", "it must be a mapping, and is a list"),
        ("a: [", "line 2, column 1: "),
        ("a: ${1}", "line 1, column 4: ${1} is no reference to an environment variable"),
        ("disabled: true", "the configuration lacks file_format"),
        ("file_format: one", "file_format must be a version such as '1.0', and is 'one'"),
        ("file_format: '2.0'", "file_format 2.0 is not supported"),
        ("file_format: 1.0\ndisabled: 1", "disabled must be a boolean, and is 1"),
        ("file_format: 1.0\nlog_level: loud", "log_level must be one of trace, trace2,"),
        (
            "file_format: 1.0\nattribute_limits: {count: 1}",
            "attribute_limits.count is not known; attribute_limits can have",
        ),
        (
            "file_format: 1.0\nattribute_limits: {attribute_count_limit: -1}",
            "attribute_limits.attribute_count_limit must be at least 0, and is -1",
        ),
        ("file_format: 1.0\nattribute_limits: {attribute_count_limit: true}", "must be an integer, and is True"),
        ("file_format: 1.0\nattribute_limits: 7", "attribute_limits must be a mapping, and is 7"),
        ("file_format: 1.0\ntracer_provider: {processors: []}", "tracer_provider.processors must not be empty"),
        ("file_format: 1.0\ntracer_provider: {processors: {}}", "tracer_provider.processors must be a list, and is {}"),
        ("file_format: 1.0\ntracer_provider: {limits: }", "tracer_provider lacks processors"),
        (
            "file_format: 1.0\ntracer_provider: {processors: [{batch: {exporter: {console: , otlp_http: }}}]}",
            (
                "tracer_provider.processors[0].batch.exporter must have one of console, otlp_file_development, "
                "otlp_grpc, otlp_http, and has console, otlp_http"
            ),
        ),
        (
            "file_format: 1.0\ntracer_provider: {processors: [{mine: 1}]}",
            "tracer_provider.processors[0].mine must be a mapping, and is 1",
        ),
        (
            "file_format: 1.0\ntracer_provider: {processors: [{simple: {exporter: {console: {x: 1}}}}]}",
            "tracer_provider.processors[0].simple.exporter.console has no properties, and is given x",
        ),
        (
            (
                "file_format: 1.0\ntracer_provider: {processors: [{simple: {exporter: {console: }}}], "
                "sampler: {trace_id_ratio_based: {ratio: 1.5}}}"
            ),
            "tracer_provider.sampler.trace_id_ratio_based.ratio must be at most 1, and is 1.5",
        ),
        (
            "file_format: 1.0\nresource: {attributes: [{name: a, value: [1, x]}]}",
            "resource.attributes[0].value must be a string, a number, a boolean or a list of one of them",
        ),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(load: Any, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load(text)
    assert str(raised.value).startswith("Configuration file ")
    assert message in str(raised.value)


def test_a_file_that_is_not_there_or_no_configuration(tmp_path: Path) -> None:
    for name, message in [
        ("none.yaml", "Configuration file not found: "),
        (".", "can't be read"),
        ("otel.toml", "has an unsupported file format: its name must end in .yaml, .yml or .json"),
        ("binary.yaml", "can't be read"),
        ("deep.json", "Configuration file "),
    ]:
        if name == "otel.toml":
            (tmp_path / name).write_text("file_format = 1")
        elif name == "binary.yaml":
            (tmp_path / name).write_bytes(b"\xff\xfe\x00")
        elif name == "deep.json":
            (tmp_path / name).write_text("[" * 100_000)
        with pytest.raises(ConfigurationError, match=message):
            load_config_file(str(tmp_path / name))


def test_a_newer_minor_version_is_read_with_a_warning(load: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert load("file_format: '1.7'").file_format == "1.7"
        assert load("file_format: 1.0-rc.2").file_format == "1.0-rc.2"
    assert [record.getMessage() for record in caplog.records] == [
        "file_format 1.7 is newer than 1.1; what it adds is not known here"
    ]


def test_a_single_value_is_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE", "shop")
    assert substitute_env_vars("<${SERVICE}> ${NO_SUCH:-x} $${SERVICE}") == "<shop> x ${SERVICE}"
    with pytest.raises(ConfigurationError, match="is no reference to an environment variable"):
        substitute_env_vars("${1}")


def test_models_are_made_by_programs_too() -> None:
    exporter = models.SpanExporter(mine={"x": 1})
    assert (exporter.console, exporter.additional_properties) == (None, {"mine": {"x": 1}})
    assert models.SpanExporter(console={}).console == {}
    with pytest.raises(TypeError, match="OpenTelemetryConfiguration needs file_format"):
        OpenTelemetryConfiguration()
