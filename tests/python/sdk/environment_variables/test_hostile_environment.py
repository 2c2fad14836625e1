"""Whatever stands in a variable: providers and exporters are made, or one error says which variable it is."""

from __future__ import annotations

import logging
import os
import re
from typing import Any, Callable
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk import environment_variables
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, InMemoryLogRecordExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

# `make fuzz` asks for many more.
EXAMPLES = settings(max_examples=int(os.environ.get("FERROTEL_FUZZ_EXAMPLES", "20")))

NAMES = sorted(
    value
    for name, value in vars(environment_variables).items()
    # What file to read, and which entry point to load, is the program's choice.
    if name.startswith("OTEL_") and not re.search("CERTIFICATE|_KEY|CONFIG_FILE|CREDENTIAL_PROVIDER", name)
)
# The environment holds no NUL, and no text that is not in the locale's encoding.
TEXTS = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=20)
VALUES = (
    TEXTS
    | st.sampled_from(
        ["-1", "0", "nan", "inf", "1e999", "9" * 30, "a=b,c,=d,%zz=%0d%0a", "x" * 20_000, "tr\nue", "\udcff"]
    )
    | st.sampled_from(
        ["http://", "http://[::1", "http://u:p@h:x/?q", "grpc://h", "unix:///x", "gzip", "delta", "*", ",,"]
    )
    | st.integers().map(str)
    | st.floats().map(str)
)
# As in the official packages; never about an empty variable, which counts as one that is not set.
SAID = "|".join(
    (
        *(
            "must be a (non-negative|positive) integer",
            "must be positive",
            "must be less than or equal",
            "needs to be larger than zero",
        ),
        *("could not convert string to float: '.", 'Invalid value "..* for compression', "Unknown exemplar filter '."),
    )
)
MADE: list[Callable[[], Any]] = [
    lambda: TracerProvider(shutdown_on_exit=False),
    lambda: MeterProvider(shutdown_on_exit=False),
    lambda: LoggerProvider(shutdown_on_exit=False),
    lambda: BatchSpanProcessor(ConsoleSpanExporter()),
    lambda: BatchLogRecordProcessor(InMemoryLogRecordExporter()),
    lambda: PeriodicExportingMetricReader(ConsoleMetricExporter()),
    *(GrpcSpans, GrpcMetrics, GrpcLogs, HttpSpans, HttpMetrics, HttpLogs),
]


@EXAMPLES
@given(st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=1, max_size=4))
def test_values(environ: dict[str, str]) -> None:
    logging.disable(logging.CRITICAL)
    try:
        with mock.patch.dict(os.environ, environ):
            for make in MADE:
                try:
                    make().shutdown()
                except Exception as error:
                    assert re.search(SAID, str(error)), error
    finally:
        logging.disable(logging.NOTSET)
