"""Log records as an OTLP request message, for programs that want the protobuf object.

The exporters never come here: the engine writes the bytes that they send.
"""

from __future__ import annotations

from typing import Any, Sequence

from ferrotel import _native
from opentelemetry.exporter.otlp.proto.common._internal import protobuf
from opentelemetry.sdk._logs import ReadableLogRecord


def encode_logs(batch: Sequence[ReadableLogRecord]) -> Any:
    """The ExportLogsServiceRequest that sends `batch`.

    Raises ImportError where the package opentelemetry-proto is not installed.
    """
    request = protobuf("collector.logs.v1.logs_service_pb2").ExportLogsServiceRequest
    return request.FromString(_native.encode_logs(batch))
