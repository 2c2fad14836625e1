"""The HTTP exporters' arguments, environment and attributes, and what they send."""

from __future__ import annotations

import gzip
import json
import logging
import time
from typing import Any, Callable

import pytest

from opentelemetry.exporter.otlp.common.http import Compression as PlainCompression
from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter as JsonExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

LOGGER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
Finish = Callable[..., Any]


@pytest.mark.parametrize(
    ("environment", "argument", "expected"),
    [
        ({}, None, "http://localhost:4318/v1/traces"),
        ({"ENDPOINT": "http://c:1"}, None, "http://c:1/v1/traces"),
        ({"ENDPOINT": "http://c:1/base/"}, None, "http://c:1/base/v1/traces"),
        ({"ENDPOINT": "http://c:1", "TRACES_ENDPOINT": "http://t:2/own"}, None, "http://t:2/own"),
        ({"TRACES_ENDPOINT": "http://t:2"}, "http://arg:3/x", "http://arg:3/x"),
    ],
)
def test_endpoint(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], argument: Any, expected: str) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{name}", value)
    assert OTLPSpanExporter(endpoint=argument)._endpoint == expected


def test_headers_timeout_and_compression(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = OTLPSpanExporter()
    assert (exporter._timeout, exporter._compression) == (10, PlainCompression.NONE)
    assert exporter._headers["content-type"] == "application/x-protobuf"
    assert exporter._headers["user-agent"].startswith("OTel-OTLP-Exporter-Python/")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "common=1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "Api-Key=secret,other=a%20b")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "3")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "GZIP")
    exporter = OTLPSpanExporter(headers={"Other": "argument"})
    assert (exporter._timeout, exporter._compression) == (3, PlainCompression.GZIP)
    assert exporter._headers["api-key"] == "secret"
    assert exporter._headers["other"] == "argument"
    assert "common" not in exporter._headers
    exporter = OTLPSpanExporter(timeout=1.5, compression=Compression.Deflate)
    assert (exporter._timeout, exporter._compression) == (1.5, PlainCompression.DEFLATE)


def test_malformed_variables_fall_back(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "zip")
    exporter = OTLPSpanExporter()
    assert (exporter._timeout, exporter._compression) == (10, PlainCompression.NONE)
    assert "Invalid timeout value 'soon', using default of 10 seconds" in caplog.text
    assert "Unsupported compression type: zip" in caplog.text


def test_certificates(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    assert OTLPSpanExporter()._certificate_file is True
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", "no/such/ca.pem")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "no/such/key.pem")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "no/such/cert.pem")
    exporter = OTLPSpanExporter(endpoint="https://localhost:1/v1/traces")
    assert exporter._certificate_file == "no/such/ca.pem"
    assert exporter._client_cert == ("no/such/cert.pem", "no/such/key.pem")
    assert "no/such/ca.pem" in caplog.text
    assert exporter.export([]) is SpanExportResult.FAILURE


@pytest.mark.parametrize("compression", list(Compression))
def test_protobuf_arrives(server: Any, finished: Finish, compression: Compression) -> None:
    exporter = OTLPSpanExporter(server.url + "/v1/traces", headers={"X-Key": "k"}, compression=compression)
    span = finished("sent", attributes={"answer": 42})
    assert exporter.export([span]) is SpanExportResult.SUCCESS
    (request,) = server.requests
    assert request.path == "/v1/traces"
    assert request.headers["content-type"] == "application/x-protobuf"
    assert request.headers["x-key"] == "k"
    assert request.headers["user-agent"].startswith("OTel-OTLP-Exporter-Python/")
    assert request.headers.get("content-encoding", "none") == compression.value
    assert b"sent" in request.plain and b"answer" in request.plain


@pytest.mark.parametrize("compression", [PlainCompression.NONE, PlainCompression.GZIP])
def test_json_arrives(server: Any, finished: Finish, compression: PlainCompression) -> None:
    exporter = JsonExporter(server.url + "/v1/traces", compression=compression)
    assert exporter.export([finished("sent", attributes={"answer": 42})]) is SpanExportResult.SUCCESS
    (request,) = server.requests
    assert request.headers["content-type"] == "application/json"
    (span,) = json.loads(request.plain)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert (span["name"], span["attributes"][0]["value"]) == ("sent", {"intValue": "42"})


def test_a_refusal_is_one_line_on_the_exporters_logger(
    server: Any, finished: Finish, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers.append((400, {}))
    assert OTLPSpanExporter(server.url + "/v1/traces").export([finished()]) is SpanExportResult.FAILURE
    (record,) = caplog.records
    assert (record.name, record.levelno) == (LOGGER, logging.ERROR)
    assert "400" in record.getMessage()
    assert len(server.requests) == 1


def test_a_passing_trouble_is_retried(server: Any, finished: Finish, caplog: pytest.LogCaptureFixture) -> None:
    server.answers.append((503, {"retry-after": "0"}))
    assert OTLPSpanExporter(server.url + "/v1/traces").export([finished()]) is SpanExportResult.SUCCESS
    assert len(server.requests) == 2


def test_too_large_is_dropped_before_it_is_sent(server: Any, finished: Finish) -> None:
    exporter = OTLPSpanExporter(server.url + "/v1/traces", max_request_size=10)
    assert exporter.export([finished()]) is SpanExportResult.FAILURE
    assert server.requests == []
    assert OTLPSpanExporter(server.url, max_request_size=0).export([finished()]) is SpanExportResult.SUCCESS


def test_after_shutdown_nothing_is_sent(server: Any, finished: Finish, caplog: pytest.LogCaptureFixture) -> None:
    exporter = OTLPSpanExporter(server.url)
    exporter.shutdown()
    assert exporter.export([finished()]) is SpanExportResult.FAILURE
    exporter.shutdown()
    assert [record.getMessage() for record in caplog.records if record.name == LOGGER] == [
        "Exporter already shutdown, ignoring batch",
        "Exporter already shutdown, ignoring call",
    ]
    assert server.requests == []
    assert exporter.force_flush()


def test_what_a_program_changes_later_takes_effect(server: Any, finished: Finish) -> None:
    exporter = OTLPSpanExporter("http://127.0.0.1:9/v1/traces")
    exporter._endpoint = server.url + "/changed"
    exporter._headers["x-late"] = "yes"
    assert exporter.export([finished()]) is SpanExportResult.SUCCESS
    assert server.requests[0].path == "/changed"
    assert server.requests[0].headers["x-late"] == "yes"


def test_a_span_that_cannot_be_read_costs_only_itself(
    server: Any, finished: Finish, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = OTLPSpanExporter(server.url)
    assert exporter.export([finished("good"), object()]) is SpanExportResult.SUCCESS  # type: ignore[list-item]
    assert b"good" in server.requests[0].body
    assert caplog.records


class TestSession:
    """A session of `requests` that the program brings along sends; encoding stays native."""

    requests = pytest.importorskip("requests", reason="the package requests is not installed here")

    def test_it_sends(self, server: Any, finished: Finish) -> None:
        session = self.requests.Session()
        session.headers["x-session"] = "mine"
        exporter = OTLPSpanExporter(server.url + "/v1/traces", session=session, compression=Compression.Gzip)
        assert exporter._session is session
        assert exporter.export([finished("sent")]) is SpanExportResult.SUCCESS
        (request,) = server.requests
        assert request.headers["x-session"] == "mine"
        assert request.headers["content-type"] == "application/x-protobuf"
        assert b"sent" in gzip.decompress(request.body)

    def test_it_retries_and_gives_up(self, server: Any, finished: Finish, caplog: pytest.LogCaptureFixture) -> None:
        exporter = OTLPSpanExporter(server.url, session=self.requests.Session())
        server.answers.extend([(503, {"retry-after": "0"}), (404, {})])
        assert exporter.export([finished()]) is SpanExportResult.FAILURE
        assert len(server.requests) == 2
        assert "Failed to export spans batch code: 404" in caplog.text

    def test_shutdown_ends_its_retry(self, server: Any, finished: Finish) -> None:
        exporter = OTLPSpanExporter(server.url, session=self.requests.Session(), timeout=30)
        processor = BatchSpanProcessor(exporter, max_export_batch_size=1)
        server.answers.extend([(503, {"retry-after": "20"})] * 2)
        processor.on_end(finished())
        deadline = time.monotonic() + 10
        while not server.requests:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        begin = time.monotonic()
        processor._batch_processor.shutdown(timeout_millis=50)
        assert time.monotonic() - begin < 5

    def test_a_program_that_reaches_for_the_transport_gets_it(self, server: Any, finished: Finish) -> None:
        exporter = OTLPSpanExporter(server.url)
        assert exporter._engine_exporter() is not None
        exporter._client._transport._session.headers["x-session"] = "mine"  # type: ignore[attr-defined]
        assert exporter._engine_exporter() is None
        assert exporter.export([finished()]) is SpanExportResult.SUCCESS
        assert server.requests[0].headers["x-session"] == "mine"
        assert (exporter._client._endpoint, exporter._client._timeout) == (server.url, 10)

    def test_its_processor_is_the_python_one(self) -> None:
        processor = BatchSpanProcessor(OTLPSpanExporter(session=self.requests.Session()))
        assert processor._native_core is None
        processor.shutdown()
