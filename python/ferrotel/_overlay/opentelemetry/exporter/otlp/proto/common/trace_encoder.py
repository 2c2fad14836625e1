"""Spans as an OTLP request message."""

from opentelemetry.exporter.otlp.proto.common._internal.trace_encoder import encode_spans

__all__ = ["encode_spans"]
