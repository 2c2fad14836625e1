"""The whole of a file, made the process's own, and by `opentelemetry-instrument`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ferrotel import _native

COMMAND = Path(sys.executable).parent / "opentelemetry-instrument"
CONFIGURATION = """
file_format: "1.0"
resource: {attributes: [{name: service.name, value: "configured"}]}
propagator: {composite: [{b3: }]}
tracer_provider:
  processors: [{batch: {exporter: {otlp_http: {endpoint: "${COLLECTOR}/v1/traces", compression: gzip}}}}]
  sampler: {always_on: }
meter_provider:
  readers: [{periodic: {exporter: {otlp_http: {endpoint: "${COLLECTOR}/v1/metrics", encoding: json}}}}]
logger_provider:
  processors: [{batch: {exporter: {otlp_grpc: {endpoint: "${GRPC_COLLECTOR}", tls: {insecure: true}}}}}]
instrumentation/development:
  python: {logging: {set_logging_format: false}, threading: {enabled: false}, nothing: }
"""
PROGRAM = """
import logging
from opentelemetry import metrics, propagate, trace
with trace.get_tracer("t").start_as_current_span("work"):
    logging.getLogger("shop").warning("heard")
    headers = {}
    propagate.inject(headers)
metrics.get_meter("m").create_counter("counted").add(3)
print(sorted(headers))
"""


def run(program: str, configuration: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, sys.executable, "-c", program],
        env={**os.environ, "OTEL_CONFIG_FILE": str(configuration), **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


def test_a_program_that_knows_nothing_of_it(tmp_path: Path) -> None:
    path = tmp_path / "otel.yaml"
    path.write_text(CONFIGURATION)
    with _native.ViewServer() as receiver:
        ended = run(
            PROGRAM,
            path,
            str(COMMAND),
            COLLECTOR=receiver.http_endpoint,
            GRPC_COLLECTOR=receiver.grpc_endpoint,
            # Not taken: the file decides.
            OTEL_TRACES_SAMPLER="always_off",
            OTEL_SERVICE_NAME="environment",
        )
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout.strip() == "['b3']"
        # What can't be instrumented is said, and is all that is said.
        assert ended.stderr.count("is not instrumented: no installed package has 'nothing'") == 1
        assert receiver.wait_for_spans(1)
        (span,) = receiver.spans()
        assert (span["name"], span["resource"]["service.name"]) == ("work", "configured")
        (record,) = (each for each in receiver.logs() if each["body"] == "heard")
        assert record["trace_id"] == span["trace_id"]
        assert [metric["name"] for metric in receiver.metrics()] == ["counted"]


@pytest.mark.parametrize(
    ("text", "said"),
    [("file_format: '1.0'\ndisabled: true\n", "disabled: true"), ("file_format: [\n", "did not find expected node")],
)
def test_a_program_runs_without_telemetry_where_the_file_says_so_or_is_faulty(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "otel.yaml"
    path.write_text(text)
    ended = run(PROGRAM + "print(trace.get_tracer_provider())", path, str(COMMAND))
    assert ended.returncode == 0, ended.stderr
    assert "ProxyTracerProvider" in ended.stdout
    assert said in ended.stderr


def test_nothing_is_set_when_something_cannot_be_made(tmp_path: Path) -> None:
    path = tmp_path / "otel.yaml"
    path.write_text(
        "file_format: '1.0'\n"
        "tracer_provider: {processors: [{simple: {exporter: {console: }}}]}\n"
        "meter_provider: {readers: [{pull: {exporter: {none: }}}]}\n"
    )
    program = (
        "import os\n"
        "from opentelemetry import trace\n"
        "from opentelemetry.configuration import ConfigurationError, configure_sdk, load_config_file\n"
        "try: configure_sdk(load_config_file(os.environ['OTEL_CONFIG_FILE']))\n"
        "except ConfigurationError as error: print(error)\n"
        "print(type(trace.get_tracer_provider()).__name__)\n"
    )
    ended = run(program, path)
    assert ended.stderr == ""
    assert ended.stdout.splitlines() == [
        "no installed package has 'none' among its entry points 'opentelemetry_pull_metric_exporter'",
        "ProxyTracerProvider",
    ]
