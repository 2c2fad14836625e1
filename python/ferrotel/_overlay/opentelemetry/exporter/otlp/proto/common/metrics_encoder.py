"""Metrics as an OTLP request message."""

from opentelemetry.exporter.otlp.proto.common._internal.metrics_encoder import encode_metrics

__all__ = ["encode_metrics"]
