"""Log records sent through a real collector, over every transport, compressed and not: every field is there."""

from __future__ import annotations

import logging
import uuid
from typing import Any, Callable

import pytest

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.common.http import Compression
from opentelemetry.exporter.otlp.json.http._log_exporter import OTLPLogExporter as JsonExporter
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler, ReadableLogRecord
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    LogRecordExporter,
    LogRecordExportResult,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import TraceFlags

messages = pytest.importorskip("opentelemetry.proto.collector.logs.v1.logs_service_pb2")

SUCCESS = LogRecordExportResult.SUCCESS
TIME, OBSERVED = 1_700_000_000_000_000_001, 1_700_000_000_250_000_001
TRACE, SPAN = 0x0123456789ABCDEF0123456789ABCDEF, 0x0123456789ABCDEF
GZIP = 2

TRANSPORTS: list[tuple[str, Callable[[Any], LogRecordExporter]]] = [
    ("grpc", lambda relay: GrpcExporter(relay.grpc, insecure=True)),
    ("grpc-gzip", lambda relay: GrpcExporter(f"http://{relay.grpc}", compression=GZIP)),
    ("http", lambda relay: HttpExporter(f"http://{relay.http}/v1/logs")),
    ("http-gzip", lambda relay: HttpExporter(f"http://{relay.http}/v1/logs", compression=Compression.GZIP)),
    ("json", lambda relay: JsonExporter(f"http://{relay.http}/v1/logs")),
    ("json-gzip", lambda relay: JsonExporter(f"http://{relay.http}/v1/logs", compression=Compression.GZIP)),
]
IDS = [name for name, _ in TRANSPORTS]

BODY = {"text": "grün", "list": [1, 2.5, True, None, "x"], "raw": b"\x00\xff", "map": {"deep": {"er": -1}}}
ATTRIBUTES = {"text": "grün", "yes": True, "count": -(2**53), "ratio": 0.5, "list": ["a", "b"], "raw": b"\x00\xff"}


def batch(marker: str, body: Any = BODY) -> list[ReadableLogRecord]:
    """One record with everything, and some with little."""
    full = LogRecord(
        timestamp=TIME,
        observed_timestamp=OBSERVED,
        severity_text="ERROR",
        severity_number=SeverityNumber.ERROR,
        body=body,
        attributes={**ATTRIBUTES, "marker": marker},
        event_name="order.failed",
    )
    full.trace_id, full.span_id, full.trace_flags = TRACE, SPAN, TraceFlags(TraceFlags.SAMPLED)
    bodies: list[Any] = ["plain", b"\x01", 7, None]
    little = [LogRecord(observed_timestamp=OBSERVED, body=body) for body in bodies]
    resource = Resource({"service.name": "shop"}, "https://resource")
    scope = InstrumentationScope("the.scope", "1.2.3", "https://scope", {"scope": True})
    other = InstrumentationScope("other")
    return [
        ReadableLogRecord(full, resource, scope),
        *(ReadableLogRecord(record, resource, other) for record in little),
        ReadableLogRecord(LogRecord(observed_timestamp=OBSERVED, body="nobody's"), resource),
    ]


@pytest.mark.parametrize(("transport", "exporter"), TRANSPORTS, ids=IDS)
def test_every_field_arrives(relay: Any, transport: str, exporter: Any) -> None:
    marker = uuid.uuid4().hex
    sender = exporter(relay)
    # This collector's reader of JSON does not take an empty value inside a list; protobuf's own does, below.
    body = {**BODY, "list": [1, 2.5, True, "x"]} if transport.startswith("json") else BODY
    assert sender.export(batch(marker, body)) is SUCCESS
    sender.shutdown()
    assert_whole(relay.sent_on("/v1/logs", messages.ExportLogsServiceRequest, marker), marker, body)


def test_json_is_what_protobufs_own_parser_reads(server: Any, from_json: Any) -> None:
    assert JsonExporter(f"{server.url}/v1/logs").export(batch("m")) is SUCCESS
    (request,) = server.requests
    assert request.headers["content-type"] == "application/json"
    assert_whole(from_json(messages.ExportLogsServiceRequest, request.plain), "m")


