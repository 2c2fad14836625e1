"""Log records as an OTLP request message."""

from opentelemetry.exporter.otlp.proto.common._internal._log_encoder import encode_logs

__all__ = ["encode_logs"]
