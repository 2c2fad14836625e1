"""OTLP over gRPC.

`OTLPSpanExporter` in `trace_exporter` sends spans; the variables OTEL_EXPORTER_OTLP_* and
OTEL_EXPORTER_OTLP_TRACES_* configure what its arguments leave open. The package `grpc` is not needed: encoding,
HTTP/2, TLS and retries are the engine's.
"""

from .version import __version__

_USER_AGENT_HEADER_VALUE = "OTel-OTLP-Exporter-Python/" + __version__
_OTLP_GRPC_CHANNEL_OPTIONS = [("grpc.primary_user_agent", _USER_AGENT_HEADER_VALUE)]
