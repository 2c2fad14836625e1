"""`spool_dir`: what is not delivered waits on disk, whichever exporter it is, and the next one delivers it."""

from __future__ import annotations

import logging
import socket
import time
from pathlib import Path
from typing import Any, Callable

import pytest

from ferrotel import _native
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.json.http._log_exporter import OTLPLogExporter as JsonLogExporter
from opentelemetry.exporter.otlp.json.http.metric_exporter import OTLPMetricExporter as JsonMetricExporter
from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter as JsonSpanExporter
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def spans(exporter: Any) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    provider.get_tracer("spool").start_span("kept").end()
    provider.shutdown()


def metrics(exporter: Any) -> None:
    provider = MeterProvider([PeriodicExportingMetricReader(exporter)], shutdown_on_exit=False)
    provider.get_meter("spool").create_counter("kept").add(1)
    provider.shutdown()


def logs(exporter: Any) -> None:
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    provider.get_logger("spool").emit(LogRecord(body="kept"))
    provider.shutdown()


EXPORTERS = [
    *((exporter, "v1/traces", spans) for exporter in (OTLPSpanExporter, JsonSpanExporter, GrpcSpanExporter)),
    *((exporter, "v1/metrics", metrics) for exporter in (OTLPMetricExporter, JsonMetricExporter, GrpcMetricExporter)),
    *((exporter, "v1/logs", logs) for exporter in (OTLPLogExporter, JsonLogExporter, GrpcLogExporter)),
]


def closed_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def kept(folder: Path) -> int:
    return len(list(folder.glob("*/*.batch")))


@pytest.mark.parametrize(("exporter", "path", "use"), EXPORTERS, ids=lambda value: getattr(value, "__module__", None))
def test_what_is_not_delivered_is_delivered_by_the_next(
    exporter: Any, path: str, use: Callable[[Any], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    port = closed_port()
    url = f"http://127.0.0.1:{port}" + ("" if ".grpc." in exporter.__module__ else "/" + path)
    use(exporter(endpoint=url, spool_dir=tmp_path))
    assert kept(tmp_path) == 1
    (line,) = [record.getMessage() for record in caplog.records]
    assert "Nothing listens" in line and f"kept in {tmp_path} and sent later" in line

    grpc = ".grpc." in exporter.__module__
    with _native.ViewServer(**{"grpc_port" if grpc else "http_port": port}) as server:
        use(exporter(endpoint=url, spool_dir=str(tmp_path)))
        assert kept(tmp_path) == 0
        assert sum(server.counts().values()) > 0
    assert "1 batch(es) with 1 item(s)" in caplog.records[-1].getMessage()


def test_the_program_is_not_held_up(tmp_path: Path) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        provider = TracerProvider(shutdown_on_exit=False)
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/v1/traces"
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url, spool_dir=tmp_path)))
        began = time.monotonic()
        for _ in range(3000):
            provider.get_tracer("spool").start_span("kept").end()
            if _ % 500 == 0:
                assert provider.force_flush()
        provider.shutdown()
        assert time.monotonic() - began < 3
    assert kept(tmp_path) >= 6


def test_a_session_of_the_programs_own_has_no_spool(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    requests = pytest.importorskip("requests")
    OTLPSpanExporter(session=requests.Session(), spool_dir=tmp_path)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("The program's own session or transport sends the spans")
