"""The gRPC exporter's arguments, environment and attributes, and what it does when sending goes wrong."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable

import pytest

from opentelemetry.exporter.otlp.proto.grpc.exporter import (
    InvalidCompressionValueException,
    OTLPExporterMixin,
    environ_to_compression,
)
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

LOGGER = "opentelemetry.exporter.otlp.proto.grpc.exporter"
Finish = Callable[..., Any]


def test_grpc_itself_is_not_imported() -> None:
    import subprocess

    program = (
        "import sys, opentelemetry.exporter.otlp.proto.grpc.trace_exporter as g;"
        "import opentelemetry.exporter.otlp.proto.http.trace_exporter as h;"
        "g.OTLPSpanExporter(); h.OTLPSpanExporter();"
        "print([m for m in ('grpc', 'requests', 'google.protobuf', 'opentelemetry.sdk.metrics') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("environment", "arguments", "endpoint", "insecure"),
    [
        ({}, {}, "localhost:4317", True),
        ({}, {"endpoint": "https://c:1"}, "c:1", False),
        ({}, {"endpoint": "https://c:1", "insecure": True}, "c:1", False),
        ({}, {"endpoint": "c:1"}, "c:1", False),
        ({}, {"endpoint": "c:1", "insecure": True}, "c:1", True),
        ({"ENDPOINT": "http://c:1/path"}, {}, "c:1", True),
        ({"ENDPOINT": "http://c:1", "TRACES_ENDPOINT": "https://t:2"}, {}, "t:2", False),
        ({"ENDPOINT": "c:1", "INSECURE": "TRUE"}, {}, "c:1", True),
        ({"ENDPOINT": "c:1", "INSECURE": "true", "TRACES_INSECURE": "false"}, {}, "c:1", False),
    ],
)
def test_endpoint(
    monkeypatch: pytest.MonkeyPatch, environment: Any, arguments: Any, endpoint: str, insecure: bool
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{name}", value)
    exporter = OTLPSpanExporter(**arguments)
    assert (exporter._endpoint, exporter._insecure) == (endpoint, insecure)


def test_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert OTLPSpanExporter()._headers == ()
    assert OTLPSpanExporter(headers={"a": "b"})._headers == (("a", "b"),)
    assert OTLPSpanExporter(headers=(("a", "b"), ("c", "d")))._headers == (("a", "b"), ("c", "d"))
    assert OTLPSpanExporter(headers="A=b, c = d=e ")._headers == (("a", "b"), ("c", "d=e"))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "general=1")
    assert OTLPSpanExporter()._headers == (("general", "1"),)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "own=2")
    assert OTLPSpanExporter()._headers == (("own", "2"),)


def test_timeout_and_compression(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = OTLPSpanExporter()
    assert (exporter._timeout, int(exporter._compression)) == (10, 0)
    assert environ_to_compression("OTEL_EXPORTER_OTLP_COMPRESSION") is None
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "4")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", " GZIP ")
    exporter = OTLPSpanExporter()
    assert (exporter._timeout, int(exporter._compression)) == (4, 2)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "5")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "snappy")
    assert OTLPSpanExporter(compression=2)._timeout == 5
    with pytest.raises(InvalidCompressionValueException, match='"snappy" for compression envvar'):
        OTLPSpanExporter()


def test_channel_options_and_codes() -> None:
    assert dict(OTLPSpanExporter()._channel_options)["grpc.primary_user_agent"].startswith("OTel-OTLP-Exporter-Python/")
    options = (("grpc.primary_user_agent", "mine"), ("grpc.x", 1))
    assert OTLPSpanExporter(channel_options=options)._channel_options == options
    codes = OTLPSpanExporter(retryable_error_codes="internal, UNKNOWN")._retryable_error_codes
    assert {getattr(code, "name", code) for code in codes} == {"INTERNAL", "UNKNOWN"}
    with pytest.raises(KeyError):
        OTLPSpanExporter(retryable_error_codes="NO_SUCH_CODE")


def test_a_missing_certificate_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", "no/such/ca.pem")
    OTLPSpanExporter("https://localhost:1")
    assert "Failed to read file: no/such/ca.pem. Please check if the file exists and is accessible." in caplog.text


def test_credentials_that_cannot_be_read_are_told(caplog: pytest.LogCaptureFixture) -> None:
    class Composite:
        _credentials = object()

    OTLPSpanExporter("https://localhost:1", credentials=Composite())
    (record,) = [record for record in caplog.records if record.name == LOGGER]
    assert "OTEL_EXPORTER_OTLP_CERTIFICATE" in record.getMessage()


def test_a_dead_endpoint_fails_in_time_with_one_line(finished: Finish, caplog: pytest.LogCaptureFixture) -> None:
    exporter = OTLPSpanExporter("http://127.0.0.1:9", timeout=0.3)
    begin = time.monotonic()
    assert exporter.export([finished()]) is SpanExportResult.FAILURE
    assert time.monotonic() - begin < 5
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.name for record in errors] == [LOGGER]
    assert "Failed to export traces to 127.0.0.1:9" in errors[0].getMessage()


def test_shutdown_ends_a_retry(finished: Finish) -> None:
    exporter = OTLPSpanExporter("http://127.0.0.1:9", timeout=60)
    processor = BatchSpanProcessor(exporter, max_export_batch_size=1)
    assert processor._native_core is not None
    processor.on_end(finished())
    time.sleep(0.3)
    begin = time.monotonic()
    processor._batch_processor.shutdown(timeout_millis=50)
    assert time.monotonic() - begin < 5
    assert exporter._shutdown


def test_after_shutdown_nothing_is_sent(finished: Finish, caplog: pytest.LogCaptureFixture) -> None:
    exporter = OTLPSpanExporter()
    exporter.shutdown()
    assert exporter.export([finished()]) is SpanExportResult.FAILURE
    exporter.shutdown()
    assert "Exporter already shutdown, ignoring batch" in caplog.text
    assert "Exporter already shutdown, ignoring call" in caplog.text
    assert exporter.force_flush()


def test_what_programs_read() -> None:
    exporter = OTLPSpanExporter()
    assert isinstance(exporter, SpanExporter) and isinstance(exporter, OTLPExporterMixin)
    assert exporter._exporting == "traces"
    assert exporter._count_data([1, 2]) == 2  # type: ignore[list-item]
    assert exporter._client is not None
    assert exporter._credentials is None


class TestWithGrpc:
    """Against a server of the package grpc, and with its objects as arguments."""

    grpc = pytest.importorskip("grpc", reason="the package grpc is not installed here")
    messages = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")

    @pytest.fixture
    def receiver(self) -> Any:
        grpc, messages = self.grpc, self.messages
        received = []

        def export(request: Any, context: Any) -> Any:
            received.append((request, dict(context.invocation_metadata())))
            if len(received) <= failures[0]:
                context.abort(grpc.StatusCode.UNAVAILABLE, "not yet")
            return messages.ExportTraceServiceResponse()

        failures = [0]
        handler = grpc.unary_unary_rpc_method_handler(
            export,
            request_deserializer=messages.ExportTraceServiceRequest.FromString,
            response_serializer=messages.ExportTraceServiceResponse.SerializeToString,
        )
        service = "opentelemetry.proto.collector.trace.v1.TraceService"
        server = grpc.server(ThreadPoolExecutor(2))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": handler}),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield f"127.0.0.1:{port}", received, failures
        server.stop(None)

    def test_spans_and_headers_arrive(self, receiver: Any, finished: Finish) -> None:
        endpoint, received, _ = receiver
        exporter = OTLPSpanExporter(
            endpoint, insecure=True, headers={"api-key": "k"}, compression=self.grpc.Compression.Gzip
        )
        assert exporter._compression is self.grpc.Compression.Gzip
        assert exporter.export([finished("one"), finished("two")]) is SpanExportResult.SUCCESS
        ((request, metadata),) = received
        scopes = [scope for resource in request.resource_spans for scope in resource.scope_spans]
        assert [span.name for scope in scopes for span in scope.spans] == ["one", "two"]
        assert metadata["api-key"] == "k"
        assert metadata["user-agent"].startswith("OTel-OTLP-Exporter-Python/")
        assert request == exporter._translate_data([finished("one")]).__class__.FromString(request.SerializeToString())

    def test_a_passing_trouble_is_retried(self, receiver: Any, finished: Finish) -> None:
        endpoint, received, failures = receiver
        failures[0] = 1
        assert OTLPSpanExporter(endpoint, insecure=True).export([finished()]) is SpanExportResult.SUCCESS
        assert len(received) == 2

    def test_a_code_that_is_not_to_be_retried_fails(self, receiver: Any, finished: Finish) -> None:
        endpoint, received, failures = receiver
        failures[0] = 1
        codes = [self.grpc.StatusCode.INTERNAL]
        exporter = OTLPSpanExporter(endpoint, insecure=True, retryable_error_codes=codes)
        assert exporter.export([finished()]) is SpanExportResult.FAILURE
        assert len(received) == 1

    def test_a_subclass_translates_for_itself(self, receiver: Any, finished: Finish) -> None:
        class Renaming(OTLPSpanExporter):
            def _translate_data(self, data: Any) -> Any:
                request = super()._translate_data(data)
                request.resource_spans[0].scope_spans[0].spans[0].name = "renamed"
                return request

        endpoint, received, _ = receiver
        exporter = Renaming(endpoint, insecure=True)
        processor = BatchSpanProcessor(exporter)
        assert processor._native_core is None
        processor.on_end(finished("original"))
        processor.shutdown()
        assert received[0][0].resource_spans[0].scope_spans[0].spans[0].name == "renamed"

    def test_ssl_credentials_are_read(self) -> None:
        credentials = self.grpc.ssl_channel_credentials(b"roots", b"key", b"chain")
        exporter = OTLPSpanExporter("https://localhost:1", credentials=credentials)
        settings = exporter._engine_settings()
        assert exporter._credentials is credentials
        assert (settings["certificate"], settings["client_key"], settings["client_certificate"]) == (
            b"roots",
            b"key",
            b"chain",
        )