def assert_whole(request: Any, marker: str, body: Any = BODY) -> None:
    (of_resource,) = request.resource_logs
    assert (pairs(of_resource.resource.attributes), of_resource.schema_url) == (
        {"service.name": "shop"},
        "https://resource",
    )
    first, other, nobody = of_resource.scope_logs
    assert (first.scope.name, first.scope.version, first.schema_url) == ("the.scope", "1.2.3", "https://scope")
    assert pairs(first.scope.attributes) == {"scope": True}
    (record,) = first.log_records
    assert (record.time_unix_nano, record.observed_time_unix_nano) == (TIME, OBSERVED)
    assert (record.trace_id, record.span_id) == (TRACE.to_bytes(16, "big"), SPAN.to_bytes(8, "big"))
    assert (record.flags, record.severity_number, record.severity_text) == (1, 17, "ERROR")
    assert record.event_name == "order.failed"
    assert plain(record.body) == body
    assert pairs(record.attributes) == {**ATTRIBUTES, "marker": marker}
    assert [plain(record.body) for record in other.log_records] == ["plain", b"\x01", 7, None]
    assert {(record.time_unix_nano, record.trace_id, record.span_id) for record in other.log_records} == {(0, b"", b"")}
    assert {(record.flags, record.severity_number, record.severity_text) for record in other.log_records} == {
        (0, 0, "")
    }
    assert (nobody.scope.name, plain(nobody.log_records[0].body)) == ("", "nobody's")


@pytest.mark.filterwarnings("ignore:.LoggingHandler.:DeprecationWarning")
@pytest.mark.parametrize("processor", [BatchLogRecordProcessor, SimpleLogRecordProcessor])
@pytest.mark.parametrize(("transport", "exporter"), TRANSPORTS[::2], ids=IDS[::2])
def test_what_logging_says_arrives_with_its_span(relay: Any, transport: str, exporter: Any, processor: Any) -> None:
    marker = uuid.uuid4().hex
    provider = LoggerProvider(resource=Resource({"service.name": "app"}), shutdown_on_exit=False)
    provider.add_log_record_processor(processor(exporter(relay)))
    logger = logging.getLogger(f"app.{marker}")
    handler = LoggingHandler(logger_provider=provider)
    logger.addHandler(handler)
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")
    try:
        with tracer.start_as_current_span("s") as span:
            logger.warning("sold %d of %s", 3, marker, extra={"stock": {"left": 0}})
    finally:
        logger.removeHandler(handler)
    assert provider.force_flush()
    provider.shutdown()
    request = relay.sent_on("/v1/logs", messages.ExportLogsServiceRequest, marker)
    ((of_scope,),) = [of_resource.scope_logs for of_resource in request.resource_logs]
    (record,) = of_scope.log_records
    assert of_scope.scope.name == f"app.{marker}"
    assert (plain(record.body), record.severity_text, record.severity_number) == (f"sold 3 of {marker}", "WARN", 13)
    context = span.get_span_context()
    assert record.trace_id == context.trace_id.to_bytes(16, "big")
    assert record.span_id == context.span_id.to_bytes(8, "big")
    assert pairs(record.attributes)["stock"] == {"left": 0}


def test_a_record_that_cannot_be_read_is_left_out(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    whole = [*batch("m"), object()]
    exporter = HttpExporter(f"{server.url}/v1/logs")
    assert exporter.export(whole) is SUCCESS  # type: ignore[arg-type]
    (request,) = server.requests
    assert_whole(messages.ExportLogsServiceRequest.FromString(request.plain), "m")
    assert caplog.text.count("A log record that can't be read is left out") == 1


def test_encode_logs_is_the_message_of_the_bytes_that_are_sent(server: Any) -> None:
    from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs

    assert HttpExporter(server.url).export(batch("m")) is SUCCESS
    assert encode_logs(batch("m")).SerializeToString() == server.requests[0].plain


@pytest.mark.parametrize("kind", [GrpcExporter, HttpExporter, JsonExporter])
def test_variables_of_the_signal_go_before_the_general_ones(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://general:1")
    assert kind()._endpoint == ("general:1" if kind is GrpcExporter else "http://general:1/v1/logs")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://own:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "3")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "a=b")
    exporter = kind()
    assert exporter._endpoint == ("own:1" if kind is GrpcExporter else "http://own:1")
    assert (exporter._timeout, dict(exporter._headers)["a"]) == (3, "b")


@pytest.mark.parametrize("kind", [GrpcExporter, HttpExporter, JsonExporter])
def test_after_shutdown_nothing_is_sent(kind: Any, server: Any) -> None:
    exporter = kind(server.url)
    assert exporter._engine_exporter() is not None
    exporter.shutdown()
    assert exporter.export(batch("m")) is LogRecordExportResult.FAILURE
    assert exporter.force_flush() and not server.requests


def pairs(attributes: Any) -> dict[str, Any]:
    return {pair.key: plain(pair.value) for pair in attributes}


def plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return pairs(value.kvlist_value.values)
    return None if kind is None else getattr(value, kind)
