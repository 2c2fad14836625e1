"""Spans as an OTLP request message, for programs that want the protobuf object.

The exporters never come here: the engine writes the bytes that they send.
"""

from __future__ import annotations

from ferrotel import _native
from ferrotel._late import TYPE_CHECKING
from opentelemetry.exporter.otlp.proto.common._internal import protobuf
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind

if TYPE_CHECKING:
    from typing import Any, Sequence


def encode_spans(sdk_spans: Sequence[ReadableSpan]) -> Any:
    """The ExportTraceServiceRequest that sends `sdk_spans`.

    Raises ImportError where the package opentelemetry-proto is not installed.
    """
    request = protobuf("collector.trace.v1.trace_service_pb2").ExportTraceServiceRequest
    return request.FromString(_native.encode_spans(sdk_spans))


# OTLP counts from 1: 0 stands for a kind that is not told.
_SPAN_KIND_MAP = {kind: kind.value + 1 for kind in SpanKind}


def _encode_status(status: Any) -> Any:
    if status is None:
        return None
    return protobuf("trace.v1.trace_pb2").Status(code=status.status_code.value, message=status.description)
