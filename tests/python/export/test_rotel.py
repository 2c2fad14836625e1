"""Spans sent to a real collector, over every transport, compressed and not."""

from __future__ import annotations

import uuid
from typing import Any, Callable

import pytest

from opentelemetry.exporter.otlp.common.http import Compression
from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter as JsonExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode

GZIP = 2

TRANSPORTS: list[tuple[str, Callable[[Any], SpanExporter]]] = [
    ("grpc", lambda rotel: GrpcExporter(rotel.grpc, insecure=True)),
    ("grpc-gzip", lambda rotel: GrpcExporter(f"http://{rotel.grpc}", compression=GZIP)),
    ("http", lambda rotel: HttpExporter(f"http://{rotel.http}/v1/traces")),
    ("http-gzip", lambda rotel: HttpExporter(f"http://{rotel.http}/v1/traces", compression=Compression.GZIP)),
    ("json", lambda rotel: JsonExporter(f"http://{rotel.http}/v1/traces")),
    ("json-gzip", lambda rotel: JsonExporter(f"http://{rotel.http}/v1/traces", compression=Compression.GZIP)),
]


@pytest.mark.parametrize("processor", [BatchSpanProcessor, SimpleSpanProcessor])
@pytest.mark.parametrize(("transport", "exporter"), TRANSPORTS, ids=[name for name, _ in TRANSPORTS])
def test_everything_of_a_span_arrives(rotel: Any, transport: str, exporter: Any, processor: Any) -> None:
    provider = TracerProvider(shutdown_on_exit=False, resource=Resource({"service.name": f"by-{transport}"}))
    provider.add_span_processor(processor(exporter(rotel)))
    tracer = provider.get_tracer("the.scope", "1.2.3")
    name = f"{transport} {uuid.uuid4()}"
    other = SpanContext(0x0123456789ABCDEF0123456789ABCDEF, 0x0123456789ABCDEF, is_remote=True)
    attributes = {"text": "grün", "yes": True, "count": -(2**53), "ratio": 0.5, "list": ["a", "b"], "raw": b"\x00\xff"}
    attributes["größe 漢字"] = "groß"
    with tracer.start_as_current_span("outer " + name) as outer:
        with tracer.start_as_current_span(
            name, kind=SpanKind.SERVER, attributes=attributes, links=[Link(other)]
        ) as span:
            span.add_event("happened", {"n": 1}, timestamp=1_700_000_000_000_000_001)
            span.set_status(StatusCode.ERROR, "it broke")
    assert provider.force_flush()

    arrived = rotel.span(name)
    assert f"service.name: Str(by-{transport})" in arrived
    assert "InstrumentationScope the.scope 1.2.3" in arrived
    context = span.get_span_context()
    arrived = arrived[: arrived.index("Span #1")] if "Span #1" in arrived else arrived
    for line in [
        f"Trace ID       : {context.trace_id:032x}",
        f"Parent ID      : {outer.get_span_context().span_id:016x}",
        f"ID             : {context.span_id:016x}",
        "Kind           : SPAN_KIND_SERVER",
        f"Start time: {span.start_time}",  # type: ignore[attr-defined]
        f"End time: {span.end_time}",  # type: ignore[attr-defined]
        "Status code    : STATUS_CODE_ERROR",
        "Status message : it broke",
        "text: Str(grün)",
        "größe 漢字: Str(groß)",
        "yes: Bool(true)",
        "count: Int(-9007199254740992)",
        "ratio: Double(0.5)",
        "Name: happened",
        "Timestamp: 1700000000000000001",
        "0123456789abcdef0123456789abcdef",
    ]:
        assert line in arrived
    provider.shutdown()


@pytest.mark.parametrize(("transport", "exporter"), TRANSPORTS, ids=[name for name, _ in TRANSPORTS])
def test_many_batches_arrive(rotel: Any, transport: str, exporter: Any) -> None:
    marker = uuid.uuid4().hex
    provider = TracerProvider(shutdown_on_exit=False)
    processor = BatchSpanProcessor(exporter(rotel), max_queue_size=5_000, max_export_batch_size=300)
    assert processor._native_core is not None
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("many")
    for number in range(1_000):
        tracer.start_span(f"{marker}-{number}").end()
    provider.shutdown()
    assert {name: count for name, count in processor._native_core.counts().items() if count} == {"exported": 1_000}
    rotel.wait_for(f"{marker}-999\n")
    assert rotel.log.read_text().count(f"Name           : {marker}-") == 1_000
