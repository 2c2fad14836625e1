"""OTLP over gRPC.

`OTLPSpanExporter` in `trace_exporter` sends spans, `OTLPMetricExporter` in `metric_exporter` metrics, `OTLPLogExporter`
in `_log_exporter` log records. The variables OTEL_EXPORTER_OTLP_* and those of the signal (OTEL_EXPORTER_OTLP_TRACES_*,
_METRICS_*, _LOGS_*) configure what their arguments leave open. The package `grpc` is not needed: encoding,
HTTP/2, TLS and retries are the engine's.
"""

from .version import __version__

_USER_AGENT_HEADER_VALUE = "OTel-OTLP-Exporter-Python/" + __version__
_OTLP_GRPC_CHANNEL_OPTIONS = [("grpc.primary_user_agent", _USER_AGENT_HEADER_VALUE)]
